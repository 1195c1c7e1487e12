"""Whether an answer is mended, with what, and what its record is told."""

from dataclasses import replace

import orjson
import pytest

from proxysite.gateway.chat_frames import ChatFrames
from proxysite.gateway.exchange import Exchange as Request
from proxysite.gateway.repairs import LONGEST, MOST, AnswerRepair, mending_for, of_call
from routing.dialects import Dialect
from routing.dialects.events import Finish, FinishReason, Text, ToolArguments, ToolStart
from routing.dialects.exchange import Exchange
from routing.kinds import Kind
from routing.snapshot import Upstream
from validation.repair.native_calls import MendedCall
from validation.repair.settings import RepairRule, RepairTable

CHAT, MESSAGES, RESPONSES, COMPLETIONS = Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES, Dialect.COMPLETIONS
UPSTREAM = Upstream(name="local", base_url="http://a", kind=Kind.SGLANG, dialects=frozenset(Dialect))
SCHEMA = {"type": "object", "properties": {"line": {"type": "integer"}}}
BODY = {"tools": [{"type": "function", "function": {"name": "read", "parameters": SCHEMA}}]}
LEAK = (
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.read:0<|tool_call_argument_begin|>"
    '{"line": "1"}<|tool_call_end|><|tool_calls_section_end|>'
)
KIMI_OFF = RepairTable(rules=(RepairRule(pattern="kimi-*", families="off"),))


def mending(client=CHAT, dialect=CHAT, body=BODY, *, rules=RepairTable(), upstream=UPSTREAM, conversation=None):  # noqa: B008
    named = {"model": "kimi-k2", "request_id": "req_1", "created": 7}
    return mending_for(rules, upstream, client, dialect, body, conversation, **named)


def test_an_answer_is_mended_by_its_upstream_and_its_models_rule():
    assert mending().families is None
    assert mending(upstream=replace(UPSTREAM, tool_call_repair="glm")).families == {"glm"}
    assert mending(upstream=replace(UPSTREAM, tool_call_repair="off")) is None
    assert mending(rules=KIMI_OFF) is None


@pytest.mark.parametrize(("client", "dialect"), [(COMPLETIONS, CHAT), (CHAT, Dialect.GENERATE)])
def test_dialects_without_calls_are_not_mended(client, dialect):
    assert mending(client, dialect) is None


def test_several_answers_in_one_are_not_mended():
    assert mending(body={**BODY, "n": 2}) is None
    assert mending(body={**BODY, "n": 1}) is not None


def test_without_tools_only_chat_is_looked_at_where_both_sides_speak_the_same():
    assert mending(body={}) is not None
    assert mending(MESSAGES, MESSAGES, {}) is None
    assert mending(MESSAGES, MESSAGES, {"tools": "nonsense"}) is None
    assert mending(MESSAGES, CHAT, {}, conversation=Exchange(client=MESSAGES, upstream=CHAT)) is not None


def test_a_conversation_of_one_dialect_knows_what_writing_anew_takes():
    tools = [{"type": "function", "name": "read", "parameters": SCHEMA}]
    conversation = mending(
        RESPONSES, RESPONSES, {"tools": tools, "input": "Hi", "instructions": "Be brief."}
    ).conversation

    assert (conversation.client, conversation.upstream, conversation.model) == (RESPONSES, RESPONSES, "kimi-k2")
    assert conversation.known_tools == {"read"}
    assert conversation.echo["instructions"] == "Be brief."


def test_the_field_of_reasoning_is_the_upstreams():
    assert mending().reasoning_field == ""
    assert mending(upstream=replace(UPSTREAM, reasoning_field="reasoning")).reasoning_field == "reasoning"


def fed(repair, *events):
    for transform in repair.transforms:
        events = [passed for event in events for passed in transform.feed(event)]
    return events


def test_leaked_and_native_calls_are_mended_and_told_of():
    repair = AnswerRepair(mending())
    assert not repair.has_mended

    events = fed(
        repair, Text(LEAK), ToolStart(0, "a", "read"), ToolArguments(0, '{"line": "2"}'), Finish(FinishReason.STOP)
    )

    assert [event.text for event in events if isinstance(event, ToolArguments)] == ['{"line": 1}', '{"line": 2}']
    assert repair.has_mended
    told = repair.told()
    assert [row["kind"] for row in told if row["kind"] != "thinking"] == ["call", "arguments", "finish", "arguments"]
    assert told[0]["family"] == "kimi"
    native = {"kind": "arguments", "family": "read", "done": "line: text read as integer"}
    assert told[-1] == {**native, "before": '{"line": "2"}', "after": '{"line": 2}'}


def test_without_tools_arguments_are_nobodys():
    assert len(AnswerRepair(mending(body={})).transforms) == 1


def test_an_answer_that_leaves_as_it_is_needs_no_transforms():
    repair = AnswerRepair(mending())
    assert repair.leaves("Hello")
    assert not repair.leaves("<tool_call>")
    assert (repair.has_mended, repair.told()) == (False, [])


def test_ids_that_are_made_here_are_apart_from_those_of_the_reader():
    made = mending(MESSAGES, CHAT, conversation=Exchange(client=MESSAGES, upstream=CHAT, request_id="req_1"))
    leak = '<tool_call>{"name": "read", "arguments": {}}</tool_call>'

    events = fed(AnswerRepair(made), Text(leak), Finish(FinishReason.STOP))

    (id,) = [event.id for event in events if isinstance(event, ToolStart)]
    assert id == "toolu_req_1_0_mended"


def test_the_record_tells_of_the_history_and_of_the_answer_up_to_a_limit():
    request = Request("POST", "/v1/chat/completions")
    assert request.repairs() == []

    request.mended = (MendedCall("read", ("x",), "a" * (LONGEST + 5), "b"),)
    (row,) = request.repairs()
    assert row["kind"] == "history"
    assert row["before"].endswith("[… 5 more characters]")

    request.mended *= MOST + 3
    told = request.repairs()
    assert len(told) == MOST + 1
    assert told[-1] == {"kind": "more", "family": "", "before": "", "after": f"{MOST + 3} in all"}


def test_a_repair_without_a_word_on_what_was_done_has_none():
    assert "done" not in of_call(MendedCall("read", (), "a", "b"))


@pytest.mark.parametrize("words", [["Let", " me", " see", ":", "\n", "<b>"], ["Great", "!", "\n", " got", "`"]])
def test_an_answer_that_begins_unread_is_not_said_twice(words):
    mended = mending()
    frames = ChatFrames(AnswerRepair(mended))
    chunks = [
        b'data: {"choices": [{"index": 0, "delta": {"content": ' + orjson.dumps(word) + b"}}]}\n\n" for word in words
    ]
    assert b"".join(map(frames.feed, chunks)) + frames.close() == b"".join(chunks)


def whole(text, **message):
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    return orjson.dumps({"id": "a", "choices": [choice]})


def test_a_whole_answer_of_ordinary_text_passes_and_nothing_is_made_for_it():
    repair = AnswerRepair(mending())
    assert repair.passes(whole("Hello, `you`.", tool_calls=[], refusal=None))
    for other in (whole("a <tool_call>"), whole("Hello", reasoning="Hm"), whole(None), b"[]"):
        assert not repair.passes(other)
    assert repair.told() == []
