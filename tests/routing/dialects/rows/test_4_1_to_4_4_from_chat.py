"""Lists 4.1 and 4.2 and table 4.4 of the reference, row by row: what is written for chat and messages, and the ways in
which servers of chat tell their tool calls.

That no block is open beside another, that nothing is sent twice, and what else holds of every stream: `checkers`.
"""

import pytest

from tests.routing.dialects.checkers import Read, check_chat, check_messages
from tests.routing.dialects.support import (
    CHAT,
    MESSAGES,
    delta,
    exchange,
    frames_of,
    payloads,
    streamed,
    tool_delta,
)

DONE = "[DONE]"
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 60}}
USAGE_CHUNK = {"id": "chatcmpl-9", "choices": [], "usage": USAGE}


def piece(arguments: str | None = None, name: str | None = None, **entry) -> dict:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return tool_delta(**entry, function=function)


EVERYTHING = frames_of(
    delta(role="assistant", content=""),
    delta(reasoning_content="hm"),
    delta(content="a"),
    delta(content="b"),
    piece('{"x":', "f", index=0, id="c1", type="function"),
    piece("1}", index=0),
    piece("", "g", index=1, id="c2", type="function"),
    delta("stop"),
    USAGE_CHUNK,
    DONE,
)


def written(client=CHAT, data: bytes = EVERYTHING, **more) -> list[dict]:
    return payloads(streamed(data, exchange(client, CHAT, **more)))


class TestChunks:
    def deltas(self, **more) -> list[dict]:
        return [chunk["choices"][0]["delta"] for chunk in written(**more) if chunk["choices"]]

    def test_4_1_1_the_role_comes_first_and_once(self):
        first, *others = self.deltas()
        assert first == {"role": "assistant", "content": ""}
        assert not any("role" in changed for changed in others)
        assert {chunk["created"] for chunk in written()} == {1_700_000_000}

    def test_4_1_2_text_refusals_and_reasoning_have_members_of_their_own(self):
        assert {"content": None, "reasoning_content": "hm"} in self.deltas()
        assert {"content": "a"} in self.deltas()
        refused = frames_of(delta(refusal="no"), delta("stop"), DONE)
        assert {"content": None, "refusal": "no"} in self.deltas(data=refused)

    def test_4_1_3_a_call_says_who_it_is_once(self):
        entries = [entry for changed in self.deltas() for entry in changed.get("tool_calls", ())]
        assert entries == [
            {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}},
            {"index": 0, "function": {"arguments": '{"x":'}},
            {"index": 0, "function": {"arguments": "1}"}},
            {"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
            {"index": 1, "function": {"arguments": "{}"}},
        ]

    def test_4_1_4_the_finish_is_said_once(self):
        reasons = [chunk["choices"][0]["finish_reason"] for chunk in written()]
        assert reasons == [None] * (len(reasons) - 1) + ["tool_calls"]
        assert written()[-1]["choices"][0]["delta"] == {}

    def test_4_1_5_usage_comes_to_those_who_asked(self):
        *before, last = written(include_usage=True)
        assert [chunk["usage"] for chunk in before] == [None] * len(before)
        assert (last["choices"], last["usage"]["prompt_tokens"]) == ([], 100)
        assert not any("usage" in chunk for chunk in written())

    def test_4_1_6_done_is_last(self):
        assert streamed(EVERYTHING, exchange(CHAT, CHAT)).endswith(b"data: [DONE]\n\n")


