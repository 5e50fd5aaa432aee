"""Chat templates: a conversation as text, with three things known of every piece of it: whether it is a control token that
the template spells, and whether it is what the assistant says, which a trainer learns from.

Control tokens that a *message* spells have to stay text. Before rendering, each of them is replaced by a mark of
private-use characters and digits with a number nobody can guess in it; what the rendered text still spells is then the
template's own, and the marks are put back as text. Content goes through the template as itself, so a template may strip,
split or quote it. Given up: a template that looks for a control token's name in content does not find it.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from corpus.backends.tokenizers import Control
from corpus.errors import ConfigError, MissingFile

ASSISTANT = "assistant"
_OPEN, _CLOSE = "\ue000", "\ue001"
_BEGIN, _END = 0, 1                                        # marks of what is learned; from 2 on, those of controls
_REMEDY = "a template with {% generation %} blocks around what the assistant says"


class Unfit(Exception):
    """A conversation that a template does not take; `reason` is counted, the message is for people."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class Piece(NamedTuple):
    """A stretch of a rendered conversation: a control token by its id, or text."""

    text: str
    control: int | None
    learned: bool


@dataclass(frozen=True)
class Source:
    """A template's text, the file's name for messages, and what it calls its tokens (bos_token, …)."""

    name: str
    text: str
    tokens: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Source:
        """path: a Jinja file, or a `tokenizer_config.json` with a `chat_template`."""
        if not path.is_file():
            raise MissingFile(str(path), "template", "a Jinja file, or a tokenizer_config.json with a chat_template")
        try:
            text = path.read_text(encoding="utf-8")
            if path.suffix != ".json":
                return cls(path.name, text, {})
            config = json.loads(text)
        except ValueError as error:
            raise ConfigError("template", f"{path.name} cannot be read ({error})", "UTF-8 text, or JSON") from None
        found = config.get("chat_template") if isinstance(config, dict) else None
        if isinstance(found, list):                        # several by name
            found = {one["name"]: one["template"] for one in found}.get("default")
        if not isinstance(found, str):
            raise ConfigError("template", f"{path.name} has no chat_template", "a Jinja template, or one named default")
        named = {key: value["content"] if isinstance(value, dict) else value for key, value in config.items()
                 if key.endswith("_token")}
        return cls(path.name, found, {key: value for key, value in named.items() if isinstance(value, str)})


