"""Where in a record its text, id, address and date are, and what else of the record is carried along.

A name is looked for as it stands first and then as a path: `metadata.url` is the member url of the member metadata. The
files of a source have to agree in the kind of what they hold under a name, which is asked before any work starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from corpus.errors import ConfigError, nearest
from corpus.operators import Reader
from corpus.registry import runtime
from corpus.sources.values import VALUE, as_object, follow, kind_of, own_bytes, plain, spelled

#: What one file has under each name that a reader uses: (option, name) → kinds seen there. Nulls are not seen.
Shape = dict[tuple[str, str], frozenset[str]]


class Found(NamedTuple):
    """What a record has beside its text: own id, address and date; the carried fields as a JSON object."""

    own: bytes | None
    url: str | None
    date: str | None
    fields: str | None


@dataclass(frozen=True)
class Columns(Reader):
    """What readers of records with named members share; the names may be paths, as in `metadata.url`.

    text has to be there, as a string. url, date: a name, or several of which the first that holds something counts.
    fields: names of what to carry along in the column `fields`; `metadata.*` carries the members of metadata, each under
    its own name, and `*` every member that no option names. max_record_bytes: most bytes of a record.
    """

    text: str = "text"
    id: str | None = None
    url: str | tuple[str, ...] | None = "url"
    date: str | tuple[str, ...] | None = "date"
    fields: tuple[str, ...] = ()
    max_record_bytes: int = 10 << 20
    rows: int = runtime(512)

    def find(self, record: dict[str, Any]) -> Found:
        return Found(own_bytes(follow(record, self.id)) if self.id else None, _first(record, self.url),
                     _first(record, self.date), spelled(self.carried(record)) if self.fields else None)

    def carried(self, record: dict[str, Any]) -> dict[str, Any]:
        """The members of a record that `fields` names, nulls left out; where two have one name the later counts."""
        found: dict[str, Any] = {}
        for name in self.fields:
            if name == "*":
                found |= {n: v for n, v in record.items() if not self._named(n)}
            elif name.endswith(".*"):
                inner = as_object(follow(record, name[:-2]))
                found |= inner if isinstance(inner, dict) else {name[:-2]: inner}
            else:
                found[name] = follow(record, name)
        return {name: value for name, value in found.items() if value is not None}

    def _named(self, name: str) -> bool:
        return name in (self.text, self.id, *listed(self.url), *listed(self.date)) or f"{name}.*" in self.fields

    def names(self) -> Iterator[tuple[str, str]]:
        """(option, name) for every name; the patterns of `fields` are left out."""
        for option in ("text", "id", "url", "date", "fields"):
            yield from ((option, name) for name in listed(getattr(self, option)) if name != "*" and not name.endswith(".*"))

    def shape(self, records: Iterable[dict[str, Any]]) -> Shape:
        """The kinds of values that some records have under the names."""
        kinds: dict[tuple[str, str], set[str]] = {}
        for record in records:
            values = [(place, follow(record, place[1])) for place in self.names()]
            values += [(("fields", name), value) for name, value in self.carried(record).items()]
            for place, value in values:
                if (kind := kind_of(value)) is not None:
                    kinds.setdefault(place, set()).add(kind)
        return {place: frozenset(found) for place, found in kinds.items()}

    def require(self, shape: Shape, nulls: Iterable[str], there: Iterable[str], path: str, where: str) -> None:
        """Raises ConfigError where text, or the id that is named, is not in a file, or is no string or number there.

        nulls: the names that are there and hold nothing. there: all names, to say which is meant.
        """
        for option, name in (("text", self.text), ("id", self.id)):
            if name is None or name in nulls:
                continue
            if (option, name) not in shape:
                near = nearest(name, there)
                right = f"'{near}'" if near else "one of " + ", ".join(there)
                raise ConfigError(f"{where}.{option}", f"{path} has no column '{name}'", right)
            if VALUE not in shape[option, name]:
                raise ConfigError(f"{where}.{option}", f"column '{name}' of {path} is {_said(shape[option, name])}", VALUE)


def listed(name: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if name is None else (name,) if isinstance(name, str) else name


def _first(record: dict[str, Any], names: str | tuple[str, ...] | None) -> str | None:
    for name in listed(names):
        if (found := plain(follow(record, name))) is not None:
            return found
    return None


def _said(kinds: Iterable[str]) -> str:
    return " or ".join(sorted(kinds))


def compare(shapes: Iterable[tuple[str, Shape]], where: str) -> None:
    """Raises ConfigError for the first name that is of one kind in a file and of another in a later one.

    A file without a value under a name says nothing about it.
    """
    seen: Shape = {}
    first: dict[tuple[str, str], str] = {}
    for path, shape in shapes:
        for place, kinds in shape.items():
            before = seen.setdefault(place, kinds)
            if not kinds & before:
                option, name = place
                raise ConfigError(f"{where}.{option}", f"column '{name}' is {_said(kinds)} in {path} and {_said(before)} in "
                                  f"{first[place]}", "one kind in all files; make two sources of them, or write one anew")
            seen[place] = before | kinds
            first.setdefault(place, path)
