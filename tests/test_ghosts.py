"""What keeps a document out: its id, its text, its address, its host, its date; and whose holdouts count."""

import pyarrow as pa
import pytest

from corpus import results
from corpus.document import ID
from corpus.ghosts import GHOST, HELD_OUT, REMOVED, entries, ghosts, hosts, reason_of, reasons, rule_rows, url_forms
from corpus.store import Store


def ident(i):
    return bytes([i]) * 16


def rows(*given):
    return pa.Table.from_pylist([{"reason": REMOVED} | row for row in given], GHOST)


def documents(*urls, dates=None):
    n = len(urls)
    return pa.table({"id": pa.array([ident(i) for i in range(n)], ID), "url": pa.array(urls, pa.string()),
                     "date": pa.array(dates or [None] * n, pa.string())})


def said(table, ghosts, digests=None):
    return reasons(table, ghosts, digests).to_pylist()


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path)).prepare()


def test_an_address_is_compared_without_scheme_www_default_port_fragment_and_last_slash():
    urls = ["http://www.A.example/x/", "https://a.example:443/x#part", "https://a.example/X", "https://a.example:8080/x",
            "https://a.example/x?q=1", "no address", None]
    assert url_forms(pa.array(urls, pa.string())).to_pylist() == [
        "a.example/x", "a.example/x", "a.example/X", "a.example:8080/x", "a.example/x?q=1", "no address", None]


def test_an_address_has_one_spelling_of_its_escapes_and_of_letters_beyond_ascii():
    urls = ["http://Bücher.example./a%7eb/é?q=%c3%a9#x", "https://xn--bcher-kva.example/a~b/%C3%A9?q=é", "https://a.b/%zz%"]
    assert url_forms(pa.array(urls)).to_pylist() == [*["xn--bcher-kva.example/a~b/%C3%A9?q=%C3%A9"] * 2, "a.b/%zz%"]


def test_hosts_are_looked_up_however_many_they_are():
    table = documents("https://a.example/", "https://host77.example./x", "https://bücher.example/", None)
    many = [{"host": f"host{i}.example"} for i in range(1000)] + [{"host": "xn--bcher-kva.example", "reason": HELD_OUT}]
    assert said(table, rows(*many)) == [None, REMOVED, HELD_OUT, None]
    assert said(table, rows({"host": ".example", "reason": HELD_OUT}, *many)) == [HELD_OUT] * 3 + [None]
    assert said(table, rows(*many, {"host": ".example", "reason": HELD_OUT})) == [HELD_OUT, REMOVED, HELD_OUT, None]


def test_a_host_has_no_port_no_www_and_no_capitals():
    urls = ["https://WWW.A.example:8080/x", "ftp://b.example", "https://user@c.example/", "mailto:x@y", "/path", None]
    assert hosts(pa.array(urls, pa.string())).to_pylist() == ["a.example", "b.example", "c.example", None, None, None]


def test_a_document_stays_out_by_id_text_address_or_host():
    table = documents("https://a.example/1", "https://b.example/2", "https://c.example/3", "https://d.example/4", None)
    digests = pa.array([ident(10 + i) for i in range(5)], ID)
    kept_out = rows({"id": ident(0)}, {"text_digest": ident(14), "reason": HELD_OUT}, {"url": "http://b.example/2/"},
                    {"host": "c.example"})
    assert said(table, kept_out, digests) == [REMOVED, REMOVED, REMOVED, None, HELD_OUT]


def test_a_dot_before_a_host_means_all_below_it_and_itself():
    table = documents("https://a.example/", "https://x.a.example/", "https://xa.example/")
    assert said(table, rows({"host": ".a.example"})) == [REMOVED, REMOVED, None]
    assert said(table, rows({"host": "a.example"})) == [REMOVED, None, None]


def test_host_and_dates_narrow_one_another_and_no_date_meets_no_rule_of_dates():
    dates = ["2024-05-01T10:00:00Z", "2024-05-02", "2024-06-01", None, "May 2024"]
    table = documents(*["https://a.example/"] * 5, dates=dates)
    assert said(table, rows({"host": "a.example", "after": "2024-05-02", "before": "2024-06-01"})) == [
        None, REMOVED, None, None, None]
    assert said(table, rows({"after": "2024-05-02"})) == [None, REMOVED, REMOVED, None, None]
    assert said(table, rows({"host": "b.example", "after": "2024-05-02"})) == [None] * 5


def test_the_first_row_that_is_about_a_document_speaks():
    table = documents("https://a.example/")
    assert said(table, rows({"url": "https://a.example/", "reason": HELD_OUT}, {"id": ident(0)})) == [HELD_OUT]
    assert said(table, rows({"host": "a.example"}, {"id": ident(0), "reason": HELD_OUT})) == [REMOVED]


def test_no_ghosts_and_a_table_of_ids_alone_are_well():
    table = documents("https://a.example/", None)
    assert said(table, rows()) == [None, None]
    assert said(table, pa.table({"id": pa.array([ident(1)], ID)})) == [None, REMOVED]


def test_rules_are_rows_with_a_host_or_dates():
    found = rule_rows(rows({"id": ident(1)}, {"before": "2020-01-01"}, {"url": "u"}, {"host": "h", "after": "2021-01-01"}))
    assert [(r["row"], r["host"], r["after"], r["before"]) for r in found] == [
        (1, None, None, "2020-01-01"), (3, "h", "2021-01-01", None)]


def test_a_builds_own_holdout_is_no_ghost_to_it(store):
    def entry(path, build, name, *given):
        shard = store.write_shard("ghosts", rows(*given))
        store.write_json(path, {"schema": 1, "name": name, "build": build, "documents": results.item_to_json(shard)})

    assert ghosts(store) == [] and reason_of(store, ident(1)) is None
    entry("tombstones/index.json", "january", "tombstones", {"id": ident(1)})
    entry("holdouts/valid.json", "january", "valid", {"id": ident(2), "reason": HELD_OUT})
    assert [e["name"] for e in entries(store)] == ["tombstones", "valid"]
    assert [e["name"] for e in entries(store, "january")] == ["tombstones"]
    assert [reason_of(store, ident(i)) for i in (1, 2, 3)] == [REMOVED, HELD_OUT, None]
    assert reason_of(store, ident(2), "january") is None
