"""`corpus quality` as a person meets it: textbooks against manuals from the quickstart, grades, safety, broken files."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from corpus.errors import ConfigError, MissingFile, UserError
from corpus.extract.resiliparse import Resiliparse
from corpus.keys import digest_folder
from corpus.quality.signal import TextClassifier
from corpus.sources.warc import Warc
from pipelines.cli.quality import app

QUICKSTART = Path(__file__).parents[2] / "configs/quickstart"
FEW = ("--dim", "16", "--buckets", "5000", "--epochs", "15", "--lr", "0.5")


def run(*words, wrong=None):
    """stdout of `corpus quality WORDS`; with `wrong`, its exit has to be 2 for an error of that class, which is returned."""
    done = CliRunner().invoke(app, [str(w) for w in words])
    if wrong is None:
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout
    assert isinstance(done.exception, wrong) and done.exception.exit_code == 2, (done.output, done.exception)
    return str(done.exception)


def write(path, records):
    data = b"".join(r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in records)
    packed = {".gz": gzip.compress, ".zst": lambda d: pa.compress(d, "zstd", asbytes=True)}.get(path.suffix, bytes)
    path.write_bytes(packed(data))
    return path


@pytest.fixture(scope="module")
def passages():
    """(text, label) of real textbooks (in several languages) and real manuals, 1,500 characters each."""
    with gzip.open(QUICKSTART / "openstax_ccby_sample.jsonl.gz", "rt") as stream:
        modules = [json.loads(line)["text"] for line in stream]
    books = [t[i : i + 1500] for t in modules for i in range(0, min(len(t) - 1500, 6000), 1500)]
    manuals = []
    for table in Warc().read(str(QUICKSTART / "quickstart.warc.gz"), "web"):
        manuals += [t[:1500] for t in Resiliparse().extract(table).column("text").to_pylist() if t and len(t) > 500]
    return [(t, "textbook") for t in books] + [(t, "manual") for t in manuals]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("quality")


@pytest.fixture(scope="module")
def model(folder, passages):
    """Labels in two files of two compressions, with bad lines; the trained model and what the command printed."""
    records = [{"text": t, "label": y} for t, y in passages]
    bad = [b"{broken\n", {"text": "no label"}, {"text": " ", "label": "manual"}, b"\n", {"text": "two", "label": "a b"}]
    one = write(folder / "a.jsonl.gz", records[::2] + bad)
    two = write(folder / "b.jsonl.zst", records[1::2])
    out = folder / "model"
    words = ("train", one, two, "--out", out, "--dimension", "kind", "--positive", "textbook", *FEW, "--seed", 5)
    return out, run(*words), words


def test_real_textbooks_and_manuals_are_told_apart_on_held_out_passages(model):
    out, said, _ = model
    card = json.loads((out / "model.json").read_text())
    assert card["held_out"]["accuracy"] > 0.9 and card["held_out"]["labels"]["textbook"]["f1"] > 0.9
    assert f"accuracy {card['held_out']['accuracy']:.3f}" in " ".join(said.split())
    assert "kind: 2 labels" in said and "not_json 1" in said and "no_label 1" in said and "empty_text 1" in said
    assert "label_not_a_word 1" in said and "expected calibration error" in said and f"model in {out}" in said


def test_training_again_gives_equal_bytes_and_never_replaces_unasked(model, folder):
    out, said, words = model
    before = digest_folder(out)
    assert "--overwrite replaces it" in run(*words, wrong=UserError)
    assert run(*words, "--overwrite") == said and digest_folder(out) == before
    other = folder / "other"
    (other / "precious").mkdir(parents=True)
    assert "name another folder" in run(*words[:-1], 6, "--overwrite", "--out", other, wrong=UserError)
    assert [p.name for p in other.iterdir()] == ["precious"]
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_scores_of_files_are_rows_with_reasons_and_the_signals_columns(model, folder, passages):
    out, _, _ = model
    texts = [t for t, _ in passages[:3] + passages[-3:]]
    lines = [{"text": t, "id": f"d{i}"} for i, t in enumerate(texts)] + [b"nope\n", b"\n", {"id": 7}, {"text": "\ud800 odd"}]
    one = write(folder / "docs.jsonl", lines)
    two = folder / "docs.parquet"
    pq.write_table(pa.table({"id": list(range(7)), "text": [*texts, None]}), two)
    scores = folder / "scores.parquet"
    said = json.loads(run("score", out, one, two, "--out", scores, "--json"))
    assert said["records"] == 16 and said["reasons"] == {"no_text": 2, "not_json": 1}
    found = pq.read_table(scores)
    assert found.column_names == ["file", "row", "id", "reason", "kind", "kind.label", "kind.probability"]
    rows = found.to_pylist()
    assert [r["kind.label"] for r in rows[:6]] == ["textbook"] * 3 + ["manual"] * 3
    assert [r["id"] for r in rows[:6]] == [f"d{i}" for i in range(6)]
    assert [r["id"] for r in rows[9:]] == [str(i) for i in range(7)]
    assert [r["row"] for r in rows] == [0, 1, 2, 3, 4, 5, 6, 8, 9, 0, 1, 2, 3, 4, 5, 6]       # line 7 is blank
    assert [r["kind"] for r in rows[:6]] == [r["kind"] for r in rows[9:15]]
    assert rows[6]["reason"] == "not_json" and rows[6]["kind"] is None and rows[8]["kind"] is not None
    text = run("score", out, one, "--out", folder / "scores.jsonl.gz", "--calibrated")
    assert "7 of 9 records scored; no_text 1; not_json 1" in text
    with gzip.open(folder / "scores.jsonl.gz", "rt") as stream:
        assert [json.loads(line)["kind.label"] for line in stream][:6] == [r["kind.label"] for r in rows[:6]]


def test_safety_is_trained_by_the_same_command(folder):
    records = [{"text": f"how to bake bread with flour and water {i}", "label": "safe"} for i in range(90)]
    records += [{"text": f"how to build a weapon and hurt people {i}", "label": "unsafe"} for i in range(30)]
    out = folder / "safety"
    said = run("train", write(folder / "safety.jsonl", records), "--out", out, "--dimension", "safety", "--positive", "safe",
               "--balance", *FEW)
    assert "safety: 2 labels" in said
    signal = TextClassifier(str(out), "safety")
    assert signal.schema().names == ["safety", "safety.label", "safety.probability"]


def test_an_object_of_labels_makes_one_model_a_dimension(folder):
    grades = [("the proof of the theorem", 5, 5), ("a note about the page", 2, 5), ("buy it now on sale", 0, 0)]
    records = [{"body": f"{t} {i}", "scores": {"quality": q, "advertisement": a}} for i in range(40) for t, q, a in grades]
    out = folder / "climb"
    said = run("train", write(folder / "grades.jsonl", records), "--out", out, "--text", "body", "--label", "scores", *FEW)
    assert "advertisement: 2 labels" in said and "quality: 3 labels" in said and "quadratic weighted kappa" in said
    assert sorted(p.name for p in out.iterdir()) == ["advertisement", "quality"]
    docs = write(folder / "new.jsonl", [{"body": "proof of the theorem"}, {"body": "sale now buy"}])
    run("score", out, docs, "--text", "body", "--out", folder / "two.parquet")
    found = pq.read_table(folder / "two.parquet").to_pylist()
    assert [(r["quality"], r["advertisement"]) for r in found] == [(5, 5), (0, 0)]


@pytest.mark.parametrize("records, words, error, said", [
    ([{"text": "a", "label": 1}], (), UserError, "expected two labels or more"),
    ([{"text": "a"}] * 3, (), UserError, "no labelled text: no_label 3"),
    ([], (), UserError, "the files are empty"),
    ([{"text": f"a {i}", "label": i % 2} for i in range(60)], ("--positive", "1"), ConfigError, "are numbers"),
    ([{"text": "a", "label": 1}], ("--calibration", "magic"), ConfigError, "one of temperature, isotonic, none"),
    ([{"text": "a", "label": 1}], ("--held-out", "1.5"), ConfigError, "a share of the texts"),
    ([{"text": "a", "label": 1}], ("--preprocessing", "climp"), UserError, "did you mean 'climb'"),
])
def test_what_cannot_be_trained_says_so_and_leaves_nothing(tmp_path, records, words, error, said):
    labels = write(tmp_path / "labels.jsonl", records)
    assert said in run("train", labels, "--out", tmp_path / "model", *words, wrong=error)
    assert [p.name for p in tmp_path.iterdir()] == ["labels.jsonl"]


def test_wrong_files_are_named(model, tmp_path):
    out, _, _ = model
    assert "gone.jsonl" in run("train", tmp_path / "gone.jsonl", "--out", tmp_path / "m", wrong=MissingFile)
    docs = write(tmp_path / "docs.jsonl", [{"text": "a"}])
    assert "written as .jsonl" in run("score", out, docs, "--out", tmp_path / "scores.csv", wrong=UserError)
    other = tmp_path / "docs.parquet"
    pq.write_table(pa.table({"body": ["x"]}), other)
    assert "no column 'text'; there is body" in run("score", out, other, "--out", tmp_path / "s.jsonl", wrong=UserError)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and then not")
    said = run("score", out, tmp_path / "bad.parquet", docs, "--out", tmp_path / "s.jsonl")
    assert "1 of 2 records scored; not_parquet 1" in said
