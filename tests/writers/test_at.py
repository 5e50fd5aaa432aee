from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn_by_hand import PACKS, Drawn, make, sidecar
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.document import show_id
from corpus.errors import MissingFile, UnknownName, UserError
from corpus.tokens.pack import Concatenate
from corpus.writers.at import at_offset, at_step, ids_at
from corpus.writers.stream import Stream


@pytest.fixture(scope="module", params=PACKS, ids=str)
def drawn(request, tmp_path_factory) -> Drawn:
    return make(tmp_path_factory.mktemp("at"), phases=2, pack=request.param, formats=("megatron", "npy", "datasets"))


def behind(stream: Stream) -> list[tuple[int, int] | None]:
    """For every token of a shard: (row, place in the document), None for padding; read off the pieces one by one."""
    found: list[tuple[int, int] | None] = [None] * stream.tokens
    for row, begin, length, at in zip(*(stream.pieces[n].tolist() for n in ("row", "begin", "length", "at"))):
        for k in range(length):
            found[at + k] = (row, begin + k)
    return found


def test_every_token_of_every_shard_has_the_document_that_it_was_taken_from(drawn):
    for shard, stream in drawn.streams.items():
        for offset, what in list(enumerate(behind(stream)))[::7]:
            place = at_offset(drawn.receipt, drawn.root, shard, offset)
            if what is None:
                assert place.id is None
                continue
            row = stream.rows.slice(what[0], 1).to_pylist()[0]
            assert (place.id, place.copy, place.token) == (show_id(row["id"]), row["copy"], what[1])
            for name in ("url", "source", "cell", "style"):
                assert getattr(place, name) == row[name]
            assert place.phase == row["phase"] and place.start <= offset < place.stop
            assert place.tokens <= row["token_count"] and place.token < place.tokens


def test_a_whole_document_is_told_as_token_k_of_n(drawn):
    stream = drawn.streams[0]
    place = at_offset(drawn.receipt, drawn.root, 0, 1)
    assert (place.token, place.tokens) == (1, stream.rows.column("token_count")[0].as_py())


@pytest.mark.parametrize("name", ["megatron", "npy", "datasets"])
def test_the_ids_around_a_token_are_those_of_the_stream(drawn, name):
    for shard, stream in drawn.streams.items():
        flat = np.concatenate([ids.copy() for _, _, ids in stream.batches()])
        for offset in range(0, stream.tokens, 97):
            place = at_offset(drawn.receipt, drawn.root, shard, offset)
            if place.id is None:
                continue
            found, ids, mine = ids_at(drawn.receipt, drawn.root, place, 5, name)
            low, high = max(place.start, offset - 5), min(place.stop, offset + 6)
            assert found == name and ids.tolist() == flat[low:high].tolist() and ids[mine] == flat[offset]


