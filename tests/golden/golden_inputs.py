"""What every operator's golden case reads: texts in several languages, pages, files. Nothing here may depend on a
library's release or on the machine: archives are stored, not compressed, and numbers are sums of powers of two.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import pyarrow as pa

from corpus import chance
from corpus.document import DOCUMENT, ID, RAW, record_id
from corpus.mixture.cells import INDEX
from corpus.tokens.tokenize import TOKENS as TOKEN_ROWS

PLAIN = (
    "The ferry leaves the old harbour at seven and comes back with the tide. In winter the deck is white with salt, and "
    "the pilot reads the depth from a line with knots in it.\n\nNobody has to hurry here; the market opens when the boats "
    "are in, that is all that people want to know... and it is enough."
)

TEXTS = {
    "en": PLAIN,
    "en-again": PLAIN.upper().replace(" ", "  "),  # the same words
    "en-near": PLAIN.replace("white with salt", "grey with ash"),
    "de": "Der Müller öffnet früh am Morgen die Schleuse. Größere Fische bleiben im Gitter hängen; der Hund bellt, "
    "während das Wasser über die Straße läuft.",
    "fr": "L'été, les élèves cueillent des cerises près de la forêt. « C'est déjà fini ? » demande le garçon, où l'on "
    "n'entend qu'un merle.",
    "ru": "Ёжик нашёл под крыльцом жёлтый лист и понёс его в свою нору, где уже лежали орехи и сухая трава.",
    "zh": "清晨的市场里,渔夫把网放在石板上。孩子们数着船,一只、两只、三只。雨停了,大家都笑起来。",
    "ja": "朝の市場では、漁師が網を石の上に広げる。子どもたちは船を数えて、雨がやむのを待っている。",
    "ar": "في الصباح يفتح الصياد باب المخزن ويعدّ القوارب الثلاثة، ثم يجلس قرب البحر ويشرب الشاي.",
    "hi": "सुबह बाज़ार खुलता है और मछुआरे अपनी नावें किनारे पर बाँधते हैं। बच्चे गिनते हैं: एक, दो, तीन।",
    "lists": "• salt\n• rope\n- tar\n- nails #1 #2\n\nand so on ...\nand so on ...\nand so on…\n",
    "again": "one line that comes again\n" * 6 + "\n" + "two words two words two words two words two words\n\n" * 3,
    "marks": "!!! ??? -- 3.14 * 2 = 6.28 <|endoftext|> 👩‍🚀 e\u0301tude_x \tﬁn\u00a0",
    "short": "Two words",
    "empty": "",
}

IDS = [record_id("golden", name.encode()) for name in TEXTS]

CELLS = ("d00/books", "d00/web", "d01/web")
CELL_OF = [None if i == 4 else CELLS[i * 7 % 3] for i in range(len(IDS))]
TOKENS = [1 << (i % 4 + 1) for i in range(len(IDS))]
EOS = 50256

ADDRESSES = [
    "http://example.org/robots.txt", "https://WWW.Example.org:443/pages/Free-Boats?x=1#top", "http://a.boats.co.uk/salt/",
    "http://boats.co.uk./", "ftp://user@files.boats.co.uk/list", "http://bücher.example/x", "http://192.0.2.1/rope",
    "http://[2001:db8::1]/", "http://example.org:8080/private/a", "https://example.org/private/b.gif", "no address",
    "http://localhost/", None, "http://salt.example.net/rope/free_salt.html", "http://example.org/",
]  # fmt: skip

PAGE = """<!DOCTYPE html><html><head><title>Harbour &amp; tide</title>{head}<style>p {{ color: red }}</style>
<script>var never = "this";</script></head><body><nav><ul><li><a href="/">Start</a></li><li><a href="/all">All</a></li></ul>
</nav><main><h1>Harbour</h1><p>{text}</p><ul><li>salt</li><li>rope &lt;b&gt;</li></ul><table><tr><td>depth</td><td>seven
fathoms</td></tr></table><p>{text}</p></main><footer>Imprint, all rights reserved, cookies</footer></body></html>"""


def documents(names: Sequence[str] = tuple(TEXTS)) -> pa.Table:
    """`corpus.document.DOCUMENT` rows of some texts."""
    every = list(TEXTS)
    return pa.table(
        [
            pa.array([IDS[every.index(n)] for n in names], ID),
            pa.array([TEXTS[n] for n in names], pa.large_string()),
            pa.array(["books" if len(n) == 2 else "web" for n in names]),
            pa.array([f"https://example.org/{n}" for n in names]),
            pa.array(["2024-05-18T01:58:10Z" if n != "fr" else None for n in names]),
        ],
        schema=DOCUMENT,
    )


SEED = 5
HOSTS = [None if i % 7 == 3 else "example.org" if i % 2 else f"{i % 4}.example.net" for i in range(len(IDS))]


def index() -> pa.Table:
    """Of a draw with `SEED` that caps hosts."""
    keys = chance.hash64(SEED, "draw", pa.array(IDS, ID))
    columns = [pa.array(keys), pa.array(CELL_OF), documents().column("source"), pa.array(TOKENS), pa.array(HOSTS)]
    return pa.table(columns, schema=INDEX.append(pa.field("host", pa.string())))


def tokens() -> pa.Table:
    """`corpus.tokens.tokenize.TOKENS` rows of all texts; document i has the ids `ids_of(i)`."""
    rows = [IDS, TOKENS, [i * 0x9E3779B97F4A7C15 % (1 << 64) for i in range(len(IDS))]]
    return pa.table([pa.array(values, field.type) for values, field in zip(rows, TOKEN_ROWS)], schema=TOKEN_ROWS)


def ids_of(i: int) -> list[int]:
    return [i] * (TOKENS[i] - 1) + [EOS]


def with_ids(name: str, column: object) -> pa.Table:
    return pa.table([pa.array(IDS, ID), column], ["id", name])


def page(text: str, head: str = "") -> str:
    return PAGE.format(text=text, head=head)


#: What a page says of itself: its language, its licence and an opt-out.
FACTS_PAGE = (
    page(TEXTS["fr"], '<meta name="robots" content="noai, noindex">')
    .replace("<html>", '<html lang="fr-CA">')
    .replace("Imprint", '<a rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/">CC BY-SA</a> Imprint')
)
ROBOTS = "User-agent: GPTBot\nDisallow: /pages/\nDisallow: /*.gif$\n\nUser-agent: *\nDisallow: /private\nAllow: /private/b\n"
HEADERS = {1: '{"content-language": "de"}', 3: '{"tdm-reservation": "1"}', 11: '{"x-robots-tag": "noai"}'}
FIELDS = {10: '{"stars": 5}', 11: "{}"}


def raw() -> pa.Table:
    """`corpus.document.RAW` rows: pages in many encodings and states, texts, and a record that a reader found broken; some
    say something of themselves.
    """
    records = [
        ("html", None, page(TEXTS["en"]).encode()),
        ("html", "utf-8", page(TEXTS["de"]).encode()),
        ("html", "windows-1252", page(TEXTS["fr"]).encode("cp1252")),
        ("html", None, page(TEXTS["ru"], '<meta charset="windows-1251">').encode("cp1251")),
        (
            "html",
            "no-such-charset",
            page(TEXTS["ja"], '<meta http-equiv="Content-Type" content="text/html; charset=EUC-JP">').encode("euc_jp"),
        ),
        ("html", "latin-1", page(TEXTS["zh"]).encode("utf-8-sig")),
        ("html", None, page(TEXTS["en"]).encode("utf-16")),
        ("html", None, b"<html><head><title>nothing</title></head><body> <p>&nbsp;</p></body></html>"),
        ("html", None, b"<html><body>" + b"<div>" * 600 + b"deep" + b"</div>" * 600 + b"</body></html>"),
        ("html", None, b"<p>NUL \x00 and an unclosed <b>tag, &#128512; &#xD800;"),
        ("text", None, TEXTS["hi"].encode()),
        ("text", "iso-8859-1", "d\u00e9j\u00e0 vu".encode("latin-1")),
        ("text", None, b" \n\t "),
        ("html", "utf-8", FACTS_PAGE.encode()),
        ("robots", None, ROBOTS.encode()),
    ]
    n = len(records)
    rows = {
        "id": [record_id("golden-raw", b"%d" % i) for i in range(n + 1)],
        "url": [f"https://example.org/{i}" for i in range(n)],
        "source": ["web"] * (n + 1),
        "file": ["a.warc"] * (n + 1),
        "offset": list(range(0, 100 * n + 1, 100)),
        "date": [None] * (n + 1),
        "kind": [k for k, _, _ in records],
        "charset": [c for _, c, _ in records],
        "headers": [HEADERS.get(i) for i in range(n)],
        "fields": [FIELDS.get(i) for i in range(n)],
        "payload": [p for _, _, p in records],
        "problem": [None] * n + ["bad_length"],
    }
    return pa.table([pa.array(rows[f.name] + [None] * (n + 1 - len(rows[f.name])), f.type) for f in RAW], schema=RAW)


def stored_gzip(data: bytes) -> bytes:
    """A gzip member that holds its bytes as they are: the same whatever the compressor."""
    blocks = [data[i : i + 65535] for i in range(0, len(data), 65535)] or [b""]
    body = b"".join(
        bytes([i == len(blocks) - 1]) + struct.pack("<HH", len(b), len(b) ^ 0xFFFF) + b for i, b in enumerate(blocks)
    )
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + body + struct.pack("<II", zlib.crc32(data), len(data))


def warc_record(
    kind: str, number: int, block: bytes, content_type: str = "application/http; msgtype=response", length: int | None = None
) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number:08d}>\r\nWARC-Date: 2024-05-18T01:58:10Z\r\n"
        f"WARC-Target-URI: http://example.org/{number}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(block) if length is None else length}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode() + body


def warc() -> list[bytes]:
    """Records good and bad; each is also what one gzip member would hold."""
    html = page(TEXTS["en"]).encode()
    chunked = b"5\r\n<html\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(html) - 5, html[5:])
    return [
        warc_record("warcinfo", 0, b"software: none\r\n", "application/warc-fields"),
        warc_record("response", 1, response(html, "Content-Type: text/html; charset=utf-8")),
        warc_record("request", 2, b"GET / HTTP/1.1\r\n\r\n", "application/http; msgtype=request"),
        warc_record("response", 3, response(stored_gzip(html), "Content-Type: text/html", "Content-Encoding: gzip")),
        warc_record("response", 4, response(chunked, "Content-Type: text/html", "Transfer-Encoding: chunked")),
        warc_record("response", 5, response(b"", "Content-Type: text/html")),
        warc_record("response", 6, response(html, "Content-Type: text/html", status="404 Not Found")),
        warc_record("response", 7, response(b"%PDF-1.7 ...", "Content-Type: application/pdf")),
        warc_record("resource", 8, TEXTS["ar"].encode(), "text/plain"),
        warc_record("conversion", 9, TEXTS["hi"].encode(), "text/plain"),
        warc_record("revisit", 10, b"", "application/http; msgtype=response"),
        warc_record("response", 11, response(html, "Content-Type: text/html"), length=9_999_999),
        warc_record("response", 12, b"no HTTP at all"),
        warc_record("response", 13, response(html, "Content-Type: text/html")),
    ]


def arc(version: int) -> list[bytes]:
    """Records of an ARC file good and bad; each is also what one gzip member would hold."""
    html = response(page(TEXTS["en"]).encode(), "Content-Type: text/html", "Content-Language: en")
    between = " 200 abcdef - 0 a.arc" if version == 2 else ""

    def record(address: str, block: bytes, length: int | None = None) -> bytes:
        line = f"{address} 192.0.2.1 20080430204826 text/html{between} {len(block) if length is None else length}\n"
        return line.encode() + block + b"\n"

    return [
        record("filedesc://a.arc", b"%d 0 InternetArchive\nURL IP-address\n\n" % version),
        record("http://example.org/1", html),
        record("http://example.org/a page", html),
        record("dns:example.org", b"20080430"),
        record("http://example.org/2", response(b"gone", status="404 Not Found")),
        record("http://example.org/1", html),
        record("http://example.org/3", html, length=len(html) - 7),
    ]


def lines() -> bytes:
    """JSON Lines good and bad, with a byte order mark and a blank line."""
    return (
        b"\xef\xbb\xbf"
        + "\n".join(
            [
                '{"text": "first", "url": "http://example.org/1", "date": "2024-01-01", "n": 7}',
                '{"text": "déjà \\ud83d\\ude00"}',
                "{",
                "",
                "[1]",
                '{"text": 3}',
                '{"text": " "}',
                '{"text": "lone \\ud800", "n": 7}',
                '{"text": "first", "n": "a"}',
            ]
        ).encode()
        + b'\n{"text": "caf\xe9"}\n'
    )
