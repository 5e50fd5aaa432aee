import pytest

from corpus.dedup.urls import normal_url, url_keys


@pytest.mark.parametrize("url, normal", [
    ("HTTP://www.Example.org:80/a/?utm_source=x&b=2&a=1#top", "example.org/a?a=1&b=2"),
    ("https://example.org/a?a=1&b=2", "example.org/a?a=1&b=2"),
    ("https://example.org:443", "example.org"),
    ("https://example.org:8443/", "example.org:8443"),
    ("http://example.org:443/", "example.org:443"),
    ("http://user:pass@example.org./x", "example.org/x"),
    ("http://example.org/A/b", "example.org/A/b"),
    ("http://example.org/x;jsessionid=1F2?gclid=7&FBCLID=8&q=", "example.org/x?q="),
    ("http://example.org/x?PHPSESSID=1&id=3", "example.org/x?id=3"),
    ("http://example.org/%7euser/%e4%2f", "example.org/~user/%E4%2F"),
    ("http://example.org/#!/page", "example.org#!/page"),
    ("http://www.com/", "www.com"),
    ("http://[::1]:8080/x", "[::1]:8080/x"),
    ("  http://bücher.example/ü ", "bücher.example/ü"),
    ("ftp://example.org/a", None),
    ("mailto:a@example.org", None),
    ("http://", None),
    ("http://[broken/", None),
    ("http://example.org:port/", None),
    ("nothing", None),
    ("", None),
    (None, None),
])
def test_addresses_of_one_page_are_written_one_way(url, normal):
    assert normal_url(url) == normal


def test_a_normal_address_is_its_own_normal_form():
    for url in ("http://a.example/b?c=%41&d=1", "https://www.a.example:8080/%c3%bc//"):
        normal = normal_url(url)
        assert normal_url(f"https://{normal}") == normal


def test_keys_are_equal_where_addresses_are_and_null_where_there_is_none():
    keys = url_keys(["http://a.example/", "https://A.example", "http://b.example", None, "x"]).to_pylist()
    assert keys[0] == keys[1] != keys[2] and keys[3:] == [None, None]


def test_lone_surrogates_are_no_error():
    assert url_keys(["http://a.example/\ud800"]).null_count == 0
