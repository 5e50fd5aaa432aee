"""The splitter against spaCy itself, on real text, on the lists and on chunks made to be hard."""

import gzip
import json
import random
import re
import time
from pathlib import Path

import numpy as np
import pytest
import spacy
from fastwarc.warc import ArchiveIterator, WarcRecordType

from corpus.text import english
from corpus.text import english_rules as rules
from corpus.text.english import tokens, tokens_of

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "configs" / "quickstart"
SHARED = ROOT.parent / "shared" / "data"
NLP = spacy.blank("en")

FRAGMENTS = [
    *"''\"\"..,,--:;/()[]{}<>=+*^~!?#&%$_|\\@…–—’‘“”„°§²³0123456789aAbBsStTmMzZxXéÉßІіЖждعم中あカー한กकẤǅʔƻ",
    *"\u0301\u200d\u0663👍🙂☺€£₿﷼«»、。！（）｡ªµ\x00\x7f\u0378\u03a2\ue000\u2329\u232a\U0001f200\U00020000\U0001fa70",
    *"n't 's ’s ’ll http:// ftp:// www. .com .co.uk .museum 10.0.0.1 8.8.8.8 192.168.0.1 :8080 :// ?q= /p ok@x.com".split(),
    *"km US$ C$ ... …… -- --- —— foo Bar BAZ it Mr a.m don can 12 3.5 e.g i.e".split(),
]


def by_spacy(chunks):
    with NLP.memory_zone():
        return [[token.text for token in NLP.tokenizer(chunk)] for chunk in chunks]


def by_us(chunks):
    flat, counts = tokens_of(chunks)
    ends = np.cumsum(counts).tolist()
    return [flat[end - n : end] for n, end in zip(counts.tolist(), ends)]


def differing(chunks):
    return [(chunk, a, b) for chunk, a, b in zip(chunks, by_spacy(chunks), by_us(chunks)) if a != b]


def distinct(texts):
    return list(dict.fromkeys(chunk for text in texts for chunk in text.split()))


def made_up(n, seed):
    draw = random.Random(seed)
    listed, units = list(rules.special_words()), list(rules.units())
    sources = (FRAGMENTS, FRAGMENTS, listed, units)
    out = []
    for i in range(n):
        size = draw.randint(1, 7)
        if i % 4 == 0:
            chunk = "".join(draw.choice(FRAGMENTS) for _ in range(size))
        elif i % 4 < 3:
            chunk = "".join(draw.choice(draw.choice(sources)) for _ in range(size))
        else:
            letters = draw.choice((":;=-()'’.<>_oO08D^*[]{}|/\\", "ab.AB-,:/'1@"))
            chunk = "".join(draw.choice(letters) for _ in range(size + 3))
        out.append("".join(chunk.split()))
    return out


def pages(path, limit=None):
    with open(path, "rb") as stream:
        for i, record in enumerate(ArchiveIterator(stream, record_types=WarcRecordType.response)):
            if i == limit:
                return
            yield record.reader.read()


@pytest.mark.parametrize(("chunk", "expected"), [
    ("word", "word"),
    ("(don't!)", "( do n't ! )"),
    ("U.S.", "U.S."),
    ("end.", "end ."),
    ("e.g.,", "e.g. ,"),
    ("well-known", "well - known"),
    ("3.5km/h.", "3.5 km/h ."),
    ("US$5", "US$ 5"),
    ("10a.m.", "10 a.m."),
    ("foo:(", "foo :("),
    ("foo''", "foo ''"),
    ("http://a-b.com/x-y", "http://a-b.com/x-y"),
    ("me@a-b.com", "me@a-b.com"),
    ("and/or/not", "and/or / not"),
    ("wait...what", "wait ... what"),
    ("👍👍ok", "👍 👍 ok"),
])
def test_tokens_can_be_checked_by_hand(chunk, expected):
    assert tokens(chunk) == expected.split()


def test_the_listed_words_are_those_of_spacy():
    theirs = {chunk: tuple(NLP.vocab.strings[part[65]] if isinstance(part[65], int) else part[65] for part in parts)
              for chunk, parts in NLP.tokenizer.rules.items() if not any(c.isspace() for c in chunk)}
    assert rules.special_words() == theirs


