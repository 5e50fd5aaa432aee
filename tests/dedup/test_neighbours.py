import numpy as np
import pyarrow as pa
import pytest

from corpus.annotate import aligned
from corpus.dedup.by_shard import output_name
from corpus.dedup.neighbours import NEIGHBOURS, Neighbours, NeighboursByShard, nearest
from corpus.document import ID
from corpus.errors import StepError
from corpus.exchange import exchange
from corpus.numeric.vectors import column
from corpus.store import Store
from corpus.tasks import Task, TaskIO, execute


def units(n, d=24, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def brute_force(vectors):
    """Index and cosine of the nearest other row, in float64, of equals the first."""
    products = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    np.fill_diagonal(products, -np.inf)
    return products.argmax(1), products.max(1)


@pytest.mark.parametrize("block", [1, 7, 64, 2048])
def test_nearest_is_that_of_brute_force_whatever_the_block(block):
    vectors = units(150)
    index, cosine = nearest(vectors, block)
    expected, value = brute_force(vectors)
    assert (index == expected).all() and np.abs(cosine - value).max() < 1e-7
    assert (cosine == nearest(vectors)[1]).all()


def test_a_difference_in_the_last_bits_decides():
    base = units(1, 384)
    vectors = np.repeat(base, 40, 0)
    vectors[:, 5] *= np.float32(1) + np.arange(40, dtype=np.float32) * np.float32(2.0**-23)
    expected, _ = brute_force(vectors)
    assert (nearest(vectors, 16)[0] == expected).all()
    assert len(set(expected.tolist())) <= 2                     # the longest is nearest to all others


def test_of_equal_vectors_the_first_is_nearest_and_the_first_has_the_second():
    vectors = np.vstack([units(3, seed=1), np.repeat(units(1, seed=2), 50, 0)])
    for block in (4, 2048):
        index, cosine = nearest(vectors, block)
        assert index[3:].tolist() == [4] + [3] * 49 and (np.abs(cosine[3:] - 1) < 1e-6).all() and cosine.max() <= 1


def test_alone_or_not_finite_there_is_no_neighbour():
    assert [x.tolist() for x in nearest(units(1))] == [[-1], [0]] and len(nearest(units(0))[0]) == 0
    vectors = units(4)
    vectors[1, 3] = np.nan
    vectors[2, 0] = np.inf
    assert nearest(vectors)[0].tolist() == [3, -1, -1, 0]


N = 200
IDS = [bytes([i % 7, i]) * 8 for i in range(N)]


def shards(store, cuts, vectors, clusters):
    found = []
    for start, stop in zip([0, *cuts], [*cuts, N]):
        ids = pa.array(IDS[start:stop], ID)
        found.append({
            "vectors": [store.write_shard("vectors", pa.table({"id": ids, "vector": column(vectors[start:stop])}))],
            "clusters": [store.write_shard("clusters", pa.table({
                "id": ids, "cluster": pa.array(clusters[start:stop], pa.int32()),
                "distance": pa.array(np.zeros(stop - start), pa.float32())}))],
        })
    return found


def attribute(store, inputs, partitions, block=2048, order=1):
    """The neighbours of each vectors shard, in order."""
    def run(tasks):
        return map(execute, tasks[::order])

    work = Neighbours(partitions, block)
    found = [shard for record in exchange("found", work, inputs, store, run) for shard in record.of("found")]
    dealt = exchange("dealt", NeighboursByShard(partitions), [{"found": [shard]} for shard in found], store, run)
    by_name = {shard.name: shard for record in dealt for shard in record.outputs}
    return [by_name[output_name("neighbours", each["vectors"][0])] for each in inputs]


@pytest.mark.parametrize(("cuts", "partitions", "block", "order"), [([], 1, 2048, 1), ([50, 51, 120], 5, 16, -1)])
def test_the_attribute_is_that_of_brute_force_beside_the_vectors(tmp_path, cuts, partitions, block, order):
    store = Store(str(tmp_path)).prepare()
    vectors, clusters = units(N), np.random.default_rng(1).integers(0, 6, N)
    clusters[17] = 99
    inputs = shards(store, cuts, vectors, clusters)
    found = attribute(store, inputs, partitions, block, order)
    for each, neighbours in zip(inputs, found):
        task = Task("beside", Neighbours(), each | {"neighbours": [neighbours]}, store)
        assert "neighbour_cosine" in aligned(TaskIO(task), ("vectors", "clusters", "neighbours")).column_names
    table = pa.concat_tables(store.read_shard(shard) for shard in found)
    assert table.schema.equals(NEIGHBOURS) and table.column("id").to_pylist() == IDS
    products = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    for i, row in enumerate(table.to_pylist()):
        others = [j for j in range(N) if j != i and clusters[j] == clusters[i]]
        if not others:
            assert i == 17 and row["neighbour"] is None and row["neighbour_cosine"] is None
            continue
        best = min(others, key=lambda j: (-products[i, j], IDS[j]))
        assert row["neighbour"] == IDS[best] and abs(row["neighbour_cosine"] - products[i, best]) < 1e-6


def test_of_equals_the_least_id_is_named_and_shards_and_partitions_change_nothing(tmp_path):
    store = Store(str(tmp_path)).prepare()
    vectors, clusters = np.repeat(units(N // 4, seed=3), 4, 0), np.repeat(np.arange(N // 20), 20)
    one = attribute(store, shards(store, [], vectors, clusters), 3)
    many = attribute(store, shards(store, [30, 31, 90], vectors, clusters), 8, block=5)
    whole = store.read_shard(one[0])
    assert pa.concat_tables(store.read_shard(s) for s in many).equals(whole)
    for i, name in enumerate(whole.column("neighbour").to_pylist()):
        same = range(i // 4 * 4, i // 4 * 4 + 4)
        assert name == min(IDS[j] for j in same if j != i)


def test_one_id_twice_in_a_cluster_is_an_error(tmp_path):
    store = Store(str(tmp_path)).prepare()
    inputs = shards(store, [100], units(N), np.zeros(N))
    with pytest.raises(StepError, match="one id twice"):
        attribute(store, [inputs[0], inputs[0]], 2)
