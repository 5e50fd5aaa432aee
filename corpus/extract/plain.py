"""For sources that are text already."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from corpus.extract.decode import decode
from corpus.operators import Extractor
from corpus.registry import register


@register("extractor", "plain", provider="resiliparse")
@dataclass(frozen=True)
class Plain(Extractor):
    """Text as it is, made valid; a page is `not_text`. max_bytes: the most bytes a text may have."""

    max_bytes: int = 8 << 20

    def extract(self, batch: pa.Table) -> pa.Table:
        text = pc.and_(pc.is_null(batch.column("problem")), pc.equal(batch.column("kind"), "text")).to_pylist()
        rows = zip(text, batch.column("payload"), batch.column("charset").to_pylist(), batch.column("problem").to_pylist())
        found = [self._record(p.as_py() or b"", c) if t else (None, w or "not_text") for t, p, c, w in rows]
        return pa.table({"text": pa.array([t for t, _ in found], pa.large_string()),
                         "reason": pa.array([r for _, r in found], pa.string())})

    def _record(self, payload: bytes, charset: str | None) -> tuple[str | None, str | None]:
        if len(payload) > self.max_bytes:
            return None, "page_too_large"
        text = decode(payload, charset, False)
        return (text, None) if text.strip() else (None, "empty_text")
