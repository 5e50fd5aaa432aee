"""After a purge: what of removed documents any file of a store still says. What is looked for is taken from it before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.removal.choose import Records, texts_of
from corpus.removal.live import files_under
from corpus.removal.scan import Hit, Wanted, grams_of, of_bytes, runs_of, scan_files, texts_in, without_runs
from corpus.results import Folder
from corpus.tokens.encode import Encoder
from pipelines.config.load import Build
from pipelines.removal import records_of
from pipelines.view import View

#: Steps that read texts which are no documents of a build.
GIVEN = ("decontaminate.index", "search.target.ingest", "search.target.extract")


def wanted_of(build: Build, ids: pa.Array) -> Wanted:
    """Runs of words of what documents of the build say and no other record says: of their texts, and of their records' own
    bytes. What evaluation items and targets say stays too: they are no documents, and no purge is of them. Token ids are
    looked for as the build's tokenizer encodes the texts.
    """
    view = View(build)
    records = records_of(build, view)
    runs = without_runs(runs_of(_spelled(records, ids, True)), _spelled(records, ids, False))
    runs = without_runs(runs, _given(view))
    with _encoder(view) as encoder:
        texts = texts_of(records, ids).column("text").to_pylist()
        grams = [grams_of(encoder.encode_batch([text])[0]) for text in texts]
    return Wanted(runs, np.unique(np.concatenate([np.zeros(0, np.uint64), *grams])))


def audit(build: Build, wanted: Wanted) -> list[Hit]:
    """Files of the store that hold any of what `wanted_of` says."""
    view = View(build)
    with _encoder(view) as encoder:

        def decode(ids: list[int]) -> str:
            return encoder.decode([i for i in ids if i < encoder.vocab_size])

        files = ((path, view.store.read_bytes(path) or b"") for path in files_under(view.store, ""))
        return list(scan_files(files, replace(wanted, decode=decode)))


@contextlib.contextmanager
def _encoder(view: View) -> Iterator[Encoder]:
    (tokenizer,) = [o for o in view.outputs(view.manifests["annotate.tokenizer"]) if isinstance(o, Folder)]
    with view.store.local_folder(tokenizer) as folder:
        yield Encoder.open(folder)


def _spelled(records: Records, ids: pa.Array, own: bool) -> Iterator[str]:
    """Texts of the records with these ids, or of all others."""
    store = records.store
    for shard in records.documents:
        rows = store.read_shard(shard, ["id", "text"])
        yield from _some(rows, ids, own).column("text").drop_null().to_pylist()
    for shard in records.raw:
        rows = _some(store.read_shard(shard, ["id", "payload"]), ids, own)
        for payload in rows.column("payload").drop_null().to_pylist():
            yield from of_bytes(payload)


def _given(view: View) -> Iterator[str]:
    """All texts of evaluation items and of targets, as the build keeps them."""
    nothing = Wanted(np.zeros(0, np.uint64))
    for step in GIVEN:
        for item in view.outputs(view.manifests[step]) if step in view.manifests else ():
            for path, _ in item.lengths:
                for _, texts in texts_in(view.store.read_bytes(path) or b"", nothing):
                    yield from texts


def _some(rows: pa.Table, ids: pa.Array, own: bool) -> pa.Table:
    mine = pc.is_in(rows.column("id"), value_set=ids)
    return rows.filter(mine if own else pc.invert(mine))
