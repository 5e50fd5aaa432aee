"""What an index looks for, and what it owns up to not looking for."""

import pytest

from corpus.decontaminate.index import build_index
from corpus.decontaminate.items import EvalItem
from corpus.errors import ConfigError


def item(question, answer="", task="t", own="1"):
    return EvalItem(task, own, (question,), answer)


def sought(index):
    return index.items.column("sought").to_pylist()


NINE = "Which gas do green plants release during bright daylight"
SIX = "Which gas do green plants release"


def test_a_short_question_is_one_run_and_a_shorter_one_goes_with_its_answer(look):
    index = build_index([item(NINE, "oxygen", own="9"), item(SIX, "mostly plain oxygen", own="6"), item("Which gas", "air")])
    assert sought(index) == ["ngrams", "with_answer", "too_short"]
    assert index.sought == {"ngrams": 1, "with_answer": 1, "too_short": 1}
    nine, six, alone, cut = look(index, f"so: {NINE}?", f"{SIX}? Mostly plain oxygen.", f"{SIX}? Nitrogen.",
                                 NINE.removesuffix(" daylight"))
    assert (nine["item"], nine["score"], nine["ngrams"]) == ("9", 1.0, 1)
    assert (six["item"], six["score"]) == ("6", 1.0)
    assert alone["score"] == cut["score"] == 0


def test_what_many_questions_share_is_not_looked_for(look):
    stem = "which of the following statements best describes the main purpose of the passage about"
    goods = "salt iron wool silk amber honey copper timber grain herring linen tin".split()
    means = "carts mines looms barges routes hives works rafts mills nets bleach cups".split()
    items = [item(f"{stem} {a} {b} in the northern towns and villages of this province", own=str(i))
             for i, (a, b) in enumerate(zip(goods, means))]
    few, many = build_index(items[:10]), build_index(items)
    page = f"In our test, {stem} nothing at all."
    assert look(few, page)[0]["score"] > 0.5
    assert look(many, page)[0]["score"] == 0
    assert look(many, items[3].questions[0])[0]["score"] == 1.0            # its own words still count in full
    assert look(many, items[3].questions[0])[0]["words"] < len(items[3].questions[0].split())


def test_the_same_question_in_many_tasks_is_not_common(look):
    question = "Write a function that finds the longest chain which can be formed from the given set of pairs"
    index = build_index([item(question, task=f"language{i}") for i in range(17)])
    (row,) = look(index, question)
    assert row["score"] == 1.0 and len(row["tasks"]) == 17


def test_numbers_and_single_letters_tell_nothing(look):
    index = build_index([item("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"), item("A B C A B C A B C A B C A ?", own="2"),
                         item("go go go go go go go go stop stop stop stop stop", own="3")])
    assert sought(index) == ["common"] * 3 and not len(index.grams)
    assert look(index, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15")[0]["score"] == 0


def test_no_items_and_items_without_words_make_an_index_that_finds_nothing(look):
    for items in ([], [item("?!"), item("")]):
        assert look(build_index(items), NINE)[0]["score"] == 0


def test_an_item_longer_than_any_document_is_found_in_part(look):
    story = " ".join(f"sentence{i} speaks{i} of{i} rivers{i}" for i in range(500))
    assert look(build_index([item(story)]), " ".join(story.split()[100:600]))[0]["score"] == pytest.approx(0.25)


@pytest.mark.parametrize("options, wrong", [
    ({"ngram": 7}, "ngram"), ({"ngram": 14}, "ngram"), ({"min_words": 14}, "min_words"), ({"min_words": 4}, "min_words"),
    ({"max_questions": 0}, "max_questions")])
def test_an_option_outside_its_bounds_is_refused(options, wrong):
    with pytest.raises(ConfigError, match=f"decontaminate.{wrong}"):
        build_index([item(NINE)], **options)


@pytest.mark.parametrize("ngram", range(8, 14))
def test_every_length_finds_the_whole_and_nothing_shorter_than_itself(ngram, look):
    words = [f"{a}{b}" for a in ("red", "blue", "green", "black") for b in ("fox", "owl", "hen", "cat", "dog")]
    index = build_index([item(" ".join(words))], ngram=ngram)
    assert look(index, " ".join(words))[0]["score"] == 1.0
    assert look(index, "x " + " ".join(words[:ngram]))[0]["score"] == pytest.approx(ngram / 20)
    assert look(index, "x " + " ".join(words[: ngram - 1]))[0]["score"] == 0
