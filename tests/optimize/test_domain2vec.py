from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import ConfigError
from corpus.mixture.space import Limit, Space
from corpus.optimize.base import DomainVectors, Journal, Problem
from corpus.optimize.domain2vec import Domain2Vec
from corpus.optimize.untrained import Given, Natural, Uniform, UniMax

RUNS = Path(__file__).parents[3] / "shared" / "data" / "mixture_runs"
FIGURE = RUNS / "domain2vec" / "fig1_pile_domain_vectors_partial.csv"


def problem(cells: dict[str, int], budget: int = 100, max_epochs: float = 100, limits=(), parts=()) -> Problem:
    return Problem(Space.from_caps(cells, budget, max_epochs, limits, parts), tuple(cells.values()), budget, max_epochs)


def pile(without: str = "") -> tuple[Problem, DomainVectors]:
    if not FIGURE.is_file():
        pytest.skip("the figure's vectors are facts from a paper and not in the repository")
    with FIGURE.open() as stream:
        rows = {row.pop("dataset"): tuple(map(float, row.values())) for row in csv.DictReader(stream)}
    target = rows["pile_cc"]
    rows.pop(without, None)
    return problem(dict.fromkeys(rows, 1000)), DomainVectors(rows, target)


def recommend(method: Domain2Vec, given: Problem, evidence: DomainVectors):
    optimizer = method.open(given, Journal())
    optimizer.ask(1)
    optimizer.tell(evidence)
    return optimizer.recommend()


def test_a_target_that_is_a_cell_takes_all_the_weight():
    assert recommend(Domain2Vec(), *pile()).weights["pile_cc"] >= 0.999


def test_the_exact_l2_mixture_of_the_papers_figure():
    found = recommend(Domain2Vec(), *pile("pile_cc"))
    assert found.compared["domain2vec"].score == pytest.approx(0.09706, abs=5e-6)
    wanted = {"wikipedia_en": 0.4993, "enron_emails": 0.2642, "hackernews": 0.0999, "pubmed_abstracts": 0.0718,
              "gutenberg_pg_19": 0.0178, "uspto_backgrounds": 0.0177, "stackexchange": 0.0175, "philpapers": 0.0074}
    assert {cell: found.weights[cell] for cell in wanted} == pytest.approx(wanted, abs=2e-4)


def test_random_search_is_worse_than_the_exact_solve():
    given, evidence = pile("pile_cc")
    exact = recommend(Domain2Vec(), given, evidence)
    drawn = recommend(Domain2Vec(method="dirichlet", draws=20_000), given, evidence)
    assert exact.compared["domain2vec"].score < drawn.about["best_candidate"] < drawn.compared["domain2vec"].score


def test_every_baseline_is_compared_and_none_is_nearer():
    found = recommend(Domain2Vec(), *pile("pile_cc"))
    assert set(found.compared) == {"natural", "uniform", "unimax", "domain2vec"}
    assert min(found.compared, key=lambda name: found.compared[name].score) == "domain2vec"


CELLS = {"d0/web": 100, "d0/qa": 100, "d1/web": 100}
SIMPLE = DomainVectors({"d0/web": (1.0, 0.0), "d0/qa": (0.6, 0.4), "d1/web": (0.0, 1.0)}, (1.0, 0.0))


def test_caps_and_limits_hold_and_are_named():
    given = problem(CELLS, 200, 1, [Limit(low=0.2, attribute="style", value="qa")], ("domain", "style"))
    found = recommend(Domain2Vec(), given, SIMPLE)
    assert found.weights == pytest.approx({"d0/web": 0.5, "d0/qa": 0.5, "d1/web": 0.0}, abs=1e-6)
    assert found.binding == ["cap d0/web", "cap d0/qa"] and found.epochs["d0/web"] == pytest.approx(1)


def test_the_papers_search_stays_within_the_caps_and_repeats_itself():
    given, method = problem(CELLS, 200, 1), Domain2Vec(method="dirichlet", draws=3000, top=10)
    one, other = recommend(method, given, SIMPLE), recommend(method, given, SIMPLE)
    assert one.weights == other.weights and given.space.contains(np.array(list(one.weights.values())))
    assert one.about["accepted"] < 3000


def test_a_resumed_search_is_a_new_one_told_the_old_rows():
    given, journal = problem(CELLS), Journal()
    live = Domain2Vec().open(given, journal)
    assert [r.what for r in live.ask(4)] == ["domain_vectors"] and live.ask(4) == []
    live.tell(SIMPLE)
    again = Domain2Vec().open(given, Journal.parse(journal.dump()))
    assert again.ask(4) == [] and again.recommend().weights == live.recommend().weights


def test_missing_evidence_is_named():
    with pytest.raises(ConfigError, match="cell 'd1/web' has no domain vector"):
        Domain2Vec().open(problem(CELLS), Journal()).tell(DomainVectors({"d0/web": (1.0,), "d0/qa": (1.0,)}, (1.0,)))
    with pytest.raises(ConfigError, match="told no domain vectors"):
        Domain2Vec().open(problem(CELLS), Journal()).recommend()
    with pytest.raises(ConfigError, match="expected one of l2, huber, l1"):
        Domain2Vec(distance="cosine")


def test_untrained_methods_ask_nothing_and_stay_within_the_caps():
    given = problem({"a": 10, "b": 90}, 100, 2)
    for method, wanted in ((Natural(), [0.1, 0.9]), (Uniform(), [0.2, 0.8]), (UniMax(), [0.2, 0.8])):
        optimizer = method.open(given, Journal())
        found = optimizer.recommend()
        assert optimizer.ask(3) == [] and list(found.weights.values()) == pytest.approx(wanted, abs=1e-6)
        assert found.compared["uniform"].projected and not found.compared["unimax"].projected


def test_a_given_mixture_is_taken_as_it_is_and_compared():
    found = Given((("a", 0.7), ("b", 0.3))).open(problem({"a": 10, "b": 90}, 100, 2), Journal()).recommend()
    assert found.weights == pytest.approx({"a": 0.7, "b": 0.3})
    assert set(found.compared) == {"natural", "uniform", "unimax", "given"}
    with pytest.raises(ConfigError, match="they sum to 0.9"):
        Given((("a", 0.9),))
