from __future__ import annotations

import json

import pyarrow as pa
import pytest
from drawn_rows import stream

from corpus.document import show_id
from corpus.errors import ConfigError
from corpus.tokens.pack import Concatenate
from corpus.writers.climbmix_jsonl import ClimbMixJsonl

TOKENS = [[0, 10, 65535, 9], [9]]


def test_a_line_is_a_document_with_the_release_s_fields_first(tmp_path):
    assert ClimbMixJsonl().write(stream(TOKENS, clusters=[4, None]), tmp_path, 7) == ["part_7.tokenized.jsonl"]
    lines = [json.loads(line) for line in (tmp_path / "part_7.tokenized.jsonl").read_text().splitlines()]
    assert [list(line) for line in lines] == [
        ["cluster_id", "tokens", "token_count", "id", "url", "source", "style", "cell", "copy"]] * 2
    assert lines[0] | {"style": None} == {
        "cluster_id": 4, "tokens": TOKENS[0], "token_count": 4, "id": show_id(bytes(16)), "url": 'http://x/0,"q"',
        "source": "web, é", "style": None, "cell": "d01/web", "copy": 0}
    assert lines[1]["cluster_id"] is None and lines[1]["style"] == "qa"


def test_the_largest_id_is_spelled_whole(tmp_path):
    tokens = [[4_294_967_295, 1_000_000_000, 999_999_999, 0]]
    files = ClimbMixJsonl().write(stream(tokens, "<u4"), tmp_path, 0)
    assert ClimbMixJsonl().read_back(tmp_path, files).column("tokens").to_pylist() == tokens


def test_a_line_longer_than_a_block_is_read(tmp_path):
    tokens = [[12345] * 3_000_000]
    files = ClimbMixJsonl().write(stream(tokens), tmp_path, 0)
    assert ClimbMixJsonl().read_back(tmp_path, files).column("tokens").to_pylist() == tokens


def test_packing_is_refused():
    with pytest.raises(ConfigError, match="documents"):
        ClimbMixJsonl().check({"vocab_size": 9}, Concatenate(4))


def test_lines_of_another_spelling_are_read_too(tmp_path):
    lines = [{"cluster_id": 3, "tokens": t, "token_count": len(t)} for t in TOKENS]
    (tmp_path / "part_0.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert ClimbMixJsonl().read_back(tmp_path, ["part_0.jsonl"]).column("tokens").to_pylist() == TOKENS


@pytest.mark.parametrize("damage", [(b"65535", b"6553x"), (b"65535", b"65535]"), (b"[9]", b"[9,]"), (b"[9]", b"9]"),
                                    (b'"token_count":4', b'"token_count":5'), (b"65535,", b"99999999999,")])
def test_damaged_lines_are_noticed(tmp_path, damage):
    files = ClimbMixJsonl().write(stream(TOKENS), tmp_path, 0)
    path = tmp_path / files[0]
    path.write_bytes(path.read_bytes().replace(*damage))
    with pytest.raises((ValueError, pa.ArrowException)):
        ClimbMixJsonl().read_back(tmp_path, files)
