"""What a record says of itself beside its text: the language, licence and opt-outs that it declares, the fields it brought.

Facts are columns that rules and cells may name. Nothing here judges; nothing is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.document import ID
from corpus.extract import licence, opt_out
from corpus.extract.markup import Tag, tags_at
from corpus.text.needles import find_all

#: One row a document. `page.language`: as declared (lower-case primary tag). `page.licence`: SPDX id; `page.licence_by`:
#: how it is stated (`corpus.extract.licence`). `page.opt_out`: the directives found, sorted, joined by spaces;
#: `page.noindex`, `page.noai`, `page.tdm_reserved`: what follows from them (`corpus.extract.opt_out`), null where the
#: record is no page and has no headers. `fields`: the JSON object of members that the source carried along.
FACTS = pa.schema([
    ("id", ID),
    ("page.language", pa.string()),
    ("page.licence", pa.string()),
    ("page.licence_by", pa.string()),
    ("page.opt_out", pa.string()),
    ("page.noindex", pa.bool_()),
    ("page.noai", pa.bool_()),
    ("page.tdm_reserved", pa.bool_()),
    ("fields", pa.string()),
])

_NEEDLES = licence.NEEDLES + opt_out.NEEDLES
_MOST = 200                 # places of one needle in one page that are looked at
_START = 4096               # bytes in which a page's first element begins
_ROOT = re.compile(rb"<html\b([^>]{0,2000})", re.I)
_LANGUAGE = re.compile(rb"(?:\s|\bxml:)lang\s*=\s*[\"']?\s*([a-z]{2,3})(?![a-z])", re.I)
_TAG = re.compile(r"[a-z]{2,3}")
_NO_LANGUAGE = ("und", "zxx", "mul", "mis")


def page_facts(raw: pa.Table) -> pa.Table:
    """The facts (`FACTS`) of raw records that gave a document, row for row."""
    n, none = raw.num_rows, [None] * raw.num_rows
    headers, kinds = (raw.column(c).to_pylist() if c in raw.column_names else none for c in ("headers", "kind"))
    said = [json.loads(h) if h else {} for h in headers]
    pages = _pages(raw) if "html" in kinds else iter([(b"", [])] * n)
    rows = [_facts(*page, kind == "html", head) for page, kind, head in zip(pages, kinds, said)]
    columns = {name: raw.column(name) for name in ("id", "fields") if name in raw.column_names}
    columns = {f.name: pa.array([row.get(f.name) for row in rows], f.type) for f in FACTS} | columns
    return pa.table([columns[name] for name in FACTS.names], schema=FACTS)


def _pages(raw: pa.Table) -> Iterator[tuple[bytes, list[Tag]]]:
    """The bytes of each page and its tags that matter; of a page without any, and of other records, only the start."""
    column = raw.column("payload").combine_chunks()
    column = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    column = pc.fill_null(column, b"") if column.null_count else column
    offsets = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(column.buffers()[2], np.uint8) if offsets[-1] else np.empty(0, np.uint8)
    found = find_all(data, offsets, _NEEDLES, _MOST)
    edges = np.searchsorted(found[:, 0], np.arange(len(column) + 1)).tolist()
    places = found[:, 1].tolist()
    for first, past, lo, hi in zip(edges[:-1], edges[1:], offsets[:-1].tolist(), offsets[1:].tolist()):
        page = data[lo : hi if past > first else min(hi, lo + _START)].tobytes()
        yield page, list(tags_at(page, places[first:past]))


def _facts(page: bytes, tags: list[Tag], is_page: bool, headers: dict[str, str]) -> dict[str, Any]:
    """The facts of one record, what is unknown left out."""
    if not is_page and not headers:
        return {}
    page, tags = (page, tags) if is_page else (b"", [])
    asked = opt_out.from_headers(headers).union(*(opt_out.from_meta(t.given) for t in tags if t.element == "meta"))
    stated, by = licence.page_licence(page, tags, headers.get("link"))
    return {
        "page.language": _language(page, headers.get("content-language", "")),
        "page.licence": stated,
        "page.licence_by": by,
        "page.opt_out": " ".join(sorted(asked)) or None,
        "page.noindex": opt_out.is_noindex(asked),
        "page.noai": opt_out.is_noai(asked),
        "page.tdm_reserved": opt_out.RESERVED in asked,
    }


def _language(page: bytes, header: str) -> str | None:
    """The primary tag that the first element declares, else the header where it names one language."""
    root = _ROOT.search(page, 0, _START)
    declared = _LANGUAGE.search(root[1]) if root else None
    found = declared[1].decode() if declared else header.partition("-")[0].strip()
    found = found.lower()
    return found if _TAG.fullmatch(found) and found not in _NO_LANGUAGE else None
