"""Streams of every upstream family for a Responses client, and a Responses upstream for the other clients."""

from pathlib import Path

import orjson
import pytest

from routing.dialects import Dialect
from routing.dialects.conversion import convert_response
from routing.dialects.exchange import Exchange
from routing.dialects.streaming import StreamConverter
from tests.routing.dialects.checkers import Read, check_chat, check_messages
from tests.routing.dialects.responses.checking import check
from tests.routing.dialects.responses.making import exchange, frames
from tests.routing.dialects.responses.test_reader import (
    CALL,
    CREATED,
    MESSAGE,
    THOUGHT,
    added,
    completed,
    delta,
    done,
    ended,
)

TRANSCRIPTS = Path(__file__).parents[3] / "transcripts"
NATIVE = {"anthropic": Dialect.MESSAGES, "anthropic_interleaved": Dialect.MESSAGES, "responses": Dialect.RESPONSES}
NAMES = sorted(path.stem for path in TRANSCRIPTS.glob("*.sse") if path.stem != "generate")


def converted(data: bytes, of: Exchange, size: int = 0) -> bytes:
    converter = StreamConverter(of)
    chunks = [data[at : at + size] for at in range(0, len(data), size)] if size else [data]
    return b"".join(converter.feed(chunk) for chunk in chunks) + converter.close()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [0, 1, 3])
def test_8_91_every_upstream_gives_a_valid_stream(name, size):
    data = (TRANSCRIPTS / f"{name}.sse").read_bytes()
    of = exchange(upstream=NATIVE.get(name, Dialect.CHAT))
    found = check(converted(data, of, size))
    assert found.response["status"] == "completed"
    assert found.items
    assert found.response == convert_response(data, of).body


def for_chat(*payloads: dict, size: int = 0) -> Read:
    return check_chat(converted(frames(*payloads), exchange(Dialect.CHAT, Dialect.RESPONSES), size))


def for_messages(*payloads: dict, size: int = 0) -> Read:
    return check_messages(converted(frames(*payloads), exchange(Dialect.MESSAGES, Dialect.RESPONSES), size))


EVERYTHING = (
    CREATED,
    added(THOUGHT),
    delta("reasoning_summary_text", "hm", summary_index=0),
    done(THOUGHT),
    added(MESSAGE, 1),
    delta("output_text", "Hello", 1, content_index=0),
    done(MESSAGE, 1),
    added(CALL, 2),
    delta("function_call_arguments", '{"x":1}', 2),
    done(CALL, 2),
    completed(THOUGHT, MESSAGE, CALL),
)


@pytest.mark.parametrize("size", [0, 1])
def test_4_7_the_other_clients_get_everything(size):
    parts = [("thinking", "hm"), ("text", "Hello"), ("tool", ("call_1", "f", '{"x":1}'))]
    chat, messages = for_chat(*EVERYTHING, size=size), for_messages(*EVERYTHING, size=size)
    assert (chat.parts, chat.finish) == (parts, "tool_calls")
    assert (messages.parts, messages.finish) == (parts, "tool_use")
    assert (messages.usage["input_tokens"], messages.usage["cache_read_input_tokens"]) == (15, 80)


def test_8_93_arguments_that_come_only_at_the_end():
    payloads = (
        CREATED,
        added(CALL),
        ended("function_call_arguments", arguments='{"x":1}'),
        done(CALL),
        completed(CALL),
    )
    assert for_messages(*payloads).tools() == for_chat(*payloads).tools() == [("call_1", "f", '{"x":1}')]


def test_4_7_a_custom_call_is_wrapped_for_anthropics_clients():
    item = {"type": "custom_tool_call", "call_id": "c", "name": "p", "input": ""}
    payloads = (CREATED, added(item), delta("custom_tool_call_input", 'say "'), delta("custom_tool_call_input", 'x"'))
    ((_, name, arguments),) = for_messages(*payloads, done({**item, "input": 'say "x"'}), completed()).tools()
    assert (name, orjson.loads(arguments)) == ("p", {"input": 'say "x"'})


@pytest.mark.parametrize(
    ("reason", "chat", "messages"),
    [("max_output_tokens", "length", "max_tokens"), ("content_filter", "content_filter", "refusal")],
)
def test_4_7_incomplete_answers(reason, chat, messages):
    payloads = (CREATED, done(MESSAGE), completed(MESSAGE, kind="incomplete", incomplete_details={"reason": reason}))
    assert for_chat(*payloads).finish == chat
    assert for_messages(*payloads).finish == messages


def test_4_7_failed_answers():
    payloads = (CREATED, completed(kind="failed", error={"code": "server_error", "message": "Broken."}))
    assert for_messages(*payloads).error == {"type": "api_error", "message": "Broken."}
    assert for_chat(*payloads).error["message"] == "Broken."


def test_3_3_a_whole_response_for_the_other_clients():
    data = orjson.dumps(completed(THOUGHT, MESSAGE, CALL)["response"])
    (choice,) = convert_response(data, exchange(Dialect.CHAT, Dialect.RESPONSES)).body["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["reasoning_content"] == "hm"
    message = convert_response(data, exchange(Dialect.MESSAGES, Dialect.RESPONSES)).body
    assert [block["type"] for block in message["content"]] == ["thinking", "text", "tool_use"]
