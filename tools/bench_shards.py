"""Tokens and shards beside their peers, both sides in one run: exact ids on first sight of texts, tokenized documents →
shuffled shards, text → shards.

    python tools/bench_shards.py [SECTION ...] [--megabytes 24] [--token-megabytes 400] [--rounds 3] [--json FILE]

Sections: ids, gather, line; all by default. Figures are CPU seconds of this process, user and system, on one thread; each
section gives the median of its rounds and the range. No text is seen twice in `ids` and `line`: the pages of web_pages are
dealt out to the rounds, and where they are too few, words of their copies are changed. Imports, models and compiled code
are brought in before, on other texts; a library keeps what it learnt of earlier rounds, as in a worker. In `gather` the
documents' lengths are those of the texts; the ids are made up. The exit status is 1 where a target is missed. Linux.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ |= {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

import bench_text_inputs as inputs
import numpy as np
import pyarrow as pa
from bench_text_measure import Section, machine

from corpus import chance
from corpus.exchange import exchange
from corpus.mixture.draw import SolveDraw
from corpus.mixture.place import Place
from corpus.mixture.schedule import PhaseSpec
from corpus.results import Folder, Shard
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens.encode import Encoder
from corpus.tokens.pack import Documents
from corpus.tokens.tokenize import Tokenize, hash_documents
from corpus.tokens.tokenizer import PinTokenizer, TrainTokenizer
from corpus.writers.gather import opened
from corpus.writers.megatron import Megatron
from corpus.writers.stream import Stream
from corpus.writers.write import WriteShard

SHARD_TOKENS = 50_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--megabytes", type=float, default=24, help="text in each of `ids` and `line`")
    parser.add_argument("--token-megabytes", type=float, default=400, help="ids in `gather`")
    parser.add_argument("--tokenizer", action="append", help="another one for `ids`: a tokenizer.json, or a folder of files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where to put the figures")
    given = parser.parse_args()
    if wrong := set(given.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(wrong))}; there are {', '.join(SECTIONS)}")
    found = {"machine": machine(None)}
    with tempfile.TemporaryDirectory() as folder:
        texts = Texts(given.data)
        for name in given.sections or SECTIONS:
            found[name] = SECTIONS[name](given, texts, Path(folder))
            print("\n".join([f"\n## {name}", *found[name].markdown()]), flush=True)
    if given.json:
        whole = {name: {"figures": s.figures, "targets": s.targets} for name, s in found.items()}
        given.json.write_text(json.dumps(whole, indent=1, ensure_ascii=False))
    sys.exit(any(not met for section in found.values() for _, _, met in section.targets))


class Texts:
    """Texts of web pages, each given once."""

    def __init__(self, data: Path) -> None:
        self.data, self._all = data, self._endless()

    def take(self, megabytes: float) -> list[str]:
        found, size = [], 0
        while size < megabytes * 1e6:
            found.append(next(self._all))
            size += len(found[-1].encode())
        return found

    def _endless(self) -> Iterator[str]:
        from resiliparse.extract.html2text import extract_plain_text

        for copy in range(10**6):
            mark = bytes(b"bcdfghjklmnpqrstvwxz"[copy // 20**place % 20] for place in range(3))
            for name in ("quickstart/quickstart.warc.gz", "web_pages/pages.warc.gz"):
                for _, block in inputs.responses(self.data / name):
                    body = (inputs.salted(block, mark) if copy else block).partition(b"\r\n\r\n")[2]
                    text = extract_plain_text(body.decode("utf-8", "replace"), main_content=True)
                    if len(text) > 200:
                        yield text


# sections ------------------------------------------------------------------------------------------------------------


def ids(given: argparse.Namespace, texts: Texts, folder: Path) -> Section:
    """Exact ids of texts that neither side has seen: ours, and Hugging Face's encode_batch_fast on one thread."""
    found, rows = Section(), []
    store = Store(str(folder / "tokenizers")).prepare()
    sample = pa.table({"id": pa.array([b"%016d" % i for i in range(1000)], pa.binary(16)),
                       "text": pa.array(texts.take(3)[:1000] + [""] * 1000, pa.large_string())[:1000]})
    trained = Task("t", TrainTokenizer(vocab_size=8192), {"documents": [store.write_shard("documents", sample)]}, store)
    tasks = {"GPT-2": Task("t", PinTokenizer(), {}, store), "BPE of 8,192, trained here": trained}
    tasks |= {name: Task("t", PinTokenizer(tokenizer=name), {}, store) for name in given.tokenizer or ()}
    for label, task in tasks.items():
        (pinned,) = execute(task).outputs
        sides: dict[str, list[float]] = {"ours": [], "tokenizers": []}
        with store.local_folder(pinned) as path:
            encoder, peer = Encoder.open(path), _hugging_face(path)
            for _ in range(given.rounds):
                mine = texts.take(given.megabytes / given.rounds)
                size = sum(len(t.encode()) for t in mine)
                column = pa.array(mine, pa.large_string())
                with cpu() as ours:
                    flat, offsets = encoder.encode_batch(column)
                with cpu() as theirs:
                    other = [e.ids for e in peer.encode_batch_fast(mine, add_special_tokens=False)]
                expected = np.concatenate([np.r_[e, encoder.eos_id] for e in other]).astype(flat.dtype)
                if not np.array_equal(expected, flat):
                    sys.exit("the two sides do not give the same ids")
                sides["ours"].append(size / 1e6 / ours[0])
                sides["tokenizers"].append(size / 1e6 / theirs[0])
        times = [a / b for a, b in zip(sides["ours"], sides["tokenizers"])]
        rows += [[label, encoder.backend, _spread(sides["ours"]), _spread(times)],
                 [label, "tokenizers.encode_batch_fast", _spread(sides["tokenizers"]), "1"]]
        found.figures[label] = sides | {"backend": encoder.backend, "times": times}
        if label == "GPT-2":
            found.want("exact ids against Hugging Face's tokenizers, GPT-2, first sight", statistics.median(times), 25)
    found.table(["tokenizer", "side", "MB/s of text a core", "×"], rows)
    return found


