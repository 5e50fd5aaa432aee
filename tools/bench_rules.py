"""Rule signals and language beside datatrove's filters on the same documents: CPU seconds, one process, sides in turn.

    python tools/bench_rules.py DATA [--documents 400] [--rounds 3]

DATA is a folder with `quickstart` (Common-Crawl-like pages) and `web_pages` (documentation). *cold* is a vocabulary that
has seen nothing, *warm* one that has seen these documents; kernels are compiled and models loaded before either.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from corpus import assets
from corpus.extract.decode import decode
from corpus.extract.resiliparse import Resiliparse
from corpus.operators import Annotator, Batch
from corpus.rules.bounds import judge
from corpus.rules.presets import PRESETS
from corpus.signals.c4 import C4
from corpus.signals.fineweb import FineWeb
from corpus.signals.gopher import GopherQuality
from corpus.signals.language import Language
from corpus.signals.repetition import GopherRepetition
from corpus.text import chunks

PRESETS_COMPARED = ("gopher_quality", "gopher_repetition", "c4", "fineweb")
SIGNALS: tuple[Annotator, ...] = (GopherQuality(words="english"), GopherRepetition(words="english"), C4(words="english"),
                                  FineWeb(words="english"))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--documents", type=int, default=400)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    for name, texts in (("common crawl", wild(given.data)), ("documentation", documentation(given.data))):
        for row in compare(sampled(texts, given.documents), given.rounds):
            print(f"{name:14} {row['what']:28} {row['docs_s']:9.1f} docs/s {row['mb_s']:8.2f} MB/s {row['ratio']:7.1f} x")


def compare(texts: Sequence[str], rounds: int = 3) -> list[dict[str, float | str]]:
    """Rows of what, documents and megabytes a CPU second, and how many times the peer's; differing verdicts come last."""
    theirs, verdicts = datatrove_filters(), {}
    table = pa.table({"text": pa.array(texts, pa.large_string())})
    reasons(table.slice(0, 2))                                  # compiles, loads models
    label(table.slice(0, 2))
    _verdicts(theirs, texts[:2])
    _labels(texts[:2])
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        verdicts["theirs"] = _timed(taken, "datatrove, 4 filters", lambda: _verdicts(theirs, texts))
        chunks.forget()
        verdicts["cold"] = _timed(taken, "rules, cold", lambda: reasons(table))
        verdicts["warm"] = _timed(taken, "rules, warm", lambda: reasons(table))
        verdicts["lid theirs"] = _timed(taken, "datatrove, language", lambda: _labels(texts))
        verdicts["lid"] = _timed(taken, "language", lambda: label(table))
    megabytes = sum(len(t.encode()) for t in texts) / 1e6
    middle = {what: statistics.median(seconds) for what, seconds in taken.items()}
    peers = {what: middle["datatrove, language" if "language" in what else "datatrove, 4 filters"] for what in middle}
    rows: list[dict[str, float | str]] = [
        {"what": what, "docs_s": len(texts) / s, "mb_s": megabytes / s, "ratio": peers[what] / s}
        for what, s in middle.items()]
    wrong = sum(a != b for mine, other in zip(verdicts["warm"], verdicts["theirs"]) for a, b in zip(mine, other))
    assert verdicts["cold"] == verdicts["warm"]
    unlike = sum(a != b for a, b in zip(verdicts["lid"], verdicts["lid theirs"]))
    rows.append({"what": f"verdicts that differ: {wrong}", "docs_s": 0.0, "mb_s": 0.0, "ratio": 0.0})
    rows.append({"what": f"labels that differ: {unlike} of {len(texts)}", "docs_s": 0.0, "mb_s": 0.0, "ratio": 0.0})
    return rows


def reasons(table: pa.Table) -> list[list[str | None]]:
    """By preset, the reason of each document, all judged as English."""
    batch = Batch(table)
    columns = {"language": pa.array(["en"] * table.num_rows)}
    for signal in SIGNALS:
        added = signal.annotate(batch)
        columns |= {name: added.column(name) for name in added.column_names}
    return [judge(pa.table(columns), PRESETS[name]).reason.to_pylist() for name in PRESETS_COMPARED]


def label(table: pa.Table) -> list[str | None]:
    with Language().open() as opened:
        return opened.annotate(Batch(table)).column("language").to_pylist()


def datatrove_filters() -> list[Callable[[object], object]]:
    """The four filters at their defaults, each to be given the text as it was."""
    from datatrove.pipeline import filters as f

    return [one.filter for one in (f.GopherQualityFilter(), f.GopherRepetitionFilter(), f.C4QualityFilter(),
                                   f.FineWebQualityFilter())]


def _verdicts(filters: list[Callable[[object], object]], texts: Sequence[str]) -> list[list[str | None]]:
    from datatrove.data import Document

    found = [[one(Document(text=text, id="0")) for text in texts] for one in filters]
    return [[r[1] if isinstance(r, tuple) else None for r in row] for row in found]


def _labels(texts: Sequence[str]) -> list[str]:
    from datatrove.data import Document
    from datatrove.pipeline.filters import LanguageFilter
    from datatrove.utils.lid import FT176LID

    FT176LID.MODEL_URL = str(assets.locate(Language().model))
    one = _FILTER.setdefault("language", LanguageFilter(label_only=True))
    documents = [Document(text=text, id="0") for text in texts]
    for document in documents:
        one.filter(document)
    return [document.metadata["language"] for document in documents]


_FILTER: dict[str, object] = {}


def _timed(taken: dict[str, list[float]], what: str, call: Callable[[], object]) -> object:
    before = time.process_time()
    result = call()
    taken.setdefault(what, []).append(time.process_time() - before)
    return result


def sampled(texts: Sequence[str], count: int) -> list[str]:
    """At most `count` of the texts that are not blank, the same ones every time."""
    full = [text for text in texts if text.strip()]
    return random.Random(0).sample(full, min(count, len(full)))


def wild(data: Path) -> list[str]:
    with gzip.open(data / "quickstart" / "openstax_ccby_sample.jsonl.gz", "rt", encoding="utf-8") as stream:
        books = [json.loads(line)["text"] for line in stream]
    return [*pages(data / "quickstart" / "quickstart.warc.gz"), *books]


def documentation(data: Path) -> list[str]:
    return list(pages(data / "web_pages" / "pages.warc.gz"))


def pages(path: Path) -> Iterator[str]:
    """Main text of each response, by the fast extractor."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    extractor = Resiliparse()
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
            yield extractor.page_text(decode(record.reader.read(), record.http_charset, True)) or ""


if __name__ == "__main__":
    main()
