"""How much of an item a document holds, and where: planted word for word, changed, cut short, and not at all."""

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.decontaminate.index import Index, build_index, hash_runs
from corpus.decontaminate.items import EvalItem
from corpus.decontaminate.measure import CONTAMINATION, Decontaminate, find, measure
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.text.normal import matching_hashes

FERRY = ("A ferry leaves the northern harbour at noon with forty tonnes of gravel and returns at dusk with eleven tonnes "
         "of apples; how many tonnes did it carry in all?")          # 30 words
WORDS = FERRY.split()
FILLER = " ".join(f"word{i} about{i} other{i} things{i}" for i in range(3000))


def test_a_question_word_for_word_scores_one_wherever_it_is(index, look):
    texts = (FERRY, f"{FILLER} {FERRY} {FILLER}", f"{FILLER}\n\n{FERRY}")
    for text, row in zip(texts, look(index, *texts)):
        assert (row["score"], row["task"], row["item"]) == (1.0, "boats", "b1")
        assert (row["ngrams"], row["words"]) == (30 - 13 + 1, 30)
        assert [text[s["start"] : s["end"]] for s in row["spans"]] == [FERRY.removesuffix("?")]


def test_case_and_punctuation_and_line_breaks_do_not_matter(index, look):
    rewritten = FERRY.upper().replace(" ", "\n * ").replace(";", " --- ")
    (row,) = look(index, f"Q1.  «{rewritten}»")
    assert row["score"] == 1.0
    assert len(row["spans"]) == 1 and row["spans"][0]["start"] == len("Q1.  «")


def test_part_of_a_question_scores_its_share_of_words(index, look):
    first20, first12 = " ".join(WORDS[:20]), " ".join(WORDS[:12])
    partly, too_little = look(index, f"{FILLER} {first20} {FILLER}", f"{FILLER} {first12} {FILLER}")
    assert partly["score"] == pytest.approx(20 / 30) and partly["ngrams"] == 20 - 13 + 1
    assert too_little["score"] == 0 and too_little["spans"] == []


def test_one_changed_word_costs_what_no_run_covers(index, look):
    words = [*WORDS[:15], "sand", *WORDS[16:]]
    (row,) = look(index, " ".join(words))
    assert row["score"] == pytest.approx((15 + 14) / 30)
    assert len(row["spans"]) == 2
    early = [*WORDS[:5], "CHANGED", *WORDS[6:]]
    assert look(index, " ".join(early))[0]["score"] == pytest.approx(24 / 30)


def test_a_clean_document_an_empty_one_and_a_null_hold_nothing(index, look):
    for row in look(index, FILLER, "", None, "owls hunt over wet meadows"):
        assert row == {"score": 0.0, "task": None, "item": None, "ngrams": 0, "words": 0, "answer": None, "tasks": [],
                       "spans": []}
    assert measure(pa.array([], pa.large_string()), index).schema == CONTAMINATION


def test_the_answer_is_looked_for_near_the_question(index, look):
    beside, far, none = look(index, f"{FERRY} Answer: Fifty-one tonnes.", f"{FERRY} {FILLER} fifty one tonnes", FERRY)
    assert (beside["answer"], far["answer"], none["answer"]) == (1.0, 0.0, 0.0)


def test_every_task_found_has_its_best_item(index, items, look):
    owls = items[1].questions[0]
    (row,) = look(index, f"{' '.join(WORDS[:20])}. {FILLER} {owls}")
    assert (row["task"], row["score"]) == ("birds", 1.0)
    assert [(t["task"], t["item"], round(t["score"], 4)) for t in row["tasks"]] == [
        ("birds", "o1", 1.0), ("boats", "b1", round(20 / 30, 4))]
    assert len(row["spans"]) == 2


def test_of_equal_items_the_first_is_named(look):
    twins = [EvalItem("a", "1", (FERRY,)), EvalItem("b", "2", (FERRY,))]
    assert look(build_index(twins), FERRY)[0]["item"] == "1"
    assert look(build_index(twins[::-1]), FERRY)[0]["item"] == "2"