def test_the_classes_of_all_characters_are_those_of_spacy():
    from spacy.lang import char_classes as theirs

    everything = "".join(map(chr, range(0x110000)))
    stop = rf"[0-9{theirs.ALPHA_LOWER}%²\-\+{theirs.PUNCT}(?:{theirs.CONCAT_QUOTES})]"
    for flag, pattern in (
        (rules.LETTER, f"[{theirs.ALPHA}]"),
        (rules.LOWER, f"[{theirs.ALPHA_LOWER}]"), (rules.UPPER, f"[{theirs.ALPHA_UPPER}]"),
        (rules.QUOTE, f"[{theirs.CONCAT_QUOTES}]"), (rules.SYMBOL, f"[…{theirs.CONCAT_ICONS}]"), (rules.STOP, stop),
    ):
        assert re.findall(pattern, everything) == [everything[i] for i in np.flatnonzero(rules.classes() & flag)]


def test_characters_alone_and_between_letters_digits_and_marks_are_as_for_spacy():
    points = [chr(i) for i in range(0x250)] + [chr(i) for i in range(0x250, 0x20000, 19) if not 0xD800 <= i < 0xE000]
    shapes = ("{}", "a{}B", "1{}b", "a{}.", "1{}", "{}a")
    assert not differing([shape.format(p) for p in points if not p.isspace() for shape in shapes])


def test_listed_words_and_units_among_marks_are_as_for_spacy():
    words = [*rules.special_words(), *rules.units()]
    shapes = ("{}", "({})", "{},", "'{}'", "5{}.", "x/{}", "a-{}-b", "{}{}")
    assert not differing([shape.format(*[word] * shape.count("{}")) for word in words for shape in shapes])


def test_made_up_chunks_are_as_for_spacy():
    assert not differing(made_up(40_000, seed=5))


def test_the_chunks_of_the_quickstart_are_as_for_spacy():
    with gzip.open(QUICKSTART / "openstax_ccby_sample.jsonl.gz", "rt") as stream:
        texts = [json.loads(line)["text"] for line in stream]
    markup = [page.decode("utf-8", "replace") for page in pages(QUICKSTART / "quickstart.warc.gz", limit=40)]
    chunks = distinct(texts)[::2] + distinct(markup)[::2]
    assert len(chunks) > 30_000 and not differing(chunks)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared data beside the repository")
def test_the_chunks_of_web_pages_and_near_duplicates_are_as_for_spacy():
    from resiliparse.extract.html2text import extract_plain_text

    texts = [extract_plain_text(page.decode("utf-8", "replace"), main_content=True)
             for page in pages(SHARED / "web_pages" / "pages.warc.gz")]
    with gzip.open(SHARED / "near_duplicates" / "docs.jsonl.gz", "rt") as stream:
        texts += [json.loads(line)["text"] for line in stream]
    chunks = distinct(texts)
    assert len(chunks) > 900_000 and not differing(chunks)


def test_a_chunk_is_split_alike_alone_and_among_others(monkeypatch):
    chunks = made_up(500, seed=6)
    together = by_us(chunks)
    monkeypatch.setattr(english, "_BLOCK", 7)       # characters: most blocks hold one chunk
    assert by_us(chunks) == together == [tokens(chunk) for chunk in chunks]


def test_nothing_is_lost_or_added():
    chunks = [*made_up(2000, seed=7), "a\ud800,\udfffb", ""]
    assert ["".join(words) for words in by_us(chunks)] == chunks
    assert tokens_of([])[0] == [] and tokens("") == []


def test_over_a_text_spacy_differs_only_where_a_match_across_a_space_hides_one_beside_it():
    assert [token.text for token in NLP("x' ''y")] == ["x", "'", "'", "'", "y"]
    assert tokens("x'") + tokens("''y") == ["x", "'", "''", "y"]


@pytest.mark.parametrize("chunk", ["(" * 300_000, "x" + ")" * 300_000, "a.bb/" * 60_000, "a-b@c.dd" * 40_000, "." * 300_000])
def test_time_grows_with_length_only(chunk):
    tokens("warm")
    start = time.process_time()
    assert "".join(tokens(chunk)) == chunk
    assert time.process_time() - start < 2
