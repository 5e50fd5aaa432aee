"""SPDX ids: of a licence's full text, of the names that people write for one, and of an SPDX expression in a file's head.

A text is known by phrases that it shares with no other licence. What it gives up: licences that are not in the tables, and
changes to a known text beyond the clauses that are asked about.
"""

from __future__ import annotations

import re

_READ = 40_000          # characters of a text that are looked at
_TITLE = 600            # and those in which a licence says its name
_SPACE = re.compile(r"[\s*#/;\"'`“”‘’|>-]+")

#: Licences that have a name of their own in their first lines: (id, phrases all of which are there).
_TITLED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("AGPL-3.0-only", ("gnu affero general public license", "version 3, 19 november 2007")),
    ("LGPL-3.0-only", ("gnu lesser general public license", "version 3, 29 june 2007")),
    ("LGPL-2.1-only", ("gnu lesser general public license", "version 2.1, february 1999")),
    ("LGPL-2.0-only", ("gnu library general public license", "version 2, june 1991")),
    ("GFDL-1.3-only", ("gnu free documentation license", "version 1.3")),
    ("GFDL-1.2-only", ("gnu free documentation license", "version 1.2")),
    ("GPL-3.0-only", ("gnu general public license", "version 3, 29 june 2007")),
    ("GPL-2.0-only", ("gnu general public license", "version 2, june 1991")),
    ("GPL-1.0-only", ("gnu general public license", "version 1, february 1989")),
    ("Apache-2.0", ("apache license", "version 2.0")),
    ("MPL-2.0", ("mozilla public license", "version 2.0")),
    ("MPL-1.1", ("mozilla public license", "version 1.1")),
    ("EPL-2.0", ("eclipse public license", "v 2.0")),
    ("EPL-1.0", ("eclipse public license", "v 1.0")),
    ("EUPL-1.2", ("european union public licence", "v. 1.2")),
    ("BSL-1.0", ("boost software license", "version 1.0")),
    ("CC0-1.0", ("cc0 1.0 universal",)),
    ("CC-BY-NC-SA-4.0", ("attribution noncommercial sharealike 4.0 international",)),
    ("CC-BY-NC-ND-4.0", ("attribution noncommercial noderivatives 4.0 international",)),
    ("CC-BY-NC-4.0", ("attribution noncommercial 4.0 international",)),
    ("CC-BY-SA-4.0", ("attribution sharealike 4.0 international",)),
    ("CC-BY-ND-4.0", ("attribution noderivatives 4.0 international",)),
    ("CC-BY-4.0", ("attribution 4.0 international",)),
    ("Artistic-2.0", ("artistic license 2.0",)),
    ("WTFPL", ("do what the fuck you want to public license", "version 2")),
)
_MIT = "permission is hereby granted, free of charge, to any person obtaining a copy of this software"
_NOTICE = "this permission notice shall be included in all copies or substantial portions"
_ISC = "distribute this software for any purpose with or without fee is hereby granted"
_BSD = "redistribution and use in source and binary forms, with or without modification, are permitted"
#: Short licences, wherever they stand: (id, phrases that are there, phrases that are not).
_SHORT: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("MIT", (_MIT, _NOTICE), ("shall be used for good, not evil", "except as contained in this notice")),
    ("X11", (_MIT, _NOTICE, "except as contained in this notice"), ()),
    ("JSON", (_MIT, "shall be used for good, not evil"), ()),
    ("MIT-0", (_MIT,), (_NOTICE, "permission notice")),
    ("ISC", (_ISC, "provided that the above copyright notice and this permission notice appear in all copies"), ()),
    ("0BSD", (_ISC,), ("provided that the above copyright notice",)),
    ("BSD-4-Clause", (_BSD, "all advertising materials mentioning features"), ()),
    ("BSD-3-Clause", (_BSD, "be used to endorse or promote products derived from"), ("all advertising materials",)),
    ("BSD-2-Clause", (_BSD,), ("endorse or promote products", "all advertising materials")),
    ("Zlib", ("altered source versions must be plainly marked", "must not be misrepresented"), ()),
    ("PSF-2.0", ("python software foundation license version 2", "psf is making python available"), ()),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",), ()),
)
#: Terms that make another licence of whatever they stand beside.
_RESTRICTED = ("commons clause", "business source license", "server side public license", "elastic license")