class TestEvents:
    def of(self, kind: str, data: bytes = EVERYTHING) -> list[dict]:
        return [event for event in written(MESSAGES, data) if event["type"] == kind]

    def test_4_2_1_message_start_has_numbers(self):
        (start,) = self.of("message_start")
        usage = start["message"].pop("usage")
        assert start["message"] == {
            "id": "msg_r1",
            "type": "message",
            "role": "assistant",
            "model": "asked",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }
        assert all(type(number) is int for number in usage.values())
        assert usage["output_tokens"] == 1

    def test_4_2_2_pings_are_not_made_by_a_conversion(self):
        assert self.of("ping", b": processing\n\n" + EVERYTHING) == []

    def test_4_2_3_blocks_begin_empty(self):
        assert [(event["index"], event["content_block"]) for event in self.of("content_block_start")] == [
            (0, {"type": "thinking", "thinking": "", "signature": ""}),
            (1, {"type": "text", "text": ""}),
            (2, {"type": "tool_use", "id": "c1", "name": "f", "input": {}}),
            (3, {"type": "tool_use", "id": "c2", "name": "g", "input": {}}),
        ]

    def test_4_2_4_deltas_are_of_their_blocks_kind(self):
        deltas = [(event["index"], event["delta"]) for event in self.of("content_block_delta")]
        assert deltas == [
            (0, {"type": "thinking_delta", "thinking": "hm"}),
            (1, {"type": "text_delta", "text": "a"}),
            (1, {"type": "text_delta", "text": "b"}),
            (2, {"type": "input_json_delta", "partial_json": '{"x":'}),
            (2, {"type": "input_json_delta", "partial_json": "1}"}),
        ]

    def test_4_2_4_a_seal_is_the_last_delta_of_its_block(self):
        sealed = frames_of(
            delta(reasoning_details=[{"text": "hm", "signature": "Eq"}]), delta("stop", content="a"), DONE
        )
        deltas = [event["delta"] for event in self.of("content_block_delta", sealed)]
        assert deltas[1] == {"type": "signature_delta", "signature": "Eq"}

    def test_4_2_5_each_block_is_closed(self):
        assert [event["index"] for event in self.of("content_block_stop")] == [0, 1, 2, 3]

    def test_4_2_6_message_delta_has_the_reason_and_the_whole_usage(self):
        (last,) = self.of("message_delta")
        assert last["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
        assert last["usage"] == {
            "input_tokens": 40,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 60,
            "output_tokens": 20,
        }

    def test_4_2_7_message_stop_is_the_end(self):
        assert written(MESSAGES)[-1] == {"type": "message_stop"}
        assert len(self.of("message_stop")) == 1

    def test_4_2_8_and_4_8_1_an_error_is_an_event_and_the_end(self):
        events = written(MESSAGES, frames_of(delta(content="a"), {"error": {"message": "boom"}}, delta(content="b")))
        assert events[-1]["type"] == "error"
        assert events[-1]["error"] == {"type": "api_error", "message": "boom"}
        assert not [event for event in events if event["type"] in ("message_stop", "message_delta")]


def read(*chunks, **more) -> Read:
    """Chat's stream as a client of messages gets it; one of chat gets the same calls."""
    data = frames_of(*chunks)
    found = check_messages(streamed(data, exchange(MESSAGES, CHAT, **more)))
    others = check_chat(streamed(data, exchange(CHAT, CHAT, **more))).tools()
    if not more:
        assert [said[1:] for said in others] == [(name, given or "{}") for _, name, given in found.tools()]
    return found


F, G = ("f", '{"a":1}'), ("g", '{"b":2}')
END = delta("tool_calls")


@pytest.mark.parametrize(
    ("chunks", "calls"),
    [
        pytest.param(
            [piece('{"a":', "f", id="1"), piece("1}", id="1"), piece('{"b":2}', "g", id="2")], [F, G], id="4.4.1 ids"
        ),
        pytest.param([piece('{"a":', "f"), piece("1}")], [F], id="4.4.1 the place"),
        *(
            pytest.param(
                [
                    piece('{"a":1}', "f", id="1", index=index),
                    piece('{"b":', "g", id="2", index=index),
                    piece("2}", index=index),
                ],
                [F, G],
                id=f"4.4.2 {index}",
            )
            for index in (-1, None, "0", 0.0)
        ),
        pytest.param(
            [piece('{"a":1}', "f", id="1", index=0), piece('{"b":2}', "g", id="2", index=0)], [F, G], id="4.4.3"
        ),
        pytest.param([piece(said, "f", id="1", index=0) for said in ('{"a"', ":1", "}")], [F], id="4.4.4"),
        *(
            pytest.param(
                [piece('{"a"', "f", id="1", index=0), piece(":1}", id=later, index=0)], [F], id=f"4.4.5 {later!r}"
            )
            for later in ("", None)
        ),
        pytest.param([piece('{"a"', "f", index=0), piece(":1}", index=0)], [F], id="4.4.6"),
        *(
            pytest.param(
                [piece('{"a"', early, id="1", index=0), piece(":1}", "f", index=0)], [F], id=f"4.4.7 {early!r}"
            )
            for early in ("", None)
        ),
        pytest.param(
            [piece('{"a":1}', "f", id="1", index=1), piece('{"b":2}', "g", id="2", index=4)], [F, G], id="4.4.8"
        ),
        pytest.param(
            [
                delta(
                    tool_calls=[
                        {"function": {"name": "f", "arguments": '{"a":1}'}},
                        {"function": {"name": "g", "arguments": {"b": 2}}},
                    ]
                )
            ],
            [F, G],
            id="4.4.9",
        ),
        pytest.param(
            [tool_delta(index=9, type="retrieval", id="x"), piece('{"a":1}', "f", index=0, id="1", type=None)],
            [F],
            id="4.4.10",
        ),
    ],
)
def test_calls_are_told_apart(chunks, calls):
    found = read(*chunks, END, DONE)
    assert [said[1:] for said in found.tools()] == calls
    assert len({id for id, *_ in found.tools()}) == len(calls)


CALL = piece('{"a":1}', "f", index=0, id="1")


@pytest.mark.parametrize(
    ("chunks", "parts"),
    [
        pytest.param([CALL, delta("stop"), DONE], ["tool"], id="4.4.11"),
        pytest.param([delta("stop", tool_calls=CALL["choices"][0]["delta"]["tool_calls"])], ["tool"], id="4.4.12"),
        pytest.param(
            [delta(role="assistant", content="a"), delta(role="assistant"), CALL, END, DONE],
            ["text", "tool"],
            id="4.4.15",
        ),
        pytest.param(
            [delta(content=None, reasoning="hm"), delta(reasoning="hm"), delta(content="a"), CALL, END],
            ["thinking", "text", "tool"],
            id="4.4.16",
        ),
        pytest.param([delta(), delta(), CALL, delta(), END, DONE], ["tool"], id="4.4.17"),
        pytest.param(
            [delta(content="", tool_calls=CALL["choices"][0]["delta"]["tool_calls"]), END, DONE], ["tool"], id="4.4.18"
        ),
    ],
)
def test_what_stands_around_calls(chunks, parts):
    found = read(*chunks)
    assert [kind for kind, _ in found.parts] == parts
    assert (found.finish, found.tools()) == ("tool_use", [("1", *F)])


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([delta(content="a"), delta("stop"), USAGE_CHUNK, DONE], id="4.4.13 after the finish"),
        pytest.param([delta(content="a"), {**delta("stop"), "usage": USAGE}], id="4.4.14 in the last chunk"),
        pytest.param(
            [
                {**delta(content="a"), "usage": {**USAGE, "completion_tokens": 1}},
                {**delta("stop"), "usage": USAGE},
                DONE,
            ],
            id="4.4.14 in every chunk",
        ),
    ],
)
def test_usage_is_found(chunks):
    usage = read(*chunks).usage
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (40, 60, 20)


def test_4_4_7_a_name_in_pieces_is_whole_when_it_is_one_that_was_sent():
    chunks = piece("", "wea", index=0, id="c"), piece("", "ther", index=0), piece("{}", "weather", index=0), END
    assert read(*chunks, known_tools=frozenset({"weather"})).tools() == [("c", "weather", "{}")]


def test_7_4_llama_cpp_counts_in_its_last_chunk():
    last = {**delta("stop"), "timings": {"cache_n": 60, "prompt_n": 40, "predicted_n": 20}}
    usage = read(delta(role="assistant", content=None), delta(content="a"), last, DONE).usage
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (40, 60, 20)
