"""For sources that are text already."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from corpus.errors import ConfigError
from corpus.extract.decode import decode
from corpus.operators import Extractor
from corpus.registry import register

_OTHER = {"robots": "robots_record"}


@register("extractor", "plain", version=2, provider="resiliparse")
@dataclass(frozen=True)
class Plain(Extractor):
    """Text as it is, made valid; a page is `not_text`. max_bytes: the most bytes a text may have."""

    max_bytes: int = 8 << 20

    def __post_init__(self) -> None:
        if self.max_bytes < 1:
            raise ConfigError("max_bytes", str(self.max_bytes), "1 or more")

    def extract(self, batch: pa.Table) -> pa.Table:
        columns = (batch.column(name).to_pylist() for name in ("kind", "charset", "problem"))
        found = [self._record(payload.as_py() or b"", charset) if kind == "text" and not problem
                 else (None, problem or _OTHER.get(kind, "not_text"))
                 for payload, kind, charset, problem in zip(batch.column("payload"), *columns)]
        return pa.table({"text": pa.array([t for t, _ in found], pa.large_string()),
                         "reason": pa.array([r for _, r in found], pa.string())})

    def _record(self, payload: bytes, charset: str | None) -> tuple[str | None, str | None]:
        if len(payload) > self.max_bytes:
            return None, "page_too_large"
        text = decode(payload, charset, False)
        return (text, None) if text.strip() else (None, "empty_text")
