"""The logprobs of an answer's tokens, in the three dialects that have them; row 2.1.20 of the reference."""

import orjson
import pytest

from routing.dialects import Dialect
from tests.routing.dialects.support import (
    CHAT,
    COMPLETIONS,
    GENERATE,
    MESSAGES,
    RESPONSES,
    delta,
    exchange,
    frames_of,
    named,
    payloads,
    streamed,
    whole,
)


def entry(token: str, *others: str) -> dict:
    top = [{"token": other, "logprob": -2.0, "bytes": None} for other in others]
    return {"token": token, "logprob": -0.5, "bytes": list(token.encode()), "top_logprobs": top}


TOKENS = [entry("Hel", "Hel", "Jel"), entry("lo")]
COMPLETION = {
    "tokens": ["Hel", "lo"],
    "token_logprobs": [-0.5, -0.5],
    "top_logprobs": [{"Hel": -2.0, "Jel": -2.0}, None],
    "text_offset": [0, 3],
}


def chat_choice(finish: str | None = None, **of) -> dict:
    return {"index": 0, "finish_reason": finish, **of}


CHAT_ANSWER = {
    "choices": [chat_choice("stop", message={"content": "Hello"}, logprobs={"content": TOKENS, "refusal": None})]
}
RESPONSES_ANSWER = {
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hello", "logprobs": TOKENS}]}],
}


@pytest.mark.parametrize(("upstream", "answer"), [(CHAT, CHAT_ANSWER), (RESPONSES, RESPONSES_ANSWER)])
def test_2_1_20_a_whole_answer_keeps_them(upstream, answer):
    assert whole(answer, CHAT, upstream)["choices"][0]["logprobs"] == {"content": TOKENS, "refusal": None}
    assert whole(answer, RESPONSES, upstream)["output"][0]["content"][0]["logprobs"] == TOKENS
    assert whole(answer, COMPLETIONS, upstream)["choices"][0]["logprobs"] == COMPLETION
    assert whole(answer, MESSAGES, upstream)["content"] == [{"type": "text", "text": "Hello"}]


def chat_stream() -> bytes:
    chunks = [
        {"id": "chatcmpl-9", "choices": [chat_choice(delta={"content": said["token"]}, logprobs={"content": [said]})]}
        for said in TOKENS
    ]
    odd = {"choices": [chat_choice(delta={}, logprobs={"content": [entry("x")]})]}
    return frames_of(odd, *chunks, delta("stop"), "[DONE]")


def responses_stream() -> bytes:
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    said = [
        {"type": "response.output_text.delta", **place, "delta": token["token"], "logprobs": [token]}
        for token in TOKENS
    ]
    done = {"type": "response.completed", "response": {"status": "completed", "output": []}}
    return named(*said, done)


STREAMS = [(CHAT, chat_stream()), (RESPONSES, responses_stream())]


@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize(("upstream", "data"), STREAMS)
def test_2_1_20_a_stream_has_them_beside_their_text(upstream: Dialect, data: bytes, size: int):
    chunks = payloads(streamed(data, exchange(CHAT, upstream), size))
    said = [chunk["choices"][0]["logprobs"] for chunk in chunks if chunk["choices"][0]["delta"].get("content")]
    assert said == [{"content": [token], "refusal": None} for token in TOKENS]
    texts = [chunk["choices"][0] for chunk in payloads(streamed(data, exchange(COMPLETIONS, upstream)))]
    assert [text["logprobs"] and text["logprobs"]["text_offset"] for text in texts] == [[0], [3], None]


@pytest.mark.parametrize(("upstream", "data"), STREAMS)
def test_2_1_20_responses_have_them_in_deltas_and_once_more_at_the_end(upstream: Dialect, data: bytes):
    events = payloads(streamed(data, exchange(RESPONSES, upstream)))
    by_type: dict[str, list] = {}
    for event in events:
        by_type.setdefault(event["type"], []).append(event)
    assert [event["logprobs"] for event in by_type["response.output_text.delta"]] == [[token] for token in TOKENS]
    assert by_type["response.output_text.done"][0]["logprobs"] == TOKENS
    assert by_type["response.completed"][0]["response"]["output"][0]["content"][0]["logprobs"] == TOKENS


def test_white_space_that_leads_a_text_brings_its_own():
    chunk = {"choices": [chat_choice(delta={"content": " "}, logprobs={"content": [entry(" ")]})]}
    events = payloads(streamed(frames_of(chunk) + chat_stream(), exchange(RESPONSES, CHAT)))
    done = next(event for event in events if event["type"] == "response.output_text.done")
    assert [token["token"] for token in done["logprobs"]] == [" ", "Hel", "lo"]


@pytest.mark.parametrize("odd", ["x", {"content": "x"}, {"content": None}, {"content": ["x"]}])
def test_what_makes_no_sense_does_no_harm(odd):
    answer = {"choices": [chat_choice("stop", message={"content": "Hello"}, logprobs=odd)]}
    assert whole(answer, COMPLETIONS, CHAT)["choices"][0]["logprobs"] is None
    orjson.dumps(whole(answer, CHAT, CHAT))


# Of /generate


def logged(*tokens: str) -> dict:
    top = [[[-0.1, 5, token], [-2.0, 6, "x"]] for token in tokens]
    return {"output_token_logprobs": [[-0.1, 5, token] for token in tokens], "output_top_logprobs": top}


def completion(*tokens: str, starts: list[int]) -> dict:
    return {
        "tokens": list(tokens),
        "token_logprobs": [-0.1] * len(tokens),
        "top_logprobs": [{token: -0.1, "x": -2.0} for token in tokens],
        "text_offset": starts,
    }


def test_2_1_20_logprobs_of_a_whole_answer_become_those_of_completions():
    meta = {**logged("Hel", "lo"), "finish_reason": {"type": "stop"}}
    answer = whole({"text": "Hello", "meta_info": meta}, COMPLETIONS, GENERATE)
    assert answer["choices"][0]["logprobs"] == completion("Hel", "lo", starts=[0, 3])


def test_2_1_20_each_frame_gives_the_logprobs_that_are_new_in_it():
    frames = [
        {"text": "Hel", "meta_info": logged("Hel")},
        {"text": "Hel", "meta_info": logged("Hel", "")},
        {"text": "Hello", "meta_info": {**logged("Hel", "", "lo"), "finish_reason": {"type": "stop"}}},
    ]
    chunks = payloads(streamed(frames_of(*frames, "[DONE]"), exchange(COMPLETIONS, GENERATE)))
    said = [chunk["choices"][0]["logprobs"] for chunk in chunks]
    assert said == [completion("Hel", starts=[0]), completion("", "lo", starts=[3, 3]), None]


@pytest.mark.parametrize(
    "odd",
    [
        {"output_token_logprobs": "x"},
        {"output_token_logprobs": ["x", [1]]},
        {"output_token_logprobs": [[-0.1, 5, None]], "output_top_logprobs": ["x"]},
        {"output_token_logprobs": [[-0.1, 5, None]], "output_top_logprobs": "x"},
    ],
)
def test_odd_logprobs_do_no_harm(odd):
    answer = whole({"text": "a", "meta_info": {**odd, "finish_reason": {"type": "stop"}}}, COMPLETIONS, GENERATE)
    assert answer["choices"][0]["text"] == "a"
