"""Text that tokenizers get wrong, to try a fast library on before it is believed: every byte, every kind of space, long
runs, marks that combine, characters that do not show, names of control tokens.

Given up: proof. Agreement here and on a share of all text is what can be had without encoding everything twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

_SCRIPTS = (
    "The quick brown fox's 1st jump: it'll cost £3.50, won't it?  I'D SAY SO!",
    "Größe naïve façade Ærøskøbing İstanbul ıstakoz ſtraße ǅ ﬁn ﬀ",
    "Быстрая бурая лиса прыгает через ленивую собаку. Ёлка",
    "東京は夜の七時。カタカナ ｶﾀｶﾅ ひらがな、全角　空白１２３",
    "한국어 텍스트 각 한글",
    "العَرَبِيَّة نص ١٢٣ ۴۵۶ עִבְרִית",
    "हिन्दी क्षत्रिय தமிழ் ไทยไม่มีวรรค ភាសាខ្មែរ ⅷ Ⅳ ½ ² ₃",
    "e\u0301 e\u0308\u0323 a\u0300\u0301\u0302\u0303 \u0301\u0302 Z͑ͫ̓ͪ̂ͫ̽͏̴̙",
    "🙂 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 👍🏽 ☺️ ♥︎ \U0001f9d1\u200d\U0001f680",
    "zero\u200bwidth\u200cnon\u200djoiner\u2060word\ufeffbom\u00ad\u034f\u061c\u202e\u2066\u2069",
    "nul\x00 bell\x07 del\x7f c1\x80\x85\x9f vt\x0b ff\x0c fs\x1c us\x1f \ufffd \uffff \U0010ffff \ue000",
    "nbsp\u00a0em\u2003thin\u2009ogham\u1680ideographic\u3000line\u2028para\u2029nel\x85end",
    "def f(x):\r\n\treturn {'a': [1, 2_000, 0x1F], \"b\": x**2 != 3}  # ok\r\n\r\n\n\n\t\t\n   \n",
    "https://example.org/a?b=c&d=%20#e  user@host  <div class=\"x\">&amp;</div>  {{ }} {% %} $\\alpha_{i}$",
    "don't DON'T don’t 'S 'LL 'Re 've 'ſ \'\'\' ''s  's'd'm",
    "1 12 123 1234 12345 123456789 1,234,567.89 1e-9 １２３４ ٠١٢٣ 3.14.15",
    "    indent\n  two   three    four \t tab \n\n\n end   ",
)
_RUNS = (*" \n\taA7!=-'é中🙂", "\r\n", " \n", "\u0301", "\x00", "\u200b", "ab ")


def hostile(controls: Sequence[str] = ()) -> list[bytes]:
    """Some 400 short texts and a few long ones, 60 kB in all. controls: names that have to stay text."""
    texts = ["", *_SCRIPTS, "\n".join(_SCRIPTS), " ".join(reversed(_SCRIPTS))]
    texts += [f"a{chr(code)}b {chr(code)}{chr(code)}c" for code in range(256)]
    for run in _RUNS:
        texts += [run * n for n in (1, 2, 3, 17, 600)] + [f"x{run * 40}y", f"{run * 9} z"]
    for name in itertools.islice(controls, 64):
        texts += [name, f"a{name}b {name} {name}{name}", f" {name}\n"]
    texts += [f"{one}{other}" for one, other in itertools.pairwise(_SCRIPTS)]
    return [text.encode() for text in texts]
