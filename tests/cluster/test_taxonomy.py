from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from corpus.cluster.domains import AssignDomains
from corpus.cluster.taxonomy import FitTaxonomy, merge
from corpus.errors import ConfigError
from corpus.store import Store
from corpus.tasks import Task, execute

# clusters 0 and 1 lie together, 2 apart, 3 is poor, 4 is empty
CENTROIDS = np.array([[1, 0], [0.99, 0.1], [0, 1], [-1, 0], [0, -1]], np.float32)
CLUSTER = [0, 0, 1, 2, 2, 2, 3, 3]
QUALITY = [0.9, 0.7, 0.6, 0.8, 0.8, None, 0.1, 0.2]
TEXT = ["bread oven the"] * 3 + ["compiler loop the"] * 3 + ["spam the"] * 2


def ids(n: int) -> pa.Array:
    return pa.array([hashlib.blake2b(str(i).encode(), digest_size=16).digest() for i in range(n)], pa.binary(16))


class Fixture:
    def __init__(self, folder: Path, cuts: tuple[int, ...] = (3,)) -> None:
        self.store = store = Store(str(folder)).prepare()
        local = folder / "local"
        local.mkdir(parents=True)
        np.save(local / "centroids.npy", CENTROIDS)
        tables = {"clusters": {"cluster": pa.array(CLUSTER, pa.int32())},
                  "attributes": {"quality": pa.array(QUALITY, pa.float32())},
                  "documents": {"text": pa.array(TEXT, pa.large_string())}}
        bounds = list(zip([0, *cuts], [*cuts, len(CLUSTER)]))
        self.inputs = {name: [store.write_shard(name, pa.table({"id": ids(8)} | columns).slice(a, b - a)) for a, b in bounds]
                       for name, columns in tables.items()} | {"centroids": [store.write_folder("centroids", local)]}

    def fit(self, body: FitTaxonomy):
        (found,) = execute(Task("domains", body, self.inputs, self.store)).of("taxonomy")
        with self.store.local_folder(found) as folder:
            return found, json.loads((folder / "taxonomy.json").read_text())


def test_poor_and_empty_clusters_are_pruned_and_near_ones_merged(tmp_path: Path):
    _, found = Fixture(tmp_path).fit(FitTaxonomy(threshold=0.5, distance=0.5))
    assert [c["why"] for c in found["clusters"]] == [None, None, None, "low_quality", "empty"]
    assert [c["domain"] for c in found["clusters"]] == ["d00", "d00", "d01", None, None]
    assert [c["mean_quality"] for c in found["clusters"]][:3] == pytest.approx([0.8, 0.6, 0.8])
    assert [(d["id"], d["clusters"], d["documents"]) for d in found["domains"]] == [("d00", [0, 1], 3), ("d01", [2], 3)]
    assert [d["label"] for d in found["domains"]] == ["bread oven", "compiler loop"]


def test_a_number_of_domains_overrides_the_distance(tmp_path: Path):
    _, found = Fixture(tmp_path).fit(FitTaxonomy(domains=2))
    assert len(found["domains"]) == 2 and found["merge"] == {"linkage": "ward", "distance": None, "domains": 2}


def test_small_clusters_are_pruned_by_number(tmp_path: Path):
    _, found = Fixture(tmp_path).fit(FitTaxonomy(min_documents=2))
    assert [c["why"] for c in found["clusters"]] == [None, "too_few_documents", None, None, "empty"]


def test_a_threshold_over_every_cluster_says_what_would_do(tmp_path: Path):
    with pytest.raises(ConfigError, match="^domains.prune_below: no cluster is left at 0.99; expected at most 0.(799|800),"):
        Fixture(tmp_path).fit(FitTaxonomy(threshold=0.99))


def test_the_advised_threshold_leaves_a_cluster(tmp_path: Path):
    fixture = Fixture(tmp_path)
    with pytest.raises(ConfigError) as refused:
        fixture.fit(FitTaxonomy(threshold=0.99))
    advised = float(refused.value.right.split("at most ")[1].split(",")[0])
    assert advised >= 0.79 and len(fixture.fit(FitTaxonomy(threshold=advised))[1]["domains"]) >= 1


def test_too_many_documents_asked_of_a_cluster_are_named_and_what_there_is(tmp_path: Path):
    with pytest.raises(ConfigError, match="^domains.min_documents: no cluster has 9 documents; expected at most 3, as the"):
        Fixture(tmp_path).fit(FitTaxonomy(min_documents=9))
    with pytest.raises(ConfigError, match="^domains.min_documents"):
        Fixture(tmp_path / "more").fit(FitTaxonomy(min_documents=9, threshold=0.5))


@pytest.mark.parametrize("options, place", [({"domains": 0}, "merge_to: 0"), ({"distance": 0.0}, "merge_distance: 0.0"),
                                            ({"distance": float("nan")}, "merge_distance: nan")])
def test_options_are_named_as_the_build_file_spells_them(options, place):
    with pytest.raises(ConfigError, match=f"^domains.{place}"):
        FitTaxonomy(**options)


def test_a_missing_quality_column_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="^domains.prune_below: no column 'edu' to prune by; expected one of id, quality"):
        Fixture(tmp_path).fit(FitTaxonomy(threshold=0.1, quality="edu"))


def test_the_split_into_shards_does_not_change_the_taxonomy(tmp_path: Path):
    digests = set()
    for name, cuts in (("a", ()), ("b", (1, 4, 7))):
        (tmp_path / name).mkdir()
        digests.add(Fixture(tmp_path / name, cuts).fit(FitTaxonomy(threshold=0.5, distance=0.5))[0].digest)
    assert len(digests) == 1


def test_documents_get_the_domain_of_their_cluster_and_none_where_it_is_pruned(tmp_path: Path):
    fixture = Fixture(tmp_path)
    folder, _ = fixture.fit(FitTaxonomy(threshold=0.5, distance=0.5))
    shard = fixture.inputs["clusters"][1]
    record = execute(Task("domains", AssignDomains(), {"clusters": [shard], "taxonomy": [folder]}, fixture.store))
    found = fixture.store.read_shard(record.of("domains")[0])
    assert found.column("domain").to_pylist() == ["d01"] * 3 + [None, None]
    assert record.counts == {"documents": 5, "cluster_pruned": 2}


def test_ward_groups_are_those_of_scipy_numbered_by_their_lowest_row():
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(20, 16)), 12, axis=0) + rng.normal(0, 0.05, (240, 16))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    groups = merge(x, 1.5, None)
    theirs = fcluster(linkage(x, "ward"), 1.5, "distance")
    assert len(set(groups)) == 20 == len(set(theirs)) == len(set(zip(groups, theirs)))
    assert [int(np.flatnonzero(groups == g)[0]) for g in range(20)] == sorted(np.unique(groups, return_index=True)[1])
