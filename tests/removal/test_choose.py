"""Which documents a removal is about."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest

from corpus.dedup.components import GROUPS
from corpus.dedup.shingle import Shingle
from corpus.document import DOCUMENT, ID, RAW, show_id
from corpus.extract.facts import FACTS
from corpus.removal.choose import Asked, Records, choose, normal_host, texts_of
from corpus.store import Store

WORDS = [f"w{i}" for i in range(60)]
TEXTS = [" ".join(WORDS), " ".join([*WORDS[:30], "other", *WORDS[31:]]), " ".join(reversed(WORDS)), "too short", None,
         " ".join(f"v{i}" for i in range(60))]
URLS = [*(f"https://{host}.example/{i}" for i, host in enumerate("abaca")), None]
DATES = ["2024-01-05", "2024-02-05", "2024-03-05", None, None, None]


def ident(i):
    return bytes([i]) * 16


def ids(*numbers):
    return pa.array([ident(i) for i in numbers], ID)


@pytest.fixture
def records(tmp_path):
    """Record 1 is near record 0; 3 was dropped by a rule, 4 gave no text; 5 was made from 1."""
    store = Store(str(tmp_path)).prepare()
    raw = [dict.fromkeys(RAW.names) | {"id": ident(i), "url": URLS[i], "date": DATES[i], "source": "web", "file": "f",
                                       "offset": 10 * i, "payload": b"x"} for i in range(6)]
    with_text, kept = [0, 1, 2, 3, 5], [0, 1, 2, 5]
    documents = pa.table([ids(*with_text), [TEXTS[i] for i in with_text], ["web"] * 5, [URLS[i] for i in with_text],
                          [DATES[i] for i in with_text]], schema=DOCUMENT)
    facts = [dict.fromkeys(FACTS.names) | {"id": ident(i)} for i in with_text]
    facts[-1]["fields"] = json.dumps({"parent": "https://b.example/1"})
    groups = [{"id": ident(i), "kept": i != 1, "keeper": ident(0 if i == 1 else i), "group": ident(0 if i == 1 else i)}
              for i in kept]
    return Records(
        store, [store.write_shard("raw", pa.Table.from_pylist(raw, RAW))], [store.write_shard("documents", documents)],
        [store.write_shard("facts", pa.Table.from_pylist(facts, FACTS))],
        [store.write_shard("shingles", Shingle().of(ids(*kept), [TEXTS[i] for i in kept]))],
        [store.write_shard("groups", pa.Table.from_pylist([dict.fromkeys(GROUPS.names) | g for g in groups], GROUPS))],
        Shingle(), 0.8, ("web",))


def why(chosen):
    return {row["id"][0]: row["why"] for row in chosen.documents.to_pylist()}


def test_ids_and_addresses_are_looked_for_in_every_record_also_those_without_a_text(records):
    found = choose(records, Asked(ids=(ident(3),), urls=("http://www.a.example/4/",)))
    assert why(found) == {3: "id", 4: "url"}
    assert found.documents.to_pylist()[0]["offset"] == 30


def test_near_duplicates_go_too_and_their_children_with_them(records):
    found = choose(records, Asked(ids=(ident(0),)))
    assert why(found) == {0: "id", 1: "near", 5: "child"} and found.near.num_rows == 0
    assert found.documents.to_pylist()[1]["jaccard"] == 51 / 61


def test_what_is_near_what_goes_goes_too_also_through_a_document_that_a_rule_dropped(tmp_path):
    store, shingle = Store(str(tmp_path)).prepare(), Shingle()
    head, tail = ([f"{c}{k}" for k in range(4)] for c in "xy")
    texts = [" ".join(w) for w in (WORDS, head + WORDS[4:], head + WORDS[4:56] + tail)] + ["!!", "??"]   # 1 is near 0 and 2
    raw = [dict.fromkeys(RAW.names) | {"id": ident(i), "source": "web"} for i in range(5)]
    documents = pa.table([ids(*range(5)), texts, ["web"] * 5, [None] * 5, [None] * 5], schema=DOCUMENT)
    records = Records(
        store, [store.write_shard("raw", pa.Table.from_pylist(raw, RAW))], [store.write_shard("documents", documents)],
        [store.write_shard("facts", FACTS.empty_table())],
        [store.write_shard("shingles", shingle.of(ids(0, 2), [texts[0], texts[2]]))], [], shingle, 0.8)
    found = choose(records, Asked(ids=(ident(0),)))
    assert why(found) == {0: "id", 1: "near", 2: "near"}            # the tombstone of 1 would keep 2 out all the same
    assert [row["jaccard"] for row in found.documents.to_pylist()] == [None, 52 / 60, 52 / 60]
    assert found.documents.num_rows == 3 and choose(records, Asked(ids=(ident(0),)), True).near.num_rows == 1
    assert why(choose(records, Asked(ids=(ident(3),)))) == {3: "id"}        # without words two texts are not alike


def test_what_names_no_record_is_told(records):
    found = choose(records, Asked(ids=(ident(0), ident(99)), urls=("https://b.example/1", "https://b.example/9")))
    assert found.missing == [show_id(ident(99)), "https://b.example/9"]


def test_a_host_and_an_address_are_meant_however_they_are_spelled(records):
    store = records.store
    urls = ["http://xn--bcher-kva.example/a%7Eb/", "https://Bücher.example./a~b", "https://bücher.example/caf%c3%a9", None]
    raw = [dict.fromkeys(RAW.names) | {"id": ident(i), "url": url, "date": date}
           for i, (url, date) in enumerate(zip(urls, ["5 May 2024", "2024-05-05", None, None]))]
    odd = replace(records, raw=[store.write_shard("raw", pa.Table.from_pylist(raw, RAW))], documents=[], facts=[], groups=[])
    host = normal_host("Bücher.example.")
    assert host == "xn--bcher-kva.example" and why(choose(odd, Asked(hosts=(host,)))) == dict.fromkeys(range(3), "host")
    assert why(choose(odd, Asked(urls=("bücher.example/a", "https://bücher.example/a~b")))) == {0: "url", 1: "url"}
    assert why(choose(odd, Asked(urls=("http://www.bücher.example/café#top",)))) == {2: "url"}
    dated = choose(odd, Asked(hosts=(".example",), after="2024-01-01"))
    assert why(dated) == {1: "host"} and dated.undated == 2           # a date in other words is none


def test_promoting_takes_what_is_named_alone_and_tells_what_is_near(records):
    found = choose(records, Asked(ids=(ident(0),)), promote=True)
    assert why(found) == {0: "id"} and found.near.column("id").to_pylist() == [ident(1)]
    assert why(choose(records, Asked(ids=(ident(1),)), promote=True)) == {1: "id", 5: "child"}


def test_hosts_and_dates_narrow_one_another_and_other_kinds_unite(records):
    hosts = Asked(hosts=("a.example",))
    assert why(choose(records, hosts, True)) == {0: "host", 2: "host", 4: "host"}
    dated = choose(records, Asked(hosts=("a.example",), after="2024-03-01", ids=(ident(3),)), True)
    assert why(dated) == {2: "host", 3: "id"} and dated.undated == 1
    assert why(choose(records, Asked(before="2024-03-01"), True)) == {0: "date", 1: "date", 5: "child"}


def test_a_text_means_all_that_is_near_it_and_a_digest_what_equals_it(records):
    assert why(choose(records, Asked(texts=(TEXTS[0].upper(),)), True)) == {0: "text", 1: "text", 5: "child"}
    digest = Shingle().of(ids(3), ["Too SHORT!"]).column("text_digest")[0].as_py()
    assert why(choose(records, Asked(digests=(digest,)))) == {3: "text"}        # though a rule dropped it before dedup
    assert choose(records, Asked(texts=("nothing like it",))).documents.num_rows == 0


def test_rules_for_later_crawls_are_of_addresses_hosts_and_dates():
    assert Asked(ids=(ident(1),), digests=(ident(2),)).rules == []
    assert Asked(urls=("u",), hosts=("h", "i"), after="2024-01-01").rules == [
        {"url": "u"}, {"host": "h", "after": "2024-01-01", "before": None},
        {"host": "i", "after": "2024-01-01", "before": None}]
    assert Asked(before="2024-01-01").rules == [{"host": None, "after": None, "before": "2024-01-01"}]
    assert Asked().nothing and not Asked(before="2024-01-01").nothing


@pytest.mark.parametrize(("host", "name"), [("WWW.A.example:80", "a.example"), ("https://a.example/x", "a.example"),
                                            (".a.example", ".a.example"), ("*.a.example", ".a.example"),
                                            ("www.com", "www.com"), ("*", ""), (".", ".")])
def test_a_host_is_named_as_addresses_are_compared(host, name):
    assert normal_host(host) == name


def test_texts_are_read_for_those_that_have_one(records):
    assert texts_of(records, ids(0, 4, 9)).to_pylist() == [{"id": ident(0), "text": TEXTS[0]}]
