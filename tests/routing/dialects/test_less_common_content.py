"""Rows of section 2 that few clients use, and odd forms of the common ones."""

from dataclasses import asdict, replace

import pytest

from routing.dialects import events
from routing.dialects.capabilities import capabilities
from routing.dialects.chat.writer import ChatWriter
from routing.dialects.conversion import convert_request
from routing.dialects.messages.writer import MessagesWriter
from routing.dialects.streaming import StreamConverter
from routing.errors import BadRequest
from routing.kinds import Kind
from tests.routing.dialects.checkers import check_messages
from tests.routing.dialects.support import (
    CHAT,
    MESSAGES,
    RESPONSES,
    SONNET_45,
    a_to_c,
    assistant,
    c_to_a,
    c_tool,
    call,
    converted,
    delta,
    exchange,
    frames_of,
    named,
    payloads,
    r_to_c,
    streamed,
    text,
    tool_delta,
    tool_message,
    tool_result,
    tool_use,
    user,
    whole,
)

PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def openai_body(**fields) -> dict:
    """A chat request at OpenAI's own chat: what a client sends when something must be looked at on the way."""
    return converted({"model": "m", "messages": [user("hi")], **fields}, CHAT, CHAT, Kind.OPENAI, "gpt-4o").body


def test_2_4_free_form_tools_stay_free_form_at_openai():
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}}
    plain = {"type": "custom", "custom": {"name": "p", "format": {"type": "text"}}}
    bare = {"type": "custom", "custom": {"name": "q"}}
    full = {"type": "custom", "custom": {"name": "g", "description": "d", "format": grammar}}
    sent = openai_body(
        tools=[plain, bare, full],
        messages=[
            user("q"),
            assistant(None, tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "p", "input": "x"}}]),
            tool_message("c"),
        ],
        tool_choice={"type": "custom", "custom": {"name": "p"}},
    )
    assert sent["tools"] == [plain, bare, full]
    assert sent["messages"][1]["tool_calls"][0] == {"id": "c", "type": "custom", "custom": {"name": "p", "input": "x"}}
    assert sent["tool_choice"] == {"type": "custom", "custom": {"name": "p"}}


def test_2_4_a_free_form_tool_without_a_grammar_is_wrapped_silently():
    conversion = c_to_a(tools=[{"type": "custom", "custom": {"name": "p"}}])
    assert conversion.warnings == []
    assert conversion.body["tools"][0]["input_schema"]["properties"] == {"input": {"type": "string"}}


def test_2_6_a_free_form_call_in_the_history_is_wrapped_for_anthropic():
    turn = assistant(None, tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "p", "input": "x"}}])
    sent = c_to_a(messages=[user("q"), turn, tool_message("c")]).body["messages"]
    assert sent[1]["content"][0]["input"] == {"input": "x"}


def test_2_1_tiers_audio_and_descriptions_at_openai():
    audio = {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "description": "d"}}
    sent = openai_body(messages=[user([audio])], service_tier="flex", response_format=wanted)
    assert sent["messages"][0]["content"] == [audio]
    assert sent["service_tier"] == "flex"
    assert sent["response_format"] == wanted
    assert openai_body(response_format={"type": "text"}).get("response_format") is None


def test_2_3_refusals_in_chat_stay_refusals():
    turns = [user("q"), assistant(None, refusal="no"), user([{"type": "refusal", "refusal": "odd"}, "bare"])]
    sent = openai_body(messages=turns)["messages"]
    assert sent[1] == assistant(None, refusal="no")
    assert sent[2]["content"] == [text("odd"), text("bare")]
    with pytest.raises(BadRequest, match="must be an object"):
        openai_body(messages=[user([3])])


def test_2_6_an_empty_assistant_turn_disappears_and_its_thinking_stays():
    sent = a_to_c(messages=[user("q"), assistant([]), user("b")]).body["messages"]
    assert sent == [user("q"), user("b")]
    thought = {"type": "thinking", "thinking": "hm", "signature": ""}
    sent = a_to_c(messages=[user("q"), assistant([thought]), user("b")]).body["messages"]
    assert sent[1] == {"role": "assistant", "content": "", "reasoning": "hm"}


def test_2_10_an_empty_trailing_turn_is_no_prefill():
    turns = [user("q"), assistant("")]
    assert c_to_a("claude-opus-4-8", messages=turns).body["messages"] == [user("q")]
    sent = a_to_c(messages=turns).body
    assert sent["messages"] == [user("q")]
    assert "continue_final_message" not in sent


def test_2_10_a_prefill_after_an_image_has_no_text_to_strip():
    turns = [user("q"), assistant([text("a "), {"type": "image_url", "image_url": "https://x/y.png"}])]
    assert c_to_a(SONNET_45, messages=turns).body["messages"][1]["content"][-1]["type"] == "image"