def gather(given: argparse.Namespace, texts: Texts, folder: Path) -> Section:
    """Tokenized documents → globally shuffled Megatron shards, and the same by pyarrow's take."""
    lengths = np.array([max(1, len(t.encode()) // 4) for t in texts.take(8)], np.int64)
    found, rows, rounds = Section(), [], []
    _gather_once(folder / "warm", lengths, 1_000_000, 0)                 # compiled code is loaded
    for n in range(given.rounds):
        root = folder / f"gather{n}"
        rounds.append(_gather_once(root, lengths, int(given.token_megabytes * 1e6 / 2), n))
        shutil.rmtree(root)
    size = rounds[0]["bytes"]
    phases = {"place": "place (rows and pointers)", "gather": "gather alone", "stream": "gather and digest of the stream",
              "write": "gather, digest, write, digest of the files", "all": "place and write",
              "floor": "write() of as many bytes, nothing else", "take": "pyarrow take, and write"}
    for name, what in phases.items():
        rates = [size / 1e9 / r[name] for r in rounds]
        rows.append([what, f"{statistics.median(r[name] for r in rounds):.3f}", _spread(rates)])
        found.figures[name] = [r[name] for r in rounds]
    found.figures |= {"bytes": size, "documents": rounds[0]["documents"]}
    documents, shards = rounds[0]["documents"], rounds[0]["shards"]
    found.lines.append(f"{size / 1e6:.0f} MB of uint16 ids in {documents:,} documents, {shards} shards.")
    found.table(["phase", "CPU seconds", "GB/s of ids a core"], rows)
    found.want("tokenized documents → shuffled shards, gather and write",
               statistics.median(size / 1e9 / r["write"] for r in rounds), 0.75, " GB/s", 2)
    return found


def line(given: argparse.Namespace, texts: Texts, folder: Path) -> Section:
    """Text → shuffled shards: ours from frozen shards to Megatron files; datatrove's tokenizer and merger to its own."""
    found, times, sides = Section(), [], {"ours": [], "datatrove": []}
    phases: dict[str, list[float]] = {"tokenize": [], "place": [], "write": []}
    warm = texts.take(0.5)
    _ours(folder / "warm", warm), _datatrove(folder / "warm-datatrove", warm)     # imports, models, compiled code
    for n in range(given.rounds):
        mine = texts.take(given.megabytes / given.rounds)
        size = sum(len(t.encode()) for t in mine)
        ours, tokens = _ours(folder / f"ours{n}", mine)
        theirs, other = _datatrove(folder / f"datatrove{n}", mine)
        if tokens != other:
            sys.exit(f"ours wrote {tokens:,} tokens, datatrove {other:,}")
        for name, seconds in ours.items():
            phases[name].append(seconds)
        sides["ours"].append(size / 1e6 / sum(ours.values()))
        sides["datatrove"].append(size / 1e6 / theirs)
        times.append(sides["ours"][-1] / sides["datatrove"][-1])
    found.table(["side", "MB/s of text a core", "×"], [["ours", _spread(sides["ours"]), _spread(times)],
                                                       ["datatrove", _spread(sides["datatrove"]), "1"]])
    found.lines += ["", "Of ours: " + ", ".join(f"{name} {statistics.median(s):.3f} s" for name, s in phases.items()) + "."]
    found.figures = sides | {"times": times, "phases": phases}
    found.want("text → shards against datatrove's tokenizer and merger", statistics.median(times), 20)
    return found


SECTIONS: dict[str, Callable[[argparse.Namespace, Texts, Path], Section]] = {"ids": ids, "gather": gather, "line": line}


# sides ---------------------------------------------------------------------------------------------------------------


def _hugging_face(path: Path) -> Any:
    import tokenizers

    peer = tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))
    peer.encode_special_tokens = True
    return peer


def _gather_once(root: Path, lengths: np.ndarray, tokens: int, seed: int) -> dict[str, Any]:
    store, rng = Store(str(root)).prepare(), np.random.default_rng(seed)
    (tokenizer,) = execute(Task("t", PinTokenizer(), {}, store)).outputs
    groups, total = [], 0
    while total < tokens:
        some = rng.choice(lengths, max(1, int(min(tokens - total, 10_000_000) // lengths.mean())))
        flat = rng.integers(0, 50_000, int(some.sum())).astype("<u2")
        groups.append(_frozen(store, [f"{seed} {len(groups)} {i}" for i in range(len(some))], some, flat))
        total += len(flat)
    shards = -(-total // SHARD_TOKENS)
    drawn, seconds = _placed(store, groups, total, shards)
    found: dict[str, Any] = {"bytes": 2 * total, "documents": sum(g["tokens"][0].rows for g in groups), "shards": shards}
    folders = tuple(g["ids"][0] for g in groups)
    for name in ("gather", "stream"):
        with cpu() as took:
            for record in drawn:
                _read_all(store, record, folders, name == "stream")
        found[name] = took[0]
    with cpu() as took:
        written = sum(_written(store, record, folders, tokenizer) for record in drawn)
    assert written == total
    found["floor"] = _floor(root / "floor", 2 * total)
    found |= {"place": seconds, "write": took[0], "all": seconds + took[0], "take": _taken(root, store, groups, drawn)}
    return found


def _frozen(store: Store, names: list[str], counts: np.ndarray, flat: np.ndarray) -> dict[str, tuple[Shard | Folder, ...]]:
    """One frozen shard's documents, index, tokens and ids."""
    ids = pa.array([hashlib.blake2b(name.encode(), digest_size=16).digest() for name in names], pa.binary(16))
    n = len(names)
    with store.new_folder() as made:
        flat.tofile(made / "ids.bin")
        held = store.write_folder("ids", made, {"dtype": "uint16", "tokens": len(flat)}, take=True)
    hashes = hash_documents(flat, np.r_[np.int64(0), np.cumsum(counts)])
    tables = {
        "documents": {"id": ids, "url": [f"https://example.org/{name}" for name in names]},
        "domains": {"id": ids, "cluster": pa.array(np.arange(n) % 20, pa.int32())},
        "tokens": {"id": ids, "token_count": counts, "token_hash": hashes},
        "index": {"key": chance.hash64(0, "draw", ids), "cell": ["web"] * n, "source": ["web"] * n, "tokens": counts},
    }
    return {"ids": (held,)} | {name: (store.write_shard(name, pa.table(table)),) for name, table in tables.items()}


def _placed(store: Store, groups: list[dict], total: int, shards: int) -> tuple[list, float]:
    """The records of `Place`, in order, and their CPU seconds. Every document is drawn once."""
    draw = SolveDraw((PhaseSpec(total, shards, (("web", 1.0),)),), 0, max_epochs=1.0)
    plan, caps = execute(Task("draw", draw, {"index": [g["index"][0] for g in groups]}, store)).outputs
    with cpu() as took:
        emitted = [g | {"plan": (plan,), "caps": (caps,)} for g in groups]
        records = list(exchange("place", Place(shards), emitted, store, lambda tasks: map(execute, tasks)))
    return sorted(records, key=lambda r: r.extra["partition"]), took[0]


def _read_all(store: Store, record: Any, folders: tuple, digest: bool) -> None:
    rows, where = store.read_shard(record.of("drawn")[0]), store.read_shard(record.of("where")[0])
    packing = Documents().plan(rows.column("token_count").to_numpy())
    with opened(store, folders, where, np.dtype("<u2")) as held:
        if digest:
            for _ in Stream(rows, packing, "<u2", held).batches():
                pass
            return
        ends = packing.sequences
        buffer = np.empty(1 << 24, "<u2")
        for first in range(0, len(ends) - 1, 1024):
            part = slice(first, min(first + 1024, len(ends) - 1))
            pieces = {name: values[part] for name, values in packing.pieces.items()}
            held.gather(pieces["row"], pieces["begin"], pieces["length"], pieces["at"] - ends[first], buffer)


def _written(store: Store, record: Any, folders: tuple, tokenizer: Folder) -> int:
    task_inputs = {"drawn": record.of("drawn"), "where": record.of("where"), "ids": folders, "tokenizer": (tokenizer,)}
    number = {"shard": record.extra["partition"]}
    (shard,) = execute(Task("write", WriteShard(Megatron()), task_inputs, store, number, ("where", "ids"))).outputs
    return shard.about["tokens"]


def _floor(path: Path, size: int) -> float:
    """CPU seconds of writing so many bytes of one buffer: what this file system takes, today."""
    block = memoryview(np.zeros(1 << 21, np.uint8))
    with cpu() as took, open(path, "wb") as out:
        for start in range(0, size, len(block)):
            out.write(block[: size - start])
        out.flush()
        os.fsync(out.fileno())
    path.unlink()
    return took[0]


def _taken(root: Path, store: Store, groups: list[dict], drawn: list) -> float:
    """CPU seconds of the same shards by a take over all documents' lists, the lists in memory already."""
    lists = []
    for g in groups:
        counts = store.read_shard(g["tokens"][0]).column("token_count").to_numpy()
        flat = np.fromfile(store.full(f"{g['ids'][0].path}/ids.bin"), "<u2")
        lists.append(pa.LargeListArray.from_arrays(pa.array(np.r_[0, np.cumsum(counts)]), pa.array(flat)))
    whole = pa.concat_arrays(lists)
    ids = [i for g in groups for i in store.read_shard(g["tokens"][0]).column("id").to_pylist()]
    place = {i: n for n, i in enumerate(ids)}
    wanted = [store.read_shard(r.of("drawn")[0], ["id"]).column("id").to_pylist() for r in drawn]
    orders = [pa.array([place[i] for i in some]) for some in wanted]
    with cpu() as took:
        for n, order in enumerate(orders):
            with open(root / f"take{n}.bin", "wb") as out:
                out.write(whole.take(order).flatten().to_numpy().data)
    return took[0]


def _ours(root: Path, texts: list[str]) -> tuple[dict[str, float], int]:
    store = Store(str(root)).prepare()
    (tokenizer,) = execute(Task("t", PinTokenizer(), {}, store)).outputs
    ids = pa.array([hashlib.blake2b(f"{root.name} {i}".encode(), digest_size=16).digest() for i in range(len(texts))],
                   pa.binary(16))
    n = len(texts)
    documents = store.write_shard("documents", pa.table({
        "id": ids, "url": ["https://example.org"] * n, "text": pa.array(texts, pa.large_string())}))
    with cpu() as tokenize:
        record = execute(Task("tokens", Tokenize(), {"documents": [documents], "tokenizer": [tokenizer]}, store))
    counts = store.read_shard(record.of("tokens")[0]).column("token_count").to_numpy()
    index = {"key": chance.hash64(0, "draw", ids), "cell": ["web"] * n, "source": ["web"] * n, "tokens": counts}
    group = {"documents": (documents,), "tokens": record.of("tokens"), "ids": record.of("ids"),
             "domains": (store.write_shard("domains", pa.table({"id": ids, "cluster": pa.nulls(n, pa.int32())})),),
             "index": (store.write_shard("index", pa.table(index)),)}
    drawn, place = _placed(store, [group], int(counts.sum()), 2)
    with cpu() as write:
        tokens = sum(_written(store, r, tuple(record.of("ids")), tokenizer) for r in drawn)
    return {"tokenize": tokenize[0], "place": place, "write": write[0]}, tokens


def _datatrove(root: Path, texts: list[str]) -> tuple[float, int]:
    from datatrove.data import Document
    from datatrove.pipeline.tokens import DocumentTokenizer, DocumentTokenizerMerger
    from loguru import logger

    logger.remove()
    store = Store(str(root / "store")).prepare()
    (tokenizer,) = execute(Task("t", PinTokenizer(), {}, store)).outputs
    with store.local_folder(tokenizer) as path:
        step = DocumentTokenizer(str(root / "tokens"), str(path / "tokenizer.json"), local_working_dir=str(root / "local"),
                                 eos_token="<|endoftext|>", seed=1)
        merger = DocumentTokenizerMerger(str(root / "tokens"), str(root / "merged"), "shard", seed=1, progress=False,
                                         max_tokens_per_file=10**9)
        step.tokenizer.encode_special_tokens = True
        documents = (Document(text=text, id=str(i)) for i, text in enumerate(texts))
        with cpu() as took:
            for _ in step.run(documents) or ():
                pass
            merger.run()
    return took[0], sum(p.stat().st_size for p in (root / "merged").glob("*.ds")) // 2


# ---------------------------------------------------------------------------------------------------------------------


@contextmanager
def cpu() -> Iterator[list[float]]:
    """A list that holds the CPU seconds of the block, when it is done."""
    found: list[float] = []
    started = time.process_time()
    yield found
    found.append(time.process_time() - started)


def _spread(values: list[float]) -> str:
    digits = 0 if statistics.median(values) >= 10 else 2
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    main()
