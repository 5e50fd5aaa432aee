from __future__ import annotations

import json

import pytest

from corpus.tokens.conversations import Bad, parse, read

ASK = {"role": "user", "content": "hello"}
ANSWER = {"role": "assistant", "content": "hi"}


def line(*messages, **more) -> bytes:
    return json.dumps({"messages": list(messages), **more}).encode()


def test_messages_and_sharegpts_turns_are_the_same_conversation():
    turns = {"conversations": [{"from": "system", "value": "Be kind."}, {"from": "human", "value": "hello"},
                               {"from": "gpt", "value": "hi"}]}
    messages, tools = parse(json.dumps(turns).encode())
    assert messages == [{"role": "system", "content": "Be kind."}, ASK, ANSWER] and tools is None


@pytest.mark.parametrize(("data", "reason"), [
    (b"{", "not_json"), (b"[1]", "not_json"), (b'"text"', "not_json"), (b"\xff{}", "not_json"), (b"[" * 100_000, "not_json"),
    (b"{}", "no_messages"), (b'{"messages": []}', "no_messages"), (b'{"messages": ["hi"]}', "no_messages"),
    (b'{"messages": {"role": "user"}}', "no_messages"),
    (line({"role": "wizard", "content": "x"}), "bad_role"), (line({"content": "x"}), "bad_role"),
    (line({"role": ["user"], "content": "x"}), "bad_role"),
    (line({"role": "user", "content": 3}), "bad_content"), (line({"role": "user"}), "bad_content"),
    (line({"role": "user", "content": [{"type": "image_url"}]}), "bad_content"),
    (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "bad_content"),
    (line({"role": "user", "content": " \n"}, {"role": "assistant", "content": ""}), "empty"),
    (line(ASK), "no_answer"), (line(ASK, {"role": "assistant", "content": " "}), "no_answer"),
])
def test_a_line_without_a_conversation_says_why(data, reason):
    assert parse(data) == reason


def test_a_line_over_the_limit_is_not_parsed(monkeypatch):
    monkeypatch.setattr("corpus.tokens.conversations.MAX_LINE", 10)
    assert parse(line(ASK, ANSWER)) == "too_big"


def test_parts_of_text_are_one_text():
    parts = {"role": "user", "content": [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]}
    assert parse(line(parts, ANSWER))[0][0] == ASK


def test_an_answer_may_be_a_call():
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
    messages, tools = parse(line(ASK, call, tools=[{"name": "f"}]))
    assert messages[1]["content"] == "" and messages[1]["tool_calls"] == call["tool_calls"] and tools == [{"name": "f"}]


def test_equal_lines_are_conversations_of_their_own_whichever_file_they_are_in():
    lines = [line(ASK, ANSWER), b"\n", b"{", line(ASK, ANSWER), line(ASK, ANSWER, extra=1)]
    found = list(read(iter(lines), {}))
    assert [one.line for one in found] == [1, 3, 4, 5]
    assert found[1] == Bad("not_json", 3)
    seen: dict[str, int] = {}
    apart = [one for part in (lines[:2], lines[2:]) for one in read(iter(part), seen)]
    ids = {one.id for one in found if not isinstance(one, Bad)}
    assert len(ids) == 3 and ids == {one.id for one in apart if not isinstance(one, Bad)}
