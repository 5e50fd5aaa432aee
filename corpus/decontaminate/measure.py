"""How much of an evaluation item a document holds, where, and whether the answer is beside it.

A score is the share of a question's words that lie in n-grams which the document has too: 1 for a question that is there
word for word, whatever its case and punctuation. What it gives up: a rephrased question (see `rephrased`), and telling a
leak from a quotation that item and document have from the same book.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus.decontaminate.index import Index, hash_runs, union
from corpus.decontaminate.spans import character_runs, merged
from corpus.registry import register
from corpus.tasks import Body, TaskIO
from corpus.text.normal import matching_hashes

#: Words before and after what was found of a question among which its answer is looked for.
NEAR = 50

_SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32())])
_TASK = pa.struct([("task", pa.string()), ("item", pa.string()), ("score", pa.float32())])
#: Beside each document. `score` is that of the item it holds most of, 0 where it holds no n-gram of any; `answer` the share
#: of that item's answer near by, null where the answer is not known; `tasks` the best item of each task; `spans` characters.
CONTAMINATION = pa.schema([
    ("contamination.score", pa.float32()), ("contamination.task", pa.string()), ("contamination.item", pa.string()),
    ("contamination.ngrams", pa.int32()), ("contamination.words", pa.int32()), ("contamination.answer", pa.float32()),
    ("contamination.tasks", pa.list_(_TASK)), ("contamination.spans", pa.list_(_SPAN)),
])


@dataclass(frozen=True)
class Found:
    """Items in documents: one row for each pair of which some n-gram was found, sorted by document, best item first.

    score: (n,) float32. ngrams, words: (n,) int64, of the part that was found best. first, past: (n,) int64, the words of
    the document between which its n-grams lie. hits: (h, 3) int64, every n-gram found: document, first word, words.
    """

    document: np.ndarray
    item: np.ndarray
    score: np.ndarray
    ngrams: np.ndarray
    words: np.ndarray
    first: np.ndarray
    past: np.ndarray
    hits: np.ndarray


@register("body", "decontaminate", provider="python-unicode")
@dataclass(frozen=True)
class Decontaminate(Body):
    """Overlap with evaluation items by n-grams (Brown et al. 2020, appendix C), as covered words (Touvron et al. 2023).

    Reads `documents` and the shared `index`; writes `contamination`: the document's id, then `CONTAMINATION`, row for row.
    Counts `documents` and `touched`, those that hold an n-gram of some item.
    """

    def run(self, io: TaskIO) -> None:
        documents = io.table("documents", ["id", "text"])
        with io.folder("index") as folder:
            index = Index.load(folder)
        found = measure(documents.column("text"), index)
        io.write("contamination", found.add_column(0, documents.schema.field("id"), documents.column("id")))
        io.count("documents", documents.num_rows)
        io.count("touched", int((found.column("contamination.score").to_numpy() > 0).sum()))


def measure(texts: pa.Array | pa.ChunkedArray, index: Index) -> pa.Table:
    """Columns `CONTAMINATION` of some texts, row for row."""
    words, offsets = matching_hashes(texts)
    return describe(texts, words, offsets, find(words, offsets, index), index)


def find(words: np.ndarray, offsets: np.ndarray, index: Index) -> Found:
    """Which items some documents hold. words, offsets: of their matching words, as `matching_hashes` gives them."""
    document, place, gram = _scan(words, offsets, index)
    hits = np.column_stack((document, place, index.gram_lengths[gram].astype(np.int64)))
    pairs = document * max(len(index.grams), 1) + gram
    once = np.unique(pairs, return_index=True)[1]
    last = np.zeros(len(once), np.int64)                                     # where in the document the n-gram starts last
    np.maximum.at(last, np.searchsorted(pairs[once], pairs), place)
    counts = np.diff(index.offsets)[gram[once]]
    rows = np.repeat(once, counts)
    posting = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(
        index.offsets[:-1][gram[once]], counts)
    part = index.parts[posting].astype(np.int64)
    pair, of = np.unique(document[rows] * max(len(index.part_items), 1) + part, return_inverse=True)
    size = hits[rows, 2]
    covered = union(of, index.places[posting].astype(np.int64), size, len(pair))
    ngrams = np.bincount(of, minlength=len(pair))
    first = np.full(len(pair), np.iinfo(np.int64).max)
    np.minimum.at(first, of, place[rows])
    past = np.zeros(len(pair), np.int64)
    np.maximum.at(past, of, np.repeat(last, counts) + size)
    where, part = np.divmod(pair, max(len(index.part_items), 1))
    score = (covered / index.part_sizes[part]).astype(np.float32)
    item = index.part_items[part].astype(np.int64)
    order = np.lexsort((part, -score, item, where))                          # the best part of each item ...
    order = order[_firsts(where[order], item[order])]
    order = order[np.lexsort((item[order], -score[order], where[order]))]    # ... and the best item first
    return Found(where[order], item[order], score[order], ngrams[order], covered[order], first[order], past[order], hits)


def describe(
    texts: pa.Array | pa.ChunkedArray, words: np.ndarray, offsets: np.ndarray, found: Found, index: Index
) -> pa.Table:
    """What was found, as columns `CONTAMINATION`."""
    n = len(offsets) - 1
    task, name = (index.items.column(c).to_pylist() for c in ("task", "item"))
    columns: dict[str, list] = {f: [None] * n for f in CONTAMINATION.names}
    for field, empty in (("score", 0.0), ("ngrams", 0), ("words", 0)):
        columns[f"contamination.{field}"] = [empty] * n
    for field in ("tasks", "spans"):
        columns[f"contamination.{field}"] = [[] for _ in range(n)]
    starts = np.flatnonzero(_firsts(found.document, found.document))
    for a, b in zip(starts, np.r_[starts[1:], len(found.document)]):
        d, best = int(found.document[a]), int(found.item[a])
        columns["contamination.score"][d] = found.score[a]
        columns["contamination.task"][d], columns["contamination.item"][d] = task[best], name[best]
        columns["contamination.ngrams"][d], columns["contamination.words"][d] = found.ngrams[a], found.words[a]
        lo = max(0, int(found.first[a]) - NEAR)
        columns["contamination.answer"][d] = _answered(words[offsets[d] : offsets[d + 1]][lo : found.past[a] + NEAR], best,
                                                       index)
        tops: dict[str, dict] = {}
        for i in range(a, b):
            at = int(found.item[i])
            tops.setdefault(task[at], {"task": task[at], "item": name[at], "score": found.score[i]})
        columns["contamination.tasks"][d] = [tops[t] for t in sorted(tops)]
    starts = np.flatnonzero(_firsts(found.hits[:, 0], found.hits[:, 0]))
    for a, b in zip(starts, np.r_[starts[1:], len(found.hits)]):
        own = found.hits[a:b]
        own = own[np.lexsort((own[:, 2], own[:, 1]))]
        runs = merged(own[:, 1], own[:, 1] + own[:, 2])
        columns["contamination.spans"][int(own[0, 0])] = character_runs(texts[int(own[0, 0])].as_py() or "", runs)
    return pa.table([pa.array(columns[f.name], f.type) for f in CONTAMINATION], schema=CONTAMINATION)


def _scan(words: np.ndarray, offsets: np.ndarray, index: Index) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from corpus.decontaminate import kernels

    powers = np.array([pow(int(kernels.BASE), int(k), 1 << 64) for k in index.lengths], np.uint64)
    bitmap, shift = index.seen
    capacity = 1 << 12
    while True:
        text, place, gram, hits = kernels.scan(words, offsets, index.lengths, powers, bitmap, shift, index.grams,
                                               index.gram_lengths, capacity)
        if hits <= capacity:
            return text, place, gram
        capacity = hits


def _firsts(*keys: np.ndarray) -> np.ndarray:
    """(n,) bool: rows that differ from the row before in some key."""
    out = np.ones(len(keys[0]), bool)
    if len(out):
        out[1:] = np.logical_or.reduce([k[1:] != k[:-1] for k in keys])
    return out


def _answered(words: np.ndarray, item: int, index: Index) -> float | None:
    """The share of an item's answer that some words hold: in runs of `ngram` words, or whole where it is shorter."""
    answer = index.answers[index.answer_offsets[item] : index.answer_offsets[item + 1]]
    if not len(answer):
        return None
    size = min(index.ngram, len(answer))
    runs, here = (hash_runs(w, np.arange(max(0, len(w) - size + 1)), size) for w in (answer, words))
    at = np.flatnonzero(np.isin(runs, here))
    return float(union(np.zeros(len(at), np.int64), at, np.full(len(at), size), 1)[0] / len(answer))
