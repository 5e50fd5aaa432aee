"""Evaluation items: what of a record is the question, what its answer, what a passage that others published first.

Knows the members that benchmarks are published with; a record of other members is, as a whole, its question. What it
gives up: a passage is kept and never looked for (a page of the encyclopaedia it came from is no leak of the question).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_IDS = ("id", "question_id", "query_id", "task_id", "index", "idx")
_QUESTIONS = ("ctx", "goal", "question_stem", "problem", "prompt", "question", "premise", "sentence", "instruction", "text")
_PASSAGES = ("passage", "story", "support", "protocol", "background", "context")
_ANSWERS = ("correct_answer", "ideal", "canonical_solution", "solution", "code", "completion", "response", "output",
            "answer", "answers", "answers_text", "target")
_GOLD = ("gold", "label", "answer_idx", "cop", "answerKey", "answer")
_CHOICES = (("choices",), ("endings",), ("sol1", "sol2"), ("option1", "option2"), ("answerA", "answerB", "answerC"),
            ("opa", "opb", "opc", "opd"), ("choice1", "choice2"))
_FROM_ONE = frozenset({("option1", "option2"), ("answerA", "answerB", "answerC")})     # their gold counts from 1
_CHOICE_LINE = re.compile(r"^\s*([A-Z])[.)]\s+(.*)$")


@dataclass(frozen=True)
class EvalItem:
    """One item of an evaluation task. `questions`: the ways it may be written down, any of which counts; `answer` is the
    right one, empty where it is not known.
    """

    task: str
    id: str
    questions: tuple[str, ...]
    answer: str = ""
    passage: str = ""


def item_of(record: Mapping[str, Any], task: str, own: str, fields: Sequence[str] = (),
            answer: Sequence[str] = ()) -> EvalItem | None:
    """The item that a record describes; None where it has no text.

    own: its id where the record has none. fields, answer: the members that make the question and the answer, joined in
    this order (a dot goes into a member); the known names are looked for where they are not given.
    """
    name = next((str(record[k]) for k in _IDS if isinstance(record.get(k), (str, int)) and record[k] != ""), own)
    if fields or answer:
        questions = (_joined(_member(record, f) for f in fields) or _everything(record, answer),)
        found = EvalItem(task, name, questions, _joined(_member(record, f) for f in answer))
    else:
        questions, gold, passage = _known(record)
        found = EvalItem(task, name, questions, gold, passage)
    return found if any(q.strip() for q in found.questions) else None


def _known(record: Mapping[str, Any]) -> tuple[tuple[str, ...], str, str]:
    gold = _gold(record)
    passage = next((p for p in map(record.get, _PASSAGES) if isinstance(p, str) and p.strip()), "")
    if "option1" in record and isinstance(record.get("sentence"), str):                # a blank, and what to fill it with
        sentence = record["sentence"]
        return (tuple(dict.fromkeys((re.sub("_+", lambda _: gold or "_", sentence), sentence))), gold, "")
    if "answerA" in record:                                                            # a situation belongs to its question
        return ((_joined((passage, record.get("question")))), ), gold, ""
    if "choice1" in record and isinstance(record.get("premise"), str):                 # `question` only says cause or effect
        return (record["premise"],), gold, ""
    for pair in (("premise", "hypothesis"), ("sentence1", "sentence2")):
        if all(isinstance(record.get(p), str) for p in pair):
            return (_joined(record[p] for p in pair),), gold, ""
    for name in _QUESTIONS:
        if isinstance(record.get(name), str) and record[name].strip():
            return (_unmarked(record[name]),), _unmarked(gold), passage if record[name] != passage else ""
    if isinstance(record.get("query"), str):
        return _prompt(record["query"], gold, record)
    return (_everything(record, ()),), gold, ""


def _prompt(query: str, gold: str, record: Mapping[str, Any]) -> tuple[tuple[str, ...], str, str]:
    """A prompt taken apart again: passage, question and lettered choices under their headings."""
    text = re.sub(r"\s*\n(Answer|Solution):\s*$", "", query)
    lines = text.split("\n")
    lettered = {m.group(1): m.group(2) for m in map(_CHOICE_LINE.match, lines) if m}
    if lettered and record.get("choices") == list(lettered):
        gold = lettered.get(gold, gold)
        text = "\n".join(line for line in lines if not _CHOICE_LINE.match(line))
    passage, heading, question = text.rpartition("Question:")
    if not heading:
        return (text,), gold, ""
    passage = re.sub(r"^(Title|Category): .*\n|^(Passage|Background|Context): ?", "", passage, flags=re.M).strip()
    return (question.strip(),), gold, passage


def _unmarked(text: str) -> str:
    """Without what HellaSwag put between the parts of a how-to page."""
    return re.sub(r"\[(header|title|step|substeps)\]\s*", "", text)


def _gold(record: Mapping[str, Any]) -> str:
    """The right answer's text: the choice that a number or letter names, or else the member that holds it."""
    for names in _CHOICES:
        if all(n in record for n in names):
            choices = record[names[0]] if len(names) == 1 else [record[n] for n in names]
            labels = None
            if isinstance(choices, Mapping):
                choices, labels = choices.get("text") or [], choices.get("label")
            for place in (_place(record[k], len(choices), labels, names in _FROM_ONE) for k in _GOLD if k in record):
                if place is not None and isinstance(choices[place], str):
                    return choices[place]
    for name in _ANSWERS:
        value = record.get(name)
        while isinstance(value, (list, tuple)) and value:                              # several that are right: the first
            value = value[0]
        if isinstance(value, Mapping):
            value = value.get("value")
        if isinstance(value, (str, bool, int, float)) and value != "":
            return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return ""


def _place(gold: Any, choices: int, labels: Any, from_one: bool) -> int | None:
    if labels is not None and str(gold) in list(labels):
        return list(labels).index(str(gold))
    if isinstance(gold, bool) or not str(gold).isascii() or not str(gold).isdigit():
        return None
    place = int(gold) - from_one
    return place if 0 <= place < choices else None


def _member(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = record.get(name) if isinstance(record, Mapping) else None
    return record


def _everything(record: Mapping[str, Any], without: Sequence[str]) -> str:
    return _joined(v for k, v in record.items() if k not in _IDS and k not in without)


def _joined(values: Any) -> str:
    """All strings of some values, in order, however deep they lie."""
    found: list[str] = []
    waiting = [iter(values)]
    while waiting:
        value = next(waiting[-1], None) if waiting else None
        if value is None:
            waiting.pop()
        elif isinstance(value, str):
            found.append(value.strip())
        elif isinstance(value, Mapping):
            waiting.append(iter([v for v in value.values() if v is not None]))
        elif isinstance(value, (list, tuple)):
            waiting.append(iter([v for v in value if v is not None]))
    return " ".join(f for f in found if f)
