"""The whole response: sections 3.1 to 3.3 of the reference; and that a stream ends with the same one."""

from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response

from routing.dialects.events import (
    Citation,
    End,
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
    Usage,
    UsageSeen,
)
from routing.dialects.responses.writer import ResponsesWriter
from tests.routing.dialects.responses.checking import check
from tests.routing.dialects.responses.making import exchange, streamed, whole

STOP = [Finish(FinishReason.STOP), End()]


def test_8_58_text_and_a_call():
    new = [Start("chatcmpl-1"), Text("I look."), ToolStart(0, "call_1", "f"), ToolArguments(0, "{}"), *STOP]
    response = whole(new)
    assert [item["type"] for item in response["output"]] == ["message", "function_call"]
    assert (response["status"], response["output"][1]["call_id"]) == ("completed", "call_1")
    assert Response.model_validate(response).output_text == "I look."


def test_8_59_length_is_incomplete():
    response = whole([Start(), Text("a"), Finish(FinishReason.LENGTH), End()])
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert response["output"][0]["status"] == "incomplete"


def test_3_1_the_skeleton_is_complete():
    response = whole([Start(), *STOP], echo={"instructions": "i"})
    assert response["object"] == "response"
    assert response["output"] == []
    assert {"parallel_tool_calls", "tool_choice", "tools", "temperature", "top_p", "text", "truncation"} <= set(
        response
    )
    assert (response["instructions"], response["previous_response_id"], response["store"]) == ("i", None, False)


def test_3_2_citations_belong_to_the_first_text():
    new = [Start(), Text("a"), Citation("https://x"), ToolStart(0, "c", "f"), Text("b"), *STOP]
    messages = [item for item in whole(new)["output"] if item["type"] == "message"]
    assert [len(item["content"][0]["annotations"]) for item in messages] == [1, 0]


def test_reasoning_that_says_nothing_is_no_item():
    assert whole([Start(), ReasoningEnd(), Text("a"), *STOP])["output"][0]["type"] == "message"


def test_empty_thinking_does_not_part_a_text():
    new = [Start(), Text("a"), ReasoningEnd(), Text("b"), *STOP]
    assert whole(new) == check(streamed(new)).response
    assert whole(new)["output"][0]["content"][0]["text"] == "ab"


def test_a_refusals_explanation_is_spoken():
    response = whole([Start(), Finish(FinishReason.REFUSAL, explanation="No."), End()])
    assert response["output"][0]["content"] == [{"type": "refusal", "refusal": "No."}]
    assert response["status"] == "completed"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5).filter(str.strip)
SPACES = st.sampled_from(["", " ", "\n\n"])


@st.composite
def answers(draw):
    """Answers with all kinds of content, and calls that overlap each other and the text."""
    new, calls = [Start()], []
    for _ in range(draw(st.integers(0, 12))):
        match draw(
            st.sampled_from(["text", "space", "reasoning", "seal", "redacted", "refusal", "call", "more", "end"])
        ):
            case "text":
                new.append(Text(draw(TEXTS)))
            case "space" if not isinstance(new[-1], Refusal):
                new += [Text(draw(SPACES)), ToolStart(100 + len(new), f"s{len(new)}", "f")]
            case "reasoning":
                new.append(Reasoning(draw(TEXTS)))
            case "seal":
                new.append(ReasoningEnd(draw(st.sampled_from(["", "sig"]))))
            case "redacted":
                new.append(Redacted("xyz"))
            case "refusal":
                new.append(Refusal(draw(TEXTS)))
            case "call":
                key = len(new)
                name = draw(st.sampled_from(["f", "wrapped", "ns__f"]))
                new.append(ToolStart(key, f"call_{key}", name, draw(st.booleans()) and name == "f"))
                calls.append([key, '{"input":"x"}'])
            case "more" if calls:
                call = draw(st.sampled_from(calls))
                size = draw(st.integers(1, 13))
                new.append(ToolArguments(call[0], call[1][:size]))
                call[1] = call[1][size:]
                if not call[1]:
                    calls.remove(call)
            case "end" if calls:
                call = calls.pop(draw(st.integers(0, len(calls) - 1)))
                new += [ToolArguments(call[0], call[1]), ToolEnd(call[0])]
    new += [ToolArguments(key, rest) for key, rest in calls]
    reason = draw(st.sampled_from([FinishReason.STOP, FinishReason.TOOL_CALLS, FinishReason.REFUSAL]))
    return [*new, UsageSeen(Usage(prompt=3, output=4)), Finish(reason), End()]


@given(answers())
def test_a_stream_ends_with_the_whole_response(new):
    said = {"wrapped": frozenset({"wrapped"}), "namespaces": {"ns__f": ("ns", "f")}}
    assert check(streamed(new, **said)).response == whole(new, **said)


@given(answers(), st.data())
def test_the_bytes_do_not_depend_on_how_events_arrive(new, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(new)), max_size=4)))
    writer = ResponsesWriter(exchange())
    bounds = zip([0, *cuts], [*cuts, len(new)], strict=True)
    assert b"".join(writer.feed(new[start:end]) for start, end in bounds) == streamed(new)
