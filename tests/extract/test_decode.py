import pytest

from corpus.extract.decode import decode

RUSSIAN = "Привет мир, это страница на русском языке."
JAPANESE = "これは日本語のページです。文字コードの話。"
FRENCH = "Le café déjà vu, où l'été dure."


def page(text, charset=None):
    return f"<html><head>{f'<meta charset={charset}>' if charset else ''}</head><body>{text}</body></html>"


@pytest.mark.parametrize("text, codec", [
    (RUSSIAN, "koi8-r"), (RUSSIAN, "windows-1251"), (JAPANESE, "shift_jis"), (JAPANESE, "euc-jp"), (JAPANESE, "iso-2022-jp"),
    (FRENCH, "iso-8859-1"), (RUSSIAN, "utf-8"), ("你好，世界", "gb2312"), ("안녕하세요 세계", "euc-kr"),
    (RUSSIAN, "utf-16-le")])
def test_the_header_says_the_encoding(text, codec):
    assert decode(page(text).encode(codec), codec, True) == page(text)


@pytest.mark.parametrize("text, codec", [(RUSSIAN, "koi8-r"), (JAPANESE, "euc-jp"), (FRENCH, "iso-8859-1")])
@pytest.mark.parametrize("header", [None, "utf-8", "utf-7", "base64", "no such thing", "x" * 1000, "\x00"])
def test_where_the_header_is_absent_or_wrong_the_page_says_it(header, text, codec):
    assert decode(page(text, codec).encode(codec), header, True) == page(text, codec)


@pytest.mark.parametrize("text, codec", [
    (RUSSIAN, "koi8-r"), (RUSSIAN, "windows-1251"), (JAPANESE, "shift_jis"), (JAPANESE, "euc-jp"), (JAPANESE, "iso-2022-jp"),
    (FRENCH, "windows-1252"), (RUSSIAN, "utf-16-le"), (FRENCH, "utf-16-be")])
def test_where_nothing_says_it_it_is_detected(text, codec):
    assert decode(page(text).encode(codec), None, True) == page(text)


def test_an_xml_declaration_counts_as_the_pages_word():
    text = f'<?xml version="1.0" encoding="koi8-r"?><html>{RUSSIAN}</html>'
    assert decode(text.encode("koi8-r"), None, True) == text


@pytest.mark.parametrize("label", ["iso-8859-1", "windows-1251", "shift_jis", "koi8-r", "gbk", "euc-kr", "utf-16"])
@pytest.mark.parametrize("text", [RUSSIAN, JAPANESE, FRENCH])
def test_bytes_that_are_utf8_are_utf8_whatever_the_header_says(label, text):
    assert decode(page(text).encode(), label, True) == page(text)
    assert decode(page(text, label).encode(), None, True) == page(text, label)


def test_one_accented_letter_is_enough_against_a_single_byte_header():
    assert decode("caf\xe9".encode(), "iso-8859-1", True) == "caf\xe9"


def test_a_pair_that_is_utf8_by_chance_is_what_an_east_asian_header_says():
    text = "一"                                               # its bytes in GBK, D2 BB, are U+04BB in UTF-8
    assert text.encode("gbk").decode() == "\u04bb"
    assert decode(page(text).encode("gbk"), "gbk", True) == page(text)
    assert decode(page(text, "gbk").encode("gbk"), None, True) == page(text, "gbk")
    assert decode(page(text).encode("gbk"), None, True) == page("\u04bb")


@pytest.mark.parametrize("text, codec", [
    (RUSSIAN, "windows-1251"), (JAPANESE, "shift_jis"), ("안녕하세요 세계", "euc-kr"), ("你好，世界", "gb18030"),
    ("Příliš žluťoučký kůň úpěl ďábelské ódy", "iso-8859-2"), (FRENCH, "iso-8859-1")])
def test_the_header_comes_before_the_page_and_the_page_before_detection(text, codec):
    assert decode(page(text, "koi8-r").encode(codec), codec, True) == page(text, "koi8-r")
    assert decode(page(text, codec).encode(codec), None, True) == page(text, codec)
    assert text not in decode(page(text, codec).encode(codec), "koi8-r", True)   # a wrong single-byte header is obeyed


@pytest.mark.parametrize("wrong", ["utf-8", "utf-16", "euc-jp"])
def test_a_header_under_which_the_bytes_make_no_sense_is_passed_over(wrong):
    assert decode(page(RUSSIAN, "windows-1251").encode("windows-1251"), wrong, True) == page(RUSSIAN, "windows-1251")


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_wins_and_is_no_text(codec):
    assert decode(page(RUSSIAN).encode(codec), "koi8-r", True) == page(RUSSIAN)


def test_one_bad_byte_does_not_turn_a_utf8_page_into_another_encoding():
    data = (RUSSIAN * 10).encode() + b"\xff" + (RUSSIAN * 10).encode()
    assert decode(data, "utf-8", True) == RUSSIAN * 10 + "\ufffd" + RUSSIAN * 10


def test_any_bytes_become_valid_text_without_nul():
    for label in (None, "utf-8", "utf-16", "shift_jis", "iso-2022-jp", "cp1252", "big5"):
        for data in (bytes(range(256)) * 3, b"\x00a\x00b", b"\xed\xa0\x80", b"\xff\xfe\x00\xd8", b"\x1b$B\xff", b""):
            text = decode(data, label, True)
            assert text.encode().decode() == text and "\x00" not in text
