from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipelines.report import spaces


def test_the_two_directions_of_points_on_a_plane_hold_all_of_their_variance():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(50, 2)) * [3, 1]
    basis = np.linalg.qr(rng.normal(size=(6, 2)))[0]
    places, explained = spaces.flatten(flat @ basis.T)
    assert explained == pytest.approx(1)
    apart = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    assert np.linalg.norm(places[:, None] - places[None], axis=2) == pytest.approx(apart)


def test_vectors_that_are_all_alike_are_one_place():
    places, explained = spaces.flatten(np.ones((4, 3)))
    assert np.allclose(places, 0) and explained == 0


def test_each_point_has_its_own_documents_domain_and_address(world):
    world.judge()
    world.freeze()
    world.spaces()
    found = spaces.picture(world.view())
    assert found.documents == len(found.points) == len(world.kept)
    truth = {world.url(i): (domain, int(cluster)) for i, domain, cluster in zip(world.kept, world.domain, world.cluster)}
    assert {p.url: (p.domain, p.cluster) for p in found.points} == truth


def test_the_sample_is_bounded_and_the_same_each_time(world, monkeypatch):
    world.judge()
    world.freeze()
    world.spaces()
    monkeypatch.setattr(spaces, "SAMPLE", 40)
    first, second = spaces.picture(world.view()), spaces.picture(world.view())
    assert len(first.points) == 40 and first.documents == len(world.kept)
    assert first == second


def test_domains_of_another_run_than_the_vectors_are_not_shown(world):
    world.judge()
    world.freeze()
    world.spaces()
    backwards = world.kept[::-1]
    world.map("domains.assign", "domains", pa.table({
        "id": world.column(backwards), "cluster": pa.array(world.cluster, pa.int32()), "domain": world.domain}))
    assert all(p.domain is None and p.cluster is None and p.url for p in spaces.picture(world.view()).points)


def test_a_domains_tokens_and_quality_are_those_of_its_documents_and_clusters(finished):
    found = {d["id"]: d for d in spaces.domains(finished.view())}
    assert len(found) == 8
    own = [i for i, d in enumerate(finished.domain) if d == "d00"]          # clusters 0 and 8: means 0.90 and 0.34
    assert found["d00"]["documents"] == len(own)
    assert found["d00"]["tokens"] == int(finished.tokens[own].sum())
    sizes = np.bincount(finished.cluster)
    assert found["d00"]["quality"] == pytest.approx((0.9 * sizes[0] + 0.34 * sizes[8]) / (sizes[0] + sizes[8]))


def test_written_shares_of_the_domains_sum_to_one(finished):
    assert sum(d["written"] for d in spaces.domains(finished.view())) == pytest.approx(1)


def test_a_slash_inside_a_value_is_not_a_joint():
    assert spaces.parts("a%2Fb/50%25") == ["a/b", "50%"]
