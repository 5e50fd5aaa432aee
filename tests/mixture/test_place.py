from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from corpus import chance
from corpus.errors import StepError
from corpus.exchange import exchange
from corpus.mixture.cells import INDEX
from corpus.mixture.copies import copies_of
from corpus.mixture.draw import SolveDraw
from corpus.mixture.place import DRAWN, DRAWN_TEXT, WHERE, Place, cluster_numbers
from corpus.mixture.schedule import PhaseSpec
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens.tokenize import TOKENS, hash_documents

SEED, SHARDS, N = 5, 4, 120
PHASES = (PhaseSpec(500, SHARDS, (("a", 0.75), ("b", 0.25))),)


def table_of(n: int = N) -> pa.Table:
    ids = pa.array([hashlib.blake2b(str(i).encode(), digest_size=16).digest() for i in range(n)], pa.binary(16))
    tokens = [[i] * (1 + i % 7) for i in range(n)]
    return pa.table({
        "id": ids,
        "url": [f"http://x/{i}" for i in range(n)],
        "source": ["web" if i % 2 else "books" for i in range(n)],
        "text": pa.array([f"text {i}" for i in range(n)], pa.large_string()),
        "cell": pa.array([["a", "b", None][i % 3] for i in range(n)], pa.string()),
        "tokens": pa.array(tokens, pa.large_list(pa.uint16())),
        "token_count": pa.array([len(t) for t in tokens], pa.int64()),
        "cluster": pa.array([i % 11 for i in range(n)], pa.int32()),
        "style": pa.array(["qa" if i % 4 == 0 else None for i in range(n)], pa.string()),
        "key": chance.hash64(SEED, "draw", ids),
    })


def inputs_of(store: Store, part: pa.Table) -> dict:
    """What `Place` reads of one frozen shard."""
    flat = part.column("tokens").combine_chunks().flatten().to_numpy()
    counts = part.column("token_count").to_numpy()
    with store.new_folder() as folder:
        flat.astype("<u2").tofile(folder / "ids.bin")
        ids = store.write_folder("ids", folder, {"dtype": "uint16", "tokens": len(flat)}, take=True)
    hashes = hash_documents(np.ascontiguousarray(flat, "<u2"), np.r_[0, np.cumsum(counts)])
    return {"ids": [ids]} | {name: [store.write_shard(name, shard)] for name, shard in {
        "index": pa.table([part["key"], part["cell"], part["source"], part["token_count"]], INDEX),
        "documents": part.select(["id", "url", "text"]),
        "domains": part.select(["id", "cluster", "style"]),
        "tokens": pa.table([part["id"], part["token_count"], hashes], TOKENS)}.items()}


