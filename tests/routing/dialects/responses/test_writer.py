"""Events to a Responses stream: sections 3.2, 3.3, 3.4, 4.6 and 4.8 of the reference."""

import pytest

from routing.dialects.events import (
    Citation,
    End,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    ReasoningEnd,
    Redacted,
    Refusal,
    Start,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
    UpstreamError,
    Usage,
    UsageSeen,
)
from tests.routing.dialects.responses.checking import Checked, check, events_of
from tests.routing.dialects.responses.making import streamed

STOP = [Finish(FinishReason.STOP), End()]


def written(*new, **fields) -> Checked:
    return check(streamed([Start(), *new], **fields))


def failed(*new) -> dict:
    return check(streamed(new)).response


def test_4_6_a_message():
    found = written(Text("Hel"), Text("lo"), *STOP)
    assert found.kinds() == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    part = {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
    assert found.items == [
        {"id": "msg_r1_0", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    ]


def test_4_6_a_call():
    found = written(ToolStart(0, "call_1", "f"), ToolArguments(0, '{"x"'), ToolArguments(0, ":1}"), *STOP)
    assert found.kinds()[2:] == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    call = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"x":1}'}
    assert found.items == [{"id": "fc_r1_0", **call, "status": "completed"}]


def test_4_6_a_custom_call():
    found = written(ToolStart(0, "call_1", "p", custom=True), ToolArguments(0, "any {text"), *STOP)
    assert found.kinds()[3:5] == ["custom_tool_call_input.delta", "custom_tool_call_input.done"]
    assert (found.items[0]["type"], found.items[0]["input"]) == ("custom_tool_call", "any {text")


def test_4_6_reasoning_is_a_summary():
    found = written(Reasoning("so"), Reasoning(" far"), Text("a"), *STOP)
    assert found.kinds()[2:9] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    summary = [{"type": "summary_text", "text": "so far"}]
    assert found.items[0] == {"id": "rs_r1_0", "type": "reasoning", "summary": summary}


def test_8_91_the_final_response_lists_the_items_that_were_done():
    new = [
        Reasoning("hm"),
        Text("a"),
        ToolStart(0, "c0", "f"),
        ToolStart(1, "c1", "g"),
        ToolArguments(1, "{}"),
        ToolArguments(0, '{"x":1}'),
        *STOP,
    ]
    found = written(*new)
    assert [item["type"] for item in found.response["output"]] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    assert [item["id"] for item in found.items] == ["rs_r1_0", "msg_r1_1", "fc_r1_2", "fc_r1_3"]


def test_8_92_a_finished_call_is_complete():
    (item,) = written(ToolStart(0, "call_1", "f"), ToolArguments(0, "{}"), ToolEnd(0), *STOP).items
    assert (item["name"], item["call_id"], item["arguments"]) == ("f", "call_1", "{}")


def test_4_6_interleaved_calls_are_not_held_back():
    found = written(
        ToolStart(0, "a", "f"),
        ToolArguments(0, '{"x":'),
        ToolStart(1, "b", "g"),
        ToolArguments(1, "{"),
        ToolArguments(0, "1}"),
        ToolArguments(1, "}"),
        *STOP,
    )
    deltas = found.of("response.function_call_arguments.delta")
    assert [event["output_index"] for event in deltas] == [0, 1, 0, 1]
    assert [item["arguments"] for item in found.items] == ['{"x":1}', "{}"]


@pytest.mark.parametrize("pieces", [[], [" "], [""]])
def test_a_call_without_arguments_has_an_empty_object(pieces):
    (item,) = written(ToolStart(0, "a", "f"), *(ToolArguments(0, piece) for piece in pieces), *STOP).items
    assert item["arguments"].strip() == "{}"


def test_a_complete_call_is_over_when_something_else_begins():
    new = [ToolStart(0, "a", "f"), ToolArguments(0, "{}"), Text("then"), ToolStart(1, "b", "g"), *STOP]
    kinds = written(*new).kinds()
    assert kinds.index("output_item.done") < kinds.index("output_text.delta")


def test_6_2_a_call_that_ends_inside_of_a_text_waits_for_the_texts_end():
    new = [
        ToolStart(0, "a", "f"),
        ToolArguments(0, "{"),
        Text("meanwhile"),
        ToolArguments(0, "}"),
        ToolEnd(0),
        Text(" more"),
        *STOP,
    ]
    found = written(*new)
    assert found.items[0]["arguments"] == "{}"
    assert found.items[1]["content"][0]["text"] == "meanwhile more"


def test_pieces_for_a_closed_call_are_dropped():
    new = [ToolStart(0, "a", "f"), ToolEnd(0), ToolEnd(0), ToolArguments(0, "\n"), ToolArguments(0, "x"), *STOP]
    assert written(*new).items[0]["arguments"] == "{}"


def test_text_and_refusal_are_parts_of_one_message():
    (item,) = written(Text("Well."), Refusal("I"), Refusal(" won't."), Text(" "), Text("Sorry."), *STOP).items
    assert [part.get("text", part.get("refusal")) for part in item["content"]] == ["Well.", "I won't.", " Sorry."]


def test_8_79_white_space_before_a_call_is_no_message():
    new = [Reasoning("hm"), Text("\n\n"), ToolStart(0, "a", "f"), *STOP]
    assert [item["type"] for item in written(*new).items] == ["reasoning", "function_call"]


def test_white_space_before_a_text_leads_it():
    found = written(Text("\n"), Text(""), Text("\n"), Text("a"), *STOP)
    assert found.items[0]["content"][0]["text"] == "\n\na"


def test_white_space_before_a_refusal_is_dropped():
    assert [part["type"] for part in written(Text(" "), Refusal("no"), *STOP).items[0]["content"]] == ["refusal"]


def test_3_2_no_content_is_no_output():
    assert written(*STOP).response["output"] == []


def test_3_2_citations_are_flat_annotations():
    found = written(Text("a"), Citation("https://x", "X", 0, 1), *STOP)
    cited = {"type": "url_citation", "start_index": 0, "end_index": 1, "title": "X", "url": "https://x"}
    (event,) = found.of("response.output_text.annotation.added")
    assert (event["annotation"], event["annotation_index"]) == (cited, 0)
    assert found.items[0]["content"][0]["annotations"] == [cited]


def test_a_citation_of_nothing_is_left_out():
    assert written(Citation("https://x"), *STOP).response["output"] == []


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        (FinishReason.STOP, "completed", None),
        (FinishReason.STOP_SEQUENCE, "completed", None),
        (FinishReason.PAUSE, "completed", None),
        (FinishReason.UNKNOWN, "completed", None),
        (FinishReason.LENGTH, "incomplete", {"reason": "max_output_tokens"}),
        (FinishReason.CONTEXT, "incomplete", {"reason": "max_output_tokens"}),
        (FinishReason.REFUSAL, "incomplete", {"reason": "content_filter"}),
    ],
)
def test_3_3_status_by_finish_reason(reason, status, details):
    response = written(Text("a"), Finish(reason), End()).response
    assert (response["status"], response["incomplete_details"]) == (status, details)


