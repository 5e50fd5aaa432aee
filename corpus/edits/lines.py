"""Editors that keep some lines of a text and cut the others: C4's, and boilerplate after RefinedWeb.

Both judge a line by itself. What repeats from page to page of a site is not seen here; near-duplicate search sees pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.edits.texts import Span, TextEditor, lines_at, replaced
from corpus.errors import ConfigError
from corpus.registry import register
from corpus.text.c4 import CITATION, POLICY, TERMINAL


@register("editor", "c4_lines", provider="python-unicode")
@dataclass(frozen=True)
class C4Lines(TextEditor):
    """The lines that C4 keeps (Raffel et al. 2020, section 2.2), without white space around them and without citations.

    A line goes, in this order, for a word of over `max_word_length` characters, the lack of a terminal mark, under
    `min_words` words, "javascript", or a policy phrase. C4's rules on whole documents are signals and rules (`c4`).
    Its effect on a text is that of datatrove's C4QualityFilter where that keeps the document.
    """

    citations: bool = True
    terminal: bool = True
    min_words: int = 3
    max_word_length: int = 1000
    javascript: bool = True
    policy: bool = True

    def __post_init__(self) -> None:
        if self.min_words < 0 or self.max_word_length < 1:
            name = "min_words" if self.min_words < 0 else "max_word_length"
            raise ConfigError(name, str(getattr(self, name)), "0 words or more, and words of 1 character or more")

    def edit_text(self, text: str) -> tuple[str, list[Span]]:
        kept: list[str] = []
        spans: list[Span] = []
        for start, whole in lines_at(text):
            line = whole.strip()
            at = start + len(whole) - len(whole.lstrip()) if line else start
            why, cut, places = self._judge(line)
            if why:
                if line:
                    spans.append((at, at + len(line), why))
                continue
            spans += [(at + a, at + b, kind) for a, b, kind in places]
            kept.append(cut)
        out = "\n".join(kept).strip()
        if out != text and not spans:                      # only white space went
            spans.append((0, len(text), "white_space"))
        return out, spans

    def _judge(self, line: str) -> tuple[str | None, str, list[Span]]:
        """Why the line goes, or the line as it stays and what was cut from it."""
        words = line.split()
        if len(line) > self.max_word_length and any(len(word) > self.max_word_length for word in words):
            return "too_long_word", line, []
        places: list[Span] = []
        if self.citations and "[" in line:
            line, places = replaced(line, [(*m.span(), "citation", "") for m in CITATION.finditer(line)])
        if self.terminal and (not line.endswith(TERMINAL) or line.endswith("...")):
            return "no_terminal_mark", line, []
        if len(words) < self.min_words:
            return "too_few_words", line, []
        lower = line.lower()
        if self.javascript and "javascript" in lower:
            return "javascript", line, []
        if self.policy and any(phrase in lower for phrase in POLICY):
            return "policy", line, []
        return None, line, places


_COUNTER = re.compile(r"\W*(?:\d[\d.,]*[kKmM]?\s*(?:likes?|shares?|comments?|retweets?|reposts?|views?|followers?|"
                      r"replies|reply|votes?|points?|stars?|reads?)\W*)+", re.I)
_STARTS = re.compile(r"(?:sign[ -]?in|log[ -]?in|sign up|register now|subscribe|share (?:this|on)|follow us|skip to|"
                     r"back to top|click here|tweet this|pin it)\b", re.I)
_ENDS = re.compile(r"(?:read more|continue reading|learn more|see more|show more|load more|view all)"
                   r"\s*(?:\.\.\.|…|»|→|>+)?$", re.I)
_ANYWHERE = re.compile(r"\b(?:items? in (?:your )?(?:cart|basket)|add to (?:cart|basket)|all rights reserved|"
                       r"(?:this (?:web)?site|we) uses? cookies|accept (?:all )?cookies)\b", re.I)


@register("editor", "boilerplate", provider="python-unicode")
@dataclass(frozen=True)
class Boilerplate(TextEditor):
    """Cuts lines that are no prose, after RefinedWeb's line-wise corrections (Penedo et al. 2023, appendix G.2).

    A line goes where it is digits and marks alone, a counter (`3 likes`), or of at most `short` words and begins, ends or
    has the wording of navigation; with `upper`, also where over `upper` of its letters are capitals and it has more than
    one word. English wording. Lines that are indented stay, as code and tables do.
    """

    short: int = 10
    upper: float | None = None

    def __post_init__(self) -> None:
        if self.short < 0:
            raise ConfigError("short", str(self.short), "a number of words, 0 or more")
        if self.upper is not None and not 0 <= self.upper <= 1:
            raise ConfigError("upper", str(self.upper), "a share of letters, 0 to 1")

    def may_touch(self, texts: pa.Array) -> np.ndarray:
        return pc.not_equal(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)

    def edit_text(self, text: str) -> tuple[str, list[Span]]:
        kept, spans, at = [], [], 0
        for line in text.splitlines(keepends=True):
            why = self._judge(line)
            if why:
                spans.append((at, at + len(line), why))
            else:
                kept.append(line)
            at += len(line)
        return ("".join(kept), spans) if spans else (text, [])

    def _judge(self, line: str) -> str | None:
        if line[:1] in " \t" or not (words := line.split()):
            return None
        bare = line.strip()
        if not any(map(str.isalpha, bare)):
            return "no_letters" if any(map(str.isdigit, bare)) else None
        if len(words) <= self.short:
            if _COUNTER.fullmatch(bare):
                return "counter"
            if _STARTS.match(bare) or _ENDS.search(bare) or _ANYWHERE.search(bare):
                return "navigation"
        if self.upper is not None and len(words) > 1:
            capitals, letters = sum(map(str.isupper, bare)), sum(map(str.isalpha, bare))
            if capitals > self.upper * letters:
                return "capitals"
        return None
