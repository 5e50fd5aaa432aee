"""Rules of a build file: every one that is written holds, and what cannot be meant is refused."""

import pytest

from corpus.errors import ConfigError
from corpus.rules.presets import PRESETS
from pipelines.config.load import load_build


@pytest.fixture
def rules(write):
    signals = ["language", "gopher_quality", "gopher_repetition"]
    return lambda *listed: load_build(write(filter={"signals": signals, "rules": list(listed)})).rules


def test_two_rules_on_one_signal_both_hold(rules):
    low, high = rules({"signal": "gopher.words", "low": 100}, {"signal": "gopher.words", "high": 1000})
    assert (low.low, low.high, low.reason) == (100, None, "gopher_words_low")
    assert (high.low, high.high, high.reason) == (None, 1000, "gopher_words_high")


def test_an_own_rule_stands_behind_the_presets_of_its_signal(rules):
    found = rules("gopher", {"signal": "gopher.words", "low": 20})
    assert found[:-1] == PRESETS["gopher"] and (found[-1].low, found[-1].reason) == (20, "gopher_words_low")


def test_a_rule_with_a_presets_reason_takes_its_place_and_keeps_its_languages(rules):
    mean = {"signal": "gopher.mean_word_length", "low": 2, "reason": "gopher_below_avg_threshold"}
    found, preset = rules("gopher", mean), PRESETS["gopher"]
    assert [r.reason for r in found] == [r.reason for r in preset]
    assert found[2].low == 2 and "th" in found[2].other_than and (found[:2], found[3:]) == (preset[:2], preset[3:])


def test_a_rule_may_be_for_some_languages_or_for_all_but_some(rules):
    low, other = rules({"signal": "gopher.words", "low": 20, "languages": ["de", "fi"]},
                       {"signal": "gopher.words", "high": 900, "other_than": ["en"]})
    assert (low.languages, low.other_than, other.languages, other.other_than) == (("de", "fi"), (), None, ("en",))


def test_a_rule_in_a_presets_place_may_bring_languages_of_its_own(rules):
    (found,) = [r for r in rules("gopher", SHORT | {"languages": ["de"]}) if r.reason == "gopher_short_doc"]
    assert found.languages == ("de",) and found.low == 20


def test_presets_that_share_no_rule_add_up(rules):
    found = rules({"preset": "gopher_quality"}, "gopher_repetition")
    assert found == PRESETS["gopher_quality"] + PRESETS["gopher_repetition"]


SHORT = {"signal": "gopher.words", "low": 20, "reason": "gopher_short_doc"}


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (["gopher", SHORT, SHORT], r"rules\[2\]\.reason: 'gopher_short_doc' is the reason of filter.rules\[1\] too"),
        ([SHORT, "gopher"], r"rules\[1\]: the preset 'gopher' brings the rule 'gopher_short_doc', which filter.rules\[0\]"),
        (["gopher", "gopher_quality"], r"rules\[1\]: the preset 'gopher_quality' brings the rule 'gopher_short_doc'"),
        ([{"signal": "gopher.words", "low": n} for n in (1, 2)], r"rules\[1\]\.reason: 'gopher_words_low'"),
        ([{**SHORT, "reason": "a"}, {"signal": "gopher.hash_ratio", "high": 1, "reason": "a"}], r"rules\[1\]\.reason: 'a'"),
        ([{"preset": "gopher", "low": 10}], r"rules\[0\]\.low: stands beside a preset"),
        ([{"preset": "gopher", "reason": "mine"}], r"rules\[0\]\.reason: stands beside a preset"),
        ([{"preset": "gopher", "signal": "gopher.words"}], r"rules\[0\]\.signal: stands beside a preset"),
        ([{"signal": "language", "among": []}], r"rules\[0\]\.among: is empty"),
        ([{"signal": "language", "among": ["en"], "low": 1}], r"rules\[0\]: has 'among' and a bound"),
        ([{"signal": "gopher.words", "low": 5, "languages": ["de"], "other_than": ["en"]}],
         r"rules\[0\]: has 'languages' and 'other_than'"),
        ([{"signal": "gopher.words", "low": 5, "high": 1}], r"rules\[0\]: low 5 is over high 1"),
        ([{"signal": "gopher.words", "low": 5, "reason": ""}], r"rules\[0\]\.reason"),
        (["gopher", {"signal": "gopher.wrods", "low": 5}], r"rules\[1\]: .*'gopher.words'"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(rules, listed, message):
    with pytest.raises(ConfigError, match=message):
        rules(*listed)
