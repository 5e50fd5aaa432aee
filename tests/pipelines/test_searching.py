"""A search made again: the pinned mixture stands while data grow, and gives way only when asked."""

import json

import pytest

from pipelines.cli.mix import _side_by_side
from pipelines.engines.placement import Placement
from pipelines.progress import Progress
from pipelines.searching import search_again


def again(small):
    return search_again(small.load(), Placement({"engine": "inline"}), Progress())


def weights(small):
    return {c["cell"]: c["weight"] for c in json.loads((small.out / "receipt.json").read_text())["cells"]}


def found_on(small):
    return sum(c["documents"] for c in json.loads((small.out / "mixture.json").read_text())["cells"].values())


def test_a_grown_crawl_keeps_its_mixture_until_it_is_searched_again(small):
    small.build()
    first = weights(small)
    small.write("c.jsonl", small.passages(20, skip=60))
    small.build()
    assert weights(small) == first and found_on(small) == 60                               # so does what it was found on
    found = again(small)
    assert found.ran and found.before == pytest.approx(first) and found.after != found.before
    assert sum(found.after.values()) == pytest.approx(1) and weights(small) == first       # nothing after it ran
    small.build()
    assert weights(small) == pytest.approx(found.after) and found_on(small) == 80
    assert not again(small).ran                                                            # on the same data


def test_a_search_may_come_before_any_build(small):
    found = again(small)
    assert found.before is None and found.ran
    assert small.plan()["search.mixture"].status == "done"


def test_both_mixtures_are_shown_side_by_side_with_what_moved():
    said = _side_by_side("b.yaml", {"a": 0.5, "b": 0.5}, {"a": 0.75, "c": 0.25}, True)
    lines = [line.split() for line in said.splitlines()]
    assert lines[1] == ["a", "0.5000", "0.7500", "+0.2500"] and lines[2] == ["c", "-", "0.2500", "+0.2500"]
    assert lines[3] == ["b", "0.5000", "-", "-0.5000"]
    assert "50.0% of the tokens move; go on with: corpus build b.yaml" in said
    assert "nothing was pinned before" in _side_by_side("b.yaml", None, {"a": 1.0}, True)
