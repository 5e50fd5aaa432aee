from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from corpus import chance
from corpus.errors import Mismatch
from corpus.exchange import exchange
from corpus.mixture.draw import SolveDraw
from corpus.mixture.place import Place, cluster_numbers, copies_of, drawn_schema, shard_of, stride_of
from corpus.store import Store
from corpus.tasks import Task, execute

SEED, SHARDS, N = 5, 4, 120


def table_of(n: int = N) -> pa.Table:
    ids = pa.array([hashlib.blake2b(str(i).encode(), digest_size=16).digest() for i in range(n)], pa.binary(16))
    cells = [["a", "b", None][i % 3] for i in range(n)]
    tokens = [[i] * (1 + i % 7) for i in range(n)]
    return pa.table({
        "id": ids,
        "url": [f"http://x/{i}" for i in range(n)],
        "source": ["web" if i % 2 else "books" for i in range(n)],
        "text": pa.array([f"text {i}" for i in range(n)], pa.large_string()),
        "cell": pa.array(cells, pa.string()),
        "tokens": pa.array(tokens, pa.large_list(pa.uint16())),
        "token_count": pa.array([len(t) for t in tokens], pa.int64()),
        "cluster": pa.array([i % 11 for i in range(n)], pa.int32()),
        "u": chance.uniform(SEED, "draw", ids),
    })


def build(tmp_path, pieces: int = 3, text: bool = False, rows: pa.Table | None = None):
    """Drawn shards by number, with the index and plan that they come from."""
    store, whole = Store(str(tmp_path)), table_of() if rows is None else rows
    step = -(-whole.num_rows // pieces)
    inputs = []
    for start in range(0, whole.num_rows, step):
        part = whole.slice(start, step)
        index = pa.table({"id": part["id"], "cell": part["cell"], "source": part["source"], "tokens": part["token_count"],
                          "u": part["u"]})
        inputs.append({name: [store.write_shard(name, shard)] for name, shard in {
            "index": index, "documents": part.select(["id", "url", "text"]), "domains": part.select(["id", "cluster"]),
            "tokens": part.select(["id", "tokens", "token_count"])}.items()})
    indexes = [i["index"][0] for i in inputs]
    draw = SolveDraw((("a", 0.75), ("b", 0.25)), 500, SHARDS, SEED)
    (plan,) = execute(Task("draw", draw, {"index": indexes}, store)).outputs
    work = Place(SHARDS, SEED, text)
    records = exchange("place", work, [i | {"plan": [plan]} for i in inputs], store, lambda tasks: map(execute, tasks))
    shards = {r.of("drawn")[0].digest: store.read_shard(r.of("drawn")[0]) for r in records}
    whole_index = pa.concat_tables(store.read_shard(i) for i in indexes)
    return list(shards.values()), whole_index, store.read_shard(plan)


def test_the_shards_hold_the_drawn_copies_and_nothing_else(tmp_path):
    shards, index, plan = build(tmp_path)
    rows = pa.concat_tables(shards)
    assert rows.num_rows == sum(plan.column("drawn_documents").to_pylist())
    assert rows.schema == drawn_schema(pa.uint16(), text=False)
    sums = rows.group_by("cell").aggregate([("token_count", "sum")]).sort_by("cell")
    assert sums.column("token_count_sum").to_pylist() == plan.column("drawn_tokens").to_pylist()
    named = list(zip(rows.column("id").to_pylist(), rows.column("copy").to_pylist()))
    assert len(set(named)) == len(named)


def test_every_row_is_the_document_it_names(tmp_path):
    shards, _, _ = build(tmp_path, text=True)
    whole = {row["id"]: row for row in table_of().to_pylist()}
    for row in pa.concat_tables(shards).to_pylist():
        of = whole[row["id"]]
        assert (row["url"], row["text"], row["tokens"], row["cell"], row["source"]) == tuple(
            of[name] for name in ("url", "text", "tokens", "cell", "source"))
        assert row["cluster_id"] == of["cluster"] and row["token_count"] == len(row["tokens"])


def test_how_the_input_is_cut_does_not_matter(tmp_path):
    one, seven = (build(tmp_path / str(n), pieces=n)[0] for n in (1, 7))
    assert all(a.equals(b) for a, b in zip(one, seven, strict=True))


def test_any_shard_can_be_made_alone_from_the_index_and_the_plan(tmp_path):
    shards, index, plan = build(tmp_path)
    ids = index.column("id").to_pylist()
    for number in range(SHARDS):
        alone = copies_of(index, plan, SEED, SHARDS, only=number)
        rows = sorted(zip(alone.order.tolist(), [ids[r] for r in alone.row], alone.copy.tolist()))
        assert rows in [list(zip(*(s.column(c).to_pylist() for c in ("order", "id", "copy")))) for s in shards]


def test_a_removed_document_changes_only_the_shards_that_lose_or_gain_a_copy(tmp_path):
    rows = table_of()
    before, index, plan = build(tmp_path / "before", rows=rows)
    after, _, _ = build(tmp_path / "after", rows=rows.filter(pa.array(np.arange(N) != 3)))
    unchanged = 0
    for old, new in zip(before, after, strict=True):
        held = [set(zip(s.column("id").to_pylist(), s.column("copy").to_pylist())) for s in (old, new)]
        assert old.equals(new) == (held[0] == held[1])
        unchanged += old.equals(new)
    assert 1 <= unchanged < SHARDS


def test_rows_are_shuffled_by_hash_and_not_by_where_they_came_from(tmp_path):
    shards, _, _ = build(tmp_path)
    for shard in shards:
        order = shard.column("order").to_numpy()
        assert (order[:-1] <= order[1:]).all()
    numbers = [int(u.rsplit("/", 1)[1]) for u in shards[0].column("url").to_pylist()]
    assert abs(np.corrcoef(numbers, np.arange(len(numbers)))[0, 1]) < 0.4


@pytest.mark.parametrize("shards", [5, 7, 8, 10, 16, 33, 100, 128, 129, 1000, 6543])
def test_two_copies_never_lie_in_the_same_or_neighbouring_shards(shards):
    apart = stride_of(shards) % shards
    assert min(apart, shards - apart) >= 2


def test_eight_copies_keep_apart_where_there_is_room():
    for shards in (32, 100, 6543):
        places = [c * stride_of(shards) % shards for c in range(8)]
        gaps = [min((a - b) % shards, (b - a) % shards) for i, a in enumerate(places) for b in places[:i]]
        assert min(gaps) >= 2


def test_one_shard_takes_every_copy():
    words = np.arange(8, dtype=np.uint64).reshape(4, 2)
    assert shard_of(words, np.array([0, 1, 2, 3]), 1, 1).tolist() == [0, 0, 0, 0]


def test_documents_spread_evenly_over_shards():
    words = np.random.default_rng(0).integers(0, 1 << 63, (100_000, 2)).astype(np.uint64)
    counts = np.bincount(shard_of(words, np.zeros(len(words), np.int64), 1, 10), minlength=10)
    assert abs(counts - 10_000).max() < 400          # four standard deviations


def test_a_plan_for_another_number_of_shards_is_refused(tmp_path):
    _, index, plan = build(tmp_path)
    with pytest.raises(Mismatch, match="shards 4, not 5"):
        copies_of(index, plan, SEED, 5)


def test_cluster_numbers_come_from_numbers_or_from_names():
    assert cluster_numbers(pa.chunked_array([pa.array([3, None], pa.int32())])).to_pylist() == [3, None]
    assert cluster_numbers(pa.chunked_array([["d07", "d12", "other", None]])).to_pylist() == [7, 12, None, None]
