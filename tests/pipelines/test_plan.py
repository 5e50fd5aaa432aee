"""What a plan says: which declared field changed, by names that people know."""

from pipelines.plan import differences


def test_a_changed_field_is_named_with_both_values():
    before = {"operator": "body/filter", "version": 1, "options": {"stage": "filter", "low": 50}}
    after = {"operator": "body/filter", "version": 1, "options": {"stage": "filter", "low": 40}}
    assert differences(before, after) == ["low: 50 → 40"]


def test_rules_go_by_their_reason_and_operators_by_their_name():
    def made(low, n):
        return {"rules": [{"reason": "short", "low": low}], "annotators": [{"operator": "signal/x", "options": {"n": n}}]}

    found = differences({"options": made(50, 1)}, {"options": made(40, 2)})
    assert found == ["annotators[signal/x].n: 1 → 2", "rules[short].low: 50 → 40"]


def test_what_was_added_or_taken_away_says_so():
    assert differences({"a": 1}, {"b": 2}) == ["a: no longer there", "b: added"]
    assert differences({"rules": [1]}, {"rules": [1, 2]}) == ["rules: [1] → [1, 2]"]


def test_rules_and_operators_that_come_and_go_are_named():
    def made(*reasons):
        return {"rules": [{"reason": reason, "low": 1} for reason in reasons]}

    assert differences(made("a", "b"), made("b")) == ["rules: without a"]
    assert differences(made("a"), made("b", "a", "c")) == ["rules: with b, c"]
    assert differences(made(*"abcdef"), made("f")) == ["rules: without a, b, c and 2 more"]


def test_equal_identities_have_no_difference():
    assert differences({"a": [{"b": None}]}, {"a": [{"b": None}]}) == []


def test_a_release_that_decides_an_output_is_a_field_too():
    found = differences({"provider": ["trafilatura==2.3.0"]}, {"provider": ["trafilatura==2.3.1"]})
    assert found == ["provider[0]: trafilatura==2.3.0 → trafilatura==2.3.1"]
