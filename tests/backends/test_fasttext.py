from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpus.backends import fasttext
from corpus.errors import UserError

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


def trained(path: Path, lines: str) -> Path:
    (path.parent / "lines.txt").write_text(lines)
    fasttext.train(path.parent / "lines.txt", path, **OPTIONS)
    return path


def test_probabilities_of_all_labels_come_in_the_order_asked_for(tmp_path: Path):
    model = trained(tmp_path / "m.bin", "__label__a sun moon\n__label__b iron coal\n__label__-1 wind rain\n" * 30)
    found = fasttext.predict(model, ["sun", "coal", "wind"], ["b", "-1", "absent", "a"])
    assert found.argmax(1).tolist() == [3, 0, 1] and (found[:, 2] == 0).all() and found.max() <= 1
    assert np.allclose(found.sum(1), 1, atol=1e-3)
    own = fasttext.opened(model).predict("coal", k=-1)
    assert dict(zip(*own))["__label__a"] == pytest.approx(found[1, 3])


def test_labels_are_read_from_a_file_without_its_weights(tmp_path: Path):
    model = trained(tmp_path / "m.bin", "__label__a sun moon\n__label__b iron coal\n__label__b rust\n" * 30)
    assert fasttext.labels_of(model) == ("b", "a")          # most frequent first, as fastText has them
    data = model.read_bytes()
    for broken in (b"", b"PK\x03\x04" * 100, data[:90]):
        (tmp_path / "broken.bin").write_bytes(broken)
        with pytest.raises(UserError, match="fastText model"):
            fasttext.labels_of(tmp_path / "broken.bin")


def test_a_model_that_was_replaced_is_read_again(tmp_path: Path):
    model = trained(tmp_path / "m.bin", "__label__a sun\n__label__b coal\n" * 30)
    before = fasttext.probabilities(model, ["sun"], "a")
    trained(model, "__label__b sun\n__label__a coal\n" * 30)
    assert fasttext.probabilities(model, ["sun"], "a") < 0.5 < before


def test_models_are_kept_up_to_a_size_and_the_newest_always(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    models = [trained(tmp_path / f"{i}.bin", "__label__a sun\n__label__b coal\n" * 30) for i in range(3)]
    monkeypatch.setattr(fasttext, "KEPT", int(2.5 * models[0].stat().st_size))
    fasttext._OPEN.clear()
    first = [fasttext.opened(m) for m in models[:2]]
    assert [fasttext.opened(m) for m in models[:2]] == first
    fasttext.opened(models[2])
    assert [path for path, _ in fasttext._OPEN] == [str(m) for m in models[1:]]
    monkeypatch.setattr(fasttext, "KEPT", 1)
    fasttext.opened(models[0])
    assert [path for path, _ in fasttext._OPEN] == [str(models[0])]
