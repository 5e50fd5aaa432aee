"""Conversations as token ids with a loss mask: 1 on what the assistant says, up to and with the end of its turn.

Text is encoded apart between control tokens and where learning begins and ends, as it is when a model is prompted and goes
on by itself: a prompt's last token never reaches into the answer. A tokenizer's BOS and EOS are not added: the template
says all. Given up: equality with an encoding of the whole string where a token would span such a border.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from corpus.tokens.conversations import Conversation
from corpus.tokens.encode import Encoder
from corpus.tokens.template import Piece, Template, Unfit


@dataclass(frozen=True)
class Encoded:
    """n conversations. ids (t,) of the tokenizer's dtype, mask (t,) uint8, offsets (n + 1,) int64, kept (n,): which of those
    given; reasons: what became of the others, and of those that were cut; told: the first message of each reason.
    """

    ids: np.ndarray
    mask: np.ndarray
    offsets: np.ndarray
    kept: np.ndarray
    reasons: Counter[str] = field(default_factory=Counter)
    cut_tokens: int = 0
    told: dict[str, str] = field(default_factory=dict)


def encode(encoder: Encoder, template: Template, conversations: Sequence[Conversation], length: int | None = None,
           drop: bool = False) -> Encoded:
    """length: most tokens of a conversation. A longer one is cut at its end, or left out with `drop`; both are counted as
    `too_long`. One in which nothing is learned (any more) is left out: `no_answer`, or `cut_before_answer`.
    """
    pieces: list[Piece] = []
    counts, rendered, reasons, told = [], [], Counter[str](), {}
    for i, conversation in enumerate(conversations):
        try:
            found = template.pieces(conversation.messages, conversation.tools)
        except Unfit as error:
            reasons[error.reason] += 1
            told.setdefault(error.reason, f"line {conversation.line}: {error}")
            continue
        pieces += found
        counts.append(len(found))
        rendered.append(i)
    ids, mask, ends = _encoded(encoder, pieces)
    bounds = np.r_[np.int64(0), ends][np.r_[0, np.cumsum(np.array(counts, np.int64))]] if counts else np.zeros(1, np.int64)
    stops, kept, cut = [], [], 0
    for i, start, stop in zip(rendered, bounds, bounds[1:]):
        end = stop if length is None else min(stop, start + length)
        if end < stop:
            reasons["too_long"] += 1
            if drop:
                continue
        if not mask[start:end].any():
            reasons["no_answer" if end == stop else "cut_before_answer"] += 1
            continue
        cut += int(stop - end)
        stops.append((start, end))
        kept.append(i)
    inside = [np.arange(start, end) for start, end in stops]
    take = np.concatenate(inside) if inside else np.zeros(0, np.int64)
    offsets = np.r_[np.int64(0), np.cumsum([end - start for start, end in stops], dtype=np.int64)]
    return Encoded(ids[take], mask[take], offsets, np.array(kept, np.int64), reasons, cut, told)


def _encoded(encoder: Encoder, pieces: Sequence[Piece]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids and mask of all pieces end to end (t,), and where each ends (p,) int64."""
    control = np.array([-1 if piece.control is None else piece.control for piece in pieces], np.int64)
    flat, offsets = encoder.encode_batch([piece.text for piece in pieces if piece.control is None], bare=True)
    lengths = np.ones(len(pieces), np.int64)
    lengths[control < 0] = np.diff(offsets)
    ids = np.empty(lengths.sum(), encoder.dtype)
    is_text = np.repeat(control < 0, lengths)
    ids[is_text], ids[~is_text] = flat, control[control >= 0].astype(encoder.dtype)
    mask = np.repeat(np.array([piece.learned for piece in pieces], np.uint8), lengths)
    return ids, mask, np.cumsum(lengths)
