import pyarrow as pa

from corpus.extract.facts import FACTS
from corpus.rules.bounds import columns_of, judge
from corpus.rules.presets_web import WEB_PRESETS
from corpus.signals.robots import ROBOTS


def reasons(preset, **columns):
    return judge(pa.table(columns), WEB_PRESETS[preset]).reason.to_pylist()


def test_who_asks_to_stay_out_of_training_is_left_out_and_who_asks_search_engines_is_not():
    asked = {"page.noai": [True, False, False, None], "page.tdm_reserved": [True, True, False, None],
             "page.noindex": [False, False, True, None]}
    assert reasons("opt_out", **asked) == ["opted_out", "tdm_reserved", None, None]


def test_pages_that_a_crawler_may_not_fetch_are_left_out_and_unknown_ones_are_not():
    assert reasons("robots", **{"robots.disallowed": ["", "CCBot GPTBot", None]}) == [None, "robots_disallowed", None]


def test_the_reason_of_an_address_is_the_first_in_datatroves_order():
    columns = {"url.listed": ["domain", "subdomain", "url", None, None, None, None], "url.words": [1, 1, 1, 1, 0, 0, None],
               "url.soft_words": [0, 0, 0, 2, 2, 1, None], "url.subwords": [0, 0, 0, 0, 1, 1, None]}
    assert reasons("url", **columns) == ["domain", "subdomain", "url", "hard_blacklisted", "soft_blacklisted",
                                         "blacklisted_subword", None]


def test_presets_of_pages_read_facts_and_robots_alone():
    assert set(columns_of(WEB_PRESETS["opt_out"])) <= set(FACTS.names)
    assert set(columns_of(WEB_PRESETS["robots"])) <= set(ROBOTS.names)


def test_each_reason_is_one_rules():
    listed = [rule.reason for rules in WEB_PRESETS.values() for rule in rules]
    assert len(listed) == len(set(listed))
