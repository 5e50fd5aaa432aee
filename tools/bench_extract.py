"""Extractors side by side: quality on pages with gold text, what they keep of code, tables and formulas, and speed.

    python tools/bench_extract.py [--data ../shared/data] [--every 20] > table.md

One process, no sandbox; the extractors take turns on every page, and CPU seconds are counted. Words are `\\w+` in lower
case, compared as multisets; shingles are four words. Intervals are 95 %, from 10,000 resamples of pages.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from corpus.extract.blocks import Blocks
from corpus.extract.decode import decode
from corpus.extract.pages import PageExtractor
from corpus.extract.resiliparse import Resiliparse
from corpus.extract.trafilatura import Trafilatura
from corpus.sources.warc import Warc

EXTRACTORS: dict[str, PageExtractor] = {
    "resiliparse": Resiliparse(), "trafilatura fast": Trafilatura(fast=True), "trafilatura": Trafilatura(),
    "blocks": Blocks()}
AGAINST = "trafilatura"
LONGEST = 1 << 20   # characters; a few larger pages would be most of the time

_HAS_TEX = re.compile(r"application/x-tex|math/tex|class=\"math ")

Outputs = dict[str, list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--every", type=int, default=20, help="of the pages of web_pages, one in so many")
    args = parser.parse_args()
    with gzip.open(args.data / "quickstart" / "extraction_mini.jsonl.gz", "rt", encoding="utf-8") as lines:
        gold = [json.loads(line) for line in lines]
    sets = {"gold pages": [row["html"] for row in gold],
            "quickstart": list(pages(args.data / "quickstart" / "quickstart.warc.gz", 4)),
            "web_pages": list(pages(args.data / "web_pages" / "pages.warc.gz", args.every))}
    for extractor in EXTRACTORS.values():
        for page in sets["gold pages"][:3]:
            extractor.page_text(page)   # imports and tables are made
    outputs = {}
    header("pages per CPU second", *EXTRACTORS)
    for name, found in sets.items():
        outputs[name], seconds = timed(found)
        print(f"| {name} ({len(found)}) | " + " | ".join(f"{len(found) / seconds[e]:.0f}" for e in EXTRACTORS) + " |")
    quality(gold, outputs["gold pages"])
    tex = [page for page in pages(args.data / "web_pages" / "pages.warc.gz", 1) if _HAS_TEX.search(page)]
    sets["tex"], outputs["tex"] = tex, {name: [e.page_text(page) or "" for page in tex] for name, e in EXTRACTORS.items()}
    structure(sum(sets.values(), []), {name: sum((outputs[s][name] for s in sets), []) for name in EXTRACTORS})


def header(*names: str) -> None:
    print("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")


def pages(path: Path, every: int) -> Iterator[str]:
    at = 0
    for table in Warc().read(str(path), "bench"):
        for row in table.select(["kind", "charset", "payload"]).to_pylist():
            if row["kind"] == "html" and row["payload"]:
                at += 1
                if at % every == 0 and len(row["payload"]) <= LONGEST:
                    yield decode(row["payload"], row["charset"], True)


def timed(found: list[str]) -> tuple[Outputs, dict[str, float]]:
    texts: Outputs = {name: [] for name in EXTRACTORS}
    seconds = dict.fromkeys(EXTRACTORS, 0.0)
    for at, page in enumerate(found):
        turn = at % len(EXTRACTORS)
        names = list(EXTRACTORS)
        for name in names[turn:] + names[:turn]:
            started = time.process_time()
            text = EXTRACTORS[name].page_text(page)
            seconds[name] += time.process_time() - started
            texts[name].append(text or "")
    return texts, seconds


# quality -----------------------------------------------------------------------------------------------------------------


def quality(gold: list[dict], texts: Outputs) -> None:
    whole = [i for i, row in enumerate(gold) if row.get("gold_text")]
    print(f"\n| {len(whole)} pages with gold text | words P / R / F1 | 95 % | F1 less {AGAINST}'s | shingles F1 | 95 % | "
          f"less {AGAINST}'s |\n|---|---|---|---|---|---|---|")
    words = {e: scores(words_of, [(texts[e][i], gold[i]["gold_text"]) for i in whole]) for e in EXTRACTORS}
    shingles = {e: scores(shingles_of, [(texts[e][i], gold[i]["gold_text"]) for i in whole]) for e in EXTRACTORS}
    for e in EXTRACTORS:
        p, r, f = words[e].mean(0)
        print(f"| {e} | {p:.3f} / {r:.3f} / {f:.3f} | {interval(words[e][:, 2])} | "
              f"{difference(words[e][:, 2], words[AGAINST][:, 2])} | {shingles[e][:, 2].mean():.3f} | "
              f"{interval(shingles[e][:, 2])} | {difference(shingles[e][:, 2], shingles[AGAINST][:, 2])} |")
    parts = [i for i, row in enumerate(gold) if not row.get("gold_text")]
    print(f"\n| {len(parts)} pages with snippets | must have: found | must not have: found |\n|---|---|---|")
    for e in EXTRACTORS:
        shares = [np.mean([np.mean([flat(s) in flat(texts[e][i]) for s in gold[i][key]]) for i in parts])
                  for key in ("gold_with", "gold_without")]
        print(f"| {e} | {shares[0]:.3f} | {shares[1]:.3f} |")


def words_of(text: str) -> Counter:
    return Counter(re.findall(r"\w+", text.lower()))


def shingles_of(text: str) -> Counter:
    words = re.findall(r"\w+", text.lower())
    return Counter(tuple(words[i : i + 4]) for i in range(max(1, len(words) - 3))) if words else Counter()


def scores(count: Callable[[str], Counter], pairs: list[tuple[str, str]]) -> np.ndarray:
    """(pages, 3): precision, recall, F1."""
    out = np.zeros((len(pairs), 3))
    for i, (text, wanted) in enumerate(pairs):
        a, b = count(text), count(wanted)
        common = sum((a & b).values())
        if common:
            out[i, :2] = common / sum(a.values()), common / sum(b.values())
            out[i, 2] = 2 * out[i, 0] * out[i, 1] / out[i, :2].sum()
    return out


def interval(values: np.ndarray) -> str:
    draws = np.random.default_rng(0).integers(0, len(values), (10_000, len(values)))
    low, high = np.quantile(values[draws].mean(1), [0.025, 0.975])
    return f"{low:.3f} to {high:.3f}"


def difference(values: np.ndarray, others: np.ndarray) -> str:
    return f"{(values - others).mean():+.3f} ({interval(values - others)})"


def flat(text: str) -> str:
    return " ".join(text.split())


# structure ---------------------------------------------------------------------------------------------------------------


def structure(found: list[str], texts: Outputs) -> None:
    """What of code, tables and formulas comes through, on the pages that have them; means over pages."""
    from lxml import etree

    kept: dict[str, list[dict[str, float]]] = {"code": [], "rows": [], "formulas": []}
    for at, page in enumerate(found):
        tree = etree.fromstring(page.encode(), etree.HTMLParser(encoding="utf-8", remove_comments=True, huge_tree=True))
        indented = [line.rstrip() for pre in tree.iter("pre") for line in "".join(pre.itertext()).splitlines()
                    if line[:1] in (" ", "\t") and line.strip()]
        rows = [cells for row in tree.iter("tr") if (cells := _cells(row))]
        formulas = Counter(tex for tex in (flat(t) for t in _tex(tree)) if len(tex) >= 6)
        for kind, wanted, measure in (("code", indented, _lines), ("rows", rows, _rows), ("formulas", formulas, _once)):
            if len(wanted) >= 3:
                kept[kind].append({e: measure(wanted, texts[e][at]) for e in EXTRACTORS if texts[e][at]})
    print()
    header("kept", "pages", *EXTRACTORS)
    names = {"code": "indented lines of `<pre>`, verbatim", "rows": "table rows, cells in order on one line",
             "formulas": "formulas as TeX, as often as in the page"}
    for kind, shares in kept.items():
        means = (np.mean([s.get(e, 0.0) for s in shares]) if shares else np.nan for e in EXTRACTORS)
        print(f"| {names[kind]} | {len(shares)} | " + " | ".join(f"{m:.3f}" for m in means) + " |")


def _cells(row: Any) -> list[str]:
    """Texts of a short row of data; none of a row that has empty cells, a table in it, or nothing but links."""
    cells = [flat("".join(cell.itertext())) for cell in row.iter("td")]
    linked = sum(len(flat("".join(link.itertext()))) for link in row.iter("a"))
    size = sum(map(len, cells))
    data = len(cells) > 1 and all(cells) and 2 * linked < size < 200 and row.find(".//table") is None
    return cells if data else []


def _tex(tree: Any) -> Iterator[str]:
    for e in tree.iter("annotation", "script", "span", "div"):
        source = e.get("encoding") if e.tag == "annotation" else e.get("type")
        if (source or "").startswith(("application/x-tex", "math/tex")):
            yield re.sub(r"\A\{\\displaystyle (.*)\}\Z", r"\1", flat(e.text or ""))
        elif e.tag in ("span", "div") and (e.get("class") or "").startswith("math ") and len(e) == 0:
            yield flat(e.text or "").removeprefix("\\(").removesuffix("\\)").removeprefix("\\[").removesuffix("\\]").strip()


def _lines(wanted: list[str], text: str) -> float:
    left = Counter(line.rstrip() for line in text.splitlines())
    return sum((Counter(wanted) & left).values()) / len(wanted)


def _rows(wanted: list[list[str]], text: str) -> float:
    lines = [flat(line) for line in text.splitlines()]
    whole = "\n".join(lines)
    patterns = (r"[^\w\n]{1,6}".join(re.escape(cell) for cell in cells) for cells in wanted)
    return float(np.mean([re.search(pattern, whole) is not None for pattern in patterns]))


def _once(wanted: Counter, text: str) -> float:
    text = flat(text)
    return float(np.mean([text.count(tex) == sum(n for other, n in wanted.items() if tex in other) if tex else 0.0
                          for tex in wanted]))


if __name__ == "__main__":
    main()