def test_2_6_trailing_calls_wait_for_nobody():
    conversion = a_to_c(messages=[user("q"), assistant([tool_use("t1")])])
    assert [message["role"] for message in conversion.body["messages"]] == ["user", "assistant"]
    assert conversion.warnings == []


def test_2_6_a_stray_result_beside_a_real_one():
    turns = [assistant([tool_use("t1")]), user([tool_result("t1", "1"), tool_result("t9", "9"), text("go")])]
    conversion = a_to_c(messages=turns)
    assert conversion.body["messages"][1:] == [tool_message("t1", "1"), user("9\ngo")]
    assert "t9" in conversion.warnings[0]


def test_2_6_images_stay_in_results_where_the_upstream_takes_them():
    of = capabilities(Kind.OTHER, "", MESSAGES)  # takes images in results
    body = {
        "model": "m",
        "max_tokens": 9,
        "messages": [assistant([tool_use("t1")]), user([tool_result("t1", [text("a"), PNG])])],
    }
    sent = convert_request(body, MESSAGES, CHAT, of).body["messages"]
    assert [part["type"] for part in sent[1]["content"]] == ["text", "image_url"]


def test_2_6_odd_parts_of_results_and_assistant_turns_are_named():
    odd = {"type": "odd"}
    turns = [assistant([tool_use("t1"), odd]), user([tool_result("t1", [text("a"), odd])])]
    conversion = a_to_c(messages=turns)
    assert conversion.body["messages"][1]["content"] == "a"
    assert len(conversion.warnings) == 2


def test_a_warning_is_said_once():
    assert len(a_to_c(messages=[user([{"type": "odd"}, {"type": "odd"}, text("a")])]).warnings) == 1


def to_messages(*turns: dict, **fields) -> dict:
    """Messages to a local server's Messages, as when something must be looked at on the way."""
    body = {"model": "m", "max_tokens": 9, "messages": list(turns), **fields}
    return converted(body, MESSAGES, MESSAGES, Kind.ANTHROPIC, SONNET_45).body


