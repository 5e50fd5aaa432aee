import signal
import subprocess
import sys

import pytest

from corpus.errors import StepError, UnknownName
from corpus.store import Store
from corpus.testing.bodies import square_tasks
from corpus.testing.contracts import EngineContract
from corpus.testing.faults import FaultEngine
from pipelines.engines.base import ExchangeJob, Resources
from pipelines.engines.inline import Inline
from pipelines.engines.local import Local
from pipelines.engines.placement import Placement, make_engine


class TestWithoutAFault(EngineContract):
    job, needs = ExchangeJob, Resources()

    def make(self) -> FaultEngine:
        return FaultEngine(Inline())


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path)).prepare()


def test_it_fails_in_the_driver_after_so_many_tasks_of_all_maps(store):
    engine = FaultEngine(Inline(), fail_after_tasks=5)
    assert len(list(engine.map(square_tasks(store, 3), Resources()))) == 3
    with pytest.raises(StepError, match="after 5 tasks"):
        list(engine.map(square_tasks(store, 4, rows=2), Resources()))


def test_it_fails_in_the_worker_that_runs_a_task_of_the_step(store):
    engine = FaultEngine(Local(workers=1), fail_step="square")
    tasks = square_tasks(store, 2)
    with pytest.raises(StepError, match="RuntimeError: a fault was injected") as caught:
        list(engine.map(tasks, Resources()))
    assert caught.value.key in {t.key for t in tasks} and not any(store.record(t.key) for t in tasks)
    engine.close()


@pytest.mark.parametrize("when", ["kill_after_tasks=2", "kill_after_seconds=0.0"])
def test_it_kills_its_whole_process_group(tmp_path, when):
    script = f"""
import time
from corpus.store import Store
from corpus.testing.bodies import square_tasks
from corpus.testing.faults import FaultEngine
from pipelines.engines.inline import Inline
store = Store({str(tmp_path)!r}).prepare()
for record in FaultEngine(Inline(), {when}).map(square_tasks(store, 4), None):
    time.sleep(0.2)
"""
    done = subprocess.run([sys.executable, "-c", script], start_new_session=True, timeout=30)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("tasks/*/*.json"))) < 4


def test_an_engine_file_names_what_is_wrapped():
    engine = make_engine({"engine": "fault", "inner": {"engine": "local", "workers": 2}, "kill_after_tasks": 3}, "x.yaml")
    assert isinstance(engine.inner, Local) and engine.inner.workers == 2 and engine.kill_after_tasks == 3
    with pytest.raises(UnknownName, match="did you mean 'local'"):
        Placement({"engine": "fault", "inner": "locl"})
