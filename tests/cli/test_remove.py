"""`corpus remove`: what is wrong with a call is said before anything is looked at."""

import pytest
import typer
from typer.testing import CliRunner

from corpus.errors import CorpusError, UserError
from pipelines.cli.remove import remove

app = typer.Typer()
app.command()(remove)


@pytest.mark.parametrize(("words", "said"), [
    ([], "nothing is named"),
    (["--id", "short"], "'short' is no id"),
    (["--url", "u", "--near", "keep"], "either remove or promote"),
    (["--host", "h", "--after", "May"], "a date is written YYYY-MM-DD"),
    (["--after", "2024-02-31"], "a date is written YYYY-MM-DD"),
    (["--after", "2024-03-01", "--before", "2024-03-01"], "no day is both"),
    (["--host", "*"], "--host '*': names nothing"),
    (["--host", ""], "--host '': names nothing"),
    (["--url", " "], "--url ' ': names nothing"),
    (["--text", "empty.txt"], "--text empty.txt: has no words"),
    (["--ids-file", "latin.txt"], "--ids-file latin.txt: is no UTF-8"),
    (["--text-digest", "abc"], "32 hex digits"),
    (["--text", "nowhere.txt"], "--text: no file at nowhere.txt"),
    (["--ids-file", "nowhere.txt"], "--ids-file: no file at nowhere.txt"),
    (["--url", "u", "--purge", "--no-build"], "what builds still draw cannot be masked"),
    (["--url", "u", "--audit"], "add --purge"),
    (["--url", "u"], "no file at build.yaml"),
])
def test_a_wrong_call_is_named(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("--- \n")
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    found = CliRunner().invoke(app, ["build.yaml", *words])
    assert isinstance(found.exception, CorpusError) and said in str(found.exception)
    assert isinstance(found.exception, UserError) and found.exception.exit_code == 2


def test_a_file_of_ids_has_ids_and_addresses_and_comments(tmp_path):
    from corpus.document import show_id
    from pipelines.cli.remove import _asked

    file = tmp_path / "ids"
    file.write_text(f"# asked for in May\n{show_id(bytes(16))}\n\n https://a.example/x \n")
    asked = _asked(None, ["https://b.example/"], ["WWW.c.example"], None, None, None, None, str(file))
    assert asked.ids == (bytes(16),) and asked.urls == ("https://b.example/", "https://a.example/x")
    assert asked.hosts == ("c.example",)
