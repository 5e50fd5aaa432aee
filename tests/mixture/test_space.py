from __future__ import annotations

import numpy as np
import pytest

from corpus.errors import ConfigError, Infeasible, UnknownName
from corpus.mixture.space import Limit, Space

TOKENS = {"d00/web": 100, "d00/qa": 10, "d01/web": 50}
PARTS = ("domain", "style")


def test_a_cap_is_the_share_that_max_epochs_of_a_cell_fill():
    space = Space.from_caps(TOKENS, budget=200, max_epochs=4)
    assert space.upper == (1.0, 0.2, 1.0)
    assert space.contains([0.5, 0.2, 0.3]) and not space.contains([0.5, 0.21, 0.29]) and not space.contains([0.5, 0.2, 0.2])


def test_a_limit_binds_the_joint_share_of_an_attributes_cells():
    space = Space.from_caps(TOKENS, 100, 4, [Limit(low=0.3, attribute="domain", value="d01")], PARTS)
    found = space.project([0.7, 0.2, 0.1])
    assert found[2] == pytest.approx(0.3, abs=1e-7) and space.contains(found)
    assert space.binding(found) == ["limit domain=d01 ≥ 0.3"]


def test_an_allowed_mixture_is_its_own_projection():
    assert Space.free(["a", "b"]).project([0.25, 0.75]).tolist() == [0.25, 0.75]


def test_a_budget_over_all_tokens_names_the_largest_that_would_do():
    message = r"budget of 1,000 tokens.*all cells together give 640.*640 tokens or less.*6.25 or more"
    with pytest.raises(Infeasible, match=message):
        Space.from_caps(TOKENS, 1000, 4)


def test_the_named_budget_and_epochs_do():
    Space.from_caps(TOKENS, 640, 4)
    Space.from_caps(TOKENS, 1000, 6.25)


def test_a_limit_that_the_caps_starve_is_named():
    limit = Limit(low=0.5, attribute="style", value="qa")
    message = r"limit style=qa ≥ 0.5 needs 50 and there are 20.*40 tokens or less.*max_epochs of 5"
    with pytest.raises(Infeasible, match=message):
        Space.from_caps(TOKENS, 100, 2, [limit], PARTS)
    Space.from_caps(TOKENS, 40, 2, [limit], PARTS)
    Space.from_caps(TOKENS, 100, 5, [limit], PARTS)


def test_limits_that_exclude_each_other_say_the_least_change():
    limits = [Limit(low=0.8, attribute="style", value="qa"), Limit(low=0.3, cells=("d00/web",))]
    with pytest.raises(Infeasible, match=r"lowered to 0\.[27]"):
        Space.from_caps(TOKENS, 10, 4, limits, PARTS)


@pytest.mark.parametrize("limit, says", [
    (Limit(high=0.1, cells=("d07",)), r"search.limits\[1\].cells: unknown cell 'd07'; known: d00/qa, d00/web, d01/web"),
    (Limit(high=0.1, attribute="domein", value="d00"), r"search.limits\[1\].attribute: .*'domein'; did you mean 'domain'"),
    (Limit(high=0.1, attribute="domain", value="d1"),
     r"search.limits\[1\].value: unknown domain of a cell 'd1'; did you mean 'd01'"),
    (Limit(high=0.1, attribute="style", value="poem"), r"search.limits\[1\].value: .*'poem'; known: qa, web"),
    (Limit(attribute="style", value="poem"), "'poem'"),
])
def test_a_limit_on_what_is_not_there_names_its_place_and_what_is(limit, says):
    with pytest.raises(UnknownName, match=says):
        Space.from_caps(TOKENS, 10, 4, [Limit(high=0.9, attribute="style", value="web"), limit], PARTS)


@pytest.mark.parametrize("limit, says", [
    (Limit(high=1.5), r"search.limits\[0\].high: 1.5; expected a share of tokens"),
    (Limit(low=-0.5), r"search.limits\[0\].low: -0.5"),
    (Limit(low=0.5, high=0.25), r"search.limits\[0\]: low 0.5 is over high 0.25"),
])
def test_bounds_that_are_no_shares_are_named_by_their_place(limit, says):
    with pytest.raises(ConfigError, match=says):
        Space(("a",), (0.0,), (1.0,), (limit,))


def test_a_limit_finds_values_that_a_cells_name_spells_otherwise():
    space = Space.from_caps({"a%2Fb/web": 10, "c/web": 10}, 10, 4, [Limit(high=0.1, attribute="domain", value="a/b")], PARTS)
    assert space.project([0.5, 0.5])[0] == pytest.approx(0.1, abs=1e-7)


def test_projection_never_leaves_the_space():
    rng = np.random.default_rng(0)
    space = Space.from_caps(TOKENS, 150, 2, [Limit(high=0.6, attribute="domain", value="d00")], PARTS)
    assert all(space.contains(space.project(w)) for w in rng.dirichlet(np.ones(3), 50))
