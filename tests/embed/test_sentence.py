from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpus import assets
from corpus.backends import encoder
from corpus.embed.sentence import SentenceEncoder
from corpus.errors import ConfigError, MissingFile
from corpus.numeric import vectors
from corpus.operators import Batch
from corpus.registry import identity

TEXTS = ["The cat sat on the mat.", "", "Ein Kätzchen saß auf der Matte.", "def f(x):\n    return x + 1", "long text " * 600,
         "  \n\t ", "A feline was resting on a rug.", "\u4eca\u65e5\u306f\u3044\u3044\u5929\u6c17\u3067\u3059"]


def encode(texts: list[str], **options) -> np.ndarray:
    table = pa.table({"text": pa.array(texts, pa.large_string())})
    with SentenceEncoder(**options).open() as opened:
        return vectors.matrix(opened.annotate(Batch(table)).column("vector"))


def test_vectors_are_those_of_sentence_transformers():
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(assets.locate(SentenceEncoder().model)), device="cpu").encode(TEXTS)
    ours = encode(TEXTS)
    assert ours.shape == theirs.shape == (8, 384)
    assert np.linalg.norm(ours, axis=1) == pytest.approx(np.ones(8), abs=1e-5)
    assert ((ours * theirs).sum(axis=1) >= 0.9999).all()


def test_texts_of_like_meaning_are_near():
    found = encode(TEXTS)
    assert found[0] @ found[6] > 0.5 > found[0] @ found[3]


def test_the_schema_needs_no_torch():
    code = ("import sys; from corpus.embed.sentence import SentenceEncoder; print(SentenceEncoder().schema());"
            "assert not {'torch', 'transformers', 'tokenizers'} & set(sys.modules)")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "fixed_size_list<item: float>[384]" in found.stdout, found.stderr


def test_another_process_gives_the_same_bits_whatever_its_threads():
    code = (f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_sentence as t, hashlib;"
            "print(hashlib.md5(t.encode(t.TEXTS, max_length=64).tobytes()).hexdigest())")
    found = {subprocess.run([sys.executable, "-c", code], env=os.environ | {"OMP_NUM_THREADS": n}, capture_output=True,
                            text=True, check=True).stdout for n in ("1", "2")}
    assert len(found) == 1


def test_an_empty_shard_gives_no_rows():
    assert encode([]).shape == (0, 384)


def test_bfloat16_stays_near_and_is_another_identity():
    assert ((encode(TEXTS[:3]) * encode(TEXTS[:3], dtype="bfloat16")).sum(axis=1) > 0.99).all()
    one, other = SentenceEncoder(), SentenceEncoder(dtype="bfloat16")
    assert identity(one) != identity(other)
    assert identity(one) == identity(SentenceEncoder(device="cpu"))


def test_the_batch_plan_is_a_function_of_the_lengths():
    plan = encoder.batches([5, 2, 9, 2, 4, 100], 10)
    assert [b.tolist() for b in plan] == [[1, 3], [4, 0], [2], [5]]
    assert encoder.batches([], 10) == []


def test_pooling_and_dense_layers_are_read_from_the_models_folder(tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 8, "max_position_embeddings": 32}))
    found = encoder.layout(tmp_path)
    assert (found.pooling, found.dim, found.longest) == ("mean", 8, 32)
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize")]
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in kinds]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    for folder, config in (("1_Pooling", {"pooling_mode_cls_token": True}), ("2_Dense", {"out_features": 4})):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text(json.dumps(config))
    found = encoder.layout(tmp_path)
    assert found.pooling == "cls" and found.dim == 4 and SentenceEncoder(model=str(tmp_path)).dim == 4
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "max"}))
    with pytest.raises(ConfigError, match="pooling 'max'; expected one of mean, cls, lasttoken"):
        encoder.layout(tmp_path)


def test_a_model_without_safetensors_is_refused(tmp_path: Path):
    with pytest.raises(MissingFile, match="config.json"):
        encoder.layout(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(MissingFile, match="safetensors alone"):
        encoder._safe(tmp_path)


def test_wrong_options_say_what_would_be_right():
    with pytest.raises(ConfigError, match="embed.dtype: 'int8'; expected one of float32, bfloat16, float16"):
        SentenceEncoder(dtype="int8")
    with pytest.raises(ConfigError, match="embed.max_length"):
        SentenceEncoder(max_length=0)
