from __future__ import annotations

import itertools

import numpy as np
import pytest

from corpus.errors import ConfigError
from corpus.mixture.space import Space
from corpus.optimize.base import DomainVectors, Journal, Problem, Request, Trial

VECTORS = DomainVectors({"a": (1.0, 0.0), "b": (0.0, 1.0)}, (0.5, 0.5))
TRIALS = [Trial({"a": w, "b": 1 - w}, {"loss": 3 + w}) for w in (0.1, 0.5, 0.9)]


def test_a_journal_is_its_rows():
    journal = Journal()
    journal.asked(Request("domain_vectors"))
    journal.told(VECTORS)
    for trial in TRIALS:
        journal.told(trial)
    again = Journal.parse(journal.dump())
    assert again.rows == journal.rows and again.evidence("trial") == journal.evidence("trial")
    assert again.evidence("domain_vectors") == [VECTORS] and again.pending() == []


def test_the_order_of_completion_does_not_matter():
    found = []
    for order in itertools.permutations(TRIALS):
        journal = Journal()
        for trial in order:
            journal.told(trial)
        found.append(journal.evidence("trial"))
    assert all(f == found[0] for f in found)


def test_what_is_told_or_asked_twice_is_one_row():
    journal = Journal()
    for _ in range(2):
        journal.asked(Request("trial", (("a", 1.0),)))
        journal.told(TRIALS[0])
    assert len(journal.rows) == 2 and [r["weights"] for r in journal.pending()] == [[["a", 1.0]]]


def test_a_line_that_was_cut_off_is_left_out():
    journal = Journal()
    for trial in TRIALS:
        journal.told(trial)
    assert len(Journal.parse(journal.dump()[:-10]).rows) == 2


def test_evidence_of_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="evidence of kind 'rumour'"):
        Journal([{"row": "told", "what": "rumour", "request": "x"}]).evidence("rumour")


def test_a_recommendation_carries_epochs_distance_from_natural_and_what_binds():
    tokens = {"a": 100, "b": 300}
    problem = Problem(Space.from_caps(tokens, 200, 1), tuple(tokens.values()), 200, 1)
    found = problem.recommendation("x", np.array([0.5, 0.5]), {})
    assert found.epochs == {"a": 1.0, "b": pytest.approx(1 / 3)} and found.moved == pytest.approx(0.25)
    assert found.binding == ["cap a"]
