"""Credentials in texts: keys and tokens whose form gives them away, and values that are assigned to a name of a secret.

Made for few false alarms: a token counts where its issuer's form is met in full, an assigned value where it is as random as
a key is and no placeholder. What it gives up: passwords that are words, and secrets split over lines.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter

import numpy as np

from corpus.text.needles import find_all

_INSIDE = rb"(?![A-Za-z0-9_])"
_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_BITS, _HEX_BITS = 3.5, 3.0     # Shannon entropy of an assigned value's characters, the least
_DIGITS = 2                     # that it has at least
_MOST = 2000            # places of one needle in one text


def _token(form: bytes) -> re.Pattern[bytes]:
    return re.compile(form + _INSIDE)


#: What a secret begins with, in any case, and its form from there.
_TOKENS: dict[bytes, re.Pattern[bytes]] = {
    b"AKIA": _token(rb"AKIA[A-Z2-7]{16}"),
    b"ASIA": _token(rb"ASIA[A-Z2-7]{16}"),
    b"ghp_": _token(rb"ghp_[A-Za-z0-9]{36}"),
    b"gho_": _token(rb"gho_[A-Za-z0-9]{36}"),
    b"ghu_": _token(rb"ghu_[A-Za-z0-9]{36}"),
    b"ghs_": _token(rb"ghs_[A-Za-z0-9]{36}"),
    b"ghr_": _token(rb"ghr_[A-Za-z0-9]{36,76}"),
    b"github_pat_": _token(rb"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    b"glpat-": _token(rb"glpat-[A-Za-z0-9_-]{20}"),
    b"xox": _token(rb"xox[abeoprs]-(?:[0-9]{9,14}-){1,3}[A-Za-z0-9-]{16,64}"),
    b"hooks.slack.com/services/": _token(rb"hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{24}"),
    b"AIza": _token(rb"AIza[A-Za-z0-9_-]{35}"),
    b"sk_live_": _token(rb"sk_live_[A-Za-z0-9]{24,99}"),
    b"rk_live_": _token(rb"rk_live_[A-Za-z0-9]{24,99}"),
    b"npm_": _token(rb"npm_[A-Za-z0-9]{36}"),
    b"pypi-AgEIcHlwaS5vcmc": _token(rb"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,250}"),
    b"hf_": _token(rb"hf_[A-Za-z]{34}"),
    b"T3BlbkFJ": re.compile(rb"T3BlbkFJ[A-Za-z0-9_-]{20,80}"),
    b"sk-ant-": _token(rb"sk-ant-(?:api|admin)[0-9]{2}-[A-Za-z0-9_-]{80,110}"),
    b"SG.": _token(rb"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    b"-----BEGIN": re.compile(
        rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr]|\"|'|\+|,|[A-Za-z-]+: [^\n]*\n){1,40}"
        rb"[A-Za-z0-9+/=]{32}"),
    b"eyJ": _token(rb"eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{20,1000}"),
}
_ASSIGNED = re.compile(
    rb"(?:secret|token(?!i[sz])|passwd|password|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?key)[A-Za-z0-9_]{0,20}[\"']?\]?"
    rb"[ \t]{0,8}(?::=|=>|=|:)[ \t]{0,8}[bru]?([\"'])([A-Za-z0-9+/=_-]{20,128})\1", re.I)
_ANYWHERE = (b"T3BlbkFJ", b"-----BEGIN")        # all others begin where a word does
_NAMES = (b"secret", b"token", b"passw", b"api", b"access", b"private", b"auth")
_NEEDLES = (*_TOKENS, *_NAMES)
_PLACEHOLDER = re.compile(
    rb"example|sample|placeholder|dummy|fake|changeme|change_me|your|insert|replace|redact|xxxx|0000|1234567|abcdef|todo|test|"
    rb"secret|token|password|process\.env|getenv|\.\.\.", re.I)
_HEX = re.compile(rb"[0-9A-Fa-f]+")
_WORDS = re.compile(rb"[a-z]{8}|[A-Z]{8}|(?:[a-z]{3,}[/_-]){2}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")    # or a UUID


def count_secrets(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(m,) int64: different secrets in each text. data: (b,) uint8 with text i at data[offsets[i] : offsets[i + 1]]."""
    view, found = memoryview(np.ascontiguousarray(data)), set()
    forms = [*_TOKENS.values(), *[_ASSIGNED] * len(_NAMES)]
    whole = [needle in _TOKENS and needle not in _ANYWHERE for needle in _NEEDLES]
    for text, at, needle in find_all(data, offsets, _NEEDLES, _MOST).tolist():
        first = int(offsets[text]) + at
        if whole[needle] and at and view[first - 1] in _WORD:
            continue
        hit = forms[needle].match(view, first, int(offsets[text + 1]))
        if hit is None:
            continue
        assigned = needle >= len(_TOKENS)
        value = bytes(hit[2] if assigned else hit[0])
        if _is_random(value) if assigned else _is_token(value):
            found.add((text, value))
    return np.bincount(np.array([text for text, _ in found], np.int64), minlength=len(offsets) - 1)


def _is_token(value: bytes) -> bool:
    """Whether a token of the right form is one: documentation shows some that say what they are, and a JWT has a header."""
    if value.startswith(b"eyJ"):
        head = value.partition(b".")[0]
        try:
            return b'"alg"' in base64.urlsafe_b64decode(head + b"=" * (-len(head) % 4))
        except (ValueError, binascii.Error):
            return False
    if value.startswith(b"-----"):
        return True
    return not re.search(rb"EXAMPLE|(.)\1{5}|x{8}", value, re.I) and len(set(value)) > 8


def _is_random(value: bytes) -> bool:
    if _PLACEHOLDER.search(value) or not re.search(rb"[A-Za-z]", value):
        return False
    if _HEX.fullmatch(value):
        return _entropy(value) >= _HEX_BITS
    return sum(c in b"0123456789" for c in value) >= _DIGITS and not _WORDS.search(value) and _entropy(value) >= _BITS


def _entropy(value: bytes) -> float:
    """Bits a character."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
