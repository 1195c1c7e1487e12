"""Tables 3.1 to 3.4 of the reference, row by row: whole answers."""

import orjson
import pytest

from routing.dialects.conversion import convert_response
from tests.routing.dialects.rows.checking import at
from tests.routing.dialects.support import (
    CHAT,
    COMPLETIONS,
    MESSAGES,
    RESPONSES,
    call,
    exchange,
    text,
    tool_use,
    whole,
)

THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "Eq"}
SUMMARY = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}
R_CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"x":1}'}
CITED = {"start_index": 0, "end_index": 1, "title": "T", "url": "https://x"}


def chat(finish: str | None = "stop", usage=None, **message) -> dict:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "choices": [choice], "usage": usage}


def messages(*content: dict, stop: str = "end_turn", usage=None, **more) -> dict:
    return {"id": "msg_1", "type": "message", "content": list(content), "stop_reason": stop, "usage": usage, **more}


def responses(*output: dict, status: str = "completed", **more) -> dict:
    return {"id": "resp_1", "object": "response", "status": status, "output": list(output), **more}


def said(*content: dict, **more) -> dict:
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": list(content), **more}


def output_text(said: str, **more) -> dict:
    return {"type": "output_text", "text": said, "annotations": [], **more}


def of(answer: dict):
    """The dialect that an answer is in."""
    return CHAT if "choices" in answer else MESSAGES if "content" in answer else RESPONSES


@pytest.mark.parametrize("answer", [chat(content="a"), messages(text("a")), responses(said(output_text("a")))])
class TestSkeletons:
    def test_3_1_1_of_chat(self, answer):
        body = whole(answer, CHAT, of(answer))
        assert body["id"].startswith("chatcmpl-")
        assert (body["object"], body["created"], body["model"]) == ("chat.completion", 1_700_000_000, "asked")
        message = {"role": "assistant", "content": "a", "refusal": None}
        assert body["choices"] == [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}]
        assert body["usage"]

    def test_3_1_2_of_messages(self, answer):
        body = whole(answer, MESSAGES, of(answer))
        assert body["id"].startswith("msg_")
        assert {name: body[name] for name in ("type", "role", "model", "content", "stop_reason", "stop_sequence")} == {
            "type": "message",
            "role": "assistant",
            "model": "asked",
            "content": [text("a")],
            "stop_reason": "end_turn",
            "stop_sequence": None,
        }
        assert all(isinstance(body["usage"][name], int) for name in ("input_tokens", "output_tokens"))

    def test_3_1_3_of_responses(self, answer):
        body = whole(answer, RESPONSES, of(answer), echo={"temperature": 0.5})
        assert body["id"].startswith("resp_")
        assert (body["object"], body["created_at"], body["status"]) == ("response", 1_700_000_000, "completed")
        assert (body["temperature"], body["store"], body["usage"]["total_tokens"] > 0) == (0.5, False, True)
        assert {"output", "parallel_tool_calls", "tool_choice", "tools", "instructions", "metadata"} <= body.keys()
        assert {"top_p", "max_output_tokens", "reasoning", "text", "truncation"} <= body.keys()
        assert [body[name] for name in ("error", "incomplete_details", "previous_response_id")] == [None] * 3


MESSAGE = "choices.0.message"


