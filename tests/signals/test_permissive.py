"""Which licences a build admits, of expressions too, and what a record's own words come to."""

import json

import pyarrow as pa
import pytest

from corpus.errors import UnknownName
from corpus.extract.licence import spdx_of
from corpus.operators import Batch
from corpus.rules.bounds import judge
from corpus.signals.licence_texts import named
from corpus.signals.permissive import (
    CLASSES,
    Admitted,
    LicenceTable,
    admits,
    admitted_ids,
    licence_rules,
    record_licence,
)
from corpus.store import Store
from corpus.tasks import Task, execute

PERMISSIVE = frozenset(admitted_ids(["permissive"]))


@pytest.mark.parametrize("licence, allowed", [
    ("MIT", True), ("CC0-1.0", True), ("CC-BY-4.0", True), ("CC-BY-3.0-DE", True), ("CC-BY-2.5-AU", True), ("0BSD", True),
    ("CC-BY-SA-4.0", False), ("CC-BY-NC-4.0", False), ("CC-BY-ND-3.0", False), ("CC-BY-NC-SA-2.0-FR", False),
    ("GPL-3.0-only", False), ("MPL-2.0", False), ("WTFPL", False), ("JSON", False),
    ("MIT OR GPL-2.0-only", True), ("GPL-2.0-only OR MIT", True), ("MIT AND GPL-2.0-only", False), ("MIT AND ISC", True),
    ("GPL-2.0-only AND MIT OR ISC", True), ("GPL-2.0-only AND (MIT OR ISC)", False), ("ISC AND (GPL-2.0-only OR MIT)", True),
    ("Apache-2.0 WITH LLVM-exception", True), ("GPL-2.0-only WITH Classpath-exception-2.0", False),
    ("MIT ISC", False), ("(MIT", False), ("MIT)", False), ("", False), ("OR", False), ("WITH WITH", False),
])
def test_every_part_of_an_and_has_to_be_allowed_and_one_of_an_or(licence, allowed):
    assert admits(licence, PERMISSIVE) is allowed


def test_every_listed_software_licence_is_spelled_as_the_signal_spells_it():
    software = [n for n in CLASSES["permissive"] if not n.startswith(("CC", "LicenseRef", "PDDL", "ODC", "OGL", "etalab"))]
    assert len(software) == 32 and [named(n) for n in software] == software


@pytest.mark.parametrize("address, allowed", [
    ("https://creativecommons.org/publicdomain/zero/1.0/", True),
    ("https://creativecommons.org/publicdomain/mark/1.0/", True),
    ("https://creativecommons.org/licenses/publicdomain/", True),
    ("https://creativecommons.org/licenses/by/3.0/de/", True),
    ("https://opendatacommons.org/licenses/pddl/1-0/", True),
    ("https://opendatacommons.org/licenses/by/1-0/", True),
    ("https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/", True),
    ("https://opendatacommons.org/licenses/odbl/1-0/", False),
    ("https://creativecommons.org/licenses/by-sa/4.0/", False),
    ("https://www.gnu.org/licenses/fdl.html", False),
])
def test_what_a_page_links_is_judged_by_the_same_names(address, allowed):
    assert admits(spdx_of(address), PERMISSIVE) is allowed


