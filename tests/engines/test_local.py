import pytest

from corpus.errors import StepError
from corpus.store import Store
from corpus.tasks import Task
from corpus.testing.bodies import Die, number_shards
from corpus.testing.contracts import EngineContract
from pipelines.engines.base import ExchangeJob, Resources
from pipelines.engines.local import Local


class TestLocal(EngineContract):
    job, needs = ExchangeJob, Resources()

    def make(self) -> Local:
        return Local(workers=2)


def test_a_worker_that_is_killed_is_a_step_error(tmp_path):
    store = Store(str(tmp_path)).prepare()
    engine = Local(workers=2)
    tasks = [Task("die", Die(), {"numbers": [shard]}, store) for shard in number_shards(store, 2)]
    with pytest.raises(StepError, match="a worker process died"):
        list(engine.map(tasks, Resources()))
    engine.close()
