import pyarrow as pa
import pytest

from corpus.operators import Batch
from corpus.rules.bounds import columns_of, judge
from corpus.rules.presets import PRESETS
from corpus.signals.gopher import GopherQuality
from corpus.signals.repetition import GopherRepetition
from corpus.text.words import split_words


def measured(texts, languages):
    batch = Batch(pa.table({"text": pa.array(texts, pa.large_string())}))
    columns = {"language": pa.array(languages, pa.string())}
    for signal in (GopherQuality(), GopherRepetition()):
        added = signal.annotate(batch)
        columns |= {name: added.column(name) for name in added.column_names}
    return pa.table(columns)


def reasons(texts, languages, rules=PRESETS["gopher"]):
    return judge(measured(texts, languages), rules).reason.to_pylist()


ENGLISH = """The harbour froze early that winter, and the boats that had been left at anchor could not be moved.
Fishermen walked out over the ice to cut holes beside the hulls, so that the pressure would not crack the planks.
In the evenings they sat in the long shed behind the chandlery, mended nets, and argued about what the spring would bring.
Nobody expected to have a good catch before May; the price of salt alone made certain of that."""

GERMAN = """Der Hafen fror in jenem Winter früh zu, und die Boote, die vor Anker lagen, ließen sich nicht mehr bewegen.
Die Fischer gingen über das Eis hinaus und schlugen Löcher neben die Rümpfe, damit der Druck die Planken nicht sprengte.
Abends saßen sie im langen Schuppen hinter dem Laden, flickten Netze und stritten, was das Frühjahr bringen werde."""


def test_gopher_reads_only_columns_that_its_signals_give():
    given = set(GopherQuality().schema().names) | set(GopherRepetition().schema().names) | {"language"}
    assert set(columns_of(PRESETS["gopher"])) <= given


def test_ordinary_prose_is_kept():
    assert reasons([ENGLISH, GERMAN], ["en", "de"]) == [None, None]


def test_rules_of_quality_have_texts_that_they_drop():
    bullets = "\n".join("- " + line for line in ENGLISH.replace(", ", "\n").splitlines())
    texts = {
        "gopher_short_doc": "too short",
        "gopher_below_avg_threshold": "a b c d " * 30,
        "gopher_above_avg_threshold": "internationalisation " * 60,
        "gopher_too_many_hashes": ENGLISH + " #" * 20,
        "gopher_too_many_ellipsis": ENGLISH + " …" * 20,
        "gopher_too_many_bullets": bullets,
        "gopher_too_many_end_ellipsis": ENGLISH.replace("\n", "...\n"),
        "gopher_below_alpha_threshold": ENGLISH + " 1234" * 60,
        "gopher_enough_stop_words": "cats sleep near dogs under trees while birds sing songs above " * 6,
    }
    assert reasons(list(texts.values()), ["en"] * len(texts), PRESETS["gopher_quality"]) == list(texts)


def test_other_languages_are_not_asked_for_english_stop_words():
    assert reasons([GERMAN, GERMAN], ["de", "en"]) == [None, "gopher_enough_stop_words"]


def test_scripts_without_spaces_are_not_judged_by_word_length():
    japanese = "委員会は火曜日年末までに調査結果を公表すると述べた。"
    japanese += "住民からは期待の声が上がっている。"
    japanese += "新しい橋は来春に完成する予定だ。"
    assert reasons([japanese], ["ja"]) == [None]
    assert reasons(["การประชุมครั้งนี้จัดขึ้นที่กรุงเทพ " * 2], ["th"], PRESETS["gopher_quality"]) == [None]


def test_verdicts_agree_with_datatrove_where_words_do():
    repetition = pytest.importorskip("datatrove.pipeline.filters.gopher_repetition_filter")
    lines = ENGLISH.splitlines()
    texts = [ENGLISH, ENGLISH + "\n" + ENGLISH, "x y\n" * 90, ENGLISH + " " + lines[1], "ab cd ef " * 40,
             "\n\n".join(["same"] * 9), ENGLISH + " so it was" * 12, ENGLISH + "\n\n" + lines[0] + "\n\n" + lines[0]]
    mine = reasons(texts, ["en"] * len(texts), PRESETS["gopher_repetition"])
    for text, reason in zip(texts, mine):
        assert reason == datatrove_verdict(repetition, text)


def datatrove_verdict(theirs, text):
    """The first bound that fails by datatrove's own functions and bounds, over our words."""
    f = theirs.GopherRepetitionFilter()
    for name, frac, chars, pieces in (
            ("para", f.dup_para_frac, f.dup_para_char_frac, f.paragraph_exp.split(text.strip())),
            ("line", f.dup_line_frac, f.dup_line_char_frac, f._line_splitter.split(text))):
        elements, characters = theirs.find_duplicates(pieces)
        if elements / len(pieces) > frac:
            return f"dup_{name}_frac"
        if characters / len(text) > chars:
            return f"dup_{name}_char_frac"
    vocabulary = split_words([text])
    words = vocabulary.vocabulary.take(pa.array(vocabulary.ids)).to_pylist()
    for n, bound in f.top_n_grams:
        if theirs.find_top_duplicate(theirs.get_n_grams(words, n)) / len(text) > bound:
            return f"top_{n}_gram"
    for n, bound in f.dup_n_grams:
        if theirs.find_all_duplicate(words, n) / len(text) > bound:
            return f"duplicated_{n}_n_grams"
    return None
