from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from corpus import keys, registry
from corpus.errors import ConfigError, MissingFile, UserError
from corpus.tokens.pack import BestFit, Documents
from corpus.tokens.tokenizer import PinTokenizer
from pipelines import operators
from pipelines.chat import Chat
from pipelines.cli.chat import chat

sys.path.insert(0, str(Path(__file__).parents[1] / "tokens"))

from chat_templates import BLOCKS, PLAIN, chatml

operators.load()
WORDS = "river stone the of running water mountain house tree <|im_end|> 東京 naïve".split()


def conversation(i: int) -> dict:
    draw = np.random.default_rng(i)
    turns = [{"role": role, "content": " ".join(draw.choice(WORDS, draw.integers(2, 25)))}
             for _ in range(draw.integers(1, 4)) for role in ("user", "assistant")]
    return {"messages": turns}


def write_lines(path: Path, lines: list[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


LINES = [json.dumps(conversation(i)) for i in range(120)]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    chatml(folder)
    (folder / "chat.jinja").write_text(PLAIN)
    write_lines(folder / "all.jsonl", LINES)
    return folder


def asked(place: Path, *files: str, format: str = "datasets", **options) -> Chat:
    defaults = {"pack": BestFit(128), "length": 128, "shard_tokens": 3000}
    return Chat(files or (str(place / "all.jsonl"),), PinTokenizer(str(place / "tokenizer.json")), str(place / "chat.jinja"),
                registry.lookup("writer", format)(), **defaults | options)


def read(folder: Path, receipt: dict, format: str = "datasets") -> list[tuple[list[int], list[int]]]:
    writer, rows = registry.lookup("writer", format)(), []
    for entry in receipt["shards"]:
        if entry["format"] == format:
            names = [file["path"].split("/", 1)[1] for file in entry["files"]]
            table = writer.read_back(folder / "shards" / format, names)
            rows += zip(table.column("tokens").to_pylist(), table.column("loss_mask").to_pylist())
    return rows


def by_conversation(folder: Path, receipt: dict) -> dict[str, tuple[list[int], list[int]]]:
    """Ids and mask of each conversation, put together from packed sequences by the sidecar."""
    found: dict[str, tuple[list[int], list[int]]] = {}
    for entry in receipt["shards"]:
        if entry["format"] != "index":
            continue
        flat = [list(map(list, zip(*pair))) for pair in read(folder, {"shards": [
            e for e in receipt["shards"] if e["shard"] == entry["shard"] and e["format"] == "datasets"]})]
        stream = [token for sequence in flat for token in sequence]
        for row in pq.read_table(folder / "shards" / entry["files"][0]["path"]).to_pylist():
            ids, mask = found.setdefault(row["id"], ([], []))
            piece = stream[row["offset"] : row["offset"] + row["length"]]
            ids += [token for token, _ in piece]
            mask += [learned for _, learned in piece]
    return found


def test_every_conversation_is_in_the_shards_once_with_its_mask(place, tmp_path):
    receipt = asked(place).write(str(tmp_path / "out"))
    whole = asked(place, pack=Documents(), shard_tokens=10**9).write(str(tmp_path / "whole"))
    packed = by_conversation(tmp_path / "out", receipt)
    alone = read(tmp_path / "whole", whole)
    assert len(packed) == receipt["total"]["conversations"] == len(alone)
    assert sorted(map(repr, packed.values())) == sorted(map(repr, alone))


def test_the_receipt_adds_up(place, tmp_path):
    receipt = asked(place).write(str(tmp_path / "out"))
    rows = read(tmp_path / "out", receipt)
    total, pack = receipt["total"], receipt["pack"]
    assert len(rows) == total["sequences"] and all(len(ids) == 128 for ids, _ in rows)
    assert sum(len(ids) for ids, _ in rows) == total["tokens"]
    assert sum(sum(mask) for _, mask in rows) == total["learned_tokens"] > 0
    assert total["learned_share"] == round(total["learned_tokens"] / total["tokens"], 6)
    filled = sum(len(ids) for ids, _ in by_conversation(tmp_path / "out", receipt).values())
    assert total["tokens"] - pack["padded_tokens"] == filled
    assert receipt["lines"] == 120 == total["conversations"] + receipt["reasons"].get("cut_before_answer", 0)
    assert receipt["files"][0]["digest"] == keys.digest_file(place / "all.jsonl")
    for entry in [*receipt["shards"], *receipt["finish"]]:
        for file in entry["files"]:
            assert keys.digest_file(tmp_path / "out" / "shards" / file["path"]) == file["digest"]
    told = json.loads((tmp_path / "out" / "receipt.json").read_text())
    assert told == receipt and keys.key_of({k: v for k, v in told.items() if k != "digest"}) == told["digest"]


def test_padding_is_not_learned_and_spelled_control_tokens_are_text(place, tmp_path):
    receipt = asked(place, pack=BestFit(4000), length=4000, shard_tokens=10**9).write(str(tmp_path / "out"))
    rows = read(tmp_path / "out", receipt)
    ids = [i for sequence, _ in rows for i in sequence]
    turns = sum(len(json.loads(line)["messages"]) for line in LINES)
    assert ids.count(50257) == ids.count(50258) == turns
    assert not any(learned for sequence, mask in rows for i, learned in zip(sequence, mask) if i == 50256)


def test_the_same_conversations_in_other_files_are_the_same_stream(place, tmp_path):
    one = write_lines(tmp_path / "one.jsonl", LINES[70:][::-1])
    with gzip.open(tmp_path / "two.jsonl.gz", "wt") as stream:
        stream.write("\n".join(LINES[:70]))
    first = asked(place).write(str(tmp_path / "a"))
    again = asked(place, one, str(tmp_path / "two.jsonl.gz")).write(str(tmp_path / "b"))
    assert [e["stream"] for e in first["shards"]] == [e["stream"] for e in again["shards"]]
    assert first["total"] == again["total"]
    other = asked(place, seed=1).write(str(tmp_path / "c"))
    assert [e["stream"] for e in first["shards"]] != [e["stream"] for e in other["shards"]]


def test_a_second_run_gives_the_same_bytes(place, tmp_path):
    first, again = (asked(place).write(str(tmp_path / name)) for name in "ab")
    assert first == again


@pytest.mark.parametrize("format", ["mds", "npy", "nanoset"])
def test_every_format_with_masks_holds_the_same_stream(place, tmp_path, format):
    first = asked(place).write(str(tmp_path / "a"))
    other = asked(place, format=format).write(str(tmp_path / "b"))
    assert [e["stream"] for e in other["shards"]] == [e["stream"] for e in first["shards"]]
    assert read(tmp_path / "b", other, format) == read(tmp_path / "a", first)


def test_hugging_face_reads_labels_where_the_mask_is_one(place, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    receipt = asked(place).write(str(tmp_path / "out"))
    found = datasets.load_dataset("parquet", data_files=str(tmp_path / "out/shards/datasets/*.parquet"), split="train",
                                  cache_dir=str(tmp_path / "cache"))
    expected = [[i if learned else -100 for i, learned in zip(*row)] for row in read(tmp_path / "out", receipt)]
    assert found["labels"][:] == expected


def test_lines_that_do_not_do_are_counted_with_reasons_and_stop_nothing(place, tmp_path):
    bad = ["{", "[]", "{}", json.dumps({"messages": [{"role": "user", "content": "x"}]}), ""]
    path = write_lines(tmp_path / "some.jsonl", [LINES[0], *bad, LINES[1], LINES[2]])
    receipt = asked(place, path, pack=BestFit(512), length=512).write(str(tmp_path / "out"))
    assert receipt["reasons"] == {"not_json": 2, "no_messages": 1, "no_answer": 1}
    assert receipt["total"]["conversations"] == 3 and receipt["lines"] == 7


def test_a_file_that_is_cut_short_gives_what_it_has(place, tmp_path):
    data = gzip.compress("\n".join(LINES).encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(data[: len(data) // 2])
    receipt = asked(place, str(tmp_path / "cut.jsonl.gz")).write(str(tmp_path / "out"))
    assert receipt["reasons"]["file_damaged"] == 1 and 10 < receipt["total"]["conversations"] < 110


def test_where_nothing_is_left_the_reasons_are_said_and_no_folder_is_made(place, tmp_path):
    path = write_lines(tmp_path / "bad.jsonl", ["{", "{}"])
    with pytest.raises(UserError, match=r"no_messages: 1, not_json: 1.*bad.jsonl line 2"):
        asked(place, path).write(str(tmp_path / "out"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.jsonl"]


def test_a_failure_leaves_no_half_of_a_folder(place, tmp_path):
    (tmp_path / "odd.jinja").write_text("{% if messages|length == 6 %}!{% endif %}" + PLAIN)
    wanted = asked(place)
    odd = Chat(**vars(wanted) | {"template": str(tmp_path / "odd.jinja")})
    with pytest.raises(ConfigError, match=r"odd.jinja does not render.*generation"):
        odd.write(str(tmp_path / "out"))
    assert [p.name for p in tmp_path.iterdir()] == ["odd.jinja"]


def test_what_would_fail_later_is_refused_before_work(place, tmp_path):
    with pytest.raises(ConfigError, match="megatron has no place for loss masks"):
        asked(place, format="megatron").write(str(tmp_path / "out"))
    with pytest.raises(MissingFile, match="absent.jsonl"):
        asked(place, str(place / "absent.jsonl")).write(str(tmp_path / "out"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    with pytest.raises(UserError, match="is there already"):
        asked(place).write(str(tmp_path / "full"))


def test_the_command_writes_shards_and_says_what_they_hold(place, tmp_path):
    app = typer.Typer()
    app.command()(chat)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": BLOCKS, "eos_token": "<|im_end|>"}))
    call = [str(place / "all.jsonl"), "--tokenizer", str(place / "tokenizer.json"), "--length", "128",
            "--template", str(tmp_path / "tokenizer_config.json"), "--to", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*call, "--too-long", "drop"])
    assert done.exit_code == 0, done.output
    receipt = json.loads((tmp_path / "out" / "receipt.json").read_text())
    assert f"receipt {receipt['digest']}" in done.output and f"too_long: {receipt['reasons']['too_long']}" in done.output
    assert receipt["tokenizer"]["eos"] == "<|im_end|>" and receipt["too_long"] == "drop"
    again = CliRunner().invoke(app, [*call[:-1], str(tmp_path / "again"), "--too-long", "drop", "--json"])
    assert json.loads(again.output)["digest"] == receipt["digest"]
