from __future__ import annotations

import json

import pytest
import typer
from built_in_store import InStore, make
from typer.testing import CliRunner

from corpus.errors import CorpusError
from corpus.tokens.pack import Concatenate
from pipelines.cli.at import at

app = typer.Typer()
app.command("at")(at)
app.command("other")(lambda: None)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> InStore:
    made = make(tmp_path_factory.mktemp("at"), ("megatron", "climbmix"))
    (made.root.parent / "receipt.json").write_text(json.dumps(made.receipt))
    return InStore(made.store, made.receipt, made.root.parent)


def say(*args: object, code: int = 0) -> str:
    found = CliRunner().invoke(app, ["at", *map(str, args)])
    if isinstance(found.exception, CorpusError):
        assert found.exception.exit_code == code
        return str(found.exception)
    assert found.exit_code == code, found.output
    return found.output


def test_a_token_is_told_with_its_document_and_the_text_around_it(built):
    out = dict(line.split(maxsplit=1) for line in say(
        built.root, "--shard", 1, "--offset", 9, "--store", built.store.url).splitlines())
    told = json.loads(say(built.root, "--shard", 1, "--offset", 9, "--store", built.store.url, "--json"))
    assert out["document"] == told["id"] and out["url"] == told["url"] and out["cell"] == told["cell"]
    assert out["token"].startswith(f"{told['token'] + 1} of {told['tokens']} ")
    before, mine, after = told["text"]
    assert out["text"] == f"{before}[{mine}]{after}".strip() and told["ids"][told["at"]] == int(
        out["ids"].split("[")[1].split("]")[0])
    assert told["format"] == "megatron" == out["read"].split()[1]


def test_both_formats_tell_the_same_ids_and_without_the_tokenizer_there_is_no_text(built):
    one, two = (json.loads(say(built.root, "--shard", 0, "--offset", 30, "--format", name, "--json"))
                for name in ("megatron", "climbmix"))
    assert one["ids"] == two["ids"] and one["text"] is None and two["format"] == "climbmix"


def test_a_step_is_told_with_its_order_and_counts(built):
    told = json.loads(say(built.root, "--step", 2, "--batch", 4, "--seq", 32, "--json", "--limit", 1000))
    assert told["sequences"] == [8, 12]
    assert told["order"].startswith("shards ascending; each shard's stream cut every 32 tokens")
    assert sum(c["tokens"] for c in told["cell"]) == sum(c["tokens"] for c in told["source"]) == 4 * 32
    assert sum(d["tokens"] for d in told["documents"]) == 4 * 32 and told["pieces"] == len(told["documents"])
    out = say(built.root, "--step", 2, "--batch", 4, "--seq", 32, "--limit", 2)
    assert out.startswith("step 2 reads the sequences 8 to 11: shard 0, tokens 256 to 383\norder: ")
    assert f"and {told['pieces'] - 2} more pieces of documents (--limit)" in out


def test_the_packings_own_length_is_the_default(tmp_path):
    made = make(tmp_path, ("megatron",), Concatenate(16, "drop"))
    (tmp_path / "receipt.json").write_text(json.dumps(made.receipt))
    told = json.loads(say(tmp_path, "--step", 1, "--batch", 2, "--json"))
    assert told["sequences"] == [2, 4] and told["ranges"] == [[0, 32, 64]]


@pytest.mark.parametrize("args, what", [
    ((), "say --shard and --offset, or --step and --batch"),
    (("--shard", 0), "say --shard and --offset, or --step and --batch"),
    (("--step", 0), "say --shard and --offset, or --step and --batch"),
    (("--shard", 0, "--offset", 1, "--step", 0, "--batch", 1), "say --shard and --offset, or --step and --batch"),
    (("--step", 0, "--batch", 1), "--seq: is missing"),
    (("--step", 0, "--batch", 1, "--seq", 8, "--order", "sequentiel"), "did you mean 'sequential'"),
    (("--shard", 9, "--offset", 1), "--shard 9: there is none; shards are 0 to 2"),
    (("--shard", 0, "--offset", 10**9), "shard 0 has the tokens 0 to "),
    (("--step", 10**6, "--batch", 1, "--seq", 8), "are the steps 0 to "),
    (("--shard", 0, "--offset", 1, "--format", "megatrn"), "did you mean 'megatron'")])
def test_a_wrong_call_ends_with_two_and_what_would_be_right(built, args, what):
    assert what in say(built.root, *args, code=2)