class Template:
    """A compiled template with the control tokens of a tokenizer. Made inside a task, never pickled.

    With `{% generation %}` blocks, what they hold is learned. Without, a conversation is rendered up to each answer and up
    to its end: what was added is learned, as far as the last control token in it (the end of the turn).
    """

    def __init__(self, source: Source, controls: Sequence[Control]) -> None:
        import jinja2

        from corpus.tokens.jinja import environment

        self.name, self._controls = source.name, {control.name: control for control in controls if control.name}
        nonce = f"{secrets.randbelow(10**20):020d}"
        self._mark = f"{_OPEN}{nonce}{{:06d}}{_CLOSE}"
        self._half = re.compile(f"{_OPEN}{nonce[:6]}|{nonce[-6:]}[0-9]{{6}}{_CLOSE}")     # of a mark that was cut in two
        names = sorted(self._controls, key=len, reverse=True)
        spelled = "|".join(map(re.escape, names)) or r"(?!)"
        self._spelled = re.compile(spelled)
        self._parts = re.compile(f"{_OPEN}{nonce}([0-9]{{6}}){_CLOSE}|({spelled})")
        self._names = names
        self._marks = {name: self._mark.format(i + 2) for i, name in enumerate(names)}
        env, self._blocks = environment(source.name, self._mark.format(_BEGIN), self._mark.format(_END))
        try:
            self._compiled = env.from_string(source.text)
        except jinja2.TemplateSyntaxError as error:
            wrong = f"line {error.lineno} of {source.name}: {error.message}"
            raise ConfigError("template", wrong, "a Jinja template") from None
        self._tokens = dict(source.tokens)

    def pieces(self, messages: Sequence[Mapping[str, Any]], tools: Any = None) -> list[Piece]:
        """A conversation in order. Raises Unfit where the template does not take it, ConfigError where it takes none."""
        safe = [self._escaped(message) for message in messages]
        tools = self._escaped(tools)
        whole = self._rendered(safe, tools)
        if self._blocks:
            text, spans = self._between_marks(whole)
        else:
            text, spans = whole, self._answers(safe, tools, whole)
        pieces: list[Piece] = []
        for start, stop, learned in _stretches(spans, len(text)):
            self._cut(text[start:stop], learned, pieces)
        return self._without_space(pieces)

    def _rendered(self, messages: Sequence[Any], tools: Any, prompt: bool = False) -> str:
        from corpus.tokens.jinja import Refused, failures

        given = self._tokens | {"messages": messages, "tools": tools, "documents": None, "add_generation_prompt": prompt}
        try:
            return self._compiled.render(**given)
        except Refused as error:
            raise Unfit("template_refused", str(error)) from None
        except failures() as error:
            raise Unfit("template_error", f"{type(error).__name__}: {error}") from None

    def _between_marks(self, rendered: str) -> tuple[str, list[tuple[int, int]]]:
        """The text without the marks of generation blocks, and [start, stop) of what was in them."""
        begin, end = self._mark.format(_BEGIN), self._mark.format(_END)
        parts, spans, at, start = [], [], 0, -1
        for part in re.split(f"({begin}|{end})", rendered):
            if part == begin:
                start = at
            elif part == end:
                spans.append((start, at))
            else:
                parts.append(part)
                at += len(part)
        return "".join(parts), spans

    def _answers(self, messages: Sequence[Any], tools: Any, whole: str) -> list[tuple[int, int]]:
        """[start, stop) of each answer: from the prompt for it to the last control token of what it adds."""
        spans = []
        for i, message in enumerate(messages):
            if message["role"] != ASSISTANT:
                continue
            try:
                before, after = self._rendered(messages[:i], tools, True), self._rendered(messages[: i + 1], tools)
                bare = self._rendered(messages[:i], tools)
            except Unfit as error:
                raise self._not_a_prefix(i, str(error)) from None
            if not (whole.startswith(after) and after.startswith(before)):
                raise self._not_a_prefix(i, "its rendering changes with what comes after")
            start = len(before)
            if before == bare:                             # the template has no prompt: its heading is not learned
                content = str(message.get("content") or "").strip()
                start = after.find(content, len(before)) if content else -1
                if start < 0:
                    raise self._not_a_prefix(i, "it writes no heading for an answer to come, and changes what is said")
            ends = [found.end() for found in self._spelled.finditer(after, start)]
            spans.append((start, ends[-1] if ends else len(after)))
        return spans

    def _not_a_prefix(self, i: int, why: str) -> ConfigError:
        return ConfigError("template", f"{self.name} does not render a conversation up to message {i + 1} as the beginning "
                                       f"of the whole ({why}), so what is learned cannot be told", _REMEDY)

    def _cut(self, text: str, learned: bool, pieces: list[Piece]) -> None:
        """Adds the pieces of a stretch: control tokens that are spelled in it, and text with the marks put back."""
        plain, at = [], 0
        for found in self._parts.finditer(text):
            plain.append(text[at : found.start()])
            at = found.end()
            if found[1] is not None:
                plain.append(self._names[int(found[1]) - 2])
                continue
            pieces += [Piece("".join(plain), None, learned), Piece(found[2], self._controls[found[2]].id, learned)]
            plain = []
        pieces.append(Piece("".join(plain) + text[at:], None, learned))
        if any(self._half.search(piece.text) for piece in pieces):
            raise Unfit("template_cuts_content", f"{self.name} cuts a message inside the name of a control token")

    def _without_space(self, pieces: list[Piece]) -> list[Piece]:
        """Control tokens that take the space beside them along do so."""
        for i, piece in enumerate(pieces):
            control = self._controls[piece.text] if piece.control is not None else None
            if control is not None and control.rstrip and i + 1 < len(pieces) and pieces[i + 1].control is None:
                pieces[i + 1] = pieces[i + 1]._replace(text=pieces[i + 1].text.lstrip())
            if control is not None and control.lstrip and i and pieces[i - 1].control is None:
                pieces[i - 1] = pieces[i - 1]._replace(text=pieces[i - 1].text.rstrip())
        return [piece for piece in pieces if piece.text]

    def _escaped(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._spelled.sub(lambda found: self._marks[found[0]], value)
        if isinstance(value, Mapping):
            return {key: self._escaped(inside) for key, inside in value.items()}
        return [self._escaped(inside) for inside in value] if isinstance(value, list) else value


def _stretches(spans: Sequence[tuple[int, int]], size: int) -> list[tuple[int, int, bool]]:
    """[start, stop, learned) that cover 0 … size. spans: apart and in order."""
    found, at = [], 0
    for start, stop in spans:
        found += [(at, start, False), (start, stop, True)]
        at = stop
    return [stretch for stretch in [*found, (at, size, False)] if stretch[0] < stretch[1]]
