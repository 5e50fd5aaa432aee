import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpus.dedup.ids import one_array
from corpus.dedup.near import near_duplicates, pair_jaccard
from corpus.dedup.shingle import SHINGLES, Shingle
from corpus.document import ID

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "near_duplicates"


def ids(n):
    return pa.array([i.to_bytes(16, "big") for i in range(n)], ID)


def test_rows_hold_the_digest_the_words_and_one_band_more_than_asked():
    rows = Shingle(bands=3, rows=2).of(ids(3), ["one two three four five six", "a b", "!?"])
    assert rows.schema.equals(SHINGLES) and rows.column("words").to_pylist() == [6, 2, 0]
    assert [len(s) for s in rows.column("shingles").to_pylist()] == [2, 1, 1]
    assert [len(b) for b in rows.column("bands").to_pylist()] == [4, 4, 4]


def test_equal_matching_forms_share_every_band_and_others_of_no_words_none():
    a, b, c, d = Shingle().of(ids(4), ["One two three.", "one  TWO three", "...", "--"]).column("bands").to_pylist()
    assert a == b and not set(c) & set(d)


def test_rows_do_not_depend_on_their_neighbours():
    texts = ["the quick brown fox jumps over the lazy dog", "", "short one", "the quick brown fox jumps again"]
    whole = Shingle().of(ids(4), texts)
    for i, text in enumerate(texts):
        assert Shingle().of(ids(4).slice(i, 1), [text]).equals(whole.slice(i, 1))


def test_no_texts_give_no_pairs():
    assert near_duplicates([]) == [] and near_duplicates(["one"]) == []


def test_pairs_and_jaccard_by_hand():
    a = " ".join(f"w{i}" for i in range(100))
    b = a.replace("w99", "x")                                  # 95 of 97 five-word shingles are shared
    assert near_duplicates([a, "something else entirely here now", b, a.upper()]) == [
        (0, 2, 95 / 97), (0, 3, 1.0), (2, 3, 95 / 97)]
    assert near_duplicates([a, b], threshold=0.98) == []


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
    return [texts[n] for n in names], [(at[a], at[b], j) for a, b, j in pairs if a in at and b in at]


@pytest.fixture(scope="module")
def manuals():
    return read_manuals(1500)


def recall(texts, pairs, shingle):
    found = {(i, j) for i, j, _ in near_duplicates(texts, 0.8, shingle)}
    return np.mean([(min(a, b), max(a, b)) in found for a, b, _ in pairs])


def test_jaccard_is_the_listed_one(manuals):
    texts, pairs = manuals
    rows = Shingle().of(ids(len(texts)), texts)
    found = pair_jaccard(one_array(rows.column("shingles")), np.array([p[:2] for p in pairs]))
    assert len(pairs) > 700 and np.abs(found - [j for _, _, j in pairs]).max() < 1e-4


def test_listed_pairs_are_found_as_often_as_the_bands_allow(manuals):
    texts, pairs = manuals
    near = [p for p in pairs if p[2] >= 0.801]                   # listed to four digits: 0.80 itself may lie below
    meet = np.array([1 - (1 - j**8) ** 14 for _, _, j in near])
    spread = np.sqrt((meet * (1 - meet)).sum()) / len(near)
    assert len(near) > 200 and recall(texts, near, Shingle()) >= meet.mean() - 3 * spread
    assert recall(texts, near, Shingle(bands=20, rows=7)) >= 0.99


@pytest.mark.slow
def test_the_default_bands_find_99_in_100_pairs_of_the_whole_set():
    texts, pairs = read_manuals()
    near = [p for p in pairs if p[2] >= 0.8]
    assert len(near) > 2500 and recall(texts, near, Shingle()) >= 0.99