def test_2_3_documents_of_every_source_stay_documents():
    sources = [
        {"type": "url", "url": "https://x"},
        {"type": "text", "media_type": "text/plain", "data": "D"},
        {"type": "content", "content": [text("P"), PNG]},
        {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
    ]
    blocks = [{"type": "document", "source": source, "title": "T", "context": "C"} for source in sources]
    assert to_messages(user(blocks))["messages"] == [user(blocks)]


def test_2_1_cache_hints_stay_at_anthropic():
    hint = {"cache_control": {"type": "ephemeral"}}
    tool = {"name": "f", "input_schema": {"type": "object", "properties": {}}, **hint}
    turns = [
        user([{**text("a"), **hint}]),
        assistant([{**tool_use("t1"), **hint}]),
        user([tool_result("t1", [text("x"), PNG], is_error=True, **hint)]),
    ]
    sent = to_messages(*turns, system=[{**text("S"), **hint}], tools=[tool])
    assert sent["messages"] == turns
    assert sent["system"] == [{**text("S"), **hint}]
    assert sent["tools"] == [tool]


def test_2_4_web_search_stays_as_it_was_asked_for_at_anthropic():
    search = {"type": "web_search_20260209", "name": "web_search", "max_uses": 3}
    assert to_messages(user("hi"), tools=[search])["tools"] == [search]


def test_2_3_an_image_by_id_is_refused():
    with pytest.raises(BadRequest, match="another provider"):
        to_messages(user([{"type": "image", "source": {"type": "file", "file_id": "f"}}]))


def test_2_8_a_local_upstream_is_told_to_stop_thinking_only_when_the_client_said_so():
    assert "thinking" not in c_to_a("m", Kind.LMSTUDIO, reasoning_effort="none").body
    body = {"model": "m", "max_tokens": 9, "messages": [user("hi")], "thinking": {"type": "disabled"}}
    sent = converted(body, MESSAGES, MESSAGES, Kind.LMSTUDIO).body
    assert sent["thinking"] == {"type": "disabled"}


def test_sealed_reasoning_of_openai_comes_back():
    sealed = {"type": "reasoning.encrypted", "data": "zz", "id": "rs_1", "format": "openai-responses-v1"}
    turns = [user("q"), assistant("a", reasoning_details=[sealed, "odd"]), user("b")]
    body = {"model": "m", "messages": turns}
    sent = converted(body, CHAT, RESPONSES, Kind.OPENAI, "gpt-5").body["input"]
    assert sent[1]["encrypted_content"] == "zz"


# The answers' side


def test_4_7_free_form_calls_in_a_stream():
    chunks = (
        tool_delta(index=0, id="c", type="custom", custom={"name": "p", "input": 'say "'}),
        tool_delta(index=0, type="custom", custom={"input": 'x"'}),
        delta("tool_calls"),
        "[DONE]",
    )
    read = check_messages(streamed(frames_of(*chunks), exchange(MESSAGES, CHAT)))
    assert read.tools() == [("c", "p", '{"input":"say \\"x\\""}')]
    entries = [
        chunk["choices"][0]["delta"].get("tool_calls")
        for chunk in payloads(streamed(frames_of(*chunks), exchange(CHAT, CHAT)))
    ]
    said = [entry["custom"]["input"] for found in entries if found for entry in found]
    assert "".join(said) == 'say "x"'


def test_4_3_text_that_only_looks_like_a_repetition_is_kept():
    chunks = (
        tool_delta(index=0, id="c", function={"name": "f", "arguments": '{"a":1}'}),
        tool_delta(index=0, function={"arguments": "{bad"}),
        delta("tool_calls"),
        "[DONE]",
    )
    read = check_messages(streamed(frames_of(*chunks), exchange(MESSAGES, CHAT)))
    assert read.tools() == [("c", "f", '{"a":1}{bad')]


def test_4_4_a_second_name_for_a_known_tool_is_not_appended():
    chunks = (
        tool_delta(index=0, id="c", function={"name": "weather"}),
        tool_delta(index=1, id="d", function={"name": "clo"}),
        tool_delta(index=1, function={"name": "clo"}),
        tool_delta(index=1, function={"name": "ck", "arguments": "{}"}),
        delta("tool_calls"),
        "[DONE]",
    )
    known = frozenset({"weather", "clock"})
    read = check_messages(streamed(frames_of(*chunks), exchange(MESSAGES, CHAT, known_tools=known)))
    assert [name for _, name, _ in read.tools()] == ["weather", "clock"]


@pytest.mark.parametrize(("client", "make"), [(CHAT, ChatWriter), (MESSAGES, MessagesWriter)])
def test_a_second_start_says_nothing(client, make):
    writer = make(exchange(client, CHAT))
    first = writer.feed([events.Start("a")])
    assert first
    assert writer.feed([events.Start("b")]) == b""
    assert b"broke off" in writer.close()
    assert writer.close() == b""


def test_4_3_11_a_seal_without_text_is_a_block_and_one_of_others_is_none():
    thought = {"type": "thinking", "thinking": "", "signature": "sig"}
    body = {
        "type": "message",
        "content": [thought, text("a")],
        "stop_reason": "end_turn",
        "usage": {"output_tokens": 0},
    }
    assert whole(body, MESSAGES, MESSAGES)["content"] == [thought, text("a")]
    frames = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "unheard_of"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    ]
    out = streamed(named(*frames), exchange(MESSAGES, MESSAGES))
    assert check_messages(out).parts == [("thinking", "")]
    openai = {"type": "reasoning.encrypted", "data": "zz", "format": "openai-responses-v1"}
    chunks = delta(reasoning_details=[openai]), delta("stop", content="a"), "[DONE]"
    assert check_messages(streamed(frames_of(*chunks), exchange(MESSAGES, CHAT))).parts == [("text", "a")]
    chat = {"choices": [{"message": {"content": "a", "reasoning_details": [openai]}, "finish_reason": "stop"}]}
    assert whole(chat, MESSAGES, CHAT)["content"] == [text("a")]


def test_3_4_a_start_that_counts_no_output_yet_counts_nothing():
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 0}}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "abcdefgh"}}
    stop = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    out = streamed(named(start, block, stop), exchange(MESSAGES, MESSAGES))
    assert payloads(out)[-2]["usage"]["output_tokens"] == 2


def test_an_upstream_that_closed_without_a_byte_failed():
    converter = StreamConverter(exchange(CHAT, CHAT))
    assert b"broke off" in converter.close()
    assert converter.failure is not None


def test_2_6_calls_with_the_arguments_missing():
    entry = {"id": "a", "type": "function", "function": {"name": "f"}}
    sent = c_to_a(messages=[user("q"), assistant(None, tool_calls=[entry]), tool_message("a")]).body["messages"]
    assert sent[1]["content"][0]["input"] == {}


def test_2_2_late_system_messages_can_be_folded_into_the_users_words():
    of = replace(capabilities(Kind.VLLM, "", CHAT), late_system=False)
    turns = [user("q"), {"role": "system", "content": "S"}, {"role": "system", "content": ""}]
    body = {"model": "m", "max_tokens": 9, "messages": turns}
    assert convert_request(body, MESSAGES, CHAT, of).body["messages"] == [user("q"), user("S")]


def test_8_55_calls_of_a_group_come_back_in_their_group():
    group = {"type": "namespace", "name": "ns", "tools": [c_tool("g")["function"] | {"type": "function"}]}
    of = r_to_c(tools=[group]).exchange
    body = {"choices": [{"message": {"tool_calls": [call("c", "ns__g")]}, "finish_reason": "tool_calls"}]}
    known = {name: value for name, value in asdict(of).items() if name in ("namespaces", "known_tools")}
    (item,) = whole(body, RESPONSES, CHAT, **known)["output"]
    assert (item["namespace"], item["name"]) == ("ns", "g")
