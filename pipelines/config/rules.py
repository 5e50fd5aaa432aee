"""`filter.rules` → rules: presets, own rules, and own rules in the place of a preset's. Every rule that is written holds,
and has a reason that no other rule has.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from corpus.errors import ConfigError, UnknownName, nearest
from corpus.operators import Rule
from corpus.rules.bounds import ScopedRule, columns_of
from corpus.rules.presets import PRESETS
from pipelines.config.schema import RuleSpec


@dataclass(frozen=True)
class _Listed:
    """A rule, its place in the file, and whether a preset brought it."""

    place: str
    rule: Rule
    preset: bool


def make_rules(specs: Sequence[str | RuleSpec], columns: Mapping[str, pa.DataType], where: str) -> tuple[Rule, ...]:
    """The rules in order. An own rule takes the place of a preset's where it gives that one's `reason`: bounds change,
    order and languages stay, unless it names languages itself. `columns`: what is measured; `where` is the list's place in
    the file.
    """
    listed: dict[str, _Listed] = {}
    for i, spec in enumerate(specs):
        place = f"{where}[{i}]"
        preset = spec if isinstance(spec, str) else spec.preset
        if preset is not None:
            for rule in _preset(preset, spec, place):
                if rule.reason in listed:
                    raise ConfigError(
                        place,
                        f"the preset '{preset}' brings the rule '{rule.reason}', which {listed[rule.reason].place} gave",
                        "each rule from one preset, and presets before what changes them",
                    )
                listed[rule.reason] = _Listed(place, rule, True)
            continue
        rule = _own(spec, place)
        before = listed.get(rule.reason)
        if before is not None and before.preset and spec.reason is not None:
            scoped = isinstance(rule, ScopedRule) or not isinstance(before.rule, ScopedRule)
            names = ("signal", "low", "high", "among")
            rule = rule if scoped else dataclasses.replace(before.rule, **{name: getattr(rule, name) for name in names})
        elif before is not None:
            raise ConfigError(
                f"{place}.reason", f"'{rule.reason}' is the reason of {before.place} too", "a reason of its own"
            )
        listed[rule.reason] = _Listed(place, rule, False)
    _check_columns(listed.values(), columns)
    return tuple(one.rule for one in listed.values())


def _preset(name: str, spec: str | RuleSpec, place: str) -> tuple[Rule, ...]:
    if name not in PRESETS:
        raise UnknownName("preset", name, PRESETS, place)
    if isinstance(spec, RuleSpec):
        for key in ("signal", "reason", "low", "high", "among", "languages", "other_than"):
            if getattr(spec, key) is not None:
                right = "a rule of its own behind it: {signal: NAME, reason: the preset's, low: N}"
                raise ConfigError(f"{place}.{key}", "stands beside a preset, which has bounds already", right)
    return PRESETS[name]


def _own(spec: RuleSpec, place: str) -> Rule:
    """The rule as written. Without a `reason` that is its signal and the side it cuts, so that both sides may be written
    as two rules.
    """
    if spec.signal is None:
        raise ConfigError(place, "names neither a preset nor a signal", "{preset: NAME} or {signal: NAME, low: N}")
    if spec.low is None and spec.high is None and spec.among is None:
        raise ConfigError(place, "has no bound", "low, high or among")
    if spec.among is not None and not spec.among:
        raise ConfigError(f"{place}.among", "is empty", "the words that may stand there, or nothing is kept")
    if spec.among is not None and (spec.low is not None or spec.high is not None):
        raise ConfigError(place, "has 'among' and a bound", "'among' for words, 'low' and 'high' for numbers")
    if spec.low is not None and spec.high is not None and spec.low > spec.high:
        raise ConfigError(place, f"low {spec.low:g} is over high {spec.high:g}", "low <= high, or nothing is kept")
    if spec.languages is not None and spec.other_than is not None:
        raise ConfigError(place, "has 'languages' and 'other_than'", "one of them")
    side = "_low" if spec.high is None else "_high" if spec.low is None else ""
    reason = spec.reason or spec.signal.replace(".", "_") + (side if spec.among is None else "")
    given = (spec.signal, reason, spec.low, spec.high, None if spec.among is None else tuple(spec.among))
    if spec.languages is None and spec.other_than is None:
        return Rule(*given)
    languages = None if spec.languages is None else tuple(spec.languages)
    return ScopedRule(*given, languages=languages, other_than=tuple(spec.other_than or ()))


def _check_columns(listed: Iterable[_Listed], types: Mapping[str, pa.DataType]) -> None:
    for one in listed:
        rule = one.rule
        for column in columns_of((rule,)):
            if column not in types:
                near = nearest(column, types)
                raise ConfigError(
                    one.place,
                    f"the rule '{rule.reason}' reads '{column}', which no signal of this build measures",
                    f"'{near}'" if near else "one of " + ", ".join(types),
                )
        if pa.types.is_nested(types[rule.signal]):
            raise ConfigError(
                one.place, f"the rule '{rule.reason}' reads '{rule.signal}', a list", "a column of one value a document"
            )
        if (rule.among is not None) != (str(types[rule.signal]) in ("string", "large_string")):
            raise ConfigError(
                one.place,
                f"the rule '{rule.reason}' on '{rule.signal}' ({types[rule.signal]})",
                "'among' for words, 'low' and 'high' for numbers",
            )