def test_8_59_what_was_cut_is_incomplete():
    (item,) = written(Text("a"), Finish(FinishReason.LENGTH), End()).items
    assert item["status"] == "incomplete"


def test_3_3_a_cut_call_is_incomplete_and_the_complete_one_beside_it_is_not():
    new = [
        ToolStart(0, "a", "f"),
        ToolArguments(0, "{}"),
        ToolStart(1, "b", "f"),
        ToolArguments(1, '{"x"'),
        Finish(FinishReason.LENGTH),
        End(),
    ]
    assert [item["status"] for item in written(*new).items] == ["completed", "incomplete"]


def test_3_3_a_refusal_that_was_spoken_is_an_answer():
    response = written(Refusal("I won't."), Finish(FinishReason.REFUSAL), End()).response
    assert response["status"] == "completed"


@pytest.mark.parametrize("before", [[], [Text("Well.")], [Refusal("I can't.")], [Refusal("I can't."), Text("So.")]])
def test_3_3_the_explanation_of_a_refusal_is_spoken_once(before):
    found = written(*before, Finish(FinishReason.REFUSAL, explanation="It is forbidden."), End())
    assert found.response["status"] == "completed"
    refusals = [part["refusal"] for part in found.items[0]["content"] if part["type"] == "refusal"]
    assert refusals == (["I can't."] if Refusal("I can't.") in before else ["It is forbidden."])


def test_3_4_usage_has_all_its_members():
    usage = written(Text("12345"), *STOP).response["usage"]
    assert usage == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 11,
    }


