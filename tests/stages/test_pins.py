"""Pins: digests of source files by name, size and time, so that a file is read for its digest once."""

import os
import threading

import pytest

from corpus import keys
from corpus.sources.listing import pin
from corpus.store import Store
from pipelines.stages.ingest import pinned
from pipelines.step import Line


class Writing(Line):
    may_write = True


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store")).prepare()


def pins(store):
    return store.names("pins")


def test_a_file_is_pinned_once_and_anew_when_its_size_or_time_changes(store, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one")
    line = Writing(store, "b")
    assert pinned(line, str(path)) == pin(str(path)) == pinned(line, str(path)) and len(pins(store)) == 1
    path.write_bytes(b"two")
    os.utime(path, (1, 1))
    assert pinned(line, str(path)).digest == keys.digest_bytes(b"two") and len(pins(store)) == 2


def test_a_plan_pins_nothing(store, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one")
    assert pinned(Line(store, "b"), str(path)) == pin(str(path)) and pins(store) == []


def test_a_file_that_grows_while_it_is_pinned_is_not_pinned(store, tmp_path):
    path, done = tmp_path / "a.jsonl", threading.Event()
    path.write_bytes(b"")
    os.truncate(path, 1 << 26)                       # takes some 50 ms to read; it grows every millisecond

    def crawl():
        with open(path, "ab", buffering=0) as stream:
            while not done.wait(0.001):
                stream.write(b"more\n")

    crawler = threading.Thread(target=crawl)
    crawler.start()
    try:
        pinned(Writing(store, "b"), str(path))
    finally:
        done.set()
        crawler.join()
    assert pins(store) == []
    assert pinned(Writing(store, "b"), str(path)) == pin(str(path)) and len(pins(store)) == 1
