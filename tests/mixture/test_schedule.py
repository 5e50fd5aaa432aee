from __future__ import annotations

import pytest

from corpus.errors import ConfigError, UnknownName
from corpus.mixture.schedule import Phase, PhaseSpec, phases_of

A, B = (("a", 1.0),), (("a", 0.5), ("b", 0.5))


def test_a_build_without_a_schedule_is_one_phase_of_the_found_mixture():
    assert phases_of(1000, 300) == (PhaseSpec(1000, 4),)
    assert phases_of(1000, 300)[0].shares({"a": 0.25, "b": 0.75}, ["a", "b"]).tolist() == [0.25, 0.75]


def test_a_ramp_has_a_step_for_each_of_its_shards_with_the_weights_of_its_middle():
    first, *ramp, rest = phases_of(1000, 100, [Phase(600, A), Phase(400, B, 200)])
    assert (first.tokens, first.shards, rest.tokens, rest.shards) == (600, 6, 200, 2)
    assert [(p.tokens, p.shards, p.part) for p in ramp] == [(100, 1, 0.25), (100, 1, 0.75)]
    assert [p.shares({}, ["a", "b"]).tolist() for p in ramp] == [[0.875, 0.125], [0.625, 0.375]]
    assert {p.where for p in (*ramp, rest)} == {"mixture.schedule[1]"}


def test_a_long_ramp_has_sixteen_steps_of_equal_tokens():
    _, *ramp = phases_of(20_000, 100, [Phase(10_000, A), Phase(10_000, B, 10_000)])
    assert len(ramp) == 16 and {p.tokens for p in ramp} == {625} and {p.shards for p in ramp} == {7}
    assert sum(p.part for p in ramp) == 8


def test_a_ramp_may_come_from_the_found_mixture():
    _, ramp, _ = phases_of(300, 100, [Phase(100), Phase(200, A, 100)])
    assert ramp.shares({"a": 0.5, "b": 0.5}, ["a", "b"]).tolist() == [0.75, 0.25]


def test_a_ramp_between_equal_weights_is_one_stretch():
    assert [p.tokens for p in phases_of(300, 10, [Phase(100, A), Phase(200, A, 100)])] == [100, 100, 100]


@pytest.mark.parametrize("schedule, says", [
    ([Phase(400, A), Phase(500, B)], r"mixture.schedule: its phases have 900 tokens and mixture.budget_tokens is 1,000"),
    ([Phase(1000, A, 10)], r"mixture.schedule\[0\].ramp_tokens: nothing is before the first phase"),
    ([Phase(400, A), Phase(600, B, 601)], r"mixture.schedule\[1\].ramp_tokens: 601 is over the phase's 600 tokens"),
    ([Phase(400, A), Phase(600, (("a", 0.5),))], r"mixture.schedule\[1\].weights: the weights sum to 0.5"),
])
def test_a_wrong_schedule_names_the_place(schedule, says):
    with pytest.raises(ConfigError, match=says):
        phases_of(1000, 100, schedule)


def test_a_cell_that_is_not_there_is_named_with_its_phase():
    phase = phases_of(10, 10, [Phase(10, (("aa", 1.0),))])[0]
    with pytest.raises(UnknownName, match=r"mixture.schedule\[0\].weights: unknown cell 'aa'"):
        phase.shares({}, ["a", "b"])