@pytest.mark.parametrize(
    ("answer", "client", "expected"),
    [
        pytest.param(messages(text("a"), text("b")), CHAT, {f"{MESSAGE}.content": "ab"}, id="3.2.1 chat"),
        pytest.param(chat(content="a"), MESSAGES, {"content": [text("a")]}, id="3.2.1 messages"),
        pytest.param(
            chat(content="a"),
            RESPONSES,
            {"output.0.role": "assistant", "output.0.content": [output_text("a", logprobs=[])]},
            id="3.2.1 responses",
        ),
        pytest.param(chat(content=None), MESSAGES, {"content": []}, id="3.2.2 messages"),
        pytest.param(messages(), CHAT, {f"{MESSAGE}.content": ""}, id="3.2.2 chat"),
        pytest.param(chat(content=""), RESPONSES, {"output": []}, id="3.2.2 responses"),
        pytest.param(
            chat(content="a", reasoning="hm"),
            MESSAGES,
            {"content": [{"type": "thinking", "thinking": "hm", "signature": ""}, text("a")]},
            id="3.2.3 and 3.2.4 messages",
        ),
        pytest.param(
            chat(content="a", reasoning="hm"), MESSAGES, {"content.0.signature": ""}, id="3.2.4 no seal is made up"
        ),
        pytest.param(
            messages(THOUGHT, text("a")),
            CHAT,
            {f"{MESSAGE}.reasoning_content": "hm", f"{MESSAGE}.content": "a"},
            id="3.2.3",
        ),
        pytest.param(
            chat(content="a", reasoning_content="hm"),
            RESPONSES,
            {"output.0.summary": SUMMARY["summary"], "output.1.type": "message"},
            id="3.2.3 responses",
        ),
        pytest.param(
            responses(SUMMARY, said(output_text("a"))),
            CHAT,
            {f"{MESSAGE}.reasoning_content": "hm"},
            id="3.2.3 from them",
        ),
        pytest.param(
            responses(R_CALL),
            MESSAGES,
            {"content": [tool_use("c1", x=1)], "stop_reason": "tool_use"},
            id="3.2.5 messages",
        ),
        pytest.param(
            messages(tool_use("t1", x=1), stop="tool_use"),
            CHAT,
            {f"{MESSAGE}.tool_calls": [call("t1", "f", '{"x":1}')], f"{MESSAGE}.content": None},
            id="3.2.5 chat",
        ),
        pytest.param(
            chat(tool_calls=[call("c1", "f", '{"x":1}')]),
            RESPONSES,
            {"output.0": {**R_CALL, "id": "fc_r1_0", "status": "completed"}},
            id="3.2.5 responses",
        ),
        pytest.param(
            chat(refusal="no"), MESSAGES, {"content": [text("no")], "stop_reason": "refusal"}, id="3.2.6 messages"
        ),
        pytest.param(
            responses(said({"type": "refusal", "refusal": "no"})),
            MESSAGES,
            {"content": [text("no")], "stop_reason": "refusal"},
            id="3.2.6 from responses",
        ),
        pytest.param(
            responses(said({"type": "refusal", "refusal": "no"})),
            CHAT,
            {f"{MESSAGE}.refusal": "no", f"{MESSAGE}.content": None},
            id="3.2.6 chat",
        ),
        pytest.param(
            chat(refusal="no"),
            RESPONSES,
            {"output.0.content": [{"type": "refusal", "refusal": "no"}], "status": "completed"},
            id="3.2.6 responses",
        ),
        pytest.param(chat(refusal="no"), CHAT, {"choices.0.finish_reason": "stop"}, id="3.2.6 chat's own word stays"),
        pytest.param(
            chat(content="a", annotations=[{"type": "url_citation", "url_citation": CITED}]),
            RESPONSES,
            {"output.0.content.0.annotations": [{"type": "url_citation", **CITED}]},
            id="3.2.7 responses",
        ),
        pytest.param(
            responses(said(output_text("a", annotations=[{"type": "url_citation", **CITED}]))),
            CHAT,
            {f"{MESSAGE}.annotations": [{"type": "url_citation", "url_citation": CITED}]},
            id="3.2.7 chat",
        ),
        pytest.param(
            responses(said(output_text("a"), status="incomplete"), status="incomplete"),
            CHAT,
            {f"{MESSAGE}.content": "a", "choices.0.finish_reason": "length"},
            id="3.2.9",
        ),
    ],
)
def test_content(answer, client, expected):
    body = whole(answer, client, of(answer))
    assert {path: at(body, path) for path in expected} == expected


@pytest.mark.parametrize(
    ("answer", "client", "said"),
    [
        pytest.param(
            chat(content="a", annotations=[{"type": "url_citation", "url_citation": CITED}]),
            MESSAGES,
            "citation",
            id="3.2.7 what cannot be mapped",
        ),
        pytest.param(
            messages({"type": "server_tool_use", "id": "s", "name": "web_search"}, text("a")),
            CHAT,
            "server_tool_use",
            id="3.2.8 Anthropic's",
        ),
        pytest.param(
            responses({"type": "web_search_call", "id": "ws"}, said(output_text("a"))),
            CHAT,
            "web_search_call",
            id="3.2.8 OpenAI's",
        ),
        *(
            pytest.param(messages(text("a"), stop="pause_turn"), client, "paused", id="3.3.7 is said")
            for client in (CHAT, RESPONSES, COMPLETIONS)
        ),
    ],
)
def test_what_is_left_out_of_an_answer_is_said(answer, client, said):
    found = convert_response(orjson.dumps(answer), exchange(client, of(answer)))
    assert any(said in warning for warning in found.warnings)


CALL = {"tool_calls": [call("c1")]}