def test_3_4_the_last_report_of_usage_wins():
    new = [Start(usage=Usage(prompt=95, cache_read=80)), Text("a"), UsageSeen(Usage(output=7, reasoning=3)), *STOP]
    usage = check(streamed(new)).response["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (95, 7, 102)
    assert usage["input_tokens_details"]["cached_tokens"] == 80
    assert usage["output_tokens_details"]["reasoning_tokens"] == 3


def test_3_1_the_response_repeats_its_request():
    response = written(*STOP, echo={"instructions": "i", "temperature": 0.5}).response
    assert (response["instructions"], response["temperature"], response["store"]) == ("i", 0.5, False)
    assert written(*STOP, echo={"store": True}).response["store"] is True  # the upstream keeps it
    assert (response["tools"], response["tool_choice"], response["parallel_tool_calls"]) == ([], "auto", True)
    assert (response["model"], response["created_at"], response["error"]) == ("asked", 1_700_000_000, None)


def test_3_5_ids_are_the_upstreams_where_they_look_right():
    assert check(streamed([Start("resp_7"), *STOP])).response["id"] == "resp_7"
    assert check(streamed([Start("chatcmpl-7"), Start("resp_8"), *STOP])).response["id"] == "resp_r1"


def test_tool_names_are_the_clients_again():
    assert written(ToolStart(0, "a", "short"), *STOP, names={"short": "long.name"}).items[0]["name"] == "long.name"


def test_2_4_a_wrapped_custom_tool_is_custom_again_while_it_arrives():
    pieces = ['{"inp', 'ut":"', "***", ' \\"Begin\\', '"', '"}']
    new = [ToolStart(0, "a", "p"), *(ToolArguments(0, piece) for piece in pieces), *STOP]
    found = written(*new, wrapped=frozenset({"p"}))
    assert found.items[0]["input"] == '*** "Begin"'
    deltas = [event["delta"] for event in found.of("response.custom_tool_call_input.delta")]
    assert deltas == ["***", ' "Begin', '"']


def test_2_4_what_a_model_wrote_instead_of_the_wrapping_is_taken_by_its_word():
    new = [ToolStart(0, "a", "p"), ToolArguments(0, "*** Begin"), *STOP]
    assert written(*new, wrapped=frozenset({"p"})).items[0]["input"] == "*** Begin"


def test_2_4_a_tool_of_a_namespace_has_both_names_again():
    new = [ToolStart(0, "a", "crm__find"), *STOP]
    (item,) = written(*new, namespaces={"crm__find": ("crm", "find")}).items
    assert (item["namespace"], item["name"]) == ("crm", "find")


def test_2_7_a_signature_is_sealed_with_its_text():
    found = written(Reasoning("hm"), ReasoningEnd("sig"), ReasoningEnd(), Text("a"), *STOP)
    assert found.items[0]["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert found.items[0]["encrypted_content"] == "anthropic-claude-v1:sig"


def test_2_7_seals_without_a_text_are_items_of_their_own():
    found = written(Redacted("xyz"), ReasoningEnd("sig"), ReasoningEnd(encrypted="opaque"), *STOP)
    assert [item["encrypted_content"] for item in found.items] == [
        "anthropic-claude-redacted-v1:xyz",
        "anthropic-claude-v1:sig",
        "opaque",
    ]


def test_4_8_an_upstream_that_fails_in_the_middle():
    response = failed(Start(), Text("a"), Failed(UpstreamError(429, "Slow down.", code="rate_limit_exceeded")))
    assert response["error"] == {"code": "rate_limit_exceeded", "message": "Slow down."}
    assert response["status"] == "failed"
    assert response["output"] == []


def test_4_8_an_upstream_that_fails_at_once():
    assert failed(Failed(UpstreamError(500, "Broken.")))["error"]["code"] == "server_error"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamError(400, "x", code="context_length_exceeded"), "context_length_exceeded"),
        (UpstreamError(400, "x"), "invalid_prompt"),
        (UpstreamError(429, "x"), "rate_limit_exceeded"),
        (UpstreamError(429, "x", "insufficient_quota", "insufficient_quota"), "insufficient_quota"),
        (UpstreamError(529, "x", "overloaded_error"), "server_is_overloaded"),
        (UpstreamError(502, "x"), "server_error"),
    ],
)
def test_6_2_errors_have_the_codes_that_codex_knows(error, code):
    assert failed(Start(), Failed(error))["error"]["code"] == code


def test_4_8_an_upstream_that_says_nothing_more_has_failed():
    assert check(streamed([Start(), Text("a")])).response["status"] == "failed"


def test_nothing_follows_the_end():
    assert streamed([Start(), *STOP, Text("late")]) == streamed([Start(), *STOP])


def test_text_is_json_whatever_it_holds():
    text = '"\n\u2028\\😀</script>'
    assert written(Text(text), *STOP).items[0]["content"][0]["text"] == text
    assert len(events_of(streamed([Start(), Text(text), *STOP]))) == 9
