"""An extractor whose parser does, on a mark in the page, what parsers do on hostile pages: hangs, crashes, raises."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from corpus.extract.pages import PageExtractor
from corpus.registry import register


@register("extractor", "testing.hostile")
@dataclass(frozen=True)
class Hostile(PageExtractor):
    """The page itself. `HANG` waits for an hour, `SLOW` for 0.3 seconds, `CRASH` aborts, `RAISE` raises, `PRINT` prints."""

    def page_text(self, page: str) -> str | None:
        if "HANG" in page:
            time.sleep(3600)
        if "SLOW" in page:
            time.sleep(0.3)
        if "CRASH" in page:
            os.abort()
        if "RAISE" in page:
            raise RuntimeError("a parser's bug")
        if "PRINT" in page:
            print(page, flush=True)
        return page
