import pyarrow as pa
import pytest

from corpus.dedup.standing import STANDING, Standing, age
from corpus.document import DOCUMENT, ID
from corpus.errors import ConfigError
from corpus.store import Store
from corpus.tasks import Task, execute

IDS = pa.array([bytes([i]) * 16 for i in range(4)], ID)


def stood(tmp_path, body, marks=None, **columns):
    store = Store(str(tmp_path)).prepare()
    given = {"id": IDS} | {name: pa.array(values) for name, values in columns.items()}
    documents = pa.table([given.get(f.name, pa.nulls(4, f.type)) for f in DOCUMENT], schema=DOCUMENT)
    inputs = {"documents": [store.write_shard("documents", documents)]}
    if marks is not None:
        inputs["marks"] = [store.write_shard("marks", pa.table({"id": IDS} | marks))]
    found = store.read_shard(execute(Task("standing", body, inputs, store)).of("standing")[0])
    assert found.schema.equals(STANDING)
    return found.column("standing").to_pylist()


def test_dates_sort_as_numbers_and_what_is_no_date_is_null():
    dates = pa.array(["2024-03-01T10:00:00Z", "2024-03-01", "2024-03-01 10:00:00.25+02:00", "2024-03-01T09:59",
                      "Mon, 4 Mar 2024", "1710000000", "", None, "2024-03-01 about noon"])
    assert age(dates).to_pylist() == [20240301100000, 20240301000000, 20240301100000, 20240301095900, None, None, None, None,
                                      20240301000000]


def test_the_least_standing_is_the_best_score_the_oldest_or_the_first_source(tmp_path):
    score = {"quality": pa.array([0.25, None, float("nan"), 1.0])}
    assert stood(tmp_path, Standing("score", "quality"), score) == [-0.25, None, None, -1.0]
    dates = ["2024-01-02", "2023-12-31", None, "x"]
    assert stood(tmp_path, Standing("oldest"), date=dates) == [20240102000000, 20231231000000, None, None]
    assert stood(tmp_path, Standing("source", source_order=("b", "a")), source=["a", "b", "c", None]) == [1, 0, 2, 2]
    assert stood(tmp_path, Standing()) == [None] * 4


def test_a_score_that_was_never_measured_or_is_no_number_is_named(tmp_path):
    marks = {"words": pa.array([1, 2, 3, 4]), "language": pa.array(["en"] * 4)}
    with pytest.raises(ConfigError, match="dedup.score: no column 'wrods' was measured; expected one of words"):
        stood(tmp_path, Standing("score", "wrods"), marks)
    with pytest.raises(ConfigError, match="'language' is of type string"):
        stood(tmp_path, Standing("score", "language"), marks)
    assert stood(tmp_path, Standing("score", "words"), marks) == [-1, -2, -3, -4]