@pytest.mark.parametrize("said, licence", [
    ("CC-BY-4.0", "CC-BY-4.0"), ("cc-by-4.0", "CC-BY-4.0"), ("CC BY 3.0", "CC-BY-3.0"),
    ("CC-BY-NC-SA 2.0", "CC-BY-NC-SA-2.0"),
    ("Creative Commons - Attribution - https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
    ("https://creativecommons.org/licenses/by-sa/3.0/", "CC-BY-SA-3.0"),
    ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"), ("CC0", "CC0-1.0"),
    ("Public Domain", "LicenseRef-public-domain"), ("US-Gov-public-domain (17 USC 105)", "LicenseRef-public-domain"),
    ("text CC BY 4.0, pictures CC BY-NC 4.0", "CC-BY-4.0 AND CC-BY-NC-4.0"), ("not in the public domain", None),
    ("mit", "MIT"), ("MIT OR GPL-2.0-only", "MIT OR GPL-2.0-only"), ("all rights reserved", None), ("", None), (7, None),
    (["MIT", "ISC"], "ISC AND MIT"), (["MIT", "their own"], None), ([], None), (None, None), ({"a": 1}, None),
    (["MIT OR GPL-2.0-only", "ISC"], "(MIT OR GPL-2.0-only) AND ISC"),
])
def test_a_record_may_say_its_licence_in_the_usual_ways(said, licence):
    assert record_licence(said) == licence


def test_a_record_that_nests_lists_or_brackets_without_end_is_judged_all_the_same():
    said: object = ["MIT", "ISC"]
    for _ in range(900):
        said = [said]
    assert record_licence(said) == "ISC AND MIT"
    fields = pa.table({"fields": ['{"licence": ' + "[" * 20_000 + "]" * 20_000 + "}", '{"licence": "MIT"}']})
    assert Admitted().annotate(Batch(fields)).column("licence.admitted").to_pylist() == ["unknown", "yes"]
    for deep, admitted in ((3, True), (5000, False)):
        licence = record_licence("(" * deep + "MIT" + ")" * deep)
        assert licence is not None and admits(licence, frozenset(["MIT"])) == admitted


def test_the_file_speaks_before_the_page_and_the_page_before_the_record():
    fields = [json.dumps({"license": "MIT"})] * 3 + ["{}", None]
    rows = pa.table({
        "code.licence": pa.array(["GPL-3.0-only", None, None, None, None]),
        "page.licence": pa.array(["CC-BY-4.0", "CC-BY-NC-4.0", None, None, "CC-BY-SA-4.0"]),
        "fields": pa.array(fields, pa.string()),
    })
    found = Admitted().annotate(Batch(rows))
    assert found.column("licence").to_pylist() == ["GPL-3.0-only", "CC-BY-NC-4.0", "MIT", None, "CC-BY-SA-4.0"]
    assert found.column("licence.admitted").to_pylist() == ["no", "no", "yes", "unknown", "no"]
    wider = Admitted(("permissive", "share-alike", "GPL-3.0-only")).annotate(Batch(rows))
    assert wider.column("licence.admitted").to_pylist() == ["yes", "no", "yes", "unknown", "yes"]
    nothing = Admitted().annotate(Batch(rows.select([]).append_column("id", pa.array([1] * 5))))
    assert nothing.column("licence.admitted").to_pylist() == ["unknown"] * 5


def test_the_two_rules_tell_what_is_not_allowed_from_what_is_not_known():
    rows = pa.table({"licence.admitted": ["yes", "no", "unknown"]})
    operator, rules = licence_rules("permissive")
    assert operator == Admitted(("permissive",))
    assert judge(rows, rules).reason.to_pylist() == [None, "licence_not_allowed", "licence_unknown"]


@pytest.mark.parametrize("wrong, near", [
    ("MTI", "MIT"), ("permisive", "permissive"), ("MIT OR ISC", None), ("CC-BY-XX", None)])
def test_a_name_that_is_no_licence_is_refused_with_the_nearest(wrong, near):
    with pytest.raises(UnknownName, match=f"did you mean '{near}'" if near else r"filter.licence.admit\[1\]"):
        admitted_ids(["MIT", wrong])


def test_families_of_creative_commons_and_exact_versions_may_be_named():
    assert admitted_ids(["CC-BY", "cc-by-sa-3.0", "mit", "etalab-2.0", "GFDL-1.3-or-later"]) == [
        "CC-BY", "CC-BY-SA-3.0", "MIT", "etalab-2.0", "GFDL-1.3-or-later"]
    only = frozenset(admitted_ids(["CC-BY-SA-3.0"]))
    assert admits("CC-BY-SA-3.0", only) and not admits("CC-BY-SA-4.0", only) and not admits("CC-BY-SA-3.0-DE", only)


def test_the_table_names_each_licence_and_how_many_go_for_it(tmp_path):
    store = Store(str(tmp_path)).prepare()
    ids = pa.array([bytes([i]) * 16 for i in range(5)], pa.binary(16))
    admitted = store.write_shard("admitted", pa.table({
        "id": ids, "licence": ["MIT", "MIT", None, "CC-BY-NC-4.0", None],
        "licence.admitted": ["yes", "yes", "unknown", "no", "unknown"]}))
    verdicts = store.write_shard("verdicts", pa.table({
        "id": ids, "kept": [True, False, False, False, False],
        "reason": [None, "short", "licence_unknown", "licence_not_allowed", "short"]}))
    task = Task("table", LicenceTable(), {"admitted": [admitted], "verdicts": [verdicts]}, store)
    assert store.read_shard(execute(task).outputs[0]).to_pylist() == [
        {"licence": None, "admitted": "unknown", "documents": 2, "kept": 0, "dropped": 1},
        {"licence": "MIT", "admitted": "yes", "documents": 2, "kept": 1, "dropped": 0},
        {"licence": "CC-BY-NC-4.0", "admitted": "no", "documents": 1, "kept": 0, "dropped": 1},
    ]
