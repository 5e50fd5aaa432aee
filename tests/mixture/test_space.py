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


def test_a_limit_within_another_attribute_holds_in_each_of_its_values():
    limit = Limit(high=0.3, attribute="style", value="qa", within="domain")
    space = Space.from_caps({"x/qa": 100, "x/web": 100, "y/qa": 100, "y/web": 100}, 100, 4, [limit], PARTS)
    assert space.contains([0.15, 0.35, 0.15, 0.35]) and not space.contains([0.3, 0.3, 0.0, 0.4])
    found = space.project([0.4, 0.2, 0.1, 0.3])
    x = 1.12 / 2.16                                # x's share: where (0.3x - 0.4)² + (0.7x - 0.2)² + (0.6 - x)² / 2 is least
    assert found == pytest.approx([0.3 * x, 0.7 * x, 0.1 + (0.6 - x) / 2, 0.3 + (0.6 - x) / 2], abs=1e-6)
    assert space.binding(found) == ["limit style=qa within domain=x ≤ 0.3"]
    assert space.broken([0.3, 0.3, 0.0, 0.4]) == ["limit style=qa within domain=x ≤ 0.3, which has 0.5: 0.2 over"]
    assert space.broken([0.0, 0.0, 0.3, 0.7]) == []                                  # x has no tokens at all


def test_at_least_a_share_within_each_value():
    limit = Limit(low=0.5, attribute="style", value="qa", within="domain")
    space = Space.from_caps(TOKENS, 20, 4, [limit], PARTS)
    assert space.contains([0.5, 0.5, 0.0]) and not space.contains([0.4, 0.5, 0.1])   # d01 has no qa, so it may have nothing
    with pytest.raises(Infeasible, match="20|budget"):
        Space.from_caps(TOKENS, 100, 1, [limit], PARTS)


def test_the_least_change_of_a_limit_within_is_a_share_within():
    least = Limit(low=0.5, attribute="style", value="qa")
    limits = [Limit(high=0.25, attribute="style", value="qa", within="domain"), least]
    with pytest.raises(Infeasible, match=r"the least change that would do: limit style=qa(?: within domain=d00 ≤ 0.25 "
                                         r"raised to 0\.\d+| ≥ 0.5 lowered to 0.25)"):
        Space.from_caps({"d00/web": 100, "d00/qa": 100}, 10, 4, limits, PARTS)


@pytest.mark.parametrize("within, says", [
    ("domein", r"search.limits\[0\].within: unknown cell attribute 'domein'; did you mean 'domain'"),
    ("style", r"search.limits\[0\].within: 'style' is the limit's own attribute"),
])
def test_a_limit_within_what_is_not_there_is_named(within, says):
    with pytest.raises((ConfigError, UnknownName), match=says):
        Space.from_caps(TOKENS, 10, 4, [Limit(high=0.3, attribute="style", value="qa", within=within)], PARTS)
