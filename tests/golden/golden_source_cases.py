"""Golden cases of readers and extractors.

Bodies run on small operators of this file rather than on registered ones, so that a change shows in one place.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from golden_inputs import TEXTS, arc, lines, raw, stored_gzip, warc, warc_record
from golden_table import case, rows, task

from corpus import keys
from corpus.document import ID
from corpus.extract.blocks import Blocks
from corpus.extract.body import Extract
from corpus.extract.plain import Plain
from corpus.extract.resiliparse import Resiliparse
from corpus.extract.trafilatura import Trafilatura
from corpus.ghosts import PURGED, PURGED_ROW
from corpus.operators import Extractor, Reader
from corpus.results import SourceFile, item_to_json
from corpus.sources.arc import Arc
from corpus.sources.ingest import Ingest
from corpus.sources.jsonl import JsonLines
from corpus.sources.parquet import ParquetRows
from corpus.sources.presets import Datatrove, Dolma
from corpus.sources.warc import Warc, Wet
from corpus.store import Store


@dataclass(frozen=True)
class Bytes(Extractor):
    """A payload in hexadecimal; an empty or broken one is a reason."""

    def extract(self, batch: pa.Table) -> pa.Table:
        found = [(None if p is None or not p.strip() else p.hex()) for p in batch.column("payload").to_pylist()]
        why = [None if t else problem or "blank" for t, problem in zip(found, batch.column("problem").to_pylist())]
        return pa.table({"text": pa.array(found, pa.large_string()), "reason": pa.array(why, pa.string())})


@dataclass(frozen=True)
class Given(Reader):
    """The raw rows of the golden inputs, five at a time."""

    def read(self, path: str, source: str) -> Iterator[pa.Table]:
        for start in range(0, raw().num_rows, 5):
            yield raw().slice(start, 5)


def read(reader: Reader, name: str, data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return rows(reader.read(str(path), "web"))


# readers --------------------------------------------------------------------------------------------------------------


@case("reader/warc")
def _(store: Store) -> object:
    records, members = warc(), [stored_gzip(r) for r in warc()]
    files = {
        "plain": b"".join(records),
        "gzip": b"".join(members),
        "cut": b"".join(members)[:-100],
        "damaged": members[1] + b"garbage" * 30 + members[3] + b"tail" * 9,
        "too large": records[1] + records[8],
    }
    limits = {"too large": 600}
    return {name: read(Warc(max_record_bytes=limits.get(name, 1 << 20)), "a.warc", data) for name, data in files.items()}


@case("reader/wet")
def _(store: Store) -> object:
    records = [warc_record("conversion", i, text.encode(), "text/plain") for i, text in enumerate(TEXTS.values())]
    return read(Wet(), "a.wet.gz", b"".join(map(stored_gzip, records)))


@case("reader/jsonl")
def _(store: Store) -> object:
    return [
        read(JsonLines(id="n", fields=("date",), max_record_bytes=200), "a.jsonl", data)
        for data in (lines(), stored_gzip(lines()) + b"garbage", lines() + b'{"text": "' + b"x" * 300 + b'"}\n')
    ]


@case("reader/parquet")
def _(store: Store) -> object:
    table = pa.table(
        {
            "body": pa.array([*TEXTS.values(), None]),
            "key": list(range(len(TEXTS) + 1)),
            "url": [f"http://example.org/{n}" for n in TEXTS] + [None],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(table, Path(folder) / "a.parquet", row_group_size=4)
        (Path(folder) / "b.parquet").write_bytes(b"PAR1 and no more")
        reader = ParquetRows(text="body", id="key", max_record_bytes=150)
        return [rows(reader.read(str(Path(folder) / name), "web")) for name in ("a.parquet", "b.parquet")]


@case("reader/arc")
def _(store: Store) -> object:
    found = {}
    for version in (1, 2):
        records = arc(version)
        found |= {f"{version}": b"".join(records), f"{version} gzip": b"".join(map(stored_gzip, records))}
    return {name: read(Arc(max_record_bytes=1 << 20), "a.arc", data) for name, data in found.items()}


PUBLISHED = [
    {"text": TEXTS["en"], "id": "a/0", "metadata": {"url": "http://example.org/0", "date": "2024-05-18", "score": 0.5}},
    {"text": TEXTS["zh"], "id": "a/1", "url": "http://example.org/1", "language": "zh", "metadata": {}},
    {"text": TEXTS["de"], "id": "a/2", "source": "crawl", "added": "2024-05-19", "attributes": {"long": [[0, 4, 0.25]]},
     "metadata": {"warc_url": "http://example.org/2", "warc_date": "2019-03-04"}},
    {"text": "", "id": "a/3", "source": "books", "created": "1851", "added": "2024-05-20", "metadata": {"url": None}},
]  # fmt: skip


def published(reader: Reader) -> object:
    """What a reader makes of documents as JSON Lines and as Parquet."""
    lines, table = io.BytesIO(), io.BytesIO()
    lines.write(b"".join(json.dumps(d, ensure_ascii=False).encode() + b"\n" for d in PUBLISHED))
    every = dict.fromkeys(key for d in PUBLISHED for key in d)
    pq.write_table(pa.Table.from_pylist([every | d for d in PUBLISHED]), table)
    return [read(reader, "a", stream.getvalue()) for stream in (lines, table)]


@case("reader/datatrove")
def _(store: Store) -> object:
    return published(Datatrove())


@case("reader/dolma")
def _(store: Store) -> object:
    return published(Dolma())


@case("body/ingest")
def _(store: Store) -> object:
    body = Ingest(Given(), "web", shard_records=4, shard_bytes=4000)
    fsspec.filesystem("memory").pipe("/a.warc", b"a")          # looked at again after reading: it has to be there
    file = SourceFile("memory://a.warc", keys.digest_bytes(b"a"), 1)
    whole = task(store, body, file=file)
    payload = bytes.fromhex(keys.digest_bytes(raw().column("payload")[10].as_py()))
    ids = [raw().column("id")[2].as_py(), b"0" * 16]
    gone = pa.table([pa.array(ids, ID), pa.array([None, payload], ID)], schema=PURGED_ROW)
    with tempfile.TemporaryDirectory() as folder:
        other = Store(folder).prepare()
        other.write_json(PURGED, {"documents": item_to_json(other.write_shard("documents", gone)), "held": [], "masked": []})
        return [whole, task(other, body, file=file)]


# extraction -----------------------------------------------------------------------------------------------------------


RICH = f"""<html><body><div class="menu"><a href="/">Home</a> <a href="/all">All boats</a></div><article><h2>Depths</h2>
<p>{TEXTS["en"]}</p><pre><code>def depth(knots):
    return knots * 6  # feet</code></pre><table><tr><th>knots</th><th>depth</th></tr><tr><td>2</td><td>12</td></tr></table>