_IDS = {name.lower(): name for name in (*(n for n, _ in _TITLED), *(n for n, _, _ in _SHORT), *(
    "AFL-3.0 AGPL-3.0-or-later Apache-1.1 Artistic-1.0 BlueOak-1.0.0 BSD-1-Clause BSD-3-Clause-Clear CC-BY-3.0 "
    "CC-BY-SA-3.0 CDDL-1.0 CDDL-1.1 CECILL-2.1 CPL-1.0 ECL-2.0 GFDL-1.3-or-later GPL-1.0-or-later "
    "GPL-2.0-or-later GPL-3.0-or-later HPND ICU LGPL-2.0-or-later LGPL-2.1-or-later LGPL-3.0-or-later LPPL-1.3c "
    "MS-PL MS-RL MulanPSL-2.0 NCSA ODbL-1.0 OFL-1.1 OpenSSL OSL-3.0 PostgreSQL Python-2.0 Ruby UPL-1.0 "
    "Vim W3C ZPL-2.1").split())}
_ALIASES = {
    "apache 2.0": "Apache-2.0", "apache 2": "Apache-2.0", "apache-2": "Apache-2.0", "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0", "apache license version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0", "mit license": "MIT", "the mit license": "MIT", "expat": "MIT",
    "isc license": "ISC", "the unlicense": "Unlicense", "mpl 2.0": "MPL-2.0", "mozilla public license 2.0": "MPL-2.0",
    "boost": "BSL-1.0", "boost software license 1.0": "BSL-1.0", "bsd 2-clause": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause", "simplified bsd": "BSD-2-Clause", "new bsd": "BSD-3-Clause",
    "bsd 2-clause license": "BSD-2-Clause", "bsd 3-clause license": "BSD-3-Clause", "bsd-2": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause", "cc0": "CC0-1.0", "cc0 1.0": "CC0-1.0", "cc-by-4": "CC-BY-4.0",
    "public domain (unlicense)": "Unlicense", "eclipse public license 2.0": "EPL-2.0", "zlib license": "Zlib",
    "postgresql license": "PostgreSQL",
}
_FAMILIES = ("GPL-1.0", "GPL-2.0", "GPL-3.0", "LGPL-2.0", "LGPL-2.1", "LGPL-3.0", "AGPL-3.0", "GFDL-1.2", "GFDL-1.3")
_ALIASES |= {family.lower(): f"{family}-only" for family in _FAMILIES}
_ALIASES |= {f"{family.lower()}+": f"{family}-or-later" for family in _FAMILIES}
_ALIASES |= {f"{family}v{n}": f"{family.upper()}-{n}.0-only" for family in ("gpl", "lgpl", "agpl") for n in (2, 3)}
_UNSAID = frozenset(("", "none", "null", "other", "unknown", "noassertion", "no_license", "no license", "proprietary"))
_TAG = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+() -]{1,200})", re.I)
_TOKENS = re.compile(r"\(|\)|[^\s()]+")
_JOINS = ("AND", "OR", "WITH")
_HEAD = 4096


def licence_of(text: str) -> str | None:
    """SPDX id of a licence's text, joined by AND where it holds several; None where none is known, or terms are added."""
    plain = _SPACE.sub(" ", text[:_READ]).lower().strip()
    if any(term in plain for term in _RESTRICTED):
        return None
    title = plain[:_TITLE]
    found = [name for name, phrases in _TITLED if all(p in title for p in phrases)][:1]
    found += [name for name, there, absent in _SHORT
              if all(p in plain for p in there) and not any(p in plain for p in absent)]
    return " AND ".join(sorted(set(found))) or None


def named(name: object) -> str | None:
    """SPDX id of a licence as a record names it: an id, an expression, a usual name, or a list, whose members all apply."""
    if isinstance(name, (list, tuple)):
        found = {one for n in name if (one := named(n)) is not None}
        return " AND ".join(sorted(f"({one})" if " OR " in one and len(found) > 1 else one for one in found)) or None
    if not isinstance(name, str) or name.strip().lower() in _UNSAID:
        return None
    plain = name.strip().lower()
    return _ALIASES.get(plain) or _IDS.get(plain) or _expression(name)


def tagged(text: str) -> str | None:
    """The licence of an SPDX tag in the first kilobytes of a file."""
    found = _TAG.search(text, 0, _HEAD)
    return named(found[1].rstrip(" -")) if found else None


def _expression(text: str) -> str | None:
    """An SPDX expression with ids as the SPDX list spells them; None where it is none, or names an id that is not known."""
    words = []
    for word in _TOKENS.findall(text):
        if word in "()" or word.upper() in _JOINS:
            words.append(word.upper())
        elif words and words[-1] == "WITH":
            words.append(word)
        else:
            words.append(_IDS.get(word.lower()) or _ALIASES.get(word.lower()) or "")
    said = [w for w in words if w not in ("(", ")", *_JOINS)]
    joined = [w for w in words if w in _JOINS]
    if not said or "" in said or len(joined) != len(said) - 1:
        return None
    return " ".join(words).replace("( ", "(").replace(" )", ")")