def build(tmp_path, pieces: int = 3, text: bool = False, rows: pa.Table | None = None, phases=PHASES):
    """Records by shard number, the store, the whole index and the plan that they come from."""
    store, whole = Store(str(tmp_path)).prepare(), table_of() if rows is None else rows
    step = -(-whole.num_rows // pieces)
    inputs = [inputs_of(store, whole.slice(start, step)) for start in range(0, whole.num_rows, step)]
    draw = SolveDraw(phases, SEED)
    plan, caps = execute(Task("draw", draw, {"index": [i["index"][0] for i in inputs]}, store)).outputs
    work = Place(sum(p.shards for p in phases), text)
    if text:
        inputs = [{name: i[name] for name in i if name != "ids"} for i in inputs]
    records = exchange("place", work, [i | {"plan": [plan], "caps": [caps]} for i in inputs], store,
                       lambda tasks: map(execute, tasks))
    found = {r.extra["partition"]: r for r in records}
    index = pa.concat_tables(store.read_shard(i["index"][0]) for i in inputs)
    return found, store, index, store.read_shard(plan)


def drawn(found, store) -> dict[int, pa.Table]:
    return {n: store.read_shard(record.of("drawn")[0]) for n, record in found.items()}


def test_the_shards_hold_the_drawn_copies_and_nothing_else(tmp_path):
    found, store, _, plan = build(tmp_path)
    rows = pa.concat_tables(drawn(found, store).values())
    assert rows.schema == DRAWN and rows.num_rows == sum(plan.column("drawn_documents").to_pylist())
    sums = rows.group_by("cell").aggregate([("token_count", "sum")]).sort_by("cell")
    assert sums.column("token_count_sum").to_pylist() == plan.column("drawn_tokens").to_pylist()
    named = list(zip(rows.column("id").to_pylist(), rows.column("copy").to_pylist()))
    assert len(set(named)) == len(named)


def test_every_row_is_the_document_it_names_and_points_to_its_ids(tmp_path):
    found, store, _, _ = build(tmp_path)
    whole = {row["id"]: row for row in table_of().to_pylist()}
    files = {}
    for path in (tmp_path / "folders").rglob("ids.bin"):
        files[int(path.parent.name[:16], 16)] = np.fromfile(path, "<u2")
    for record in found.values():
        rows, where = store.read_shard(record.of("drawn")[0]), store.read_shard(record.of("where")[0])
        assert where.schema == WHERE
        for row, at in zip(rows.to_pylist(), where.to_pylist(), strict=True):
            of = whole[row["id"]]
            assert (row["url"], row["cell"], row["source"], row["style"]) == tuple(
                of[name] for name in ("url", "cell", "source", "style"))
            assert row["cluster_id"] == of["cluster"]
            assert files[at["file"]][at["start"] : at["start"] + row["token_count"]].tolist() == of["tokens"]


def test_a_text_formats_rows_hold_texts_and_no_pointers(tmp_path):
    found, store, _, _ = build(tmp_path / "text", text=True)
    others, there, _, _ = build(tmp_path / "ids")
    whole = {row["id"]: row["text"] for row in table_of().to_pylist()}
    for number, rows in drawn(found, store).items():
        assert rows.schema == DRAWN_TEXT and not found[number].of("where")
        assert rows.column("text").to_pylist() == [whole[i] for i in rows.column("id").to_pylist()]
        assert rows.select(DRAWN.names).equals(drawn(others, there)[number])


def test_how_the_input_is_cut_does_not_matter(tmp_path):
    one, seven = (drawn(*build(tmp_path / str(n), pieces=n)[:2]) for n in (1, 7))
    assert one.keys() == seven.keys() and all(one[n].equals(seven[n]) for n in one)


def test_any_shard_can_be_made_alone_from_the_index_and_the_plan(tmp_path):
    phases = (*PHASES, PhaseSpec(200, 2, (("a", 0.1), ("b", 0.9))))
    found, store, index, plan = build(tmp_path, phases=phases)
    ids = table_of().column("id").to_pylist()
    assert set(found) == set(range(6))
    for number, rows in drawn(found, store).items():
        alone = copies_of(index, plan, only=number)
        expected = sorted(zip(alone.order.tolist(), [ids[r] for r in alone.row], alone.copy.tolist(), alone.phase.tolist()))
        assert expected == list(zip(*(rows.column(c).to_pylist() for c in ("order", "id", "copy", "phase"))))
        assert set(rows.column("phase").to_pylist()) == {0 if number < SHARDS else 1}


def test_where_ids_lie_changes_no_drawn_rows(tmp_path):
    one, moved = build(tmp_path / "a", pieces=2), build(tmp_path / "b", pieces=5)
    for number, record in one[0].items():
        other = moved[0][number]
        assert record.of("drawn")[0].digest == other.of("drawn")[0].digest
        assert record.of("where")[0].digest != other.of("where")[0].digest


def test_a_removed_document_changes_only_the_shards_that_lose_or_gain_a_copy(tmp_path):
    rows = table_of()
    before = drawn(*build(tmp_path / "before", rows=rows)[:2])
    after = drawn(*build(tmp_path / "after", rows=rows.filter(pa.array(np.arange(N) != 3)))[:2])
    unchanged = 0
    for number, old in before.items():
        new = after[number]
        held = [set(zip(s.column("id").to_pylist(), s.column("copy").to_pylist())) for s in (old, new)]
        assert old.equals(new) == (held[0] == held[1])
        unchanged += old.equals(new)
    assert 1 <= unchanged < SHARDS


def test_rows_are_shuffled_by_hash_and_not_by_where_they_came_from(tmp_path):
    shards = drawn(*build(tmp_path)[:2])
    for shard in shards.values():
        order = shard.column("order").to_numpy()
        assert (order[:-1] <= order[1:]).all()
    numbers = [int(u.rsplit("/", 1)[1]) for u in shards[0].column("url").to_pylist()]
    assert abs(np.corrcoef(numbers, np.arange(len(numbers)))[0, 1]) < 0.4


@pytest.mark.parametrize("wrong", ["tokens", "domains", "index", "ids", "plan"])
def test_inputs_of_other_documents_are_refused(tmp_path, wrong):
    store, whole = Store(str(tmp_path)).prepare(), table_of()
    inputs, others = (inputs_of(store, whole.slice(start, 60)) for start in (0, 60))
    plan, _ = execute(Task("draw", SolveDraw(PHASES, SEED, max_epochs=9), {"index": inputs["index"]}, store)).outputs
    work = Place(SHARDS + (wrong == "plan"))
    if wrong != "plan":
        inputs[wrong] = others[wrong]
    with pytest.raises(StepError, match="not aligned|its rows say|4 shards, not 5"):
        list(exchange("place", work, [inputs | {"plan": [plan]}], store, lambda tasks: map(execute, tasks)))


def test_cluster_numbers_come_from_numbers_or_from_names():
    assert cluster_numbers(pa.chunked_array([pa.array([3, None], pa.int32())])).to_pylist() == [3, None]
    assert cluster_numbers(pa.chunked_array([["d07", "d12", "other", None]])).to_pylist() == [7, 12, None, None]
