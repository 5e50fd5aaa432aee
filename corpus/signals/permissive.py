"""Whether a document's licence is one that a build admits: what page, repository or record says, judged by a list.

`permissive` is a list of SPDX ids in three parts, each with its source, of the ids that this package gives to documents.
Share-alike is a class of its own, to be named. Given up: whether what a page says of itself is true, attribution that a
licence asks for (a receipt keeps each document's URL), and licences that are told in words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.errors import UnknownName
from corpus.operators import Annotator, Batch, Rule
from corpus.registry import register
from corpus.signals.licence_texts import named
from corpus.tasks import Body, TaskIO

#: `licence`: SPDX id or expression, null where none is known. `licence.admitted`: yes, no or unknown.
ADMITTED = pa.schema([("licence", pa.string()), ("licence.admitted", pa.string())])
YES, NO, UNKNOWN = "yes", "no", "unknown"
NOT_ALLOWED, NOT_KNOWN = "licence_not_allowed", "licence_unknown"

#: A work that nobody has rights in, or whose owner gave them up: CC0, its Public Domain Mark and the dedication before
#: them, Open Data Commons' PDDL, and what a record calls public domain (17 U.S.C. 105, for one).
PUBLIC_DOMAIN = ("CC0-1.0", "CC-PDM-1.0", "CC-PDDC", "PDDL-1.0", "LicenseRef-public-domain")

#: Texts and data for any use with attribution: CC-BY of every version and port, ODC-By, and the Open Government Licence,
#: which the Open Definition lists as conformant (opendefinition.org/licenses); of the last also version 1, and Etalab 2.0,
#: which say in their own terms that they are compatible with the first two. Never NC or ND.
ATTRIBUTION = ("CC-BY", "ODC-By-1.0", "OGL-UK-1.0", "OGL-UK-2.0", "OGL-UK-3.0", "etalab-2.0")

#: Software: rated Model, Gold, Silver or Bronze in version 15 of the Blue Oak Council's list of permissive licences
#: (blueoakcouncil.org/list). Its last rating, Lead (HPND, Vim, WTFPL, Artistic-1.0), is for want of clear terms: not here.
SOFTWARE = tuple((
    "BlueOak-1.0.0 "
    "Apache-2.0 BSD-1-Clause BSD-2-Clause BSL-1.0 ECL-2.0 ISC MIT MS-PL PostgreSQL UPL-1.0 "
    "0BSD AFL-3.0 Apache-1.1 Artistic-2.0 BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause ICU LPPL-1.3c MIT-0 MulanPSL-2.0 "
    "NCSA OpenSSL PSF-2.0 Python-2.0 Ruby Unlicense W3C X11 Zlib ZPL-2.1").split())

#: What may be admitted by a class's name. Share-alike: adaptations keep the licence, and whether a model is one is open.
CLASSES = {"permissive": PUBLIC_DOMAIN + ATTRIBUTION + SOFTWARE, "share-alike": ("CC-BY-SA", "ODbL-1.0")}

_TOKENS = re.compile(r"\(|\)|[^\s()]+")
_CC = re.compile(r"(CC-BY(?:-NC)?(?:-(?:SA|ND))?)-\d\.\d(?:-[A-Z]{2,3})?")
_CC_SAID = re.compile(
    r"(?:\bcc[ -]|creativecommons\.org/licen[sc]es/)by((?:[ -](?:nc|sa|nd)\b)*)(?:[ -]v?|/)(\d\.\d)\b", re.I)
_OTHERS = (
    (re.compile(r"creativecommons\.org/publicdomain/zero|\bcc0\b|\bcc[ -]zero\b", re.I), "CC0-1.0"),
    (re.compile(r"creativecommons\.org/publicdomain/mark", re.I), "CC-PDM-1.0"),
    (re.compile(r"^\s*(?:us[- ]gov[a-z]*[- ])?public[- ]domain(?: \([^()]*\))?\s*$", re.I), "LicenseRef-public-domain"),
)
#: Brackets in an expression; the web holds more of them than a stack does.
DEEPEST = 64
_MEMBERS = ("licence", "license", "licenses", "detected_licenses", "max_stars_repo_licenses")


@register("signal", "admitted")
@dataclass(frozen=True)
class Admitted(Annotator):
    """A document's licence and whether it is admitted, after the licence that its file, its page or its record states.

    The first of `code.licence`, `page.licence` and the record's own member (one of `members` in `fields`) that says
    something counts. admit: SPDX ids, families of Creative Commons without version ("CC-BY"), and names of `CLASSES`. Of an
    expression every part of an AND has to be admitted and one of an OR; an exception (WITH) only permits more.
    """

    admit: tuple[str, ...] = ("permissive",)
    members: tuple[str, ...] = _MEMBERS

    def schema(self) -> pa.Schema:
        return ADMITTED

    def annotate(self, batch: Batch) -> pa.Table:
        n, there = len(batch), batch.table.column_names
        stated = [batch.column(name) for name in ("code.licence", "page.licence") if name in there]
        if "fields" in there:
            stated.append(self._of_records(batch.column("fields")))
        licences = pc.coalesce(*stated) if stated else pa.nulls(n, pa.string())
        codes = licences.dictionary_encode()
        allowed = frozenset(admitted_ids(self.admit))
        judged = pa.array([YES if admits(name, allowed) else NO for name in codes.dictionary.to_pylist()], pa.string())
        return pa.table([licences, pc.fill_null(judged.take(codes.indices), UNKNOWN)], schema=ADMITTED)

    def _of_records(self, fields: pa.Array) -> pa.Array:
        found = []
        for text in fields.to_pylist():
            try:
                members = json.loads(text) if text and text != "{}" else {}
            except RecursionError:                              # nested to where a reader just followed it
                members = {}
            found.append(next((one for m in self.members if (one := record_licence(members.get(m))) is not None), None))
        return pa.array(found, pa.string())


def record_licence(said: Any) -> str | None:
    """SPDX id or expression of a licence as a record states it: an id, a usual name, an address, or a list that applies
    in all its members; None where any of it is not known.
    """
    if isinstance(said, (list, tuple)):
        found = [record_licence(one) for one in _members(said)]
        if not found or None in found:
            return None
        return " AND ".join(sorted({f"({f})" if " OR " in f and len(set(found)) > 1 else f for f in found if f}))
    if not isinstance(said, str):
        return None
    if (known := named(said)) is not None:
        return known
    found = {"-".join(["CC-BY", *(t for t in ("NC", "SA", "ND") if t in terms.upper()), version])
             for terms, version in _CC_SAID.findall(said)}
    found |= {name for pattern, name in _OTHERS if pattern.search(said)}
    return " AND ".join(sorted(found)) or None


def _members(said: Sequence[Any]) -> list[Any]:
    """What is in a list and in the lists in it, however deep a record nests them."""
    found, left = [], list(said)[::-1]
    while left:
        one = left.pop()
        if isinstance(one, (list, tuple)):
            left += list(one)[::-1]
        else:
            found.append(one)
    return found


def admitted_ids(admit: Sequence[str], where: str = "filter.licence.admit") -> list[str]:
    """What a list of ids and classes admits, each class written out. Raises UnknownName where a name is neither."""
    found: list[str] = []
    for i, name in enumerate(admit):
        if name in CLASSES:
            found += CLASSES[name]
        elif (one := _known(name)) is not None:
            found.append(one)
        else:
            known = [*CLASSES, *(n for names in CLASSES.values() for n in names)]
            raise UnknownName("licence", name, known, f"{where}[{i}]")
    return list(dict.fromkeys(found))


def _known(name: str) -> str | None:
    """An id as the SPDX list spells it, or a family of Creative Commons; None for an expression and what is not known."""
    upper = name.upper()
    if _CC.fullmatch(upper) or _CC.fullmatch(f"{upper}-4.0"):
        return upper
    listed = {n.lower(): n for names in CLASSES.values() for n in names}
    found = listed.get(name.lower()) or named(name)
    return None if found is None or " " in found else found


def admits(licence: str, allowed: frozenset[str]) -> bool:
    """Whether an SPDX id or expression is allowed, AND before OR. What cannot be read as one is not, nor what is nested
    deeper than `DEEPEST`.
    """
    words = _TOKENS.findall(licence)
    if words.count("(") > DEEPEST:
        return False

    def either() -> bool:
        found = both()
        while words and words[0] == "OR":
            words.pop(0)
            found = both() or found
        return found

    def both() -> bool:
        found = one()
        while words and words[0] == "AND":
            words.pop(0)
            found = one() and found
        return found

    def one() -> bool:
        if not words:
            return False
        word = words.pop(0)
        if word == "(":
            found = either()
            return bool(words) and words.pop(0) == ")" and found
        if words[:1] == ["WITH"]:
            del words[:2]
        family = _CC.fullmatch(word)
        return word in allowed or (family is not None and family[1] in allowed)

    found = either()
    return found and not words


def licence_rules(admit: str | Sequence[str], strict: bool = False) -> tuple[Admitted, tuple[Rule, ...]]:
    """What a build file's `filter.licence` asks for: the operator that measures `ADMITTED`, and the rules that follow all
    others, so that a document that goes for its licence would have stayed otherwise. Raises UnknownName.

    strict: unknown licences stop the build (`pipelines.stages.admission`); the rule counts them all the same.
    """
    names = (admit,) if isinstance(admit, str) else tuple(admit)
    admitted_ids(names)
    column = ADMITTED.names[1]
    return Admitted(names), (Rule(column, NOT_ALLOWED, among=(YES, UNKNOWN)), Rule(column, NOT_KNOWN, among=(YES,)))


@register("body", "licence_table")
@dataclass(frozen=True)
class LicenceTable(Body):
    """All shards of `admitted` beside the filter's `verdicts` → `licences`: documents of each licence (null: unknown) that
    came to the filter, how many of them stay, and how many go for their licence alone; the most first.
    """

    def run(self, io: TaskIO) -> None:
        found: dict[tuple[str | None, str], list[int]] = {}
        for admitted, verdicts in zip(io.tables("admitted"), io.tables("verdicts", ["id", "kept", "reason"])):
            if not admitted.column("id").combine_chunks().equals(verdicts.column("id").combine_chunks()):
                raise ValueError("'verdicts' is not aligned with 'admitted'")
            for licence, judged, kept, lost, n in _counts(admitted, verdicts):
                entry = found.setdefault((licence, judged), [0, 0, 0])
                entry[0] += n
                entry[1] += n * kept
                entry[2] += n * lost
        rows = sorted(found.items(), key=lambda r: (-r[1][0], r[0][0] or ""))
        columns = [[k[0] for k, _ in rows], [k[1] for k, _ in rows], *([v[i] for _, v in rows] for i in range(3))]
        io.write("licences", pa.table(columns, schema=LICENCE_TABLE))


LICENCE_TABLE = pa.schema([("licence", pa.string()), ("admitted", pa.string()), ("documents", pa.int64()),
                           ("kept", pa.int64()), ("dropped", pa.int64())])


def _counts(admitted: pa.Table, verdicts: pa.Table) -> Iterable[tuple[str | None, str, bool, bool, int]]:
    lost = pc.is_in(verdicts.column("reason"), value_set=pa.array([NOT_ALLOWED, NOT_KNOWN]))
    both = pa.table({"licence": admitted.column("licence"), "judged": admitted.column("licence.admitted"),
                     "kept": verdicts.column("kept"), "lost": lost})
    sums = both.group_by(both.column_names).aggregate([([], "count_all")])
    return zip(*(sums.column(name).to_pylist() for name in (*both.column_names, "count_all")))
