"""The audit: who is sampled, what controls find, and a page that can do nothing."""

import json

import numpy as np
import pyarrow as pa
import pytest

from corpus.decontaminate.audit import Auditor, excerpt
from corpus.decontaminate.controls import control, interval
from corpus.decontaminate.index import build_index
from corpus.decontaminate.items import EvalItem
from pipelines.decontaminate import Options, audit, check_files

PLACES = "harbour valley mill orchard quarry lighthouse".split()
THINGS = "gravel barley timber oranges slate lamp-oil".split()
QUIZ = [EvalItem("quiz", str(i), (f"Before the {p} was closed the keeper of the old {p} sent {i + 3} waggons of {t} over "
                                  f"the hills; why did the {t} never reach the merchants of the lower town?",), "snow")
        for i, (p, t) in enumerate(zip(PLACES, THINGS))]


def documents(*texts):
    ids = [bytes([i]) * 16 for i in range(len(texts))]
    return pa.table({"id": pa.array(ids, pa.binary(16)), "url": [f"u{i}" for i in range(len(texts))],
                     "text": pa.array(texts, pa.large_string())})


def auditor(**options):
    return Auditor(QUIZ, build_index(QUIZ), 0.5, **options)


def test_shuffled_items_keep_the_words_of_each_sentence():
    made = control("shuffled", QUIZ, seed=1, copy=0)
    assert [sorted(m.questions[0].split()) for m in made.items] == [sorted(i.questions[0].split()) for i in QUIZ]
    assert all(m.questions != i.questions for m, i in zip(made.items, QUIZ))
    assert made == made and control("shuffled", QUIZ, 1, 0).items == made.items != control("shuffled", QUIZ, 1, 1).items


def test_recombined_items_are_halves_of_two():
    made = control("recombined", QUIZ, seed=1, copy=0)
    assert sorted(made.made_of[:, 0].tolist()) == sorted(made.made_of[:, 1].tolist()) == list(range(6))
    assert (made.made_of[:, 0] != made.made_of[:, 1]).all()
    first, (a, b) = made.items[0].questions[0].split(), made.made_of[0]
    assert QUIZ[a].questions[0].split()[:5] == first[:5] and QUIZ[b].questions[0].split()[-5:] == first[-5:]
    assert control("recombined", QUIZ[:1], 1, 0).items == ()


def test_a_clean_set_and_a_set_of_leaks_give_no_chance_hits():
    found = auditor()
    found.add(documents(*(i.questions[0] for i in QUIZ), "a page about owls"))
    result = found.result()
    (quiz,) = result.estimates
    assert (result.documents, result.flagged, quiz.flagged, quiz.items) == (7, 6, 6, 6)
    assert quiz.chance["shuffled"][0] == quiz.chance["recombined"][0] == 0
    assert quiz.precision[0] == 1.0 and quiz.precision[1] == pytest.approx(1 - 3.689 / 4 / 6, abs=1e-3)


def test_phrases_of_a_task_that_documents_have_by_chance_are_what_recombined_items_find():
    stem = "according to the annual report that the city council published in the spring of last year how many"
    items = [EvalItem("city", str(i), (f"{stem} {t} were {p}?",)) for i, (t, p) in enumerate(zip(THINGS, PLACES))]
    found = Auditor(items, build_index(items), 0.5, copies=2)
    found.add(documents(f"{stem} parks are there"))
    (city,) = found.result().estimates
    assert city.flagged == 1 and city.chance["shuffled"][0] == 0
    assert city.chance["recombined"][0] == 1.0 and city.precision[0] == 0.0


def test_intervals_are_those_of_a_poisson_count():
    mean, low, high = interval(0, 4)
    assert (mean, low) == (0, 0) and high == pytest.approx(3.689 / 4, abs=1e-3)
    mean, low, high = interval(10, 2)
    assert mean == 5 and (low, high) == pytest.approx((4.795 / 2, 18.390 / 2), abs=1e-3)


