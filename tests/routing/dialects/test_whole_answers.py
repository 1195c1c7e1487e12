"""Answers that are not streamed: section 3 of the reference, and the edge cases 58 to 69."""

import orjson
import pytest

from routing.dialects.conversion import convert_response
from tests.routing.dialects.support import CHAT, MESSAGES, RESPONSES, call, exchange, text, tool_use, transcript, whole

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 60}}


def chat(finish: str = "stop", usage=USAGE, **message) -> dict:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


def message(*content: dict, stop: str = "end_turn", **more) -> dict:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 5, "output_tokens": 7}
    return {"id": "msg_1", "type": "message", "content": list(content), "stop_reason": stop, "usage": usage, **more}


def a_of_c(body: dict, **more) -> dict:
    return whole(body, MESSAGES, CHAT, **more)


def c_of_a(body: dict, **more) -> dict:
    return whole(body, CHAT, MESSAGES, **more)


def test_8_58_text_and_a_call_are_two_items():
    body = whole(chat(content="a", tool_calls=[call("c1")]), RESPONSES, CHAT)
    assert [item["type"] for item in body["output"]] == ["message", "function_call"]
    assert body["status"] == "completed"
    assert body["output"][1]["call_id"] == "c1"


def test_8_59_length_is_incomplete():
    body = whole(chat("length", content="a"), RESPONSES, CHAT)
    assert body["status"] == "incomplete"
    assert body["incomplete_details"] == {"reason": "max_output_tokens"}


def test_8_60_stop_with_calls_is_tool_use():
    assert a_of_c(chat("stop", content=None, tool_calls=[call("c1")]))["stop_reason"] == "tool_use"


def test_3_3_tool_calls_without_any_is_a_stop():
    assert a_of_c(chat("tool_calls", content="a"))["stop_reason"] == "end_turn"


def test_8_61_null_content_is_no_block():
    body = a_of_c(chat(content=None))
    assert body["content"] == []
    assert body["stop_reason"] == "end_turn"
    assert body["stop_sequence"] is None


def test_8_62_cached_tokens_are_not_input_tokens():
    usage = a_of_c(chat(content="a"))["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (40, 60)


def test_8_63_and_the_other_way_round_they_are():
    usage = c_of_a(message(text("a")))["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (95, 7, 102)
    assert usage["prompt_tokens_details"] == {"cached_tokens": 80, "cache_write_tokens": 5}


def test_3_4_reasoning_tokens_travel():
    usage = {**USAGE, "completion_tokens_details": {"reasoning_tokens": 9}}
    assert a_of_c(chat(content="a", usage=usage))["usage"]["output_tokens_details"] == {"thinking_tokens": 9}
    body = message(
        text("a"), usage={"input_tokens": 1, "output_tokens": 5, "output_tokens_details": {"thinking_tokens": 3}}
    )
    assert c_of_a(body)["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3}


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("stop_sequence", "stop"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
    ],
)
def test_8_64_reasons(stop, finish):
    assert c_of_a(message(text("a"), stop=stop))["choices"][0]["finish_reason"] == finish


def test_8_66_thinking_text_and_a_call():
    sealed = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    body = c_of_a(message(sealed, text("a"), tool_use("t1", x=1), stop="tool_use"))
    said = body["choices"][0]["message"]
    assert (said["reasoning_content"], said["content"]) == ("hm", "a")
    assert said["tool_calls"] == [call("t1", arguments='{"x":1}')]
    assert said["reasoning_details"][0]["signature"] == "sig"
    assert body["choices"][0]["finish_reason"] == "tool_calls"


def test_8_67_two_names_for_reasoning_are_one_text():
    body = a_of_c(chat(content="a", reasoning="hm", reasoning_content="hm"))
    assert body["content"] == [{"type": "thinking", "thinking": "hm", "signature": ""}, text("a")]


def test_8_68_text_blocks_are_joined_without_a_separator():
    assert c_of_a(message(text("a"), text("b")))["choices"][0]["message"]["content"] == "ab"


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": None}])
def test_8_69_without_usage_there_are_numbers(usage):
    said = a_of_c(chat(content="abcd", usage=usage))["usage"]
    assert (said["input_tokens"], said["output_tokens"]) == (9, 1)


def test_8_65_the_stop_sequence_that_matched():
    body = chat(content="a")
    body["choices"][0]["stop_reason"] = "END"
    said = a_of_c(body, stops=frozenset({"END"}))
    assert (said["stop_reason"], said["stop_sequence"]) == ("stop_sequence", "END")


def test_3_2_refusals():
    said = c_of_a(message(stop="refusal", stop_details={"explanation": "why"}))["choices"][0]["message"]
    assert (said["content"], said["refusal"]) == (None, "why")
    assert a_of_c(chat("content_filter", content=None, refusal="no"))["content"] == [text("no")]
    assert whole(chat(content=None, refusal="no"), CHAT, CHAT)["choices"][0]["message"]["refusal"] == "no"
    body = whole(chat("stop", content=None, refusal="no"), RESPONSES, CHAT)
    assert body["output"][0]["content"][0]["type"] == "refusal"


def test_3_2_citations():
    cited = [{"type": "web_search_result_location", "url": "https://x", "title": "T"}, {"type": "char_location"}]
    body = c_of_a(message({**text("a"), "citations": cited}))
    assert body["choices"][0]["message"]["annotations"][0]["url_citation"]["url"] == "https://x"


def test_3_2_hidden_thinking_and_odd_blocks():
    hidden = {"type": "redacted_thinking", "data": "zz"}
    body = message(hidden, "odd", text("a"))
    assert c_of_a(body)["choices"][0]["message"]["reasoning_details"][0]["data"] == "zz"
    assert whole(body, MESSAGES, MESSAGES)["content"] == [hidden, text("a")]


@pytest.mark.parametrize(("arguments", "given"), [("", {}), ("{bad", {"raw": "{bad"}), ('{"x":1}', {"x": 1})])
def test_3_2_arguments_become_an_object(arguments, given):
    body = a_of_c(chat("tool_calls", content=None, tool_calls=[call("c", arguments=arguments)]))
    assert body["content"][0]["input"] == given


def test_3_2_free_form_calls():
    body = chat(content=None, tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "p", "input": "free"}}])
    assert whole(body, CHAT, CHAT)["choices"][0]["message"]["tool_calls"][0]["custom"]["input"] == "free"
    assert a_of_c(body)["content"][0]["input"] == {"input": "free"}


