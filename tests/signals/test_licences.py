"""Licence texts as they are installed beside packages here, and the licence of each file of made-up repositories."""

import importlib.metadata
import re
from pathlib import Path

import pyarrow as pa
import pytest

from corpus.document import DOCUMENT
from corpus.signals.code import Code
from corpus.signals.licence_texts import licence_of, named, tagged
from corpus.signals.licences import LICENCES, LicenceFiles, LicenceFolders, Licences
from corpus.store import Store
from corpus.tasks import Task, execute

COMMON = Path("/usr/share/common-licenses")
MIT = """The MIT License

Copyright (c) 2020 The authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction.

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.
"""
APACHE = "                                 Apache License\n                           Version 2.0, January 2004\n"
BSD = """Redistribution and use in source and binary forms, with or without
 * modification, are permitted provided that the following conditions are met:
"""
NAMES = "3. Neither the name of the holder may be used to endorse or promote products derived from this software.\n"


@pytest.mark.skipif(not COMMON.is_dir(), reason="a system that installs common licences")
def test_common_licences_are_known_by_their_texts():
    named_here = {"Apache-2.0": "Apache-2.0", "BSD": "BSD-3-Clause", "CC0-1.0": "CC0-1.0", "GFDL-1.3": "GFDL-1.3-only",
                  "GPL-1": "GPL-1.0-only", "GPL-2": "GPL-2.0-only", "GPL-3": "GPL-3.0-only", "LGPL-2": "LGPL-2.0-only",
                  "LGPL-2.1": "LGPL-2.1-only", "LGPL-3": "LGPL-3.0-only", "MPL-1.1": "MPL-1.1", "MPL-2.0": "MPL-2.0"}
    found = {n: licence_of((COMMON / n).read_text("utf-8", "replace")) for n in named_here if (COMMON / n).exists()}
    assert found and found == {name: named_here[name] for name in found}


def test_licences_of_installed_packages_are_those_that_they_declare():
    """Of packages with one licence file and a plain SPDX expression: all that are known are right, and most are known."""
    right, wrong, unknown = 0, [], 0
    for package in importlib.metadata.distributions():
        declared = named(package.metadata.get("License-Expression") or "")
        files = [f for f in package.files or [] if re.fullmatch(r"(?i)licen[cs]e(\.(txt|md|rst))?", f.name)
                 and ".dist-info/" in f.as_posix() and f.locate().is_file()]
        if declared is None or " " in declared or len(files) != 1:
            continue
        found = licence_of(files[0].locate().read_text("utf-8", "replace"))
        right += found == declared
        unknown += found is None
        if found not in (None, declared) and declared not in found.split(" AND "):
            wrong.append((package.name, declared, found))
    assert right >= 20 and len(wrong) <= 0.05 * right and unknown <= 0.15 * right, (right, wrong, unknown)


@pytest.mark.parametrize(("text", "name"), [
    (MIT, "MIT"), ("/*\n" + "".join(f" * {line}\n" for line in MIT.splitlines()) + " */", "MIT"), (APACHE, "Apache-2.0"),
    (MIT.partition("The above")[0], "MIT-0"), (MIT + "The Software shall be used for Good, not Evil.", "JSON"),
    (BSD, "BSD-2-Clause"), (BSD + NAMES, "BSD-3-Clause"),
    (BSD + "All advertising materials mentioning features\n" + NAMES, "BSD-4-Clause"),
    (APACHE + "words " * 900 + MIT, "Apache-2.0 AND MIT"), ('"Commons Clause" License Condition v1.0\n' + MIT, None),
    ("All rights reserved.", None), ("", None),
])
def test_texts_are_known_by_their_clauses(text, name):
    assert licence_of(text) == name


def test_names_that_people_write_are_spdx_ids():
    names = {"mit": "MIT", "Apache License, Version 2.0": "Apache-2.0", "GPL-3.0": "GPL-3.0-only",
             "gpl-2.0+": "GPL-2.0-or-later", "LGPLv3": "LGPL-3.0-only", "BSD 3-Clause": "BSD-3-Clause",
             "(mit OR apache-2.0)": "(MIT OR Apache-2.0)", "MIT AND": None, "other": None, "": None, "Some words": None,
             "MIT ISC": None}
    assert {name: named(name) for name in names} == names
    assert named(["mit", "MIT", "isc", None, "unknown"]) == "ISC AND MIT" and named([]) is named(3) is None
    assert named(["mit or isc", "zlib"]) == "(MIT OR ISC) AND Zlib"


