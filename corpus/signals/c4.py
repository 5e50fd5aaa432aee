r"""C4's signals: what is left of a text when its line filter is done, counted without rewriting the text.

Definitions are those of datatrove's C4 filter: lines by `str.splitlines`, citations taken out of a line before it is
looked at, sentences by spaCy's rule over its English tokens. Lines with a citation are few and cut again from their text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.operators import Annotator, Batch
from corpus.registry import register
from corpus.signals.gopher import share
from corpus.signals.repetition import line_counts
from corpus.text.c4 import CITATION, POLICY, TERMINAL
from corpus.text.chunks import Lists, Vocabulary, chunks_of, cut_texts, utf8
from corpus.text.words import WORD_PROVIDERS, Splitter, words_of

_CITED = re.compile(r"\[\d*]|\[edit]")
_CANDIDATES = r"(?i)javascript|(lorem|terms|privacy|cookie|uses?)\n|^(ipsum|use|policy|cookies|of\n)|\[|^needed\]"


@register("signal", "c4", provider=WORD_PROVIDERS)
@dataclass(frozen=True)
class C4(Annotator):
    """Sentences on the lines that Raffel et al. 2020 (C4) would keep, and what makes them drop a page.

    Columns under `c4.`: `sentences`, `kept_lines` (share of the lines that are not blank), `lorem_ipsum` and
    `curly_bracket` (1 where a line that would be kept says so; the first of them where both do), `third_line`
    (characters of the third longest line, 0 where there are fewer). A line is kept when it ends in `.`, `?`, `!` or a
    quotation mark but not in `...`, has `least_words` parts between spaces, none of them over `longest_word` characters,
    and speaks of no javascript, cookies or terms of use. `words`: see `corpus.text.words`.
    """

    least_words: int = 3
    longest_word: int = 1000
    words: Splitter = "scripts"

    def schema(self) -> pa.Schema:
        return pa.schema([("c4.sentences", pa.int64()), ("c4.kept_lines", pa.float64()), ("c4.lorem_ipsum", pa.int8()),
                          ("c4.curly_bracket", pa.int8()), ("c4.third_line", pa.int64())])

    def annotate(self, batch: Batch) -> pa.Table:
        from corpus.signals import kernels as k
        from corpus.signals import line_kernels

        chunks = chunks_of(batch)
        facts = words_of(chunks, self.words).facts
        phrases = chunks.vocabulary.layer(Phrases, Phrases).cover().flat
        odd = np.empty((256, 2), np.int64)
        while True:
            counts = np.zeros((len(chunks), 5), np.int64)
            odds = k.count_sentences(chunks.ids, chunks.gaps, chunks.starts, facts, phrases, self.least_words,
                                     self.longest_word, counts, odd)
            if odds <= len(odd):
                break
            odd = np.empty((odds, 2), np.int64)
        self._add_cited(batch.column("text"), odd[:odds], counts)
        lorem, curly = counts[:, k.LOREM], counts[:, k.CURLIES]
        lorem_first = (lorem >= 0) & ((curly < 0) | (lorem < curly))
        third = np.maximum(line_counts(batch)[:, line_kernels.THIRD], 0)
        return pa.table([counts[:, k.SENTENCES], share(counts[:, k.KEPT], counts[:, k.FULL]),
                         lorem_first.astype(np.int8), ((curly >= 0) & ~lorem_first).astype(np.int8), third],
                        schema=self.schema())

    def _add_cited(self, texts: pa.Array, odd: np.ndarray, counts: np.ndarray) -> None:
        """Adds the lines that hold citations to the counts. odd: (o, 2) text and line, in order."""
        from corpus.signals import kernels as k

        kept, owner = [], []
        edges = np.flatnonzero(np.diff(odd[:, 0], prepend=-1, append=-1))
        for a, b in zip(edges[:-1].tolist(), edges[1:].tolist()):
            text = int(odd[a, 0])
            lines = [line for line in map(str.strip, texts[text].as_py().splitlines()) if line]
            for at in odd[a:b, 1].tolist():
                line = CITATION.sub("", lines[at])
                if not line.endswith(TERMINAL) or line.endswith("...") or len(lines[at].split()) < self.least_words:
                    continue
                lower = line.lower()
                if "lorem ipsum" in lower:
                    counts[text, k.LOREM] = _first(counts[text, k.LOREM], at)
                elif "javascript" in lower:
                    continue
                elif "{" in line:
                    counts[text, k.CURLIES] = _first(counts[text, k.CURLIES], at)
                elif not any(phrase in lower for phrase in POLICY):
                    kept.append(line)
                    owner.append(text)
        if not kept:
            return
        lines = cut_texts(*utf8(pa.array(kept, pa.large_string())))
        sentences = np.empty(len(kept), np.int64)
        k.count_lines(lines.ids, lines.gaps, lines.starts, words_of(lines, self.words).facts, sentences)
        np.add.at(counts[:, k.SENTENCES], owner, sentences)
        np.add.at(counts[:, k.KEPT], owner, 1)


class Phrases:
    """For each chunk of a vocabulary, which parts of C4's phrases it holds (flags of `corpus.signals.kernels`)."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._chunks = vocabulary
        self._marks = Lists(np.int64)

    def cover(self) -> Lists:
        """The flags of all chunks that the vocabulary has by now, one a chunk."""
        with self._chunks.lock:
            first, past = self._marks.count, len(self._chunks)
            if past > first:
                data, ends = self._chunks.raw(first, past)
                chunks = pa.LargeStringArray.from_buffers(past - first, pa.py_buffer(ends), pa.py_buffer(data))
                found = np.flatnonzero(pc.match_substring_regex(chunks, _CANDIDATES).to_numpy(zero_copy_only=False))
                marks = np.zeros(past - first, np.int64)
                marks[found] = [_phrases(chunk[:-1]) for chunk in chunks.take(pa.array(found)).to_pylist()]
                self._marks.append(np.ones(len(marks), np.int64), marks)
            return self._marks


def _phrases(chunk: str) -> int:
    from corpus.signals import kernels as k

    lower, found = chunk.lower(), 0
    for flag, word in ((k.LOREM_ENDS, "lorem"), (k.TERMS_ENDS, "terms"), (k.PRIVACY_ENDS, "privacy"),
                       (k.COOKIE_ENDS, "cookie"), (k.USES_ENDS, "uses"), (k.USE_ENDS, "use")):
        found |= flag * lower.endswith(word)
    for flag, word in ((k.IPSUM_STARTS, "ipsum"), (k.USE_STARTS, "use"), (k.POLICY_STARTS, "policy"),
                       (k.COOKIES_STARTS, "cookies")):
        found |= flag * lower.startswith(word)
    found |= k.JAVASCRIPT * ("javascript" in lower) | k.IS_OF * (lower == "of")
    found |= k.CITED * (_CITED.search(chunk) is not None) | k.CITATION_ENDS * chunk.endswith("[citation")
    return found | k.NEEDED_STARTS * chunk.startswith("needed]")


def _first(before: int, now: int) -> int:
    return now if before < 0 else min(before, now)