def test_3_5_ids_and_names():
    body = a_of_c(chat(content="a"))
    assert (body["id"], body["model"], body["role"], body["type"]) == ("msg_r1", "asked", "assistant", "message")
    body = c_of_a(message(text("a")))
    assert (body["id"], body["object"], body["created"]) == ("chatcmpl-r1", "chat.completion", 1_700_000_000)
    assert whole(chat(content="a"), CHAT, CHAT)["id"] == "chatcmpl-1"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "boom", "type": "overloaded_error"}},
        {"type": "error", "error": {"message": "boom", "type": "overloaded_error"}},
    ],
)
@pytest.mark.parametrize("upstream", [CHAT, MESSAGES])
def test_4_8_a_200_that_is_an_error(body, upstream):
    answer = convert_response(orjson.dumps(body), exchange(MESSAGES, upstream))
    assert answer.failure is not None
    assert answer.failure.status == 529
    assert answer.body["error"]["message"] == "boom"


def test_a_whole_answer_without_an_end_broke_off():
    assert convert_response(
        orjson.dumps({"choices": [{"message": {"content": "a"}}]}), exchange(MESSAGES, CHAT)
    ).failure
    assert convert_response(b"oops", exchange(MESSAGES, CHAT)).failure


@pytest.mark.parametrize(("name", "upstream"), [("openai", CHAT), ("anthropic", MESSAGES)])
def test_a_stream_that_nobody_asked_for_is_put_together(name, upstream):
    answer = convert_response(transcript(name), exchange(MESSAGES, upstream))
    kinds = [block["type"] for block in answer.body["content"] if block["type"] != "thinking"]
    assert kinds == ["text", "tool_use", "tool_use"]
    assert answer.body["content"][-1]["input"] == {"zone": "UTC"}


class Nothing:
    def feed(self, event):
        return [event]

    def close(self):
        return []


def test_transforms_see_whole_answers_too():
    data = orjson.dumps(chat(content="a"))
    assert convert_response(data, exchange(MESSAGES, CHAT), [Nothing()]).body["content"] == [text("a")]
