"""The language of chat templates: Jinja in its sandbox, with what transformers gives a template (`raise_exception`,
`tojson`, loop controls, `{% generation %}`). Given up: `strftime_now`, since a template that says today's date renders
otherwise tomorrow.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

from corpus.errors import ConfigError


class Refused(Exception):
    """What a template says when it calls `raise_exception`."""


class Generation(Extension):
    """`{% generation %} … {% endgeneration %}`: puts marks around what the block writes, and says in its environment's
    `generation_blocks` that the template has some.
    """

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        self.environment.generation_blocks.append(line)    # type: ignore[attr-defined]
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_marked"), [], [], body).set_lineno(line)

    def _marked(self, caller: Callable[[], str]) -> str:
        begin, end = self.environment.generation_marks     # type: ignore[attr-defined]
        return f"{begin}{caller()}{end}"


def environment(name: str, begin: str, end: str) -> tuple[jinja2.Environment, list[int]]:
    """What compiles a template, and the lines of the generation blocks that it has met. begin, end: their marks."""
    extensions = ["jinja2.ext.loopcontrols", Generation]
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=extensions)
    blocks: list[int] = []
    env.generation_blocks, env.generation_marks = blocks, (begin, end)      # type: ignore[attr-defined]
    env.filters["tojson"] = _tojson
    env.globals["raise_exception"] = _raise

    def strftime_now(form: str) -> str:
        raise ConfigError("template", f"{name} asks for today's date, and would render otherwise tomorrow",
                          "a template with the date in it, or without one")

    env.globals["strftime_now"] = strftime_now
    return env, blocks


def failures() -> tuple[type[Exception], ...]:
    """How a template fails on a conversation that is not what it expects."""
    return (jinja2.TemplateError, SecurityError, TypeError, ValueError, KeyError, IndexError, AttributeError,
            ZeroDivisionError, OverflowError, RecursionError)


def _raise(message: str) -> None:
    raise Refused(message)


def _tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None,
            sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
