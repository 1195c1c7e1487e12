"""What Codex sends and what it must get: section 6.2 of the reference, in full conversations."""

import httpx
import openai
import orjson
import pytest
from openai.types.responses import ParsedResponse

from routing.dialects import Dialect
from routing.dialects.capabilities import capabilities
from routing.dialects.conversion import Conversion, convert_request, convert_response
from routing.dialects.streaming import StreamConverter
from routing.kinds import Kind
from tests.routing.dialects.responses.checking import Checked, check

CHAT, MESSAGES, RESPONSES = Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES

PATCH = "*** Begin Patch\n*** Update File: a.py\n+print('hé')\n*** End Patch"
TOOLS = [
    {
        "type": "function",
        "name": "shell",
        "description": "Runs a command.",
        "strict": False,
        "parameters": {"type": "object", "properties": {"command": {"type": "array", "items": {"type": "string"}}}},
    },
    {
        "type": "custom",
        "name": "apply_patch",
        "description": "Edits files.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin_patch hunk end_patch"},
    },
    {
        "type": "namespace",
        "name": "mcp__github",
        "description": "GitHub.",
        "tools": [{"type": "function", "name": "find", "parameters": {"type": "object", "properties": {}}}],
    },
    {"type": "web_search", "external_web_access": False},
    {"type": "image_generation", "output_format": "png"},
    {"type": "tool_search", "execution": "client", "description": "d", "parameters": {}},
]


def text(role: str, said: str) -> dict:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": said}]}


START = [text("developer", "Sandbox: read-only."), text("user", "<environment_context/>"), text("user", "Fix a.py")]


def request(*more: dict) -> dict:
    return {
        "model": "gpt-5-codex",
        "instructions": "You are Codex.",
        "input": [*START, *more],
        "tools": TOOLS,
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "0199",
        "text": {"verbosity": "low"},
        "client_metadata": {"x-codex-installation-id": "1"},
    }


def converted(body: dict, upstream: Dialect, kind: Kind = Kind.VLLM, model: str = "qwen3") -> Conversion:
    of = capabilities(kind, model, upstream)
    return convert_request(body, RESPONSES, upstream, of, request_id="r1", created=1_700_000_000)


def answered(conversion: Conversion, stream: bytes, size: int = 0) -> Checked:
    return check(bytes_for(conversion, stream, size))


def bytes_for(conversion: Conversion, stream: bytes, size: int = 0) -> bytes:
    converter = StreamConverter(conversion.exchange)
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)] if size else [stream]
    return b"".join(converter.feed(chunk) for chunk in chunks) + converter.close()


def chunks(*deltas: dict, finish: str = "stop") -> bytes:
    """A chat stream."""
    said = [{"delta": delta, "finish_reason": None} for delta in deltas] + [{"delta": {}, "finish_reason": finish}]
    payloads = [{"id": "chatcmpl-1", "choices": [{"index": 0, **one}]} for one in said]
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 60}}
    payloads.append({"id": "chatcmpl-1", "choices": [], "usage": usage})
    return b"".join(b"data: " + orjson.dumps(one) + b"\n\n" for one in payloads) + b"data: [DONE]\n\n"


def call(index: int, id: str, name: str, arguments: str) -> dict:
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]}


def blocks(*content: dict, stop: str = "tool_use") -> bytes:
    """A Messages stream."""
    deltas = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}
    members = {"text": "text", "thinking": "thinking", "tool_use": "partial_json"}
    events: list[dict] = [{"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 40}}}]
    for index, block in enumerate(content):
        kind = block["type"]
        said = orjson.dumps(block["input"]).decode() if kind == "tool_use" else block[kind]
        empty = {"input": {}} if kind == "tool_use" else {kind: ""}
        events.append({"type": "content_block_start", "index": index, "content_block": {**block, **empty}})
        for piece in (said[:3], said[3:]):
            delta = {"type": deltas[kind], members[kind]: piece}
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        if "signature" in block:
            delta = {"type": "signature_delta", "signature": block["signature"]}
            events[-3]["content_block"]["signature"] = ""
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 20}})
    events.append({"type": "message_stop"})
    return b"".join(b"event: " + one["type"].encode() + b"\ndata: " + orjson.dumps(one) + b"\n\n" for one in events)


