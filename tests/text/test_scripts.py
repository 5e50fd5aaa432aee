"""Scripts without spaces: pieces that a reader of each can check, and BudouX's own parser for Thai."""

import random
import time

import numpy as np
import pytest

from corpus.text.english import tokens_of
from corpus.text.scripts import split_scripts

THAI = """ประเทศไทยมีชื่อเรียกอย่างเป็นทางการว่าราชอาณาจักรไทยเป็นรัฐชาติอันตั้งอยู่ในภูมิภาคเอเชียตะวันออกเฉียงใต้
มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิต่างมีเหตุผลและมโนธรรม
วันนี้อากาศดีมากฉันอยากไปเที่ยวทะเลกับเพื่อนๆที่หัวหิน
รัฐบาลประกาศมาตรการช่วยเหลือเกษตรกรที่ได้รับผลกระทบจากภัยแล้งในภาคอีสาน
เขาบอกว่าหนังสือเล่มนี้สนุกมากแต่ราคาแพงไปหน่อย""".split()


def pieces(*tokens):
    flat, counts = split_scripts(list(tokens), np.ones(len(tokens), np.int64))
    assert "".join(flat) == "".join(tokens) and counts.sum() == len(flat) and counts.dtype == np.int64
    return flat


@pytest.mark.parametrize(("token", "expected"), [
    ("日本語のABC", "日 本 語 の ABC"),
    ("コンピューター", "コ ン ピ ュ ー タ ー"),
    ("か\u3099漢\ufe00", "か\u3099 漢\ufe00"),               # a voicing mark and a variation selector stay
    ("第3章・𠮷", "第 3 章 ・ 𠮷"),
    ("ราคา10บาท", "ราคา 10 บาท"),
    ("ປະເທດລາວ", "ປະ ເທດ ລາວ"),
    ("ໂຮງຮຽນ໑໒", "ໂຮງ ຮຽນ ໑໒"),
    ("ສວນນອນໃຫຍ່", "ສວນ ນອນ ໃຫຍ່"),
    ("ភាសាខ្មែរ។", "ភា សា ខ្មែរ ។"),
    ("ឆ្នាំ២០២០", "ឆ្នាំ ២០២០"),
    ("မြန်မာနိုင်ငံ၊", "မြန် မာ နိုင် ငံ ၊"),
    ("ဗုဒ္ဓဘာသာ", "ဗုဒ္ဓ ဘာ သာ"),
    ("အင်္ဂလိပ်", "အင်္ဂ လိပ်"),
    ("བོད་སྐད་ནི།", "བོད་ སྐད་ ནི །"),
])
def test_pieces_can_be_checked_by_hand(token, expected):
    assert pieces(token) == expected.split()


def test_thai_words_are_those_of_budoux():
    import budoux

    parse = budoux.load_default_thai_parser().parse
    assert pieces(*THAI) == [word for line in THAI for word in parse(line)]


def test_thai_is_never_cut_before_a_sign_or_after_a_vowel_written_first():
    draw = random.Random(1)
    letters = [chr(c) for c in (*range(0xE01, 0xE3B), *range(0xE40, 0xE4F))]
    signs = {chr(c) for c in (*range(0xE30, 0xE3B), 0xE45, *range(0xE47, 0xE4F))}
    cuts = 0
    for _ in range(100):
        words = pieces("".join(draw.choice(letters) for _ in range(50)))
        cuts += len(words) - 1
        assert not [(a, b) for a, b in zip(words, words[1:]) if b[0] in signs or "เ" <= a[-1] <= "ไ"]
    assert cuts > 200


def test_a_token_is_cut_alike_alone_and_among_others():
    draw = random.Random(2)
    ranges = ((0x20, 0x24F), (0xE01, 0xEDF), (0xF00, 0xFDA), (0x1000, 0x109F), (0x1780, 0x17E9), (0x3000, 0x30FF),
              (0x4E00, 0x4F00))
    tokens = []
    for _ in range(400):
        spans = [draw.choice(ranges) for _ in range(draw.randint(1, 3))]
        tokens.append("".join(chr(draw.randint(*span)) for span in spans for _ in range(draw.randint(1, 6))))
    tokens += ["\ufe0f", "\u3099か", "a\ud800漢", "\0漢\0"]
    assert pieces(*tokens) == [piece for token in tokens for piece in pieces(token)]


def test_counts_follow_the_chunks():
    flat, counts = tokens_of(["(日本)", "plain", "ไทยแลนด์,", ""])
    flat, counts = split_scripts(flat, counts)
    assert flat[:5] == ["(", "日", "本", ")", "plain"] and flat[-1] == ","
    assert counts.tolist() == [4, 1, len(flat) - 5, 0]


def test_tokens_of_other_scripts_come_back_as_they_are():
    for tokens in (["plain", "words", ","], ["Ünïcode", "слова", "עברית", "हिन्दी", "한국어", "👍", "\ufe0f"], []):
        counts = np.ones(len(tokens), np.int64)
        same, unchanged = split_scripts(tokens, counts)
        assert same is tokens and unchanged is counts


@pytest.mark.parametrize("letter", ["漢", "ก", "ກ", "ក", "က", "ག", "་", "ຫ", "្"])
def test_time_grows_with_length_only(letter):
    pieces("ไทย")
    start = time.process_time()
    pieces(letter * 200_000)
    assert time.process_time() - start < 2
