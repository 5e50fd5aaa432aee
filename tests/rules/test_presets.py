import itertools

import pyarrow as pa
from parity import measured

from corpus.decontaminate.measure import CONTAMINATION
from corpus.extract.facts import FACTS
from corpus.quality.buckets import BANDS
from corpus.rules.bounds import columns_of, judge
from corpus.rules.presets import NOT_HIGH, PRESETS, QUALITY_BUCKET
from corpus.signals.c4 import C4
from corpus.signals.code import Code
from corpus.signals.fineweb import FineWeb
from corpus.signals.gopher import GopherQuality
from corpus.signals.repetition import GopherRepetition
from corpus.signals.robots import ROBOTS
from corpus.signals.url import Url

ENGLISH = """The harbour froze early that winter, and the boats that had been left at anchor could not be moved.
Fishermen walked out over the ice to cut holes beside the hulls, so that the pressure would not crack the planks.
In the evenings they sat in the long shed behind the chandlery, mended nets, and argued about what the spring would bring.
Nobody expected to have a good catch before May; the price of salt alone made certain of that. It was so every year."""

GERMAN = """Der Hafen fror in jenem Winter früh zu, und die Boote, die vor Anker lagen, ließen sich nicht mehr bewegen.
Die Fischer gingen über das Eis hinaus und schlugen Löcher neben die Rümpfe, damit der Druck die Planken nicht sprengte.
Abends saßen sie im langen Schuppen hinter dem Laden und flickten Netze. Sie stritten, was das Frühjahr bringen werde.
Niemand rechnete vor Mai mit einem guten Fang. Allein der Salzpreis sorgte dafür."""

JAPANESE = """委員会は火曜日年末までに調査結果を公表すると述べた。住民からは期待の声が上がっている。
新しい橋は来春に完成する予定だ。古い橋は歴史的な建物として残されることになった。"""

THAI = """การประชุมครั้งนี้จัดขึ้นที่กรุงเทพมหานคร และมีผู้เข้าร่วมจากหลายประเทศ คณะกรรมการกล่าวว่าจะเผยแพร่ผลการศึกษาภายในสิ้นปี
ชาวบ้านในพื้นที่หวังว่าสะพานใหม่จะช่วยให้การเดินทางสะดวกขึ้น แต่บางคนกังวลเรื่องผลกระทบต่อสิ่งแวดล้อม รัฐบาลจึงสัญญาว่าจะรับฟังความคิดเห็นของทุกฝ่าย"""

HINDI = """समिति ने मंगलवार को कहा कि वह वर्ष के अंत तक अपने निष्कर्ष प्रकाशित करेगी। लोगों को उम्मीद है कि नया पुल यात्रा को आसान बना देगा।
कुछ लोग पर्यावरण पर पड़ने वाले प्रभाव को लेकर चिंतित हैं। सरकार ने वादा किया है कि सभी पक्षों की राय सुनी जाएगी। पुराना पुल भी बना रहेगा।"""

KOREAN = """위원회는 화요일에 연말까지 조사 결과를 발표하겠다고 말했다.
주민들은 새 다리가 생기면 길이 편해질 것으로 기대하고 있다.
하지만 몇몇 주민은 환경에 미칠 영향을 걱정한다. 정부는 모든 의견을 듣겠다고 약속했다. 옛 다리는 그대로 남을 예정이다.
공사는 내년 봄에 시작해 그다음 해 가을에 끝난다. 시장은 예산이 충분하다고 밝혔다.
반대하는 사람도 있다. 그래도 일은 간다. 곧 다시 모인다."""


def reasons(texts, languages, rules):
    rules = PRESETS[rules] if isinstance(rules, str) else rules
    found = []
    for text, language in zip(texts, languages):
        found += judge(measured([text], language, "scripts"), rules).reason.to_pylist()
    return found


def test_presets_read_only_columns_that_signals_give():
    signals = (GopherQuality(), GopherRepetition(), C4(), FineWeb(), Url(), Code())
    given = {name for s in signals for name in s.schema().names} | {"language"}
    given |= {*FACTS.names, *ROBOTS.names, *CONTAMINATION.names}
    for name, rules in PRESETS.items():
        assert set(columns_of(rules)) <= given | ({QUALITY_BUCKET} if name == "nemotron-cc" else set())


def test_gopher_c4_and_fineweb_can_stand_side_by_side():
    for a, b in itertools.combinations(("gopher", "c4", "c4_paragraphs", "fineweb"), 2):
        assert not {r.reason for r in PRESETS[a]} & {r.reason for r in PRESETS[b]}


def test_ordinary_prose_is_kept_in_all_languages():
    texts = {"en": ENGLISH, "de": GERMAN, "ja": JAPANESE, "th": THAI, "hi": HINDI, "ko": KOREAN}
    for preset in ("gopher", "c4", "fineweb"):
        assert dict(zip(texts, reasons(texts.values(), texts, preset))) == dict.fromkeys(texts), preset


def test_rules_of_quality_have_texts_that_they_drop():
    bullets = "\n".join("- " + line for line in ENGLISH.replace(", ", "\n").splitlines())
    texts = {
        "gopher_short_doc": "too short",
        "gopher_long_doc": "that " * 100_001,
        "gopher_below_avg_threshold": "a b c d " * 30,
        "gopher_above_avg_threshold": "internationalisation " * 60,
        "gopher_too_many_hashes": ENGLISH + " #" * 20,
        "gopher_too_many_ellipsis": ENGLISH + " …" * 20,
        "gopher_too_many_bullets": bullets,
        "gopher_too_many_end_ellipsis": ENGLISH.replace("\n", "...\n"),
        "gopher_below_alpha_threshold": ENGLISH + " 1234" * 60,
        "gopher_enough_stop_words": "cats sleep near dogs under trees while birds sing songs above " * 6,
    }
    assert reasons(texts.values(), ["en"] * len(texts), "gopher_quality") == list(texts)


def test_other_languages_are_not_asked_for_english_stop_words():
    assert reasons([GERMAN, GERMAN], ["de", "en"], "gopher") == [None, "gopher_enough_stop_words"]


def test_a_text_of_a_few_syllables_is_short_in_any_script():
    assert reasons([JAPANESE[:30], THAI[:60]], ["ja", "th"], "gopher") == ["gopher_short_doc"] * 2


def test_short_runs_of_characters_are_no_repetition_and_long_ones_are():
    names = "新しい橋、古い橋、大きな橋、小さな橋、長い橋、短い橋。"
    assert reasons([JAPANESE + names], ["ja"], "gopher_repetition") == [None]
    assert reasons([JAPANESE.replace("\n", "") * 3], ["ja"], "gopher_repetition") == ["duplicated_9_n_grams"]


def test_nemotrons_heuristics_are_asked_only_of_what_no_classifier_finds_good():
    table = measured(["too short"] * 4).append_column(QUALITY_BUCKET, pa.array([19, 18, 17, None], pa.int8()))
    assert judge(table, PRESETS["nemotron-cc"]).reason.to_pylist() == [None, None, "gopher_short_doc", "gopher_short_doc"]
    assert NOT_HIGH == 17 and BANDS
