"""Decontamination of files outside a build: a file of rows is there whole, or as it was before."""

import json

import pytest

from corpus.errors import UserError
from pipelines.decontaminate import Options, check_files

QUESTION = "which of the seven rivers that cross the old border town was dredged twice before the railway bridge fell"


@pytest.fixture
def options(tmp_path):
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps({"question": QUESTION, "answer": "the third"}) + "\n")
    return Options((str(path),))


def documents(path, *texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return str(path)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
def test_a_run_that_fails_leaves_the_rows_of_the_one_before(tmp_path, options, name):
    out = tmp_path / name
    good = documents(tmp_path / "good.jsonl", QUESTION + " asked the quiz", "nothing of it")
    assert check_files([good], options, out=str(out))["flagged"] == 1
    before = out.read_bytes()
    (tmp_path / "odd.csv").write_text("no documents")
    with pytest.raises(UserError):
        check_files([good, str(tmp_path / "odd.csv")], options, out=str(out))
    assert out.read_bytes() == before and not list(tmp_path.glob("*.part"))


def test_files_without_the_member_that_holds_the_text_are_an_error_and_leave_nothing(tmp_path, options):
    (tmp_path / "pages.jsonl").write_text('{"body": "words"}\n')
    with pytest.raises(UserError, match="--text"):
        check_files([str(tmp_path / "pages.jsonl")], options, out=str(tmp_path / "rows.jsonl"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["items.jsonl", "pages.jsonl"]
