"""Texts made to trip each rule of the presets, near its bound and on both sides of it. Chance is `random.Random(seed)`."""

import random

WORDS = """the of and to that with the of and
harbour boats winter ice fishermen evening spring before harbour boats winter ice fishermen planks evening nets
salt price spring shed mended
argued certain chandlery pressure hulls anchor early could not moved beside crack expected good catch before alone made
it's don't U.S. e.g. co-operate 3.5 2020 $5 10% x=y and/or end.Next (see) "quoted" naïve Zürich élan Москва Ελλάδα""".split()
STOPPED = [".", ".", ".", "?", "!", '."', ".'", "...", "…", "", ",", ":", " .", ".)", "。", "؟", "‼", ". ", ".\t", ";"]
ODD = ["#", "##", "…", "...", "....", "- ", "•", "1234", "&", "—", "*", "[1]", "[12]", "[edit]", "[citation needed]", "[]",
       "{", "}", "{x}", "JavaScript", "lorem ipsum", "Lorem  ipsum", "lorem", "ipsum",
       "terms of use", "privacy policy", "Cookie Policy",
       "uses cookies", "use of cookies", "use cookies", "reuse cookies", "terms  of use", "coo\u212aie policy",
       "\u00a0", "\u2028", "\x85", "\x0b", "\x1c", "\x1f", "\u3000", "\ufeff",
       "\u200b", "漢字", "かな", "한국어", "हिन्दी।", "😀", ":-)", "a\u0301", "don’t", "www.example.com", "a@b.org", "x" * 30,
       "[1][2]", "word[3].", "word.[4]", "[citation", "needed]", "[٣]", "\x00", "\x07"]
BREAKS = ["\n", "\n", "\n", "\n\n", "\n\n\n", "\r\n", "\r", "\n \n", " \n", "\u2028", "\x0c", "\n\t"]


def texts(count, seed=0):
    """`count` texts, each by one of the makers below with its own chance."""
    out = []
    for i in range(count):
        rng = random.Random(f"{seed}-{i}")
        text = MAKERS[i % len(MAKERS)](rng)
        out.append(damaged(rng, text) if rng.random() < 0.25 else text)
    return out


def words(rng, n, pool=WORDS):
    return [rng.choice(pool) for _ in range(n)]


def sentence(rng, least=2, most=14):
    return " ".join(words(rng, rng.randint(least, most))) + rng.choice(STOPPED)


def prose(rng, lines=8, stop=None):
    out = []
    for _ in range(lines):
        line = " ".join(sentence(rng) for _ in range(rng.randint(1, 3)))
        out.append(line if stop is None else line.rstrip(" .!?…") + stop)
    return "\n".join(out)


def damaged(rng, text):
    """The text with a few odd things put into it, or cut off, or made of other breaks."""
    for _ in range(rng.randint(1, 6)):
        at = rng.randint(0, len(text))
        text = text[:at] + rng.choice([" ", ""]) + rng.choice(ODD) + rng.choice([" ", "", "  "]) + text[at:]
    if rng.random() < 0.3:
        text = text.replace("\n", rng.choice(BREAKS))
    return text


def plain(rng):
    return prose(rng, rng.randint(1, 14))


def short(rng):
    return " ".join(words(rng, rng.randint(0, 60), ["the", "of", "boats", "nets", "ice", "#", "...", "-"]))


def lengths(rng):
    long = ["internationalisation", "telecommunication", "of", "that", "harbour", "expected"]
    pool = rng.choice([["a", "an", "the", "it", "of"], long])
    return " ".join(words(rng, rng.randint(50, 90), pool))


