"""What extractors of pages share: a table of raw records in, (text, reason) out, each page within limits and on its own."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from corpus.errors import ConfigError
from corpus.extract.decode import decode, valid
from corpus.extract.limits import too_much
from corpus.extract.sandbox import Sandbox
from corpus.operators import Extractor
from corpus.registry import runtime

Found = tuple[str | None, str | None]


@dataclass(frozen=True)
class PageExtractor(Extractor):
    """An extractor that looks at one page at a time. Text that is no page is taken as it is.

    Limits come before parsing: max_bytes of a page, max_nodes (elements), max_depth (open elements at once). Pages are
    parsed in a process of their own, where one may take max_seconds of wall time, and ten times that in a second try
    alone; None parses here, unguarded, with the same results.
    """

    max_bytes: int = 8 << 20
    max_nodes: int = 500_000
    max_depth: int = 512
    max_seconds: float | None = runtime(10.0)

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_nodes", "max_depth"):
            if getattr(self, name) < 1:
                raise ConfigError(name, str(getattr(self, name)), "1 or more")
        if self.max_seconds is not None and not self.max_seconds > 0:
            raise ConfigError("max_seconds", str(self.max_seconds), "more than 0 seconds, or null for no limit")

    def page_text(self, page: str) -> str | None:
        """The text of a page's HTML; None or blank where there is none."""
        raise NotImplementedError

    def extract(self, batch: pa.Table) -> pa.Table:
        kinds, problems, charsets = (batch.column(name).to_pylist() for name in ("kind", "problem", "charset"))
        payloads = batch.column("payload")
        sizes = pc.fill_null(pc.binary_length(payloads), 0).to_pylist()
        found: list[Found] = [(None, problem) for problem in problems]
        apart = []
        for i, (kind, problem, size) in enumerate(zip(kinds, problems, sizes)):
            if problem:
                continue
            if kind == "robots":
                found[i] = None, "robots_record"
            elif size > self.max_bytes:
                found[i] = None, "page_too_large"
            elif kind == "html" and self.max_seconds is not None:
                apart.append(i)
            else:
                found[i] = self.record(payloads[i].as_py() or b"", charsets[i], kind == "html")
        if apart:
            with Sandbox.of(self, self.max_seconds) as sandbox:
                pages = ((payloads[i].as_py() or b"", charsets[i]) for i in apart)
                for i, result in zip(apart, sandbox.run(pages)):
                    found[i] = result
        return pa.table({"text": pa.array([text for text, _ in found], pa.large_string()),
                         "reason": pa.array([reason for _, reason in found], pa.string())})

    def record(self, payload: bytes, charset: str | None, page: bool = True) -> Found:
        """(text, None) or (None, reason) of one record within max_bytes: a page, or a text that is taken as it is."""
        text: str | None = decode(payload, charset, page)
        if page:
            reason = too_much(text, self.max_nodes, self.max_depth)
            if reason:
                return None, reason
            try:
                text = self.page_text(text)
            except Exception:  # noqa: BLE001 - whatever a parser raises on a hostile page, the page is what is wrong
                return None, "extractor_failed"
            text = valid(text) if text else None
        return (text, None) if text and text.strip() else (None, "empty_text")
