"""What near-duplicate search keeps of a document: its shingles and the keys under which it looks for its like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus.chance import id_words
from corpus.dedup.minhash import sketch
from corpus.document import ID
from corpus.registry import register
from corpus.tasks import Body, TaskIO
from corpus.text.normal import matching_hashes, text_digests
from corpus.text.shingles import mix

SHINGLES = pa.schema([("id", ID), ("text_digest", ID), ("words", pa.int32()), ("shingles", pa.list_(pa.uint64())),
                      ("bands", pa.list_(pa.uint64()))])


@register("body", "shingle", version=2, provider="python-unicode")
@dataclass(frozen=True)
class Shingle(Body):
    """Shingles and MinHash bands of a shard's documents (Broder 1997).

    Reads `documents`, writes `shingles`, row for row: the digest of the matching form, its words, its distinct shingles
    (sorted 64-bit hashes of `ngram` words; the whole text where it has fewer), and the keys of its `bands` bands of `rows`
    minima. 20 of 7 let 99.1 % of the pairs at Jaccard 0.8 meet; FineWeb's, 14 of 8, 92.4 %.
    """

    ngram: int = 5
    bands: int = 20
    rows: int = 7
    seed: int = 0

    def run(self, io: TaskIO) -> None:
        documents = io.table("documents", ["id", "text"])
        io.write("shingles", self.of(documents.column("id"), documents.column("text")))
        io.count("documents", documents.num_rows)

    def of(self, ids: pa.Array | pa.ChunkedArray, texts: pa.Array | pa.ChunkedArray | Sequence[str | None]) -> pa.Table:
        """The rows (`SHINGLES`) of some texts."""
        if not isinstance(texts, (pa.Array, pa.ChunkedArray)):
            texts = pa.array(texts, pa.large_string())
        hashed = matching_hashes(texts)
        hashes, offsets = hashed
        digests = text_digests(texts, hashed)
        whole = mix(id_words(digests)[:, 0])
        flat, edges, keys = sketch(hashes, offsets, whole, self.ngram, self.bands, self.rows, self.seed)
        every = np.arange(len(keys) + 1, dtype=np.int32) * keys.shape[1]
        words = pa.array(np.diff(offsets).astype(np.int32))
        return pa.table([ids, digests, words, _lists(edges, flat), _lists(every, keys.ravel())], schema=SHINGLES)


def _lists(offsets: np.ndarray, flat: np.ndarray) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(flat, pa.uint64()))