def test_any_way_of_writing_an_item_counts(look):
    blank = ("Because the _ was too heavy for the shelf over the old stone sink it fell down at once",
             "Because the kettle was too heavy for the shelf over the old stone sink it fell down at once")
    index = build_index([EvalItem("blanks", "w", blank, "kettle")])
    assert [r["score"] for r in look(index, *blank)] == [1.0, 1.0]


def test_a_document_that_repeats_an_item_scores_it_once(index, look):
    once, often = look(index, FERRY, " ".join([FERRY] * 2000))
    assert (once["score"], once["ngrams"]) == (often["score"], often["ngrams"])
    assert len(look(index, " | ".join([FERRY, FILLER] * 3))[0]["spans"]) == 3


def test_decomposed_letters_and_letters_that_grow_keep_their_places(look):
    question = "Où se trouve l'île où le vieux château de granit fut bâti, détruit et rebâti près de la mer?"
    index = build_index([EvalItem("fr", "1", (question,))])
    decomposed = "İİİ… " + unicodedata.normalize("NFD", question) + " ok"
    (row,) = look(index, decomposed)
    (span,) = row["spans"]
    assert row["score"] == 1.0
    assert decomposed[span["start"] : span["end"]] == unicodedata.normalize("NFD", question).removesuffix("?")


def test_the_kernel_and_numpy_hash_a_run_alike(index):
    words, offsets = matching_hashes(pa.array([FERRY], pa.large_string()))
    runs = hash_runs(words, np.arange(len(words) - 12), 13)
    assert np.isin(runs, index.grams).all()
    assert len(find(words, offsets, index).hits) == len(runs)


LETTERS = st.text(alphabet="aBéE\u0301İΣσ \n.,-1_한ᄒ\u1161\u11abé ", max_size=30)
LONG = ("alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo "
        "sierra tango uniform victor").split()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(LETTERS, st.integers(0, 9), st.integers(0, 13)), max_size=4), LETTERS)
def test_spans_are_what_a_search_by_words_finds(pieces, tail):
    """Against a plain search: every run of 8 words of the item, in lists of words cut by `re`."""
    text = "".join(f"{noise} {' '.join(LONG[a : a + n])} " for noise, a, n in pieces) + tail
    index = build_index([EvalItem("t", "i", (" ".join(LONG),))], ngram=8)
    row = measure(pa.array([text], pa.large_string()), index).to_pylist()[0]
    form = unicodedata.normalize("NFC", text).lower()
    words = re.findall(r"\w+", form)
    grams = {tuple(LONG[i : i + 8]) for i in range(len(LONG) - 7)}
    inside = {k for i in range(len(words)) if tuple(words[i : i + 8]) in grams for k in range(i, i + 8)}
    spans = row["contamination.spans"]
    assert sum(len(re.findall(r"\w+", text[s["start"] : s["end"]])) for s in spans) == len(inside)
    assert [w for s in spans for w in re.findall(r"\w+", text[s["start"] : s["end"]])] == [words[k] for k in sorted(inside)]
    assert all(a["end"] < b["start"] for a, b in zip(spans, spans[1:]))
    covered = {LONG.index(words[k]) for k in inside}
    assert row["contamination.score"] == pytest.approx(len(covered) / len(LONG), abs=1e-6)


def test_a_task_writes_rows_beside_its_documents_however_they_are_cut(index, tmp_path):
    store = Store(str(tmp_path / "store")).prepare()
    folder = tmp_path / "index"
    folder.mkdir()
    index.save(folder)
    assert Index.load(folder).items.equals(index.items)
    made = store.write_folder("index", folder, {})
    texts = [FILLER, FERRY, "", f"{FILLER} {FERRY}"]
    ids = [bytes([i]) * 16 for i in range(4)]
    documents = pa.table({"id": pa.array(ids, pa.binary(16)), "text": pa.array(texts, pa.large_string())})

    def run(rows):
        shard = store.write_shard("documents", rows)
        record = execute(Task("decontaminate.measure", Decontaminate(), {"documents": (shard,), "index": (made,)}, store))
        return store.read_shard(record.of("contamination")[0]), record.counts

    whole, counts = run(documents)
    assert counts == {"documents": 4, "touched": 2}
    assert whole.column("id").to_pylist() == ids
    assert pa.concat_tables([run(documents.slice(0, 1))[0], run(documents.slice(1))[0]]).combine_chunks().equals(
        whole.combine_chunks())
