"""Calls that a model leaked into its text or its reasoning reach the client as calls, in every dialect."""

import json

import pytest

from tests.end_to_end.answers import event, json_answer, stream
from tests.end_to_end.exchanges import CHAT, MESSAGES, RESPONSES, chat_chunk, typed
from tests.routing.dialects.checkers import check_chat, check_messages, check_responses

KIMI = (
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.read_file:0<|tool_call_argument_begin|>"
    '{"path": "a.py", "line": "10"}<|tool_call_end|><|tool_calls_section_end|>'
)
QWEN = (
    "<tool_call>\n<function=read_file>\n<parameter=path>\na.py\n</parameter>\n"
    "<parameter=line>\n10\n</parameter>\n</function>\n</tool_call>"
)
GLM = (
    "<tool_call>read_file<arg_key>path</arg_key><arg_value>a.py</arg_value>"
    "<arg_key>line</arg_key><arg_value>10</arg_value></tool_call>"
)
DEEPSEEK = (
    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>read_file<｜tool▁sep｜>"
    '{"path": "a.py", "line": 10}<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
)
LEAKS = {"kimi": KIMI, "qwen": QWEN, "glm": GLM, "deepseek": DEEPSEEK}
SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "line": {"type": "integer"}},
    "required": ["path"],
}
FUNCTION = {"name": "read_file", "description": "Reads.", "parameters": SCHEMA}
TOOLS = {
    "chat": [{"type": "function", "function": FUNCTION}],
    "messages": [{"name": "read_file", "input_schema": SCHEMA}],
    "responses": [{"type": "function", **FUNCTION}],
}
CHECKS = {"chat": check_chat, "messages": check_messages, "responses": check_responses}
READ = [("read_file", {"path": "a.py", "line": 10})]

every_leak = pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
every_client = pytest.mark.parametrize("spoken", [CHAT, MESSAGES, RESPONSES], ids=str)


def chunks(text, size=5):
    return [text[start : start + size] for start in range(0, len(text), size)]


def leaking(text, field="content", before="Looking. "):
    said = [event(chat_chunk({field: piece})) for piece in (before, *chunks(text))]
    return stream(event(chat_chunk({"role": "assistant"})), *said, event(chat_chunk({}, "stop")), event("[DONE]"))


def asked(client, spoken, model="via-only-chat", **more):
    return client.post(
        spoken.client_path, json=spoken.body(model, tools=TOOLS[spoken.dialect], **more), headers=spoken.headers
    )


def calls(spoken, content):
    found = CHECKS[spoken.dialect](content)
    return [(name, json.loads(arguments)) for _, name, arguments in found.tools()], found


@every_leak
@every_client
def test_a_leaked_call_is_a_call(client, upstream, spoken, leak):
    upstream.answer(leaking(leak))

    found, answer = calls(spoken, asked(client, spoken, stream=True).content)

    assert found == READ
    assert answer.texts("text").strip() == "Looking."
    assert answer.finish in ("tool_calls", "tool_use", "completed")


@every_leak
def test_a_call_left_in_reasoning_is_a_call(client, upstream, leak):
    upstream.answer(leaking(leak, "reasoning_content"))

    found, answer = calls(CHAT, asked(client, CHAT, stream=True).content)

    assert found == READ
    assert answer.texts("thinking").strip() == "Looking."


@every_client
def test_a_whole_answer_is_mended(client, upstream, spoken):
    message = {"role": "assistant", "content": "Looking. " + KIMI}
    whole = {**CHAT.answer, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    upstream.answer(json_answer(whole))

    text = asked(client, spoken).text

    assert "tool_call_begin" not in text
    assert '"line": 10' in text.replace("\\", "").replace('"line":10', '"line": 10')


def test_a_whole_answer_without_leaks_leaves_byte_for_byte(client, upstream):
    upstream.answer(json_answer(CHAT.answer))

    assert asked(client, CHAT, "via-main").content == json_answer(CHAT.answer).body()


def test_what_an_upstream_says_beside_the_text_survives(client, upstream):
    choice = {**chat_chunk({"content": "Hi"})["choices"][0], "logprobs": {"content": []}}
    odd = {**chat_chunk({}), "choices": [choice], "timings": {"predicted_ms": 1}}
    said = [chat_chunk({"role": "assistant"}), odd, chat_chunk({"content": " <b>"}), chat_chunk({}, "stop"), "[DONE]"]
    data = [event(payload) for payload in said]
    upstream.answer(stream(*data))

    assert asked(client, CHAT, "via-main", stream=True).content.replace(b"via-main", b"plain") == b"".join(data)


@pytest.mark.parametrize("spoken", [MESSAGES, RESPONSES], ids=str)
def test_other_dialects_are_mended_where_both_sides_speak_them(client, upstream, spoken):
    if spoken is MESSAGES:
        said = [typed({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": KIMI}})]
        data = (MESSAGES.events[0], *said, *MESSAGES.events[2:])
    else:
        data = tuple(frame.replace(b" there", json.dumps(KIMI)[1:-1].encode()) for frame in RESPONSES.events)
    upstream.answer(stream(*data))

    found, _ = calls(spoken, asked(client, spoken, "via-main", stream=True).content)

    assert found == READ


@pytest.mark.parametrize("spoken", [CHAT, MESSAGES, RESPONSES], ids=str)
def test_without_tools_other_dialects_leave_as_they_came(client, upstream, spoken):
    upstream.answer(stream(*spoken.events))

    answer = client.post(spoken.client_path, json=spoken.body(stream=True), headers=spoken.headers)

    assert answer.content == spoken.stream


@pytest.mark.parametrize("model", ["via-only-gpt", "via-unmended"])
def test_where_mending_is_off_the_text_is_the_upstreams(client, upstream, model):
    upstream.answer(leaking(KIMI))

    assert read_text(asked(client, CHAT, model, stream=True)) == "Looking. " + KIMI


def read_text(answer):
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
    return "".join(json.loads(line)["choices"][0]["delta"].get("content") or "" for line in lines)


@pytest.mark.parametrize(
    ("model", "sent"), [("forgetful", {"path": "a", "line": 1}), ("plain", {"path": "a", "line": "1"})]
)
def test_calls_of_the_history_are_mended_where_a_rule_says_so(client, proxy, upstream, model, sent):
    upstream.answer(json_answer(CHAT.answer))
    call = {"id": "c", "type": "function", "function": {"name": "read_file", "arguments": '{"path": "a", "line": "1"}'}}
    history = [
        {"role": "user", "content": "Go on."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "text"},
    ]

    answer = asked(client, CHAT, model, messages=history)

    told = upstream.calls[-1].json()["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(told) == sent
    assert [repair["kind"] for repair in proxy.record(answer)["repairs"]] == (
        ["history"] if model == "forgetful" else []
    )


def test_the_record_tells_what_was_mended(client, proxy, upstream):
    upstream.answer(leaking(KIMI))
    answer = asked(client, CHAT, stream=True)

    record = proxy.record(answer)

    kinds = [repair["kind"] for repair in record["repairs"]]
    assert "call" in kinds
    (call,) = [repair for repair in record["repairs"] if repair["kind"] == "call"]
    assert call["family"] == "kimi"
    assert "tool_call_begin" in call["before"]
    assert call["after"].startswith("read_file(")