<ol><li>salt<ul><li>coarse</li></ul></li><li>rope</li></ol><p>So it is <math alttext="d = 6k"><mi>d</mi></math> feet, and
<span class="katex"><annotation encoding="application/x-tex">k = d / 6</annotation></span> knots.<br>{TEXTS["de"]}</p>
</article><div id="comments"><h3>2 comments</h3><div class="comment"><p>{TEXTS["fr"]}</p></div><div class="comment"><p>I read
it twice, and it is as my father told me when we went out in winter.</p></div></div><div class="footer">Imprint</div>"""
ARTICLE = json.dumps({"@type": "NewsArticle", "articleBody": f"{TEXTS['en']} <b>{TEXTS['de']}</b> &amp; so on."})
SCRIPTED = f'<html><head><script type="application/ld+json">{ARTICLE}</script></head><body><div></div></body></html>'


@case("extractor/blocks")
def _(store: Store) -> object:
    """Also a page of many forms with comments below it, and one whose text is in its metadata alone."""
    more = raw().slice(0, 2).set_column(raw().column_names.index("payload"), "payload", pa.array(
        [RICH.encode(), SCRIPTED.encode()], pa.large_binary()))  # fmt: skip
    return [rows([Blocks(comments=comments).extract(table)]) for comments in (False, True) for table in (raw(), more)]


@case("extractor/plain")
def _(store: Store) -> object:
    return rows([Plain(max_bytes=400).extract(raw())])


@case("extractor/resiliparse")
def _(store: Store) -> object:
    return rows([Resiliparse().extract(raw())])


@case("extractor/trafilatura", also=("resiliparse",))  # whose detection of encodings it is
def _(store: Store) -> object:
    return rows([Trafilatura().extract(raw())])


@case("body/extract")
def _(store: Store) -> object:
    return task(store, Extract(Bytes()), raw=raw())
