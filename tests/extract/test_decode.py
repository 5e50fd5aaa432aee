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


@pytest.mark.parametrize("label", ["iso-8859-1", "shift_jis", "koi8-r", "gbk", "utf-16"])
def test_bytes_that_are_utf8_are_utf8_whatever_the_header_says(label):
    assert decode(page(RUSSIAN).encode(), label, True) == page(RUSSIAN)


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
