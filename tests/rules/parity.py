"""Verdicts of ours and of datatrove on the same texts, preset by preset."""

import pyarrow as pa

from corpus.operators import Batch
from corpus.rules.bounds import judge
from corpus.rules.presets import PRESETS
from corpus.signals.c4 import C4
from corpus.signals.fineweb import FineWeb
from corpus.signals.gopher import GopherQuality
from corpus.signals.repetition import GopherRepetition

SIGNALS = (GopherQuality, GopherRepetition, C4, FineWeb)
COMPARED = ("gopher_quality", "gopher_repetition", "c4", "c4_paragraphs", "fineweb")


def measured(texts, language="en", words="english"):
    batch = Batch(pa.table({"text": pa.array(texts, pa.large_string())}))
    columns = {"language": pa.array([language] * len(texts), pa.string())}
    for signal in SIGNALS:
        added = signal(words=words).annotate(batch)
        columns |= {name: added.column(name) for name in added.column_names}
    return pa.table(columns)


def ours(texts, words="english"):
    """By preset, the reason of each text; None where it is kept."""
    table = measured(texts, words=words)
    return {name: judge(table, PRESETS[name]).reason.to_pylist() for name in COMPARED}


def theirs(texts):
    """The same by datatrove's filters."""
    from datatrove.data import Document
    from datatrove.pipeline import filters as f

    filters = dict(zip(COMPARED, (f.GopherQualityFilter(), f.GopherRepetitionFilter(), f.C4QualityFilter(),
                                  f.C4ParagraphFilter(), f.FineWebQualityFilter())))
    out = {name: [] for name in COMPARED}
    for text in texts:
        for name, one in filters.items():
            result = one.filter(Document(text=text, id="0"))
            out[name].append(result[1] if isinstance(result, tuple) else None if result else "dropped")
    return out


def differing(texts, mine, other):
    """(preset, text, our reason, their reason) of every verdict that differs."""
    return [(name, text, a, b) for name in COMPARED for text, a, b in zip(texts, mine[name], other[name]) if a != b]
