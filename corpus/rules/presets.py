"""Rules by name. Bounds are the papers', as datatrove's filters have them; reasons are datatrove's names for them and the
order is its own, so that a verdict and its reason can be compared document by document.

All these rules were made for English. The ones that would empty another language are not asked of it: stop words are
asked for in English alone, word lengths and short n-grams where words are written apart, ASCII sentence ends where
sentences have them. A build may add rules of its own for a language. Rules that ask for a language read the column
`language`; where that is null, a rule that leaves out some languages is asked.
"""

from __future__ import annotations

import dataclasses

from corpus.operators import Rule
from corpus.rules.bounds import ScopedRule
from corpus.rules.presets_web import WEB_PRESETS

#: Words are not written apart, and a piece is a character (zh, wuu, yue, ja) or a syllable (the others but Thai's words):
#: counts of words are of some use there, their lengths are not.
UNSPACED = ("zh", "wuu", "yue", "ja", "th", "lo", "km", "my", "bo", "dz")
IDEOGRAPHIC = ("zh", "wuu", "yue", "ja")
#: A piece is half a word, so n-grams say of repetition what those of half as many words do elsewhere; Thai has its words.
HALVES = (*IDEOGRAPHIC, "lo", "km", "my", "bo", "dz")
SHORTEST_OF_HALVES = 9
#: Syllable blocks: half as many characters a word as an alphabet has.
HANGUL = ("ko",)
#: Suffixes pile up, and each vowel sign is a character.
DRAVIDIAN = ("ta", "te", "kn", "ml")
#: Sentences end in a mark of the script's own, or in none.
OWN_STOPS = (*UNSPACED, "hi", "mr", "ne", "sa", "mai", "bh", "bn", "as", "bpy", "or", "pa", "ur", "sd", "am", "hy", "xmf")
#: No sentence end among FineWeb's, or none written.
NO_STOPS = ("th", "lo", "bo", "dz")

#: The bucket of `corpus.quality.buckets`, 0 to 19, and the highest of a document that is not of high quality.
QUALITY_BUCKET, NOT_HIGH = "quality_bucket", 17

_QUALITY = (
    Rule("gopher.words", "gopher_short_doc", low=50),
    Rule("gopher.words", "gopher_long_doc", high=100_000),
    ScopedRule("gopher.mean_word_length", "gopher_below_avg_threshold", low=3, other_than=UNSPACED + HANGUL),
    ScopedRule("gopher.mean_word_length", "gopher_above_avg_threshold", high=10, other_than=UNSPACED + DRAVIDIAN),
    Rule("gopher.hash_ratio", "gopher_too_many_hashes", high=0.1),
    Rule("gopher.ellipsis_ratio", "gopher_too_many_ellipsis", high=0.1),
    Rule("gopher.bullet_lines", "gopher_too_many_bullets", high=0.9),
    Rule("gopher.ellipsis_lines", "gopher_too_many_end_ellipsis", high=0.3),
    Rule("gopher.alpha_words", "gopher_below_alpha_threshold", low=0.8),
    ScopedRule("gopher.stop_words", "gopher_enough_stop_words", low=2, languages=("en",)),
)


def _of_words(n: int, signal: str, reason: str, high: float) -> Rule:
    """A bound on n-grams, not asked where a piece is half a word and n small."""
    if n >= SHORTEST_OF_HALVES:
        return Rule(signal, reason, high=high)
    return ScopedRule(signal, reason, high=high, other_than=HALVES)


_TOP = {2: 0.20, 3: 0.18, 4: 0.16}
_DUPLICATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}

_REPETITION = (
    Rule("repetition.characters", "empty", low=1),
    Rule("repetition.dup_paragraphs", "dup_para_frac", high=0.3),
    Rule("repetition.dup_paragraph_chars", "dup_para_char_frac", high=0.2),
    Rule("repetition.dup_lines", "dup_line_frac", high=0.3),
    Rule("repetition.dup_line_chars", "dup_line_char_frac", high=0.2),
    *(_of_words(n, f"repetition.top_{n}_gram", f"top_{n}_gram", bound) for n, bound in _TOP.items()),
    *(_of_words(n, f"repetition.dup_{n}_grams", f"duplicated_{n}_n_grams", bound) for n, bound in _DUPLICATED.items()),
)

_C4 = (
    Rule("c4.lorem_ipsum", "lorem_ipsum", high=0),
    Rule("c4.curly_bracket", "curly_bracket", high=0),
    ScopedRule("c4.sentences", "too_few_sentences", low=5, other_than=OWN_STOPS),
)

_FINEWEB = (
    Rule("fineweb.lines", "empty", low=1),
    ScopedRule("fineweb.stopped_lines", "line_punct_ratio", low=0.12, other_than=NO_STOPS),
    ScopedRule("fineweb.short_lines", "short_line_ratio", high=0.67, other_than=IDEOGRAPHIC),
    Rule("fineweb.repeated_chars", "char_dup_ratio", high=0.01),
    Rule("fineweb.breaks_per_word", "list_ratio", high=0.3),
)

#: An empty text has no words: Gopher's two filters together never get to the reason `empty`.
_GOPHER = _QUALITY + tuple(rule for rule in _REPETITION if rule.reason != "empty")


def _unless_high(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules, asked only of documents that no classifier puts among the best."""
    scope = {"given": QUALITY_BUCKET, "given_high": float(NOT_HIGH)}
    return tuple(ScopedRule(**_fields(rule) | scope) for rule in rules)


def _fields(rule: Rule) -> dict[str, object]:
    return {field.name: getattr(rule, field.name) for field in dataclasses.fields(rule)}


PRESETS: dict[str, tuple[Rule, ...]] = {
    #: Rae et al. 2021 (Gopher), section A.1.1 and table A1.
    "gopher": _GOPHER,
    "gopher_quality": _QUALITY,
    "gopher_repetition": _REPETITION,
    #: Raffel et al. 2020 (C4) without its list of bad words; `c4_paragraphs` is what mC4 asks for (Xue et al. 2021).
    "c4": _C4,
    "c4_paragraphs": (ScopedRule("c4.third_line", "< 3 paragraphs", low=200, other_than=IDEOGRAPHIC),),
    #: Penedo et al. 2024 (FineWeb), the filters of its own on top of Gopher's and C4's.
    "fineweb": _FINEWEB,
    #: Su et al. 2024 (Nemotron-CC): heuristics are for what no classifier finds good, so bands High and Medium-High pass.
    #: Rules of the others here stand in for the paper's own list; its perplexity filter is a signal to add.
    "nemotron-cc": _unless_high(_GOPHER + _FINEWEB[1:]),
    #: Half of a question's words in runs of 13: none of 16,580 documents that are clean (docs/decontamination.md).
    "decontamination": (Rule("contamination.score", "evaluation_item", high=0.5),),
    **WEB_PRESETS,
}
