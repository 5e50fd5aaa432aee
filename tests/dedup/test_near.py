import csv
import gzip
import json
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from corpus.chance import id_words
from corpus.dedup.kernels import jaccard_sorted
from corpus.dedup.minhash import shingle_sets
from corpus.dedup.near import candidate_pairs, near_duplicates, near_pairs
from corpus.text.normal import matching_hashes, text_digests
from corpus.text.shingles import mix

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "near_duplicates"


def flattened(sets):
    return (np.array([x for s in sets for x in sorted(s)], np.uint64), np.cumsum([0, *map(len, sets)]))


@given(st.lists(st.sets(st.integers(0, 12)), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_jaccard_is_that_of_pythons_sets(sets):
    flat, offsets = flattened(sets)
    left, right = (x.ravel() for x in np.meshgrid(np.arange(len(sets)), np.arange(len(sets))))
    expected = [len(sets[i] & sets[j]) / len(sets[i] | sets[j]) if sets[i] | sets[j] else 1.0 for i, j in zip(left, right)]
    assert jaccard_sorted(flat, offsets, left, right).tolist() == expected


def test_jaccard_takes_arrows_buffers_and_the_ends_of_the_range():
    flat = pa.array([0, 2**64 - 1, 2**64 - 1], pa.uint64()).to_numpy()
    found = jaccard_sorted(flat, np.array([0, 2, 3], np.int32), np.array([0, 1], np.int32), np.array([1, 1], np.int32))
    assert found.tolist() == [0.5, 1.0]


@given(st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2), max_size=30))
@settings(max_examples=80, deadline=None)
def test_candidates_are_the_rows_that_share_a_key(rows):
    keys = np.array(rows, np.uint64).reshape(-1, 2)
    expected = [(i, j) for i in range(len(rows)) for j in range(i + 1, len(rows)) if set(rows[i]) & set(rows[j])]
    assert list(zip(*(x.tolist() for x in candidate_pairs(keys)))) == expected


def test_no_texts_give_no_pairs():
    assert near_duplicates([]) == [] and near_duplicates(["one"]) == []


def test_pairs_and_jaccard_by_hand():
    a = " ".join(f"w{i}" for i in range(100))
    b = a.replace("w99", "x")                                  # 95 of 97 five-word shingles are shared
    assert near_duplicates([a, "something else entirely here now", b, a.upper()]) == [
        (0, 2, 95 / 97), (0, 3, 1.0), (2, 3, 95 / 97)]
    assert near_duplicates([a, b], threshold=0.98) == []


def test_texts_without_words_are_alike_only_where_they_are_equal():
    assert near_duplicates(["...", "--", "...", None, "", "a b", "A  b!"]) == [(0, 2, 1.0), (3, 4, 1.0), (5, 6, 1.0)]


@given(st.permutations(range(12)), st.integers(0, 4))
@settings(max_examples=20, deadline=None)
def test_the_order_of_texts_decides_nothing(order, seed):
    base = [[f"{k}w{i}" for i in range(60)] for k in range(4)]
    texts = [" ".join(w[: 60 - cut] + ["x"] * cut) for w in base for cut in (0, 2, 5)]
    plain = {(i, j): jaccard for i, j, jaccard in near_duplicates(texts, seed=seed)}
    mixed = near_duplicates([texts[i] for i in order], seed=seed)
    assert {(*sorted((order[i], order[j])),): jaccard for i, j, jaccard in mixed} == plain


def read_manuals(at_most=None):
    """Texts of two releases of several manuals, and the listed pairs among them: (i, j, exact five-word Jaccard)."""
    if not DATA.is_dir():
        pytest.skip("the near-duplicate set is not here")
    with gzip.open(DATA / "docs.jsonl.gz", "rt") as lines:
        texts = {d["id"]: d["text"] for d in map(json.loads, lines)}
    with gzip.open(DATA / "pairs.tsv.gz", "rt") as lines:
        pairs = [(r["id_a"], r["id_b"], float(r["jaccard5w"])) for r in csv.DictReader(lines, delimiter="\t")]
    names: dict[str, None] = {}
    for i in np.random.default_rng(0).permutation(len(pairs)):
        if at_most is None or len(names) < at_most:
            names |= dict.fromkeys(pairs[i][:2])
    at = {name: i for i, name in enumerate(names)}
    return Manuals([texts[n] for n in names], [(at[a], at[b], j) for a, b, j in pairs if a in at and b in at])