def kept(checked: Checked) -> list[dict]:
    """What Codex sends back of an answer: the items, without ids and status."""
    return [{name: value for name, value in item.items() if name not in ("id", "status")} for item in checked.items]


FIRST = chunks(
    {"role": "assistant", "content": ""},
    {"reasoning": "I must "},
    {"reasoning": "look."},
    {"content": "Let me "},
    {"content": "look."},
    call(0, "call_1", "shell", '{"command":'),
    {"tool_calls": [{"index": 0, "function": {"arguments": '["cat","a.py"]}'}}]},
    finish="tool_calls",
)


NAMES = ["shell", "apply_patch", "mcp__github__find", "tool_search"]


def test_the_whole_request_reaches_a_local_chat_server():
    conversion = converted(request(), CHAT)
    body = conversion.body
    assert [message["role"] for message in body["messages"]] == ["system", "user", "user"]
    assert body["messages"][0]["content"] == "You are Codex.\nSandbox: read-only."
    assert [tool["function"]["name"] for tool in body["tools"]] == NAMES
    assert (body["tool_choice"], body["parallel_tool_calls"], body["reasoning_effort"]) == ("auto", False, "medium")
    assert not {"include", "store", "prompt_cache_key", "client_metadata", "text", "reasoning"} & set(body)
    assert len([warning for warning in conversion.warnings if "was left out" in warning]) == 3


def test_the_whole_request_reaches_anthropic():
    body = converted(request(), MESSAGES, Kind.ANTHROPIC, "claude-sonnet-4-5").body
    assert body["system"] == "You are Codex.\nSandbox: read-only."
    assert [tool["name"] for tool in body["tools"]] == [*NAMES, "web_search"]
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert body["thinking"]["type"] == "enabled"


@pytest.mark.parametrize("size", [0, 1, 7])
def test_8_91_an_answer_of_a_chat_server(size):
    found = answered(converted(request(), CHAT), FIRST, size)
    assert [item["type"] for item in found.items] == ["reasoning", "message", "function_call"]
    assert found.items[2]["arguments"] == '{"command":["cat","a.py"]}'
    assert found.response["usage"] == {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 0},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 120,
    }


def test_the_next_turn_repeats_the_whole_answer_to_a_chat_server():
    items = kept(answered(converted(request(), CHAT), FIRST))
    result = {"type": "function_call_output", "call_id": "call_1", "output": "print()"}
    messages = converted(request(*items, result), CHAT).body["messages"][3:]
    function = {"name": "shell", "arguments": '{"command":["cat","a.py"]}'}
    assert messages == [
        {
            "role": "assistant",
            "content": "Let me look.",
            "reasoning": "I must look.",
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "print()"},
    ]


@pytest.mark.parametrize("size", [0, 1])
def test_apply_patch_comes_back_as_the_custom_tool_it_is(size):
    arguments = orjson.dumps({"input": PATCH}).decode()
    stream = chunks(call(0, "call_1", "apply_patch", arguments), finish="tool_calls")
    found = answered(converted(request(), CHAT), stream, size)
    (item,) = found.items
    assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "apply_patch", PATCH)
    result = {"type": "custom_tool_call_output", "call_id": "call_1", "output": "Done"}
    history = converted(request(*kept(found), result), CHAT).body["messages"][3:]
    assert orjson.loads(history[0]["tool_calls"][0]["function"]["arguments"]) == {"input": PATCH}
    assert history[1] == {"role": "tool", "tool_call_id": "call_1", "content": "Done"}


def test_8_55_a_tool_of_a_namespace_comes_back_with_both_names():
    stream = chunks(call(0, "call_1", "mcp__github__find", "{}"), finish="tool_calls")
    (item,) = answered(converted(request(), CHAT), stream).items
    assert (item["namespace"], item["name"]) == ("mcp__github", "find")


def test_parallel_calls_without_index_are_two_items():
    first, second = call(0, "a", "shell", "{}"), call(0, "b", "shell", "{}")
    both = {"tool_calls": first["tool_calls"] + second["tool_calls"]}
    found = answered(converted(request(), CHAT), chunks(both))
    assert [item["call_id"] for item in found.items] == ["a", "b"]


