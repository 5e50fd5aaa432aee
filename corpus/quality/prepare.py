"""Texts as a classifier reads them: one line each, the same at training and after, so the choice is stored with a model.

`climb` is the form of the CLIMB classifiers, `plain` only brings a text into one line. Gives up everything beyond that:
no stemming, no normal form of Unicode.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from corpus.backends import fasttext

CLIMB, PLAIN = "climb", "plain"
FORMS = (CLIMB, PLAIN)


@dataclass(frozen=True)
class Preparation:
    """How texts become lines. Only the first `characters` of a text count; 0: all of it."""

    form: str = CLIMB
    characters: int = 5000

    def __call__(self, texts: pa.Array | pa.ChunkedArray) -> list[str]:
        """Lines, row for row; an empty one for a null."""
        return prepare(texts, self.characters, self.form)


def prepare(texts: pa.Array | pa.ChunkedArray, characters: int = 0, form: str = CLIMB) -> list[str]:
    """Lines of texts, row for row. White space is collapsed, and a word that would pass for a fastText label loses its
    underscores. `climb` (NVIDIA's classifiers of CLIMB, Diao et al. 2025): lower case, a newline is `<newline>`, each of
    `. ! ? , ' / ( )` stands apart.
    """
    out = pc.fill_null(texts, "")
    if characters:
        out = pc.utf8_slice_codeunits(out, 0, characters)
    if form == CLIMB:
        out = pc.utf8_lower(pc.replace_substring(out, "\n", " <newline> "))
        out = pc.replace_substring_regex(out, r"([.!?,'/()])", r" \1 ")
    out = pc.replace_substring(pc.replace_substring(out, "\x00", " "), fasttext.LABEL, "label")
    return [" ".join(line.split()) for line in out.to_pylist()]
