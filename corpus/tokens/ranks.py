"""tiktoken encodings by file: byte sequences with ranks, which are their ids, and the pattern that splits text first.

A rank file says neither the pattern nor the control tokens, so both are options, with the published ones under the names
of the published patterns. An encoding is taken over as a `tokenizer.json` that gives the same ids; from there on it is a
tokenizer as any other, and tiktoken itself is not needed. Given up: encodings whose ids are not their ranks.
"""

from __future__ import annotations

import base64
import binascii
import importlib.util
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from corpus.backends import tokenizers as backends
from corpus.errors import ConfigError, MissingExtra

_LETTERS, _SPACES = r"[^\r\n\p{L}\p{N}]?", r"\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_ENDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_ENDOFTEXT, _FIM = "<|endoftext|>", ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>")


class Published(NamedTuple):
    """What of a published encoding is not in its file."""

    pattern: str
    specials: dict[str, int]


PUBLISHED = {
    "gpt2": Published(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", {_ENDOFTEXT: 50256}),
    "cl100k": Published(
        rf"{_ENDS}|{_LETTERS}\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}",
        {_ENDOFTEXT: 100257, **{name: 100258 + i for i, name in enumerate(_FIM)}, "<|endofprompt|>": 100276}),
    "o200k": Published(
        rf"{_LETTERS}{_UPPER}*{_LOWER}+{_ENDS}?|{_LETTERS}{_UPPER}+{_LOWER}*{_ENDS}?|\p{{N}}{{1,3}}"
        rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}",
        {_ENDOFTEXT: 199999, "<|endofprompt|>": 200018}),
}


def read_ranks(path: Path) -> dict[bytes, int]:
    """Byte sequences and their ranks from a `.tiktoken` file. ConfigError where it is none, or has no rank for a byte."""
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error):
            wrong = f"line {number} of {path.name} is no base64 sequence with a rank"
            raise ConfigError("tokens.tokenizer", wrong) from None
    missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
    if missing or len(set(ranks.values())) != len(ranks):
        wrong = f"has no rank for byte {missing[0]}" if missing else "gives one rank twice"
        raise ConfigError("tokens.tokenizer", f"{path.name} {wrong}")
    return ranks


def from_ranks(ranks: Mapping[bytes, int], pattern: str, specials: Mapping[str, int] | None, whole: bool = True
               ) -> tuple[Any, dict[str, Any]]:
    """A Hugging Face tokenizer with the encoding's ids, and what `about.json` says of it.

    pattern: a name of `PUBLISHED`, or a regular expression. specials: control tokens by name; None: the published ones.
    whole: with merges; without, it has the vocabulary and encodes single bytes.
    """
    known = PUBLISHED.get(pattern)
    if known is None and specials is None:
        raise ConfigError("tokens.specials", f"'{pattern}' is no published pattern, so its control tokens are not known",
                          "a table of names and ids; published patterns: " + ", ".join(PUBLISHED))
    expression, controls = (known.pattern if known else pattern), dict(known.specials if specials is None else specials)
    taken = {rank: token for token, rank in ranks.items()}
    for name, number in controls.items():
        if number in taken or number < 0:
            raise ConfigError("tokens.specials", f"'{name}' has the id {number}, which is that of {taken.get(number)!r}",
                              f"ids from {max(taken) + 1} on" + (f"; is '{pattern}' this file's pattern?" if known else ""))
    described = _described(ranks, expression, controls, _merges(ranks) if whole else [])
    try:
        found = backends.library().Tokenizer.from_str(json.dumps(described, ensure_ascii=False))
    except Exception as error:  # noqa: BLE001 - the library knows no narrower kind for an expression that is none
        raise ConfigError("tokens.pattern", f"{pattern!r} cannot be used ({error})", "a regular expression") from None
    if known is None and importlib.util.find_spec("tiktoken") is None:
        raise MissingExtra("tiktoken", "tokens")
    if known is None and whole:
        _compare(found, ranks, expression)
    return found, {"pattern": pattern}


def _described(ranks: Mapping[bytes, int], pattern: str, controls: Mapping[str, int], pairs: Sequence[tuple[bytes, bytes]]
               ) -> dict[str, Any]:
    letters = backends.byte_letters()
    spelled = {token: "".join(letters[byte] for byte in token) for token in ranks}
    merges = [[spelled[left], spelled[right]] for left, right in pairs]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None,
        "added_tokens": [{"id": number, "content": name, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for name, number in sorted(controls.items(), key=_id)],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "decoder": byte_level | {"use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
                  "vocab": {spelled[token]: rank for token, rank in ranks.items()} | dict(controls), "merges": merges},
    }


def _merges(ranks: Mapping[bytes, int]) -> list[tuple[bytes, bytes]]:
    """The pair that each sequence of two bytes or more is made of, in order of rank: the two parts that are left when its
    bytes are merged by all ranks below its own. A sequence that never comes about by merging has none.
    """
    found = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) == 1:
            continue
        pairs = [(token[:i], token[i:]) for i in range(1, len(token))
                 if ranks.get(token[:i], rank) < rank and ranks.get(token[i:], rank) < rank]
        if len(pairs) > 1:
            parts = _merged(token, rank, ranks)
            pairs = [(parts[0], parts[1])] if len(parts) == 2 else []
        elif pairs and len(_merged(token, rank, ranks)) != 2:
            pairs = []
        found += pairs
    return found


def _merged(token: bytes, below: int, ranks: Mapping[bytes, int]) -> list[bytes]:
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 1:
        best, at = min((ranks.get(left + right, below), i) for i, (left, right) in enumerate(itertools.pairwise(parts)))
        if best >= below:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def _compare(found: Any, ranks: Mapping[bytes, int], pattern: str) -> None:
    """A pattern of one's own means what tiktoken's regular expressions say: checked against it, once."""
    import tiktoken

    from corpus.tokens.sample import hostile

    theirs = tiktoken.Encoding("pinned", pat_str=pattern, mergeable_ranks=dict(ranks), special_tokens={})
    for text in hostile():
        if theirs.encode_ordinary(text.decode()) != found.encode(text.decode(), add_special_tokens=False).ids:
            raise ConfigError("tokens.pattern", f"{pattern!r} splits {text[:40]!r} otherwise than tiktoken does",
                              "an expression that both read alike: no possessive quantifiers")


def _id(item: tuple[str, int]) -> int:
    return item[1]
