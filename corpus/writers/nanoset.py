"""datatrove's tokenized files, which nanotron calls a Nanoset: ids end to end, where documents end, and a line on both.

What it gives up: ids of documents (the sidecar has them). datatrove's reader cuts each file into windows of one length and
leaves out what does not fill one; where documents end it tells as positions within them. It reads no masks: the `.loss` file
is written as datatrove's tokenizer writes it, for the trainers that look at it themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa

from corpus.errors import ConfigError
from corpus.operators import Writer
from corpus.registry import register
from corpus.writers.records import bounds_of, documents_of, named, sequences_table, write_flat
from corpus.writers.stream import Stream

#: What the fourth line of `.metadata` begins with where sequences have one length; readers stop at the third.
LENGTH = "sequence_length|"


@register("writer", "nanoset")
@dataclass(frozen=True)
class Nanoset(Writer):
    """`shard_00000.ds` (raw uint16 or uint32), `.ds.index` (ends of documents in tokens, uint64; with packing also of
    sequences), `.ds.metadata` (tokenizer and bytes a token; tokens), with masks `.ds.loss` (a byte a token). Source:
    datatrove 0.10, pipeline/tokens/tokenizer.py and utils/dataset.py.

    tokenizer: the name or path that `.metadata` shows; nanotron may open it to learn the vocabulary.
    """

    takes_mask: ClassVar[bool] = True

    tokenizer: str = "unknown"

    def __post_init__(self) -> None:
        if "|" in self.tokenizer or not self.tokenizer.isprintable():
            raise ConfigError("shards.nanoset.tokenizer", f"'{self.tokenizer}'", "a name in one line without '|'")

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        name = f"shard_{shard:05d}.ds"
        names = [name, f"{name}.index", f"{name}.metadata"] + ([f"{name}.loss"] if stream.has_mask else [])
        write_flat(stream, folder / name, folder / names[3] if stream.has_mask else None)
        even = documents_of(stream) is None
        ends = bounds_of(stream) if even else stream.sequences[1:]
        (folder / names[1]).write_bytes(ends.astype("<u8").tobytes())
        lines = [f"{self.tokenizer}|{stream.dtype.itemsize}", str(stream.tokens), _metric(stream.tokens)]
        if even and len(stream.lengths):
            if (stream.lengths != stream.lengths[0]).any():
                raise ConfigError("shards.nanoset", "sequences of several lengths", "documents, or packing to one length")
            lines.append(f"{LENGTH}{stream.lengths[0]}")
        (folder / names[2]).write_text("\n".join(lines), encoding="utf-8")
        return names

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """ValueError where the files do not agree."""
        name = named(files, ".ds")
        lines = (folder / f"{name}.metadata").read_text(encoding="utf-8").split("\n")
        if len(lines) < 3 or not lines[2].endswith("T"):
            raise ValueError("the .metadata is not three lines")
        width, count = int(lines[0].rsplit("|", 1)[-1]), int(lines[1])
        if width not in (2, 4) or (folder / name).stat().st_size != width * count:
            raise ValueError(f"the .ds has {(folder / name).stat().st_size:,} bytes, which is not {count:,} ids of {width}")
        ends = np.fromfile(folder / f"{name}.index", "<u8").astype(np.int64)
        if (len(ends) and (int(ends[-1]) != count or (np.diff(ends, prepend=0) < 0).any())) or (count and not len(ends)):
            raise ValueError("the .index does not fit the .ds")
        if len(lines) > 3 and lines[3].startswith(LENGTH):
            length = int(lines[3].removeprefix(LENGTH))
            if length < 1 or count % length or not np.isin(np.arange(length, count + 1, length), ends).all():
                raise ValueError(f"the .index does not cut the .ds into sequences of {length:,}")
            ends = np.arange(length, count + 1, length)
        mask = np.fromfile(folder / f"{name}.loss", np.uint8) if named(files, ".loss") else None
        if mask is not None and len(mask) != count:
            raise ValueError(f"the .loss has {len(mask):,} values for {count:,} ids")
        return sequences_table(np.fromfile(folder / name, f"<u{width}"), np.diff(ends, prepend=0), mask)


def _metric(count: int) -> str:
    """Tokens for people: 1.23 MT."""
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g} {unit}T"
    return f"{count} T"
