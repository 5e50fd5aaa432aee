"""Packing: which pieces of which documents make a shard's sequences, and what is lost by it.

A plan knows lengths alone, never ids, so it costs a few bytes a document. Packing never crosses a shard: what does not
fill the last sequence of a shard is cut or padded there, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from corpus.errors import ConfigError
from corpus.operators import Operator
from corpus.registry import register


@dataclass(frozen=True)
class Packing:
    """Pieces in stream order, and the sequences that they fill.

    pieces: arrays (p,) int64 by name. row: which document; begin: its first token, counted in the document; length;
    sequence: which one it lies in; at: where it lies in the stream. sequences: (s + 1,) int64 offsets in the stream; what
    of a sequence no piece fills is padding, at its end. cut_tokens: tokens of documents that lie in no piece.
    padded_tokens: tokens of the stream that no piece fills.
    """

    pieces: dict[str, np.ndarray]
    sequences: np.ndarray
    cut_tokens: int = 0
    padded_tokens: int = 0

    @property
    def tokens(self) -> int:
        """Length of the stream, padding included."""
        return int(self.sequences[-1])


class Pack(Operator):
    """Documents' lengths → sequences. `length` is the tokens of every sequence; None where each has its own."""

    def plan(self, lengths: np.ndarray) -> Packing:
        """lengths: (n,) int64 tokens of each document, in shard order."""
        raise NotImplementedError


@register("pack", "documents")
@dataclass(frozen=True)
class Documents(Pack):
    """One sequence a document, whole. Nothing is cut and nothing padded."""

    length: ClassVar[None] = None

    def plan(self, lengths: np.ndarray) -> Packing:
        lengths = np.asarray(lengths, np.int64)
        sequences = offsets_of(lengths)
        rows = np.arange(len(lengths))
        return Packing({"row": rows, "begin": np.zeros(len(lengths), np.int64), "length": lengths, "sequence": rows,
                        "at": sequences[:-1]}, sequences)


@register("pack", "concatenate")
@dataclass(frozen=True)
class Concatenate(Pack):
    """Documents end to end, cut every `length` tokens. Source: Brown et al. 2020 (GPT-3).

    rest: what becomes of the tokens that do not fill the shard's last sequence: "drop" or "pad".
    """

    length: int
    rest: str = "drop"

    def __post_init__(self) -> None:
        positive(self.length)
        if self.rest not in ("drop", "pad"):
            raise ConfigError("pack.rest", f"'{self.rest}'", "drop or pad")

    def plan(self, lengths: np.ndarray) -> Packing:
        lengths = np.asarray(lengths, np.int64)
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        count = -(-total // self.length) if self.rest == "pad" else total // self.length
        kept = min(total, count * self.length)
        sequences = np.arange(count + 1, dtype=np.int64) * self.length
        filled = lengths > 0
        starts = (ends - lengths)[filled]
        cuts = np.union1d(starts[starts < kept], sequences[:-1])     # where a document or a sequence starts
        row = np.flatnonzero(filled)[np.searchsorted(starts, cuts, side="right") - 1]
        pieces = {"row": row, "begin": cuts - (ends - lengths)[row], "length": np.diff(np.append(cuts, kept)),
                  "sequence": cuts // self.length, "at": cuts}
        return Packing(pieces, sequences, total - kept, count * self.length - kept)


@register("pack", "best_fit")
@dataclass(frozen=True)
class BestFit(Pack):
    """Documents whole, each where it leaves the least room, longest first; longer ones are split. Source: Ding et al. 2024.

    Every sequence has `length` tokens, the room that is left in it padded. A document longer than that fills sequences of
    its own, and its last piece is placed as a document is. Sequences come in the order of the piece that opened them, so
    that shards stay shuffled; pieces in a sequence come in the order of their documents.
    """

    length: int

    def __post_init__(self) -> None:
        positive(self.length)

    def plan(self, lengths: np.ndarray) -> Packing:
        from corpus.tokens.kernels import best_fit

        lengths = np.asarray(lengths, np.int64)
        full, rest = lengths // self.length, lengths % self.length
        row = np.repeat(np.arange(len(lengths)), full)                       # the pieces that are sequences of their own
        begin = (np.arange(len(row)) - np.repeat(np.cumsum(full) - full, full)) * self.length
        some = np.flatnonzero(rest)
        order = some[np.argsort(-rest[some], kind="stable")]                 # the others, longest first
        fits = best_fit(np.ascontiguousarray(rest[order]), self.length)
        opened = np.zeros(len(order), bool)
        opened[np.unique(fits, return_index=True)[1]] = True
        tails = full[order] * self.length
        first = np.lexsort((np.r_[begin, tails[opened]], np.r_[row, order[opened]]))
        rank = np.empty(len(first), np.int64)
        rank[first] = np.arange(len(first))
        row, begin = np.r_[row, order], np.r_[begin, tails]
        length = np.r_[np.full(len(begin) - len(order), self.length, np.int64), rest[order]]
        sequence = rank[np.r_[np.arange(len(row) - len(order)), len(row) - len(order) + fits]]
        by = np.lexsort((begin, row, sequence))
        row, begin, length, sequence = row[by], begin[by], length[by], sequence[by]
        before = np.cumsum(length) - length
        starts = np.searchsorted(sequence, np.arange(len(first)))
        at = sequence * self.length + before - before[starts][sequence] if len(row) else before
        offsets = np.arange(len(first) + 1, dtype=np.int64) * self.length
        return Packing({"row": row, "begin": begin, "length": length, "sequence": sequence, "at": at}, offsets,
                       padded_tokens=int(offsets[-1] - lengths.sum()))


def offsets_of(lengths: np.ndarray) -> np.ndarray:
    """(n + 1,) int64 offsets of runs of these lengths, end to end."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def positive(length: int) -> None:
    if length < 1:
        raise ConfigError("pack.length", f"{length} is not a number of tokens", "a whole number, 1 or more")
