import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest
from bad_files import QUICKSTART

from corpus.document import RAW
from corpus.extract import sandbox
from corpus.extract.blocks import Blocks
from corpus.extract.resiliparse import Resiliparse
from corpus.sources.warc import Warc
from corpus.testing.hostile import Hostile


def raw(*pages):
    blank = {name: None for name in RAW.names}
    return pa.Table.from_pylist([blank | {"kind": "html", "payload": page} for page in pages], schema=RAW)


def extract(extractor, *pages):
    return [(row["text"], row["reason"]) for row in extractor.extract(raw(*pages)).to_pylist()]


def alive(pid):
    """Whether a process runs; one that has ended and waits to be asked for its status does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid, seconds=10):
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def children():
    return {child._process.pid for child in sandbox._children if child._process.poll() is None}


def test_a_page_that_never_ends_costs_itself_alone():
    started = time.monotonic()
    assert extract(Hostile(max_seconds=0.1), b"one", b"HANG", b"two") == [
        ("one", None), (None, "extractor_timeout"), ("two", None)]
    assert 1.1 <= time.monotonic() - started < 10


def test_a_page_over_the_time_is_given_ten_times_as_long_alone():
    assert extract(Hostile(max_seconds=0.1), b"one", b"SLOW", b"two") == [("one", None), ("SLOW", None), ("two", None)]


def test_a_page_that_takes_its_process_down_costs_itself_alone():
    assert extract(Hostile(), b"CRASH", b"one", b"CRASH", b"CRASH", b"two") == [
        (None, "extractor_crashed"), ("one", None), (None, "extractor_crashed"), (None, "extractor_crashed"), ("two", None)]


def test_what_a_parser_prints_is_no_answer(capfd):
    sandbox.close()
    assert extract(Hostile(), b"PRINT", b"one") == [("PRINT", None), ("one", None)]
    assert capfd.readouterr() == ("", "PRINT\n")


def test_a_large_answer_and_many_pages_pass():
    pages = [b"x" * 3_000_000, b"y" * 3_000_000] + [b"%d" % i for i in range(500)]
    assert extract(Hostile(), *pages) == [(page.decode(), None) for page in pages]


@pytest.mark.parametrize("extractor", [Resiliparse, Blocks])
def test_results_are_those_without_a_sandbox(extractor):
    table = next(iter(Warc().read(str(QUICKSTART / "quickstart.warc.gz"), "web"))).slice(0, 150)
    assert extractor().extract(table).equals(extractor(max_seconds=None).extract(table))


def test_a_child_is_kept_for_the_next_table_and_the_next_extractor():
    extract(Hostile(), b"one")
    before = children()
    extract(Hostile(max_bytes=5), b"one")
    extract(Resiliparse(), b"<p>one")
    assert children() == before and before


def test_no_child_is_started_for_tables_without_pages():
    sandbox.close()
    Resiliparse().extract(raw())
    assert not children()
    Resiliparse().extract(raw(b"text").set_column(RAW.get_field_index("kind"), "kind", pa.array(["text"])))
    assert not children()


def test_threads_have_children_of_their_own():
    answers = {}

    def work(name):
        answers[name] = extract(Hostile(), *[b"%d %d" % (name, i) for i in range(50)])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: [(f"{n} {i}", None) for i in range(50)] for n in range(4)}


def test_a_child_that_was_killed_while_idle_costs_no_page():
    extract(Hostile(), b"one")
    for pid in children():
        os.kill(pid, signal.SIGKILL)
    assert extract(Hostile(), b"two", b"three") == [("two", None), ("three", None)]


def test_an_interrupted_table_leaves_no_child_in_the_middle_of_a_page():
    sandbox.close()
    with pytest.raises(KeyboardInterrupt), sandbox.Sandbox.of(Hostile(), 60) as box:
        for _ in box.run([(b"one", None), (b"HANG", None)]):
            (pid,) = children()
            raise KeyboardInterrupt
    assert gone(pid) and extract(Hostile(), b"two") == [("two", None)]


_PARENT = """
import sys; sys.path[:] = {path!r}
import pyarrow as pa
from corpus.document import RAW
from corpus.extract import sandbox
from corpus.testing.hostile import Hostile
def table(page):
    blank = {{name: None for name in RAW.names}}
    return pa.Table.from_pylist([blank | {{"kind": "html", "payload": page}}], schema=RAW)
Hostile().extract(table(b"one"))
print([c._process.pid for c in sandbox._children][0], flush=True)
{then}
"""


def parent(then):
    """A process that has used a sandbox, printed its child's id, and does `then`."""
    program = _PARENT.format(path=sys.path, then=then)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("then", ["", "import os; os._exit(1)", "raise SystemExit(3)"])
def test_a_child_ends_with_its_parent_however_that_ends(then):
    process, pid = parent(then)
    process.wait()
    assert gone(pid)


def test_a_child_ends_with_its_killed_parent_also_where_a_fork_of_that_lives_on():
    fork = "import os, time\nfork = os.fork()\nif fork: print(fork, flush=True)\ntime.sleep(60)"
    process, pid = parent(fork)
    other = int(process.stdout.readline())
    time.sleep(0.2)
    process.kill()
    process.wait()
    assert gone(pid) and alive(other)
    os.kill(other, signal.SIGKILL)


def test_a_child_in_the_middle_of_a_page_ends_by_its_timer_when_its_parent_is_gone():
    process, pid = parent("Hostile(max_seconds=1.0).extract(table(b'HANG'))")
    time.sleep(0.3)
    process.kill()
    process.wait()
    assert gone(pid)


def test_a_daemonic_worker_of_multiprocessing_may_use_it():
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(Hostile().extract, (raw(b"one"),)).to_pylist() == [{"text": "one", "reason": None}]


def test_an_extractor_that_cannot_be_made_there_is_an_error_and_not_a_reason():
    class Local(Hostile):
        pass

    with pytest.raises((AttributeError, RuntimeError, TypeError), match="Local"):
        extract(Local(), b"one")
    gc.collect()
    assert extract(Hostile(), b"one") == [("one", None)]