def symbols(rng):
    text = prose(rng, 6).split(" ")
    mark, n = rng.choice(["#", "…", "...", "# #", "....."]), rng.randint(0, len(text) // 6)
    for _ in range(n):
        text.insert(rng.randint(0, len(text)), mark)
    return " ".join(text)


def bullets(rng):
    share = rng.choice([0.85, 0.9, 0.95, 1])
    lines = [(rng.choice(["- ", "• ", "-", "  •", "\t- "]) if rng.random() < share else "") + sentence(rng)
             for _ in range(rng.randint(8, 24))]
    return rng.choice(["\n", "\r\n", "\n\n"]).join(lines)


def trailing(rng):
    share = rng.uniform(0.2, 0.4)
    lines = [sentence(rng).rstrip(".") + (rng.choice(["...", "…", "... ", "…\t"]) if rng.random() < share else ".")
             for _ in range(rng.randint(8, 20))]
    return "\n".join(lines)


def numbers(rng):
    share = rng.uniform(0.72, 0.88)
    return " ".join(rng.choice(["boats", "the", "of"]) if rng.random() < share else rng.choice(["42", "-", "7.5", ","])
                    for _ in range(rng.randint(50, 120)))


def stops(rng):
    pool = ["boats", "nets", "ice", "spring", "The", "OF", "sleep", "trees", "under"]
    return " ".join(words(rng, rng.randint(50, 80), pool) + words(rng, rng.randint(0, 3), ["the", "of", "be", "with"]))


def lines_again(rng):
    distinct = [sentence(rng, 1, 8) for _ in range(rng.randint(3, 12))]
    lines = distinct + [rng.choice(distinct) for _ in range(rng.randint(0, 8))]
    rng.shuffle(lines)
    text = rng.choice(["", "\n", " "]) + rng.choice(["\n", "\n\n", "\n\n\n"]).join(lines)
    return text + rng.choice(["", "\n", "\n\n", " \n"])


def paragraphs_again(rng):
    distinct = [prose(rng, rng.randint(1, 3)) for _ in range(rng.randint(2, 8))]
    parts = distinct + [rng.choice(distinct) for _ in range(rng.randint(0, 4))]
    parts = [" " + p + " " if rng.random() < 0.1 else p for p in parts]
    text = rng.choice(["", "\n\n", "  "]) + rng.choice(["\n\n", "\n\n\n", "\n\n \n\n"]).join(parts)
    return text + rng.choice(["", "\n", "\n\n"])


def grams_again(rng):
    body = words(rng, rng.randint(20, 120))
    phrase = words(rng, rng.randint(2, 12))
    for _ in range(rng.randint(1, 9)):
        at = rng.randint(0, len(body))
        body[at:at] = phrase
    return " ".join(body)


def joined_again(rng):
    """Words that are the same only when joined."""
    return " ".join(words(rng, rng.randint(10, 60), ["ab", "a", "b", "abab", "ba", "aba"]))


def c4_lines(rng):
    lines = []
    for _ in range(rng.randint(3, 12)):
        line = " ".join(words(rng, rng.randint(1, 8), ["Boats", "moved", "ice", "the", "nets", "a.", "b.", '"', "?", "!"]))
        if rng.random() < 0.15:
            at = rng.randint(0, len(line))
            line = line[:at] + rng.choice(["", " "]) + rng.choice(ODD) + rng.choice(["", " ", "  "]) + line[at:]
        lines.append(rng.choice(["", " ", "\t"]) + line + rng.choice(STOPPED))
    return rng.choice(BREAKS).join(lines) if rng.random() < 0.3 else "\n".join(lines)


def long_words(rng):
    return "\n".join(" ".join(["the", "x" * rng.choice([3, 999, 1000, 1001]), "end."]) for _ in range(rng.randint(3, 8)))


def short_lines(rng):
    n = rng.randint(6, 30)
    lines = [("boats and nets " * 5)[: rng.choice([20, 28, 29, 30, 31, 32, 60])] for _ in range(n)]
    ends = [str(i) * rng.randint(0, 1) + rng.choice(["", ".", "!", "", ". "]) for i in range(n)]
    return "\n".join(line.strip() + end for line, end in zip(lines, ends))


def stopped_lines(rng):
    share = rng.uniform(0.05, 0.2)
    lines = [" ".join(words(rng, rng.randint(6, 12))) for _ in range(rng.randint(8, 30))]
    return "\n".join(line + (rng.choice([".", "!", "。", "؟", "᠃"]) if rng.random() < share else "") for line in lines)


def lists(rng):
    return "\n".join(" ".join(words(rng, rng.randint(1, 6))) + "." for _ in range(rng.randint(3, 20)))


def blank(rng):
    return rng.choice(["", " ", "\n", "\n\n", "\t", "\r\n", "\u3000", "\x1c", ".", "...", "#", "the", " the\n", "…", "-",
                       "\u200b"])


def paragraphs(rng):
    lines = [("boats and nets, " * 20)[: rng.choice([10, 199, 200, 201, 250])] for _ in range(rng.randint(1, 6))]
    return rng.choice(["\n", "\n\n", "\r\n"]).join(lines)


def noise(rng):
    pool = WORDS + ODD + BREAKS + STOPPED
    return rng.choice([" ", "", " "]).join(rng.choice(pool) for _ in range(rng.randint(0, 120)))


MAKERS = (plain, short, lengths, symbols, bullets, trailing, numbers, stops, lines_again, paragraphs_again, grams_again,
          joined_again, c4_lines, long_words, short_lines, stopped_lines, lists, blank, paragraphs, noise)