def test_a_tag_ends_with_its_comment():
    tag = "SPDX-License-" + "Identifier:"
    assert tagged(f"/* {tag} MIT */") == "MIT" and tagged(f"<!-- {tag} Apache-2.0 -->") == "Apache-2.0"
    assert tagged(f"# {tag}") is None and tagged("# no tag") is None


FILES = [                                       # repository, path, text, what the record declares
    ("one", "LICENSE", MIT, None),
    ("one", "src/a.py", "x = 1", None),
    ("one", "src/b.py", "x = 1", "ISC"),
    ("one", "third_party/lib/COPYING", APACHE, None),
    ("one", "third_party/lib/deep/c.c", "int x;", None),
    ("one", "third_party/odd/LICENSE.txt", "Terms of our own.", None),
    ("one", "third_party/odd/d.c", "int x;", None),
    ("two", "LICENSE-MIT", MIT, None),
    ("two", "LICENSE-APACHE", APACHE, None),
    ("two", "lib.rs", "fn f() {}", None),
    ("three", "pkg/LICENSE", MIT, None),
    ("three", "main.go", "package main", None),
    (None, "a.py", "x = 1", None),
]
EXPECTED = ["MIT", "MIT", "ISC", "Apache-2.0", "Apache-2.0", None, None, *["Apache-2.0 OR MIT"] * 3, "MIT", None, None]


SIGNALS = pa.schema([DOCUMENT.field("id"), *Code().schema()])


def ident(i):
    return i.to_bytes(16, "little")


def licences_of(store, shards):
    """The licence of each file, by number; shards: lists of numbers of FILES."""
    placed = []
    for numbers in shards:
        files = [FILES[i] for i in numbers]
        documents = pa.Table.from_pylist([{"id": ident(i), "text": FILES[i][2]} for i in numbers], schema=DOCUMENT)
        rows = [{"id": ident(i), "code.repository": repository, "code.path": path, "code.declared_licence": declared,
                 "code.licence_file": "LICENSE" in path or "COPYING" in path}
                for i, (repository, path, _, declared) in zip(numbers, files)]
        signals = pa.Table.from_pylist(rows, schema=SIGNALS)
        placed.append({"documents": [store.write_shard("documents", documents)],
                       "signals": [store.write_shard("signals", signals)]})
    files = [execute(Task("files", LicenceFiles(), inputs, store)).of("folders")[0] for inputs in placed]
    folders = execute(Task("folders", LicenceFolders(), {"folders": files}, store)).of("folders")
    found = {}
    for inputs in placed:
        given = {"signals": inputs["signals"], "folders": folders}
        table = store.read_shard(execute(Task("licences", Licences(), given, store)).of("licences")[0])
        assert table.schema == LICENCES
        found |= {int.from_bytes(row["id"], "little"): row["code.licence"] for row in table.to_pylist()}
    return [found[i] for i in sorted(found)]


def test_a_file_has_the_licence_of_the_nearest_folder_above_it(tmp_path):
    store = Store(str(tmp_path)).prepare()
    assert licences_of(store, [range(len(FILES))]) == EXPECTED


def test_how_files_lie_in_shards_does_not_matter(tmp_path):
    store = Store(str(tmp_path)).prepare()
    assert licences_of(store, [[i] for i in reversed(range(len(FILES)))] + [[]]) == EXPECTED


def test_the_lesser_gpl_comes_with_the_gpl(tmp_path, monkeypatch):
    gpl = "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n"
    lesser = "GNU LESSER GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n"
    monkeypatch.setattr(f"{__name__}.FILES", [("r", "COPYING", gpl, None), ("r", "COPYING.LESSER", lesser, None)])
    assert licences_of(Store(str(tmp_path)).prepare(), [[0, 1]]) == ["LGPL-3.0-only"] * 2


def test_the_signal_gives_what_the_licences_are_made_of():
    assert {"code.repository", "code.path", "code.licence_file", "code.declared_licence"} <= set(Code().schema().names)
