import pyarrow as pa
import pytest

from corpus.document import DOCUMENT, RAW
from corpus.signals.robots import Robots, RobotsRecords, RobotsSites
from corpus.signals.robots_rules import MOST_BYTES, allowed, matches, parse, path_of, read, rules_for, site_of, spelled
from corpus.store import Store
from corpus.tasks import Task, execute


def may(body, agent, url):
    return allowed(rules_for(parse(body.encode() if isinstance(body, str) else body), agent), path_of(url))


# The examples of RFC 9309, section 5.

SIMPLE = """User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(("agent", "path", "expected"), [
    ("anybot", "/a.gif", False), ("anybot", "/a.gif?x", True), ("anybot", "/example/", False),
    ("anybot", "/publications/", True),
    ("foobot", "/example/page.html", True), ("foobot", "/example/allowed.gif", True), ("foobot", "/publications/", False),
    ("BarBot/1.0 (+http://bar)", "/example/page.html", False), ("bazbot", "/a.gif", True), ("quxbot", "/example/", True),
])
def test_the_rfcs_simple_example(agent, path, expected):
    assert may(SIMPLE, agent, "https://www.example.com" + path) is expected


def test_the_rfcs_example_of_the_longest_match():
    body = "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"
    assert may(body, "foobot", "http://e.com/example/page/") is True
    assert may(body, "foobot", "http://e.com/example/page/disallowed.gif") is False


@pytest.mark.parametrize(("pattern", "address", "expected"), [     # section 2.2.2
    ("/foo/bar?baz=quz", "/foo/bar?baz=quz", True), ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https://foo.bar", True),
    ("/foo/bar/\u30c4", "/foo/bar/%E3%83%84", True), ("/foo/bar/%e3%83%84", "/foo/bar/\u30c4", True),
    ("/foo/bar/%62%61%7A", "/foo/bar/baz", True), ("/foo/bar%2Fbaz", "/foo/bar/baz", False),
])
def test_addresses_compare_by_their_octets(pattern, address, expected):
    assert may(f"User-agent: *\nDisallow: {pattern}", "a", "http://e.com" + address) is not expected


@pytest.mark.parametrize(("pattern", "path", "expected"), [
    ("/", "/a", True), ("/a", "/ab", True), ("/a$", "/ab", False), ("/a$", "/a", True), ("*", "/", True),
    ("/*.php", "/x.php5", True),
    ("/*.php$", "/x.php.php", True), ("/*.php$", "/x.php5", False), ("/a*b*c", "/a-c-b-c", True), ("/a*b*c$", "/abcc", True),
    ("/a*a$", "/a", False), ("a", "/a", False), ("/a**b", "/ab", True), ("*$", "/anything", True), ("/$", "/x", False),
])
def test_patterns_match_from_the_paths_beginning(pattern, path, expected):
    assert matches(pattern, path) is expected


def test_patterns_made_to_be_slow_are_not():
    assert not matches("/" + "*a" * 20_000 + "$", "/" + "a" * 19_999 + "b")


def test_groups_of_one_crawler_are_merged_and_those_for_all_are_another_group():
    body = ("user-agent: a\nDisallow: /x\n\nUSER-AGENT: *\nDisallow: /\nSitemap: /s\n"
            "User-agent: A\nCrawl-delay: 3\nuser-agent: b\nDisallow: /y")
    assert [may(body, "a", f"http://e.com/{p}") for p in "xyz"] == [False, False, True]
    assert [may(body, "c", f"http://e.com/{p}") for p in "xyz"] == [False, False, False]
    assert [may(body, "b", f"http://e.com/{p}") for p in "xyz"] == [True, False, True]


def test_what_is_no_rule_is_passed_over():
    body = (b"\xef\xbb\xbfDisallow: /before\r\nUser-agent: a # remark\rDisallow: \r\nnonsense\r\n"
            b"Dissallow: /typo # x\r\n\xff\xfe: \xff")
    assert [may(body, "a", f"http://e.com/{p}") for p in ("before", "typo", "else")] == [True, False, True]
    assert may(b"", "a", "http://e.com/") and may(b"<html>not found</html>", "a", "http://e.com/")
    assert may(b"User-agent: *\n" + b"#" * MOST_BYTES + b"\nDisallow: /", "a", "http://e.com/")


def test_of_two_rules_as_long_the_one_that_allows_counts():
    assert may("User-agent: *\nDisallow: /a\nAllow: /a", "x", "http://e.com/ab")


def test_sites_are_hosts_with_unusual_ports():
    urls = ["http://E.com/x", "https://e.com:443/robots.txt", "http://e.com:80", "https://e.com:8443/", "e.com/x",
            "ftp://e.com/", "http://[::1", "", None, "https://user@e.com./"]
    assert [site_of(u) for u in urls] == ["e.com", "e.com", "e.com", "e.com:8443", None, None, None, None, None, "e.com"]


def test_rules_are_read_as_they_were_spelled():
    rules = rules_for(parse(SIMPLE.encode()), "foobot")
    assert read(spelled(rules)) == rules == [(False, "/"), (True, "/example/page.html"), (True, "/example/allowed.gif")]
    assert spelled([(True, "/a")]) == "" and read("") == []


@pytest.fixture
def crawl(tmp_path):
    store = Store(str(tmp_path / "store")).prepare()

    def ident(i):
        return i.to_bytes(16, "little")

    def raw(*records):
        rows = [{"id": ident(i), "kind": kind, "url": url, "date": date, "payload": body}
                for i, (kind, url, date, body) in enumerate(records)]
        return store.write_shard("raw", pa.Table.from_pylist(rows, schema=RAW))

    def ask(agents, shards, urls):
        read = [execute(Task("records", RobotsRecords(agents), {"raw": [s]}, store)) for s in shards]
        sites = execute(Task("sites", RobotsSites(), {"rules": [r.of("rules")[0] for r in read]}, store)).of("sites")
        rows = [{"id": ident(i), "url": url, "text": "x"} for i, url in enumerate(urls)]
        documents = pa.Table.from_pylist(rows, schema=DOCUMENT)
        given = {"documents": [store.write_shard("documents", documents)], "sites": sites}
        table = store.read_shard(execute(Task("robots", Robots(agents), given, store)).of("robots")[0])
        assert table.column("id").to_pylist() == [ident(i) for i in range(len(urls))]
        return table.column("robots.disallowed").to_pylist()

    return raw, ask


def test_documents_know_which_crawlers_their_site_keeps_away(crawl):
    raw, ask = crawl
    robots = b"User-agent: GPTBot\nDisallow: /\nUser-agent: *\nDisallow: /private/\n"
    first = raw(("html", "https://a.example/", None, b"<p>"), ("robots", "http://a.example/robots.txt", None, robots))
    second = raw(("robots", "https://b.example/robots.txt", None, b""),
                 ("robots", "https://c.example/robots.txt", None, None))
    third = raw(("html", "https://d.example/", None, b"<p>"))
    urls = ["https://a.example/page", "https://a.example/private/page", "https://b.example/", "https://c.example/",
            "https://unknown.example/", None, "https://a.example/page"]
    found = ask(("CCBot", "GPTBot"), [first, second, third], urls)
    assert found == ["GPTBot", "CCBot GPTBot", "", None, None, None, "GPTBot"]


def test_the_newest_record_of_a_site_counts_whatever_the_order_of_shards(crawl):
    raw, ask = crawl
    shut, free = b"User-agent: *\nDisallow: /", b"User-agent: *\nDisallow:"
    shards = [raw(("robots", "https://a.example/robots.txt", date, body))
              for date, body in (("2024-05-01T00:00:00Z", shut), ("2024-09-01T00:00:00Z", free), (None, shut))]
    for order in (shards, shards[::-1]):
        assert ask(("CCBot",), order, ["https://a.example/x"]) == [""]


def test_a_crawl_without_robots_records_says_nothing(crawl):
    raw, ask = crawl
    assert ask(("CCBot",), [raw(("html", "https://a.example/", None, b"<p>"))], ["https://a.example/"]) == [None]
    assert ask(("CCBot",), [], ["https://a.example/"]) == [None]
