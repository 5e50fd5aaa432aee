import os
import subprocess
import sys

import pytest

from corpus.errors import ConfigError
from corpus.exchange import emit_tasks
from corpus.store import Store
from corpus.tasks import execute
from corpus.testing.bodies import Sums, number_shards, square_tasks
from corpus.testing.contracts import EngineContract
from pipelines.engines.base import ExchangeJob, Resources
from pipelines.engines.beam import Beam


class TestInMemory(EngineContract):
    job, needs = ExchangeJob, Resources()

    def make(self) -> Beam:
        return Beam()


class TestTwoProcesses(EngineContract):
    job, needs = ExchangeJob, Resources()
    pytestmark = pytest.mark.slow

    def make(self) -> Beam:
        return Beam(workers=2)


def emit_inputs(store: Store) -> tuple:
    return tuple({"numbers": (shard,)} for shard in number_shards(store, 4, 10))


@pytest.mark.parametrize("options", [
    {"workers": 2}, {"options": {"direct_num_workers": 2, "direct_running_mode": "multi_processing"}},
], ids=["workers", "options"])
def test_two_worker_processes_share_the_tasks_and_the_console_stays_silent(tmp_path, capfd, options):
    store = Store(str(tmp_path)).prepare()
    engine = Beam(**options)
    records = list(engine.map(square_tasks(store, shards=12), Resources()))
    processes = {r.made["process"] for r in records}
    assert len(records) == 12 and os.getpid() not in processes and len(processes) == 2
    found = list(engine.exchange(ExchangeJob("sums", Sums(), emit_inputs(store), store), None, Resources()))
    assert len(found) == 4 and os.getpid() not in {r.made["process"] for r in found}
    assert capfd.readouterr() == ("", "")


def test_beam_groups_by_itself_and_commits_no_run(tmp_path):
    store = Store(str(tmp_path)).prepare()
    assert len(list(Beam().exchange(ExchangeJob("sums", Sums(), emit_inputs(store), store), None, Resources()))) == 4
    assert not store.exists("runs") and len(list(tmp_path.glob("tasks/*/*.json"))) == 4


def test_what_another_engine_emitted_is_read_and_not_emitted_again(tmp_path):
    store = Store(str(tmp_path)).prepare()
    inputs = emit_inputs(store)
    runs = [execute(task).of("run")[0] for task in emit_tasks("sums", Sums(), inputs, store)]
    for shard in number_shards(store, 4, 10):
        store.remove(shard.path)                    # emitting again would fail
    records = list(Beam().exchange(ExchangeJob("sums", Sums(), inputs, store), None, Resources()))
    assert len(runs) == 4 and sum(r.counts["documents"] for r in records) == 40


def test_workers_with_a_runner_that_has_its_own_way_are_refused():
    with pytest.raises(ConfigError, match="workers: 4, but the runner is FlinkRunner"):
        Beam({"runner": "FlinkRunner"}, workers=4)


def test_without_beam_the_error_says_what_to_install():
    script = ("import sys; sys.modules['apache_beam'] = None\n"
              "from pipelines.engines.base import Resources\nfrom pipelines.engines.beam import Beam\n"
              "list(Beam().map([], Resources()))")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "MissingExtra" in done.stderr and "pip install 'corpus-builder[beam]'" in done.stderr


@pytest.mark.slow
def test_a_worker_that_is_killed_is_a_step_error_and_does_not_hang(tmp_path):
    script = f"""
from corpus.store import Store
from corpus.tasks import Task
from corpus.testing.bodies import Die, number_shards
from pipelines.engines.base import Resources
from pipelines.engines.beam import Beam
store = Store({str(tmp_path)!r}).prepare()
tasks = [Task("die", Die(), {{"numbers": [shard]}}, store) for shard in number_shards(store, 3)]
list(Beam(workers=2).map(tasks, Resources()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "StepError: step 'die' failed: a worker process died" in done.stderr and done.returncode == 1