@pytest.mark.parametrize(
    ("answer", "in_chat", "in_messages", "in_responses"),
    [
        pytest.param(chat("stop", content="a"), "stop", "end_turn", "completed", id="3.3.1 stop"),
        pytest.param(chat("length", content="a"), "length", "max_tokens", "max_output_tokens", id="3.3.3 length"),
        pytest.param(chat("tool_calls", **CALL), "tool_calls", "tool_use", "completed", id="3.3.4 tool_calls"),
        pytest.param(
            chat("function_call", function_call={"name": "f", "arguments": "{}"}),
            "tool_calls",
            "tool_use",
            "completed",
            id="3.3.4 function_call",
        ),
        pytest.param(chat("content_filter", content="a"), "content_filter", "refusal", "content_filter", id="3.3.5"),
        pytest.param(
            messages(text("a"), stop="stop_sequence", stop_sequence="END"),
            "stop",
            "stop_sequence",
            "completed",
            id="3.3.6",
        ),
        pytest.param(messages(text("a"), stop="pause_turn"), "stop", "pause_turn", "completed", id="3.3.7 pause_turn"),
        pytest.param(messages(text("a"), stop="refusal"), "content_filter", "refusal", "content_filter", id="3.3.8"),
        pytest.param(
            messages(text("a"), stop="refusal", stop_details={"type": "refusal", "explanation": "why"}),
            "content_filter",
            "refusal",
            "completed",
            id="3.3.8 with an explanation",
        ),
        pytest.param(
            messages(text("a"), stop="model_context_window_exceeded"),
            "length",
            "model_context_window_exceeded",
            "max_output_tokens",
            id="3.3.9",
        ),
        pytest.param(messages(text("a"), stop="compaction"), "stop", "end_turn", "completed", id="3.3.10"),
        *(
            pytest.param(chat(word, content="a"), "stop", "end_turn", "completed", id=f"3.3.11 {word}")
            for word in ("insufficient_system_resource", "eos", "")
        ),
        *(
            pytest.param(chat(word, **CALL), "tool_calls", "tool_use", "completed", id=f"3.3.4 {word} with a call")
            for word in ("stop", "eos")
        ),
        pytest.param(chat("tool_calls", content="a"), "stop", "end_turn", "completed", id="3.3.1 calls without any"),
        pytest.param(
            chat("length", tool_calls=[call("c1", arguments='{"x')]),
            "length",
            "max_tokens",
            "max_output_tokens",
            id="3.3.3 a call that was cut",
        ),
    ],
)
def test_reasons_to_stop(answer, in_chat, in_messages, in_responses):
    upstream = of(answer)
    assert whole(answer, CHAT, upstream)["choices"][0]["finish_reason"] == in_chat
    assert whole(answer, MESSAGES, upstream)["stop_reason"] == in_messages
    response = whole(answer, RESPONSES, upstream)
    assert (response["incomplete_details"] or {"reason": response["status"]})["reason"] == in_responses


@pytest.mark.parametrize("member", ["stop_reason", "matched_stop", "stopping_word"])
def test_3_3_2_a_matched_stop_is_named(member):
    answer = chat("stop", content="a")
    answer["choices"][0][member] = "END"
    body = whole(answer, MESSAGES, CHAT, stops=frozenset({"END"}))
    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "END")
    assert whole(answer, MESSAGES, CHAT, stops=frozenset({"other"}))["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(chat("abort", content="a"), id="3.3.11 abort"),
        pytest.param(chat("error", content="a"), id="3.3.11 error"),
        pytest.param(chat("eos", content=""), id="3.3.11 nothing was said"),
        pytest.param(responses(status="failed", error={"code": "server_error", "message": "x"}), id="3.3.12 failed"),
        pytest.param(responses(status="cancelled"), id="3.3.12 cancelled"),
    ],
)
def test_an_answer_that_failed_is_an_error(answer):
    assert whole(answer, MESSAGES, of(answer))["error"]["type"] == "api_error"
    assert whole(answer, CHAT, of(answer))["error"]["message"]


C_USAGE = {
    "prompt_tokens": 95,
    "completion_tokens": 7,
    "total_tokens": 102,
    "prompt_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
A_USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 80,
    "cache_creation_input_tokens": 5,
    "output_tokens": 7,
    "output_tokens_details": {"thinking_tokens": 3},
}
R_USAGE = {
    "input_tokens": 95,
    "input_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 5},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 102,
}


@pytest.mark.parametrize(
    "answer",
    [
        chat(content="a", usage=C_USAGE),
        messages(text("a"), usage=A_USAGE),
        messages(
            text("a"),
            usage={**A_USAGE, "cache_creation_input_tokens": None, "cache_creation": {"ephemeral_1h_input_tokens": 5}},
        ),
        responses(said(output_text("a")), usage=R_USAGE),
    ],
)
def test_usage_is_the_same_in_every_dialect(answer):
    """Rows 3.4.1, 3.4.2, 3.4.3, 3.4.4, 3.4.5 and 3.4.6 of the wire reference."""
    upstream = of(answer)
    assert whole(answer, CHAT, upstream)["usage"] == C_USAGE
    assert whole(answer, MESSAGES, upstream)["usage"] == A_USAGE
    assert whole(answer, RESPONSES, upstream)["usage"] == R_USAGE


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": None}])
def test_3_4_1_and_3_4_4_nobody_counted(usage):
    """Both numbers are estimated: clients crash without them."""
    body = whole(chat(content="abcdefgh", usage=usage), MESSAGES, CHAT)
    assert (body["usage"]["input_tokens"], body["usage"]["output_tokens"]) == (9, 2)
    assert whole(chat(content="a", usage=usage), RESPONSES, CHAT)["usage"]["input_tokens_details"]
