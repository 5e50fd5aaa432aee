import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from corpus.errors import ConfigError
from corpus.operators import Rule
from corpus.rules.bounds import ScopedRule, columns_of, judge

SHORT, LONG = Rule("words", "short", low=50), Rule("words", "long", high=100)
LOUD = Rule("loud", "loud", high=0.5)


def test_the_verdict_is_the_first_rule_that_fails():
    table = pa.table({"words": [10, 60, 200, 200], "loud": [0.9, 0.9, 0.1, 0.9]})
    found = judge(table, (SHORT, LONG, LOUD))
    assert found.reason.to_pylist() == ["short", "loud", "long", "long"]
    assert judge(table, (LOUD, SHORT, LONG)).reason.to_pylist() == ["loud", "loud", "long", "loud"]
    assert found.rule.tolist() == [0, 2, 1, 1] and not found.kept.any()


def test_value_and_bound_are_those_of_the_rule_that_failed():
    found = judge(pa.table({"words": [10, 60, 200]}), (Rule("words", "length", low=50, high=100),))
    assert found.value.to_pylist() == [10.0, None, 200.0] and found.bound.to_pylist() == [50.0, None, 100.0]
    assert found.signal.to_pylist() == ["words", None, "words"]


def test_a_bound_itself_passes():
    assert judge(pa.table({"words": [50, 100]}), (SHORT, LONG)).kept.tolist() == [True, True]


def test_null_and_nan_pass():
    assert judge(pa.table({"words": [None, float("nan")]}), (SHORT, LONG)).kept.tolist() == [True, True]


def test_a_rule_of_words_has_no_number():
    found = judge(pa.table({"language": ["en", "de", None]}), (Rule("language", "language", among=("en", "fr")),))
    assert found.kept.tolist() == [True, False, True]
    assert found.value.to_pylist() == found.bound.to_pylist() == [None] * 3 and found.reason.to_pylist()[1] == "language"


def test_a_scoped_rule_leaves_other_languages_alone():
    table = pa.table({"words": [1, 1, 1], "language": ["en", "th", None]})
    assert judge(table, (ScopedRule("words", "r", low=2, languages=("en",)),)).kept.tolist() == [False, True, True]
    assert judge(table, (ScopedRule("words", "r", low=2, other_than=("th",)),)).kept.tolist() == [False, True, False]


def test_a_rule_may_be_asked_only_where_another_number_is_within_bounds():
    table = pa.table({"words": [1, 1, 1, 1], "bucket": pa.array([3, 17, 18, None], pa.int8())})
    rule = ScopedRule("words", "r", low=2, given="bucket", given_high=17)
    assert judge(table, (rule,)).kept.tolist() == [False, False, True, False]
    assert judge(table, (dataclasses.replace(rule, given_low=4),)).kept.tolist() == [True, False, True, False]
    assert columns_of((rule,)) == ["words", "bucket"]


def test_a_missing_signal_is_named_with_its_remedy():
    with pytest.raises(ConfigError, match=r"rules\[0\] \(loud\): reads the signal 'loud'.*leave the rule out"):
        judge(pa.table({"words": [1]}), (LOUD,))


def test_columns_that_rules_read():
    assert columns_of((SHORT, LONG, ScopedRule("x", "r", languages=("en",)))) == ["words", "x", "language"]


def test_no_rules_and_no_rows():
    assert judge(pa.table({"words": [1]}), ()).kept.tolist() == [True]
    assert judge(pa.table({"words": pa.array([], pa.int64())}), (SHORT,)).kept.shape == (0,)
    assert judge(pa.table({"words": [1]}), (SHORT,)).rule.dtype == np.int32
