"""A build whose whole process group is killed goes on, on any engine, and ends as if nothing had happened."""

import pytest

from corpus import chance
from corpus.testing.kills import differences, half_files, run_and_kill, stamps

SEED = 20_261

#: (engine that is killed, engine that goes on)
PAIRS = [
    ({"engine": "local", "workers": 2}, {"engine": "inline"}),
    ({"engine": "datatrove", "workers": 2}, {"engine": "local", "workers": 4}),
    ({"engine": "beam"}, {"engine": "local", "workers": 1}),
    ({"engine": "inline"}, {"engine": "datatrove", "workers": 2}),
]


@pytest.mark.parametrize("moment", range(4), ids=[f"{a['engine']}-then-{b['engine']}" for a, b in PAIRS])
def test_a_killed_build_goes_on_and_ends_as_if_nothing_had_happened(crawl, reference, moment):
    killed, other = PAIRS[moment]
    store, draw = f"killed-{moment}", chance.generator(SEED, f"moment {moment}")
    tasks = int(draw.integers(5, reference.outcome.made * 3 // 4))
    fault = {"engine": "fault", "inner": killed, "kill_after_tasks": tasks}
    log = crawl.folder / f"{store}.log"
    assert run_and_kill(crawl.command(store, fault), log=log) == -9, log.read_text()

    before = stamps(crawl.store(store))
    assert len(before) >= tasks and half_files(crawl.store(store)) == []

    assert run_and_kill(crawl.command(store, other), log=log) == 0, log.read_text()
    assert before.items() <= stamps(crawl.store(store)).items()
    assert half_files(crawl.store(store)) == []
    assert differences(reference.contents, crawl.contents(store)) == []
