"""What an operator makes of a fixed input, against the table: an output that changed asks for a new version, since keys
know an operator by its version and never by its code.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from golden_cases import NUMERIC
from golden_table import CASES, UPDATE, entry, fault, other_release, read_table, registered, releases_of, ruler

OPERATORS = registered()
TABLE = read_table()["operators"]
SAME_RULER = read_table()["ruler"] == ruler()


def test_digests_of_equal_rows_are_what_they_were():
    assert SAME_RULER, f"corpus.keys gives other digests, so every key changes: where that is meant, run {UPDATE}"


@pytest.mark.parametrize("name", sorted(set(OPERATORS) - set(NUMERIC)))
def test_an_operators_output_is_that_of_its_version(name):
    if not SAME_RULER:
        pytest.skip("corpus.keys gives other digests")
    assert name in CASES, (
        f"{name} has no golden case: give it one in tests/golden and run {UPDATE}, or put it into NUMERIC with the reason"
    )
    known = TABLE.get(name, {})
    if why := other_release(known, releases_of(name, OPERATORS[name])):
        pytest.skip(f"{name}: {why}")
    now = entry(name, OPERATORS[name])
    assert not (wrong := fault(name, TABLE.get(name), now["version"], now["digest"])), wrong


def test_the_table_and_the_cases_speak_of_operators_that_exist():
    assert set(CASES) | set(NUMERIC) <= set(OPERATORS)
    assert not set(CASES) & set(NUMERIC)
    assert set(TABLE) == set(CASES), f"run {UPDATE}"
    for name, known in TABLE.items():
        assert set(known.get("releases", {})) == set(releases_of(name, OPERATORS[name]).get("releases", {})), f"run {UPDATE}"


@pytest.mark.parametrize(
    "known, says",
    [
        (None, "not in the golden table"),
        ({"version": 1, "digest": "b"}, "version of body/x is 2"),
        ({"version": 2, "digest": "b"}, "the output of body/x changed: raise its version in @register and run"),
        ({"version": 2, "digest": "a"}, None),
    ],
)
def test_a_fault_says_what_to_do(known, says):
    found = fault("body/x", known, 2, "a")
    assert found is None if says is None else says in found


def test_an_entry_of_another_release_says_nothing():
    assert other_release({"releases": {"lxml": "6.0"}}, {"releases": {"lxml": "6.1"}}) == "made with lxml 6.0, here is 6.1"
    assert other_release({"releases": {"lxml": "6.0"}}, {"releases": {"lxml": None}}) == "made with lxml 6.0, here is none"
    assert other_release({"releases": {"lxml": "6.0"}}, {"releases": {"lxml": "6.0"}}) is None


@pytest.mark.slow
def test_an_update_of_a_table_that_is_right_changes_nothing():
    path = Path(__file__).parent
    before = (path / "golden.json").read_bytes()
    done = subprocess.run([sys.executable, path / "update.py"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "") and (path / "golden.json").read_bytes() == before
