"""Items and documents made by hand, so that every score can be counted on paper."""

import pyarrow as pa
import pytest

from corpus.decontaminate.index import build_index
from corpus.decontaminate.items import EvalItem
from corpus.decontaminate.measure import measure

FERRY = ("A ferry leaves the northern harbour at noon with forty tonnes of gravel and returns at dusk with eleven tonnes "
         "of apples; how many tonnes did it carry in all?")
OWLS = "Why do barn owls that hunt over wet meadows fly lower than those that hunt over dry stubble?"


@pytest.fixture
def items() -> list[EvalItem]:
    return [EvalItem("boats", "b1", (FERRY,), "fifty one tonnes"), EvalItem("birds", "o1", (OWLS,), "the grass is taller")]


@pytest.fixture
def index(items):
    return build_index(items)


@pytest.fixture
def look():
    """Measures texts against an index; rows as dicts without the prefix of their columns."""

    def look(index, *texts):
        rows = measure(pa.array(texts, pa.large_string()), index).to_pylist()
        return [{name.removeprefix("contamination."): value for name, value in row.items()} for row in rows]

    return look
