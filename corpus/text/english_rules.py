"""The facts of English word splitting, as spaCy 3.8 has them: classes of characters, special words, units, web addresses.

Stated as ranges and combinations, so that nothing of spaCy is needed at run time; tests compare the two. Ranges are
fixed, whatever Unicode version the interpreter has: only which Latin, Greek and Cyrillic letters in them are capitals is
looked up, and that is settled. What it gives up: symbols and letters that Unicode got after its version 11 are in no class.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import product

import numpy as np

PREFIX, SUFFIX = 1, 2                               # comes off the start, off the end of a chunk
DIGIT, LETTER, LOWER, UPPER = 4, 8, 16, 32          # ASCII digits; letters of scripts without case are lower and upper
QUOTE, SYMBOL = 64, 128                             # symbols stand alone wherever they are
CUT = 256                                           # a cut inside a chunk may start here
STOP = 512                                          # a full stop behind it comes off the end
UNIT = 1024                                         # ends a unit or currency, which come off the end behind a digit
HOST = 2048                                         # starts and ends the labels of host names

_CASED = """41-5a 61-7a c0-d6 d8-f6 f8-1bf 1c4-2af 386 388-38a 38c 38e-38f 391-3a9 3ac-3af 3b1-3c9 3cc-3ce 400-401 403-40a
40c-40d 410-451 453-45a 45c-45d 490-491 496-497 4a2-4a3 4ae-4af 4ba-4bb 4d8-4d9 4e8-4e9 1d00-1d25 1d6b-1d77 1d79-1d9a
1e00-1eff 2c60-2c7b 2c7e-2c7f a722-a76f a771-a787 a78b-a78e a790-a7b9 a7fa ab30-ab5a ab60-ab64 ff21-ff3a ff41-ff5a"""
_UNCASED = """591-5f4 620-64a 66e-6d5 6e5-6ff 750-77f 8a0-8bd 900-9ff b80-cff d80-dff 1100-137f 2e80-2fdf 2ff0-30ff
31c0-31ef 3200-4dbf 4e00-9fff ac00-d7af f900-faff fb1d-fbb1 fbd3-fd3d fd50-fdc7 fdf0-fdfb fe30-fe4f fe70-fefc
1ee00-1eebb 1f200-1f2ff 20000-2a6df 2a700-2ebef 2f800-2fa1f"""
_SYMBOLS = """a6 a9 ae b0 482 58d-58e 60e-60f 6de 6e9 6fd-6fe 7f6 9fa b70 bf3-bf8 bfa c7f d4f d79 f01-f03 f13 f15-f17
f1a-f1f f34 f36 f38 fbe-fc5 fc7-fcc fce-fcf fd5-fd8 109e-109f 1390-1399 1940 19de-19ff 1b61-1b6a 1b74-1b7c 2100-2101
2103-2106 2108-2109 2114 2116-2117 211e-2123 2125 2127 2129 212e 213a-213b 214a 214c-214d 214f 218a-218b 2195-2199
219c-219f 21a1-21a2 21a4-21a5 21a7-21ad 21af-21cd 21d0-21d1 21d3 21d5-21f3 2300-2307 230c-231f 2322-2328 232b-237b
237d-239a 23b4-23db 23e2-2426 2440-244a 249c-24e9 2500-25b6 25b8-25c0 25c2-25f7 2600-266e 2670-2767 2794-27bf 2800-28ff
2b00-2b2f 2b45-2b46 2b4d-2b73 2b76-2b95 2b98-2bc8 2bca-2bfe 2ce5-2cea 2e80-2e99 2e9b-2ef3 2f00-2fd5 2ff0-2ffb 3004
3012-3013 3020 3036-3037 303e-303f 3190-3191 3196-319f 31c0-31e3 3200-321e 322a-3247 3250 3260-327f 328a-32b0 32c0-32fe
3300-33ff 4dc0-4dff a490-a4c6 a828-a82b a836-a837 a839 aa77-aa79 fdfd ffe4 ffe8 ffed-ffee fffc-fffd 10137-1013f
10179-10189 1018c-1018e 10190-1019b 101a0 101d0-101fc 10877-10878 10ac8 1173f 16b3c-16b3f 16b45 1bc9c 1d000-1d0f5
1d100-1d126 1d129-1d164 1d16a-1d16c 1d183-1d184 1d18c-1d1a9 1d1ae-1d1e8 1d200-1d241 1d245 1d300-1d356 1d800-1d9ff
1da37-1da3a 1da6d-1da74 1da76-1da83 1da85-1da86 1ecac 1f000-1f02b 1f030-1f093 1f0a0-1f0ae 1f0b1-1f0bf 1f0c1-1f0cf
1f0d1-1f0f5 1f110-1f16b 1f170-1f1ac 1f1e6-1f202 1f210-1f23b 1f240-1f248 1f250-1f251 1f260-1f265 1f300-1f3fa 1f400-1f6d4
1f6e0-1f6ec 1f6f0-1f6f9 1f700-1f773 1f780-1f7d8 1f800-1f80b 1f810-1f847 1f850-1f859 1f860-1f887 1f890-1f8ad 1f900-1f90b
1f910-1f93e 1f940-1f970 1f973-1f976 1f97a 1f97c-1f9a2 1f9b0-1f9b9 1f9c0-1f9c2 1f9d0-1f9ff 1fa60-1fa6d"""
_QUOTES = "'\"`,‘’‚“”„´«»「」『』（）〔〕【】《》〈〉\u2329\u232a⟦⟧"
_MARKS = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪"
_CURRENCY = "$£¥฿﷼" + "".join(map(chr, range(0x20A0, 0x20C0)))
_CUTS = ".…+-*^,–—~:<>=/"
_ALPHANUMERIC = "0-9A-Za-z\u00a1-\uffff"

_POWERS = ("", "²", "³")
_UNITS = (
    *map("".join, product(("km", "m", "dm", "cm", "mm", "км", "м", "дм", "см", "мм", "م", "سم", "مم"), _POWERS)),
    *"ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa Pa mbar mb MB kb KB gb GB tb TB T G M K %".split(),
    *"нм кг г мг м/с км/ч кПа Па мбар Кб КБ кб Мб МБ мб Гб ГБ гб Тб ТБ тбكم".split(),
    *"كم كم² كم³ غرام جرام جم كغ ملغ كوب اكواب".split(),
)

_ABBREVIATIONS = """Adm Ak Ala Apr Ariz Ark Aug Bros Calif Co Colo Conn Corp Dec Del Dr Feb Fla Ga Gen Gov Ia Id Ill Inc Ind
Jan Jr Jul Jun Kan Kans Ky La Ltd Mar Mass Md Messrs Mich Minn Miss Mo Mont Mr Mrs Ms Mt Neb Nebr Nev Nov Oct Okla Ore Pa
Prof Rep Rev Sen Sep Sept St Tenn Va Wash Wis a.m p.m co e.g E.g E.G i.e I.e I.E D.C N.C N.D N.H N.J N.M N.Y S.C Ph.D vs v.s
a b c d e f g h i j k l m n o p q r s t u v w x y z ä ö ü"""
_WHOLE = """' '' 's 'S ‘s ‘S 'd 're em 'em ll 'll nuff 'nuff 'bout o'clock O'clock ma'am Ma'am and/or w/o C++ \\") \\t \\n
— <space>"""
_DROPPED_G = "doin goin havin lovin nothin nuthin ol somethin"
_DROPPED_BE = "'cause 'cos 'coz 'cuz"
_FACES = r"""8) 8-) 8D 8-D (-8 (: (-: (; (-; [: [-: ): )-: :o) (o: :() >:( >:o :1 ;) ;-) ;D ;-D :'( :'-( :') :'-)
=) =( (= =] =[ [= ]= =/ =| =3 =D xD XD xDD XDD ^_^ ^__^ ^___^ >.< >.> <.< ._. ;_; -_- -__- v.v V.V v_v V_V o_o o_O O_o O_O
0_o o_0 0_0 o.o o.O O.o O.O 0.0 o.0 0.o @_@ <3 <33 <333 </3 (^_^) (-_-) (._.) (>_<) (*_*) (¬_¬) ಠ_ಠ ಠ︵ಠ (ಠ_ಠ) ¯\(ツ)/¯
(╯°□°）╯︵┻━┻ ><(((*>"""
_MOUTHS = ") )) ))) ( (( ((( ] } / | P p O o 0 * 3 > X x D"

_PRONOUNS = "i you he she it we they"
_ASKING = "who what when where why how there that this these those"
#: Words, and what may follow them; the apostrophe may be left out of what follows, and the word may be capitalised.
_CONTRACTIONS = (
    ("i", "'m 'm+a"),
    (_PRONOUNS, "'ll 'll+'ve 'd 'd+'ve"),
    ("i you we they", "'ve"),
    ("you we they", "'re"),
    ("he she it", "'s"),
    (_ASKING, "'ll 'll+'ve 'd 'd+'ve"),
    ("who what when where why how there that this", "'s"),
    ("who what when where why how there these those", "'re 've"),
    ("ca could do does did had may might must need ought sha should wo would", "n't n't+'ve"),
    ("could might must should would not", "'ve"),
    ("ai are is was were have has dare", "n't"),
)
_OTHER_WORDS = frozenset("ill its hell shell shed were well whore".split())          # also words without apostrophe
_CAPITALISED = "can+not gon+na got+ta let+'s c'm+on how+'d+'y"
_PARTED = "y'+all y+all"


def _ranges(listed: str) -> list[range]:
    """Code points from `low-high` and `one`, in hexadecimal."""
    pairs = (item.split("-") for item in listed.split())
    return [range(int(pair[0], 16), int(pair[-1], 16) + 1) for pair in pairs]


@lru_cache(maxsize=1)
def classes() -> np.ndarray:
    """(0x110000,) uint16: the flags above for each code point."""
    table = np.zeros(0x110000, np.uint16)

    def mark(characters: str, flags: int) -> None:
        table[[ord(character) for character in characters]] |= flags

    for points in _ranges(_CASED):
        for point in points:
            table[point] |= LETTER | _case(point)
    for points in _ranges(_UNCASED):
        table[points.start : points.stop] |= LETTER | LOWER | UPPER
    for points in _ranges(_SYMBOLS):
        table[points.start : points.stop] |= SYMBOL | PREFIX | SUFFIX | CUT
    table[table & LOWER != 0] |= STOP
    mark("0123456789", DIGIT | STOP)
    mark("…", SYMBOL)
    mark(_MARKS + _QUOTES, PREFIX | SUFFIX | STOP)
    mark(_QUOTES, QUOTE)
    mark("%²+-|", STOP)
    mark("§%=—–" + _CURRENCY, PREFIX)
    mark("—–", SUFFIX)
    mark(_CUTS, CUT)
    mark("+" + "".join(unit[-1] for unit in units()), UNIT)
    mark("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", HOST)
    table[0xA1:0x10000] |= HOST
    return table


def _case(point: int) -> int:
    fixed = {0x294: LOWER, 0x3A2: UPPER}            # a glottal stop without case; a place among capitals left empty
    return fixed.get(point) or {"Ll": LOWER, "Lu": UPPER}.get(unicodedata.category(chr(point)), 0)


def units() -> tuple[str, ...]:
    """What comes off the end behind a digit."""
    return (*_UNITS, *_CURRENCY, *DOLLARS, "+")


#: Currencies of several characters.
DOLLARS = ("US$", "C$", "A$")


@lru_cache(maxsize=1)
def special_words() -> dict[str, tuple[str, ...]]:
    """Chunks whose tokens are listed, in any place where the rules for the ends leave them."""
    found = {word + ".": (word + ".",) for word in _ABBREVIATIONS.split()}
    whole = [*_WHOLE.split(), *_FACES.split(), *map("".join, product((":", ":-"), _MOUTHS.split()))]
    for word in _DROPPED_G.split():
        whole += [word, word + "'", word.title(), word.title() + "'"]
    whole += [form for word in _DROPPED_BE.split() for form in (word, "'" + word[1:].title())]
    found.update((word, (word,)) for word in whole)
    for words, endings in _CONTRACTIONS:
        for word, ending in product(words.split(), endings.split()):
            for form in (word, word.title()):
                _add(found, form, *ending.split("+"))
                if (form + ending).replace("'", "").replace("+", "").lower() not in _OTHER_WORDS:
                    _add(found, form, *ending.replace("'", "").split("+"))
    for parts in (*_CAPITALISED.split(), *_PARTED.split()):
        _add(found, *parts.split("+"))
    for parts in _CAPITALISED.split():
        _add(found, *(parts[0].upper() + parts[1:]).split("+"))
    for hour, half in product(range(1, 13), ("am", "pm", "a.m.", "p.m.")):
        _add(found, str(hour), half)
    for scale in "cfkCFK":
        _add(found, "°", scale, ".")
    curly = {word.replace("'", "’"): tuple(p.replace("'", "’") for p in parts) for word, parts in found.items()}
    return found | curly


def _add(found: dict[str, tuple[str, ...]], *parts: str) -> None:
    found["".join(parts)] = parts


@lru_cache(maxsize=1)
def address() -> re.Pattern[str]:
    """Matches a web or mail address, or a public IPv4 address with port and path, from the start of a string to its end."""
    lower = "".join(f"{chr(r[0])}-{chr(r[-1])}" for r in _runs(np.flatnonzero(classes() & LOWER)))
    label = rf"(?:[{_ALPHANUMERIC}][{_ALPHANUMERIC}_-]{{0,62}})?[{_ALPHANUMERIC}]"
    private = (r"(?!(?:10|127)(?:\.\d{1,3}){3})(?!(?:169\.254|192\.168)(?:\.\d{1,3}){2})"
               r"(?!172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2})")
    first, middle = r"(?:22[0-3]|2[01]\d|1\d\d|[1-9]\d?)", r"(?:25[0-5]|2[0-4]\d|1?\d{1,2})"
    last = r"(?:25[0-4]|2[0-4]\d|1\d\d|[1-9]\d?)"
    number = rf"{private}{first}(?:\.{middle}){{2}}\.{last}"
    name = rf"(?:{label}\.)+[{lower}]{{2,63}}"
    return re.compile(rf"(?:[\w+.-]{{2,}}://)?(?:\S+@)?(?:{number}|{name})(?::\d{{2,5}})?(?:[/?#]\S*)?\Z")


def _runs(points: np.ndarray) -> list[np.ndarray]:
    return np.split(points, np.flatnonzero(np.diff(points) > 1) + 1)