ANTHROPIC_FIRST = blocks(
    {"type": "thinking", "thinking": "I must look.", "signature": "c2lnbmVk"},
    {"type": "text", "text": "Let me look."},
    {"type": "tool_use", "id": "toolu_1", "name": "shell", "input": {"command": ["ls"]}},
    {"type": "tool_use", "id": "toolu_2", "name": "apply_patch", "input": {"input": PATCH}},
)


@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_turn_with_anthropic_keeps_its_signed_thinking(size):
    def asked(*more: dict) -> Conversion:
        return converted(request(*more), MESSAGES, Kind.ANTHROPIC, "claude-sonnet-4-5")

    found = answered(asked(), ANTHROPIC_FIRST, size)
    assert [item["type"] for item in found.items] == ["reasoning", "message", "function_call", "custom_tool_call"]
    results = [
        {"type": "function_call_output", "call_id": "toolu_1", "output": "a.py"},
        {"type": "custom_tool_call_output", "call_id": "toolu_2", "output": "Done"},
    ]
    body = asked(*kept(found), *results).body
    assert body["messages"][-2]["content"] == [
        {"type": "thinking", "thinking": "I must look.", "signature": "c2lnbmVk"},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "toolu_1", "name": "shell", "input": {"command": ["ls"]}},
        {"type": "tool_use", "id": "toolu_2", "name": "apply_patch", "input": {"input": PATCH}},
    ]
    assert body["thinking"]["type"] == "enabled"


def test_8_98_an_overflow_in_the_stream_has_the_code_that_codex_looks_for():
    error = {"error": {"message": "This model's maximum context length is 100 tokens.", "code": 400}}
    found = answered(converted(request(), CHAT), b"data: " + orjson.dumps(error) + b"\n\n")
    assert found.response["error"]["code"] == "context_length_exceeded"


def test_8_95_a_server_that_answers_with_json_although_a_stream_was_asked_for():
    message = {"role": "assistant", "content": "Hi"}
    body = {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    found = answered(converted(request(), CHAT), orjson.dumps(body))
    assert found.items[0]["content"][0]["text"] == "Hi"


def test_8_83_a_stream_that_breaks_off_is_response_failed():
    found = answered(converted(request(), CHAT), FIRST[:200])
    assert found.response["status"] == "failed"
    assert found.response["error"]["code"] == "upstream_broken"


def sdk(body: bytes, kind: str = "text/event-stream") -> openai.OpenAI:
    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": kind}, content=body)

    return openai.OpenAI(
        api_key="k", base_url="http://proxy.test/v1", http_client=httpx.Client(transport=httpx.MockTransport(handler))
    )


@pytest.mark.parametrize(
    ("conversion", "stream"),
    [
        (converted(request(), CHAT), FIRST),
        (converted(request(), MESSAGES, Kind.ANTHROPIC, "claude-sonnet-4-5"), ANTHROPIC_FIRST),
    ],
)
def test_the_official_client_puts_the_same_response_together(conversion, stream):
    out = bytes_for(conversion, stream)
    with (
        sdk(out) as client,
        client.responses.stream(model="m", input="x", tools=TOOLS[:1]) as events,
    ):
        final: ParsedResponse = events.until_done().get_final_response()
    assert final.output_text == "Let me look."
    expected = check(out).items
    assert [item.type for item in final.output] == [item["type"] for item in expected]
    assert [item.id for item in final.output] == [item["id"] for item in expected]


def test_the_official_client_reads_a_whole_response():
    message = {"role": "assistant", "content": "Hi", "tool_calls": call(0, "call_1", "shell", "{}")["tool_calls"]}
    upstream = {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    body = convert_response(orjson.dumps(upstream), converted(request(), CHAT).exchange).body
    with sdk(orjson.dumps(body), "application/json") as client:
        response = client.responses.create(model="m", input="x")
    assert response.output_text == "Hi"
    assert response.output[1].call_id == "call_1"


def test_the_official_client_sees_an_error_in_the_stream():
    error = {"error": {"message": "Broken.", "type": "server_error"}}
    out = bytes_for(converted(request(), CHAT), FIRST[:150].rpartition(b"data:")[0] + b"data: " + orjson.dumps(error))
    with sdk(out) as client:
        events = list(client.responses.create(model="m", input="x", stream=True))
    assert events[-1].type == "response.failed"
    assert events[-1].response.error.message == "Broken."
