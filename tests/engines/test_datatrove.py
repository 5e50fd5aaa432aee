import json
import subprocess
import sys
import tempfile

import pytest

from corpus.errors import UnknownName
from corpus.store import Store
from corpus.testing.bodies import square_tasks
from corpus.testing.contracts import EngineContract
from pipelines.engines.base import ExchangeJob, Resources
from pipelines.engines.datatrove import Datatrove


class TestOneWorker(EngineContract):
    job, needs = ExchangeJob, Resources()

    def make(self) -> Datatrove:
        return Datatrove(workers=1)


class TestTwoWorkers(EngineContract):
    job, needs = ExchangeJob, Resources()

    def make(self) -> Datatrove:
        return Datatrove(workers=2)


def squares(engine: Datatrove, store: Store, shards: int = 5) -> int:
    return len(list(engine.map(square_tasks(store, shards), Resources())))


@pytest.mark.parametrize("workers", [1, 2])
def test_datatrove_is_silent_on_the_console_and_keeps_its_logs_where_asked(tmp_path, capfd, workers):
    engine = Datatrove(workers=workers, logging_dir=str(tmp_path / "logs"))
    assert squares(engine, Store(str(tmp_path / "store")).prepare()) == 5
    assert capfd.readouterr() == ("", "")
    logs = sorted((tmp_path / "logs").rglob("task_*.log"))
    assert len(logs) == min(5, 4 * workers) and "Processing done for rank=0" in logs[0].read_text()
    stats = json.loads(next((tmp_path / "logs").rglob("stats.json")).read_text())
    assert stats[0]["name"] == "corpus: tasks"
    assert stats[0]["stats"]["tasks"]["total"] == 5 and stats[0]["stats"]["documents"]["total"] == 25


def test_no_log_folder_is_left_where_none_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    assert squares(Datatrove(workers=1), Store(str(tmp_path / "store")).prepare()) == 5
    assert not list((tmp_path / "tmp").glob("corpus-datatrove-*"))


def test_a_worker_that_is_killed_is_a_step_error_and_does_not_hang(tmp_path):
    script = f"""if __name__ == "__main__":
        from corpus.store import Store
        from corpus.tasks import Task
        from corpus.testing.bodies import Die, number_shards
        from pipelines.engines.base import Resources
        from pipelines.engines.datatrove import Datatrove
        store = Store({str(tmp_path / "store")!r}).prepare()
        tasks = [Task("die", Die(), {{"numbers": [shard]}}, store) for shard in number_shards(store, 3)]
        list(Datatrove(workers=2, logging_dir={str(tmp_path / "logs")!r}).map(tasks, Resources()))"""
    (tmp_path / "drive.py").write_text(script)
    done = subprocess.run([sys.executable, str(tmp_path / "drive.py")], capture_output=True, text=True, timeout=60)
    assert "StepError: step 'die' failed: a worker process died" in done.stderr and str(tmp_path / "logs") in done.stderr
    assert done.returncode == 1


def test_an_unknown_executor_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'local'"):
        Datatrove(executor="locl")


def test_without_datatrove_the_error_says_what_to_install(tmp_path):
    script = ("import sys; sys.modules['datatrove'] = None\n"
              "from pipelines.engines.base import Resources\nfrom pipelines.engines.datatrove import Datatrove\n"
              "list(Datatrove().map([], Resources()))")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "MissingExtra" in done.stderr and "pip install 'corpus-builder[datatrove]'" in done.stderr
