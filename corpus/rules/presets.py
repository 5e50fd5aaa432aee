"""Rules by name. Bounds are the papers'; reasons are datatrove's names for them, so that counts can be compared.

Gopher's rules were made for English. Stop words are asked for in English alone; word length and document length in
words are not asked for where words are not written apart, or our splitter cannot part them. Every other rule holds for
all languages. The rules that ask for a language read the column `language`.
"""

from __future__ import annotations

from corpus.operators import Rule
from corpus.rules.bounds import ScopedRule

#: One character a word (zh, wuu, yue, ja) or one phrase a word (the others): lengths in words say nothing there.
UNSPACED = ("zh", "wuu", "yue", "ja", "th", "lo", "km", "my", "bo", "dz")
PHRASES = ("th", "lo", "km", "my", "bo", "dz")

_QUALITY = (
    ScopedRule("gopher.words", "gopher_short_doc", low=50, other_than=PHRASES),
    Rule("gopher.words", "gopher_long_doc", high=100_000),
    ScopedRule("gopher.mean_word_length", "gopher_below_avg_threshold", low=3, other_than=UNSPACED),
    ScopedRule("gopher.mean_word_length", "gopher_above_avg_threshold", high=10, other_than=UNSPACED),
    Rule("gopher.hash_ratio", "gopher_too_many_hashes", high=0.1),
    Rule("gopher.ellipsis_ratio", "gopher_too_many_ellipsis", high=0.1),
    Rule("gopher.bullet_lines", "gopher_too_many_bullets", high=0.9),
    Rule("gopher.ellipsis_lines", "gopher_too_many_end_ellipsis", high=0.3),
    Rule("gopher.alpha_words", "gopher_below_alpha_threshold", low=0.8),
    ScopedRule("gopher.stop_words", "gopher_enough_stop_words", low=2, languages=("en",)),
)

_TOP = {2: 0.20, 3: 0.18, 4: 0.16}
_DUPLICATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}

_REPETITION = (
    Rule("repetition.dup_paragraphs", "dup_para_frac", high=0.3),
    Rule("repetition.dup_paragraph_chars", "dup_para_char_frac", high=0.2),
    Rule("repetition.dup_lines", "dup_line_frac", high=0.3),
    Rule("repetition.dup_line_chars", "dup_line_char_frac", high=0.2),
    *(Rule(f"repetition.top_{n}_gram", f"top_{n}_gram", high=bound) for n, bound in _TOP.items()),
    *(Rule(f"repetition.dup_{n}_grams", f"duplicated_{n}_n_grams", high=bound) for n, bound in _DUPLICATED.items()),
)

#: Rae et al. 2021 (Gopher), section A.1.1 and table A1.
PRESETS: dict[str, tuple[Rule, ...]] = {
    "gopher": _QUALITY + _REPETITION,
    "gopher_quality": _QUALITY,
    "gopher_repetition": _REPETITION,
}