def test_the_sample_is_the_same_in_any_order_and_no_larger_than_asked():
    table = documents(*(f"{i.questions[0]} page {n}" for n in range(4) for i in QUIZ))
    one, other = auditor(size=5, seed=3), auditor(size=5, seed=3)
    one.add(table)
    order = np.random.default_rng(0).permutation(table.num_rows)
    for part in np.array_split(order, 3):
        other.add(table.take(pa.array(part)))
    assert one.result().sample == other.result().sample and len(one.result().sample) == 5
    fresh = auditor(size=5, seed=4)
    fresh.add(table)
    assert fresh.result().sample != one.result().sample


def test_an_excerpt_shows_matches_and_what_is_around():
    text = "x" * 1000 + "MATCH" + "y" * 1000 + "AGAIN" + "z" * 1000
    pieces = list(excerpt(text, [(1000, 1005), (2005, 2010)]))
    assert [t for t, matched in pieces if matched] == ["MATCH", "AGAIN"]
    assert "".join(t for t, _ in pieces) == f"… {'x' * 300}MATCH{'y' * 300} … {'y' * 300}AGAIN{'z' * 300} …"


@pytest.fixture
def files(tmp_path):
    hostile = "<script>alert(1)</script>\u202e<img src=x onerror=y>"
    pages = [f"{hostile} {QUIZ[0].questions[0]} {hostile}", "nothing here", QUIZ[1].questions[0].upper(), ""]
    (tmp_path / "pages.jsonl").write_text("".join(json.dumps({"text": p, "url": f"http://{hostile}/{i}"}) + "\n"
                                                  for i, p in enumerate(pages)))
    (tmp_path / "quiz.jsonl").write_text("".join(
        json.dumps({"id": i.id, "question": i.questions[0] + (hostile if n == 0 else ""), "answer": "snow"}) + "\n"
        for n, i in enumerate(QUIZ)))
    return tmp_path


def test_an_audit_writes_a_page_that_can_do_nothing_and_rows_for_a_person(files):
    options = Options((str(files / "quiz.jsonl"),))
    found = audit([str(files / "pages.jsonl")], options, str(files / "out"), copies=1)
    assert (found["documents"], found["flagged"], found["sampled"]) == (3, 2, 2)
    rows = [json.loads(line) for line in (files / "out" / "sample.jsonl").read_text().splitlines()]
    assert {r["item"] for r in rows} == {"0", "1"} and all(r["verdict"] == "" for r in rows)
    assert "⟦BEFORE THE VALLEY" in "".join(r["excerpt"] for r in rows)
    page = (files / "out" / "audit.html").read_text()
    assert "<script" not in page and "<img" not in page and "\u202e" not in page and "<mark>" in page
    assert "&lt;script&gt;" in page and "default-src &#x27;none&#x27;" in page
    before = page
    audit([str(files / "pages.jsonl")], options, str(files / "out"), copies=1)
    assert (files / "out" / "audit.html").read_text() == before


def test_a_check_of_files_says_what_was_found_and_writes_a_row_a_document(files):
    found = check_files([str(files / "pages.jsonl")], Options((str(files / "quiz.jsonl"),)), out=str(files / "rows.jsonl"))
    assert (found["documents"], found["without_text"], found["flagged"]) == (3, 1, 2)
    assert found["tasks"] == {"quiz": 2}
    rows = [json.loads(line) for line in (files / "rows.jsonl").read_text().splitlines()]
    assert [round(r["contamination.score"], 2) for r in rows] == [pytest.approx(1, abs=0.2), 0, 1]
    again = check_files([str(files / "pages.jsonl")], Options((str(files / "quiz.jsonl"),)), out=str(files / "rows.parquet"))
    import pyarrow.parquet as pq

    assert again == found and pq.read_table(files / "rows.parquet").num_rows == 3
    assert not list(files.glob("*.part"))