@settings(max_examples=60)
@given(st.data())
def test_a_step_reads_what_a_loop_over_all_sequences_reads(drawn, data):
    seq, batch = data.draw(st.integers(1, 50)), data.draw(st.integers(1, 20))
    sequences = [(shard, k * seq) for shard in sorted(drawn.streams) for k in range(drawn.streams[shard].tokens // seq)]
    steps = len(sequences) // batch
    step = data.draw(st.integers(0, steps + 1))
    if step >= steps:
        with pytest.raises(UserError, match=f"the steps 0 to {steps - 1:,} of|not one step"):
            at_step(drawn.receipt, drawn.root, step, batch, seq)
        return
    found = at_step(drawn.receipt, drawn.root, step, batch, seq)
    wanted: dict[tuple, int] = {}
    cells: dict[str, int] = {}
    for shard, start in sequences[step * batch : (step + 1) * batch]:
        oracle = behind(drawn.streams[shard])
        for offset in range(start, start + seq):
            if oracle[offset] is not None:
                row = drawn.streams[shard].rows.slice(oracle[offset][0], 1).to_pylist()[0]
                key = (shard, show_id(row["id"]), row["copy"])
                wanted[key] = wanted.get(key, 0) + 1
                cells[row["cell"]] = cells.get(row["cell"], 0) + 1
    got: dict[tuple, int] = {}
    for row in found.documents.to_pylist():
        key = (row["shard"], row["id"], row["copy"])
        got[key] = got.get(key, 0) + row["tokens"]
    assert got == wanted
    assert {name: tokens for name, _, tokens in found.counts("cell")} == cells
    assert sum(n for _, n, _ in found.counts("source")) == len({(i, c) for _, i, c in wanted})
    assert sum(stop - start for _, start, stop in found.ranges) == batch * seq


def test_what_is_out_of_range_is_told_with_the_range(drawn):
    tokens = drawn.streams[0].tokens
    with pytest.raises(UserError, match="--shard 6: there is none; shards are 0 to 5"):
        at_offset(drawn.receipt, drawn.root, 6, 0)
    for offset in (-1, tokens):
        with pytest.raises(UserError, match=f"shard 0 has the tokens 0 to {tokens - 1:,}"):
            at_offset(drawn.receipt, drawn.root, 0, offset)
    with pytest.raises(UserError, match="--step -1: "):
        at_step(drawn.receipt, drawn.root, -1, 1, 1)
    with pytest.raises(UserError, match="not one step of 1,000"):
        at_step(drawn.receipt, drawn.root, 0, 1000, 1000)


def test_a_format_that_is_not_there_is_told_with_those_that_are(drawn):
    place = at_offset(drawn.receipt, drawn.root, 0, 0)
    with pytest.raises(UnknownName, match="did you mean 'megatron'"):
        ids_at(drawn.receipt, drawn.root, place, 5, "megatrn")


def test_shards_without_a_sidecar_say_how_to_get_one(drawn):
    receipt = drawn.receipt | {"shards": [e for e in drawn.receipt["shards"] if e["format"] != "index"]}
    with pytest.raises(UserError, match="no sidecar index; write them again"):
        at_offset(receipt, drawn.root, 0, 0)


def test_a_sidecar_that_is_gone_or_broken_is_named(tmp_path):
    made = make(tmp_path)
    path = made.root / "index/shard_00000.parquet"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(UserError, match="shard_00000.parquet: cannot be read"):
        at_offset(made.receipt, made.root, 0, 0)
    path.unlink()
    with pytest.raises(MissingFile, match="corpus shards verify"):
        at_offset(made.receipt, made.root, 0, 0)


def test_a_place_in_padding_is_of_no_document(tmp_path):
    made = make(tmp_path, pack=Concatenate(64, "pad"))
    entry = next(e for e in made.receipt["shards"] if e["padded_tokens"])
    place = at_offset(made.receipt, made.root, entry["shard"], entry["tokens"] - 1)
    assert place.id is None and place.sequence is None and place.offset == entry["tokens"] - 1


def test_one_token_of_thousands_of_shards_takes_less_than_a_second(tmp_path):
    """3,000 shards of 200,000 pieces each: the sidecar of one is read, and of that one row group."""
    made = make(tmp_path, n=60, shards=1)
    stream = made.streams[0]
    one = sidecar(stream, 0)
    table = pa.concat_tables([one] * (200_000 // one.num_rows))
    lengths = table.column("length").to_numpy()
    table = table.set_column(1, "offset", pa.array(np.cumsum(lengths) - lengths))
    pq.write_table(table, made.root / "index/shard_00000.parquet", row_group_size=1 << 14)
    entry = made.receipt["shards"][0] | {"tokens": int(lengths.sum())}
    path = entry["files"][0]
    receipt = made.receipt | {"shards": [entry | {"shard": n, "files": [path]} for n in range(3000)]}
    at_offset(receipt, made.root, 0, 0)
    started = time.process_time()
    place = at_offset(receipt, made.root, 2999, int(lengths.sum()) - 5)
    step = at_step(receipt, made.root, 12_345, 64, 512)
    assert time.process_time() - started < 0.5
    assert place.start == int(lengths[:-1].sum()) and step.documents.num_rows > 500
