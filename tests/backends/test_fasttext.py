from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpus.backends import fasttext

OPTIONS = {"epoch": 20, "dim": 4, "wordNgrams": 1, "lr": 0.5, "bucket": 100, "minCount": 1, "seed": 3}


def test_a_trained_model_gives_probabilities_of_a_label(tmp_path: Path):
    lines = tmp_path / "lines.txt"
    lines.write_text("__label__a sun moon\n__label__b iron coal\n" * 30)
    fasttext.train(lines, tmp_path / "m.bin", **OPTIONS)
    found = fasttext.probabilities(tmp_path / "m.bin", ["sun", "coal", "nothing known", ""], "a")
    assert found.dtype == np.float32 and found[0] > 0.7 > 0.3 > found[1] and ((found >= 0) & (found <= 1)).all()
    other = fasttext.probabilities(tmp_path / "m.bin", ["sun"], "b")
    assert found[0] + other[0] == pytest.approx(1, abs=1e-3)
    assert fasttext.probabilities(tmp_path / "m.bin", [], "a").shape == (0,)


def test_what_fasttext_says_of_a_bad_file_is_passed_on(tmp_path: Path):
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(RuntimeError, match="fastText failed"):
        fasttext.train(tmp_path / "empty.txt", tmp_path / "m.bin", **OPTIONS)
