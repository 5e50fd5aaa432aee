"""What all extractors share: a table of raw records in, (text, reason) out, each page within limits and on its own."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from corpus.extract.decode import decode, valid
from corpus.extract.limits import too_much
from corpus.operators import Extractor


@dataclass(frozen=True)
class PageExtractor(Extractor):
    """An extractor that looks at one page at a time. Text that is no page is taken as it is.

    Limits come before parsing: max_bytes of a page, max_nodes (elements), max_depth (open elements at once).
    """

    max_bytes: int = 8 << 20
    max_nodes: int = 500_000
    max_depth: int = 512

    def page_text(self, page: str) -> str | None:
        """The text of a page's HTML; None or blank where there is none."""
        raise NotImplementedError

    def extract(self, batch: pa.Table) -> pa.Table:
        texts: list[str | None] = []
        reasons: list[str | None] = []
        columns = (batch.column(name) for name in ("kind", "charset", "problem"))
        rows = zip(batch.column("payload"), *(c.to_pylist() for c in columns))
        for payload, kind, charset, problem in rows:
            text, reason = (None, problem) if problem else self._record(payload.as_py() or b"", kind, charset)
            texts.append(text)
            reasons.append(reason)
        return pa.table({"text": pa.array(texts, pa.large_string()), "reason": pa.array(reasons, pa.string())})

    def _record(self, payload: bytes, kind: str, charset: str | None) -> tuple[str | None, str | None]:
        if len(payload) > self.max_bytes:
            return None, "page_too_large"
        text: str | None = decode(payload, charset, kind == "html")
        if kind == "html":
            reason = too_much(text, self.max_nodes, self.max_depth)
            if reason:
                return None, reason
            try:
                text = self.page_text(text)
            except Exception:  # noqa: BLE001 - whatever a parser raises on a hostile page, the page is what is wrong
                return None, "extractor_failed"
            text = valid(text) if text else None
        return (text, None) if text and text.strip() else (None, "empty_text")
