"""Golden cases of editors, and of the step that runs them: on two of this file, so that a change shows in one place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
from golden_inputs import TEXTS, documents, with_ids
from golden_table import case, rows, task

from corpus.edits.body import Edit
from corpus.edits.lines import Boilerplate, C4Lines
from corpus.edits.pii import Pii
from corpus.edits.texts import Span, TextEditor
from corpus.edits.unicode import Unicode
from corpus.operators import Batch, Editor
from corpus.store import Store

PAGE = (
    "Skip to content\n3 likes · 1.2k shares\nThe boats are in, and the market opens at seven.\nRead more »\n2024-05-18\n"
    "    indented = code { }\nThis website uses cookies, as all of them do.\nHe wrote it [1] and they [edit] read it.\n"
    "Please enable JavaScript to see the map.\n\nALL OF THIS IS LOUD.\nTwo words.\nAnd so on and on...\n"
)
TELEPHONE = (
    "Write to jane.doe+x@mail.example.edu or call +49 30 1234567 or (212) 555-7890; not 10.0.0.1 but 8.8.8.8 and "
    "2606:4700:4700:0:0:0:0:1111, and not someone@example.com in version 1.2.3.4.5."
)
BROKEN = "fine\nschÃ¶n and naÃ¯ve\r\nred \x1b[31mink\x1b[0m\x07 &lt; \u2019\ufb01n\u2019\u2028e\u0301t\u00e9"


@dataclass(frozen=True)
class Digits(TextEditor):
    """Takes digits, and whole texts of fewer than `least` characters."""

    name: ClassVar[str] = "digits"

    least: int = 0

    def edit_text(self, text: str) -> tuple[str, list[Span]]:
        if 0 < len(text) < self.least:
            return "", [(0, len(text), "short")]
        return re.sub(r"\d", "", text), [(*m.span(), "digit") for m in re.finditer(r"\d", text)]


@dataclass(frozen=True)
class Lines(TextEditor):
    """Keeps lines of 20 words or more."""

    name: ClassVar[str] = "lines"

    def edit_text(self, text: str) -> tuple[str, list[Span]]:
        kept, spans, at = [], [], 0
        for line in text.splitlines(keepends=True):
            if len(line.split(" ")) >= 20:
                kept.append(line)
            else:
                spans.append((at, at + len(line), "short_line"))
            at += len(line)
        return "".join(kept), spans


def texts() -> pa.Table:
    """The golden documents, and texts that editors have something to do with in the place of three."""
    own = {"lists": PAGE, "again": TELEPHONE, "short": BROKEN}
    given = pa.array([own.get(name, text) for name, text in TEXTS.items()], pa.large_string())
    return documents().set_column(1, "text", given)


def edited(*editors: Editor) -> object:
    return [rows([editor.edit(Batch(texts()))]) for editor in editors]


@case("editor/unicode")
def _(store: Store) -> object:
    return edited(Unicode(), Unicode(normalization="NFKC", unescape_html=False, uncurl_quotes=True), Unicode(None))


@case("editor/pii")
def _(store: Store) -> object:
    return edited(Pii(), Pii(email="", ip="0.0.0.0", phone=""))


@case("editor/c4_lines")
def _(store: Store) -> object:
    return edited(C4Lines(), C4Lines(citations=False, terminal=False, min_words=0, max_word_length=9, javascript=False))


@case("editor/boilerplate")
def _(store: Store) -> object:
    return edited(Boilerplate(), Boilerplate(short=3, upper=0.75))


@case("body/edit")
def _(store: Store) -> object:
    """Two editors, of which the second also sees what the first left; one text is empty to begin with, some are emptied."""
    facts = with_ids("fields", pa.array([None if i % 2 else "{}" for i in range(len(TEXTS))]))
    both = Edit((Digits(), Lines()))
    return [task(store, body, documents=texts(), facts=facts) for body in (both, Edit((Digits(least=80),), stage="mend"))]
