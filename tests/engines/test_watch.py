import threading
import time

import pytest

from corpus.errors import MissingFile, StepError
from corpus.store import Store
from corpus.tasks import execute
from corpus.testing.bodies import square_tasks
from pipelines.engines.watch import Job, Notes, Queues, watch


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path)).prepare()


def start(store, tasks):
    return Job.begin(store, tasks), Queues(store, [[t.key for t in tasks]])


def test_records_come_while_the_driver_still_works(store):
    tasks = square_tasks(store, shards=2)
    job, queues = start(store, tasks)
    go_on = threading.Event()

    def drive():
        job.run(tasks[0])
        assert go_on.wait(10)
        job.run(tasks[1])

    records = watch("square", job, drive, queues)
    assert next(records).key == tasks[0].key
    go_on.set()
    assert [r.key for r in records] == [tasks[1].key]
    assert not store.exists(job.folder)


def test_a_failure_that_a_worker_noted_is_raised_as_it_was(store):
    job, queues = start(store, square_tasks(store, shards=1))

    def fail():
        raise MissingFile("words.txt", "signals[0].words")

    with pytest.raises(MissingFile, match="signals\\[0\\].words: no file at words.txt"):
        list(watch("square", job, lambda: job.attempt(fail), queues))


def test_after_a_failure_no_worker_starts_another_task(store):
    tasks = square_tasks(store, shards=2)
    job, _ = start(store, tasks)

    def fail():
        raise StepError("square", "no")

    assert job.attempt(fail) is None and job.over
    assert job.run(tasks[0]) is None and store.record(tasks[0].key) is None
    assert job.failure().cause == "no"


def test_leaving_early_stops_the_workers_before_their_next_task(store):
    tasks = square_tasks(store, shards=50)
    job, queues = start(store, tasks)

    def drive():
        for task in tasks:
            job.run(task)
            time.sleep(0.05)

    records = watch("square", job, drive, queues)
    next(records)
    records.close()
    made = [t for t in tasks if store.record(t.key)]
    assert 1 <= len(made) < 50
    time.sleep(0.2)
    assert [t for t in tasks if store.record(t.key)] == made


def test_an_engine_that_breaks_is_a_step_error_and_so_is_one_that_forgets_a_task(store):
    tasks = square_tasks(store, shards=3)
    job, queues = start(store, tasks)
    with pytest.raises(StepError, match="step 'square' failed: the engine failed: ZeroDivisionError"):
        list(watch("square", job, lambda: 1 / 0, queues))
    job, queues = start(store, tasks)
    with pytest.raises(StepError, match="ended with 1 tasks not done") as caught:
        list(watch("square", job, lambda: [job.run(t) for t in tasks[:2]], queues))
    assert caught.value.key == tasks[2].key


def test_tasks_that_the_driver_could_not_name_are_found_by_their_notes(store):
    tasks = square_tasks(store, shards=3)
    job = Job.begin(store, tasks)
    records = list(watch("square", job, lambda: [job.note(execute(t).key) for t in job.payload()], Notes(job)))
    assert {r.key for r in records} == {t.key for t in tasks} and len(records) == 3


def test_a_job_works_on_a_remote_store():
    store = Store("memory://watch").prepare()
    tasks = square_tasks(store, shards=3)
    job = Job.begin(store, tasks)
    records = list(watch("square", job, lambda: [job.note(job.run(t).key) for t in job.payload()], Notes(job)))
    assert len(records) == 3 and not store.exists(job.folder)