class Manuals:
    def __init__(self, texts, pairs):
        self.texts, array = texts, pa.array(texts, pa.large_string())
        self.left, self.right = (np.array([p[k] for p in pairs]) for k in (0, 1))
        self.listed = np.array([p[2] for p in pairs])
        hashed = matching_hashes(array)
        self.words = (*hashed, mix(id_words(text_digests(array, hashed))[:, 0]))

    def jaccard(self):
        return jaccard_sorted(*shingle_sets(*self.words, 5), self.left, self.right)

    def recall(self, pairs, found):
        """Share of the listed pairs (a mask) that were found."""
        edges = set(zip(found[0].tolist(), found[1].tolist()))
        return np.mean([(min(a, b), max(a, b)) in edges for a, b in zip(self.left[pairs], self.right[pairs])])


def tuples(text):
    words = re.findall(r"\w+", unicodedata.normalize("NFC", text).lower())
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)} or {tuple(words)}


def true_jaccard(texts, pairs):
    sets = {}
    for i in {i for pair in pairs for i in pair}:
        sets[i] = tuples(texts[i])
    return np.array([len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in pairs])


@pytest.fixture(scope="module")
def manuals():
    return read_manuals(1500)


def test_jaccard_is_the_listed_one(manuals):
    assert len(manuals.listed) > 700 and np.abs(manuals.jaccard() - manuals.listed).max() < 1e-4


def test_listed_pairs_are_found_as_often_as_the_bands_allow(manuals):
    near = manuals.listed >= 0.801                               # listed to four digits: 0.80 itself may lie below
    meet = 1 - (1 - manuals.listed[near] ** 8) ** 14
    spread = np.sqrt((meet * (1 - meet)).sum()) / near.sum()
    assert near.sum() > 200
    assert manuals.recall(near, near_pairs(*manuals.words, bands=14, rows=8)) >= meet.mean() - 3 * spread
    assert manuals.recall(near, near_pairs(*manuals.words)) >= 0.99


def test_every_edge_is_right_by_pythons_sets(manuals):
    left, right, found = near_pairs(*manuals.words)
    true = true_jaccard(manuals.texts, list(zip(left.tolist(), right.tolist())))
    assert len(left) > 200 and (true >= 0.8).all() and (true == found).all()


@pytest.mark.slow
def test_of_the_whole_set_the_jaccard_agrees_and_edges_are_99_in_100_found_and_right():
    manuals = read_manuals()
    assert len(manuals.listed) == 9971 and np.abs(manuals.jaccard() - manuals.listed).max() < 1e-4
    near = manuals.listed >= 0.8
    for seed in range(3):
        assert near.sum() > 2500 and manuals.recall(near, near_pairs(*manuals.words, seed=seed)) >= 0.99
    left, right, found = near_pairs(*manuals.words)
    true = true_jaccard(manuals.texts, list(zip(left.tolist(), right.tolist())))
    assert (true >= 0.8).mean() >= 0.99 and np.abs(true - found).max() == 0


@pytest.mark.slow
def test_components_of_the_whole_set_hold_no_pair_of_less_than_half():
    manuals = read_manuals()
    left, right, _ = near_pairs(*manuals.words)
    nodes = len(manuals.texts)
    links = coo_matrix((np.ones(len(left)), (left, right)), shape=(nodes, nodes))
    members = defaultdict(list)
    for i, component in enumerate(connected_components(links, directed=False)[1].tolist()):
        members[component].append(i)
    inside = [(a, b) for group in members.values() for k, a in enumerate(group) for b in group[k + 1 :]]
    true = true_jaccard(manuals.texts, inside)
    print(f"{len(inside)} pairs in one component: {(true < 0.8).sum()} under 0.8, {(true < 0.5).sum()} under 0.5")
    assert (true >= 0.8).mean() > 0.75 and (true >= 0.5).mean() >= 0.99
