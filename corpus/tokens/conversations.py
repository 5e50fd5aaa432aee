"""Conversations from JSON lines: `{"messages": [{"role", "content"}, …]}`, or ShareGPT's `{"conversations": [{"from",
"value"}, …]}`. A line that is neither is a reason, counted, and never stops anything.

Given up: content that is no text (images, audio).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from corpus import keys
from corpus.document import record_id
from corpus.tokens.template import ASSISTANT

ROLES = ("system", "developer", "user", ASSISTANT, "tool", "function")
#: ShareGPT's names.
_FROM = {"human": "user", "user": "user", "gpt": ASSISTANT, "chatgpt": ASSISTANT, "bing": ASSISTANT, "bard": ASSISTANT,
         ASSISTANT: ASSISTANT, "model": ASSISTANT, "system": "system", "tool": "tool", "observation": "tool"}
#: A longer line is no conversation that anybody trains on.
MAX_LINE = 1 << 26


class Conversation(NamedTuple):
    """A conversation with its id (16 bytes, of what the line says and which of equal lines it is), and where it was."""

    id: bytes
    messages: list[dict[str, Any]]
    tools: list[Any] | None
    line: int


class Bad(NamedTuple):
    """A line that gives no conversation, and why."""

    reason: str
    line: int


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a file; of one that is too big no more than its beginning, so that memory is bounded."""
    while line := stream.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE + 1)


def read(lines: Iterable[bytes], seen: dict[str, int]) -> Iterator[Conversation | Bad]:
    """lines: of one file. seen: how often each line was read before, by digest; shared by all files of a set, so that a
    conversation's id does not depend on which file it is in.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = parse(line)
        if isinstance(found, str):
            yield Bad(found, number)
            continue
        digest = keys.digest_bytes(line.strip())
        ordinal = seen[digest] = seen.get(digest, -1) + 1
        yield Conversation(record_id("chat", None, bytes.fromhex(digest), ordinal), *found, number)


def parse(line: bytes) -> tuple[list[dict[str, Any]], list[Any] | None] | str:
    """Messages and tools of a line, or the reason why it has none: too_big, not_json, no_messages, bad_role, bad_content,
    empty, no_answer.
    """
    if len(line) > MAX_LINE:
        return "too_big"
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return "not_json"
    if not isinstance(found, dict):
        return "not_json"
    raw = found.get("messages", found.get("conversations"))
    if not isinstance(raw, list) or not raw or not all(isinstance(one, dict) for one in raw):
        return "no_messages"
    messages = []
    for one in raw:
        role = one.get("role", _FROM.get(one["from"]) if isinstance(one.get("from"), str) else None)
        if role not in ROLES:
            return "bad_role"
        content = _text(one.get("content", one.get("value")), role == ASSISTANT and bool(one.get("tool_calls")))
        if content is None or not _valid(one):
            return "bad_content"
        messages.append({**{key: value for key, value in one.items() if key not in ("from", "value")},
                         "role": role, "content": content})
    if not any(message["content"].strip() or message.get("tool_calls") for message in messages):
        return "empty"
    answers = (m for m in messages if m["role"] == ASSISTANT)
    if not any(message["content"].strip() or message.get("tool_calls") for message in answers):
        return "no_answer"
    tools = found.get("tools")
    return messages, tools if isinstance(tools, list) and _valid(tools) else None


def _text(content: Any, may_lack: bool) -> str | None:
    """Content as text: a text, a list of parts that are text, or nothing where a call stands for it."""
    if content is None and may_lack:
        return ""
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        texts = [part.get("text") for part in content]
        return "".join(texts) if all(isinstance(text, str) for text in texts) else None
    return content if isinstance(content, str) else None


def _valid(value: Any) -> bool:
    """Whether all text in a value is text: JSON can spell halves of characters, which UTF-8 cannot."""
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in value) if not value.isascii() else True
    if isinstance(value, dict):
        return all(map(_valid, value.values())) and all(map(_valid, value))
    return all(map(_valid, value)) if isinstance(value, list) else True
