"""Completions and SGLang's /generate are judged, too, over real sockets: loops are cut, and all else is left alone."""

import asyncio
import json

import httpx
import openai
import pytest

from tests.end_to_end.answers import End, Gate, event, hang, json_answer, stream
from tests.end_to_end.configuration import CLIENT_KEY
from tests.end_to_end.exchanges import COMPLETIONS, GENERATE
from tests.end_to_end.pairs import Pair
from tests.end_to_end.proxy import eventually

GOOD = "".join(f"On day {day} the keeper of lamp {day * 7} wrote to harbour {day * 3}. " for day in range(1, 170))
LOOP = "Wait, let me check the file once more. "
OTHER = "".join(f"In year {year} the miller of mill {year * 7} sold {year * 3} sacks. " for year in range(1, 60))
DONE = event("[DONE]")
USAGE = {"prompt_tokens": 9000, "completion_tokens": 80, "total_tokens": 9080}

assert len(GOOD.split()) > 2000


class Bare:
    """A client and an upstream of one dialect of bare text; `says` are the frames of a text and of its end."""

    def __init__(self, exchange, name):
        self.name = name
        self.pair = Pair(exchange, exchange)
        self.target = "only-generate" if exchange is GENERATE else "only-chat"

    def __str__(self):
        return self.name

    def post(self, http, policy="held", **more):
        return self.pair.post(http, model=f"{policy}-{self.target}", **more)

    def frame(self, pieces, end=None):
        text = pieces[-1] if pieces else ""
        if self.pair.client is COMPLETIONS:
            logprobs = {"tokens": [text], "token_logprobs": [-0.25], "top_logprobs": None, "text_offset": [0]}
            choice = {"index": 0, "text": text, "logprobs": logprobs, "finish_reason": end}
            head = {"id": "0a1b2c", "object": "text_completion", "created": 7, "model": "theirs"}
            return {**head, "system_fingerprint": "fp", "choices": [choice]}
        finish = end and {"type": end, "matched": 2}
        meta = {"id": "0a1b2c", "finish_reason": finish, "prompt_tokens": 9000, "completion_tokens": len(pieces)}
        if self.name == "cumulative":
            return {"text": "".join(pieces), "output_ids": list(range(len(pieces))), "meta_info": meta}
        return {"text": text, "output_ids": [len(pieces)], "meta_info": meta}

    def says(self, text, size=24):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        frames = [event(self.frame(pieces[: count + 1])) for count in range(len(pieces))]
        if self.pair.client is GENERATE:
            last = pieces if self.name == "cumulative" else [*pieces, ""]
            return frames, [event(self.frame(last, "stop")), DONE]
        usage = event({**self.frame([]), "choices": [], "usage": USAGE})
        return frames, [event(self.frame([], "stop")), usage, DONE]

    def good(self, text):
        said, end = self.says(text)
        return stream(*said, *end)

    def looping(self, text=GOOD):
        """Good words, a loop, and then it would go on for ever."""
        said, _ = self.says(text + LOOP * 60)
        return stream(*said, Gate())

    def prompt(self, call):
        body = json.loads(call.body)
        return body["text" if self.pair.client is GENERATE else "prompt"]

    def read(self, content):
        """The text, and why it ended; the stream is a valid one."""
        assert content.endswith(DONE)
        frames = [json.loads(line[6:]) for line in content.splitlines() if line.startswith(b"data: {")]
        if self.pair.client is GENERATE:
            *_, last = frames
            texts = [frame["text"] for frame in frames]
            assert all(frame["meta_info"]["finish_reason"] is None for frame in frames[:-1])
            return texts[-1] if self.name == "cumulative" else "".join(texts), last["meta_info"]["finish_reason"][
                "type"
            ]
        choices = [choice for frame in frames for choice in frame["choices"]]
        assert [choice["finish_reason"] for choice in choices[:-1]] == [None] * (len(choices) - 1)
        assert len({frame["id"] for frame in frames}) == 1
        return "".join(choice["text"] for choice in choices), choices[-1]["finish_reason"]

    def whole(self, text):
        if self.pair.client is COMPLETIONS:
            return {**self.frame([text], "stop"), "usage": USAGE, "service_tier": "x"}
        return {**self.frame([text], "stop"), "more": "x"}

    def text(self, body):
        return body["text"] if self.pair.client is GENERATE else body["choices"][0]["text"]


COMPLETING = Bare(COMPLETIONS, "completions")
CUMULATIVE = Bare(GENERATE, "cumulative")
ALL = [COMPLETING, CUMULATIVE, Bare(GENERATE, "incremental")]
every_kind = pytest.mark.parametrize("bare", ALL, ids=str)
each_dialect = pytest.mark.parametrize("bare", ALL[:2], ids=str)


def failures(proxy, answer):
    query = "SELECT * FROM validation_validationfailure WHERE request_id = ? ORDER BY attempt"
    request_id = proxy.record(answer)["request_id"]
    return eventually(lambda: proxy.installation.rows(query, request_id), "the failure")


@every_kind
@pytest.mark.parametrize("policy", ["held", "tried"])
def test_a_good_stream_arrives_as_the_very_bytes_that_were_sent(client, proxy, upstream, bare, policy):
    sent = bare.good(OTHER)
    upstream.answer(sent)
    answer = bare.post(client, policy, stream=True, logprobs=1, return_logprob=True)
    assert answer.content == sent.body()
    record = proxy.record(answer)
    assert (record["outcome"], record["warnings"]) == ("ok", [])


@each_dialect
def test_a_good_whole_answer_arrives_as_the_very_bytes_that_were_sent(client, upstream, bare):
    sent = json_answer(bare.whole(OTHER))
    upstream.answer(sent)
    assert bare.post(client).content == sent.body()


@every_kind
def test_a_loop_after_two_thousand_good_words_is_cut_and_the_answer_goes_on(client, proxy, upstream, bare):
    upstream.answer(bare.looping(), bare.good(" " + OTHER))
    answer = bare.post(client, stream=True)
    assert bare.read(answer.content) == (GOOD + LOOP + OTHER, "stop")
    assert bare.prompt(upstream.calls[1]) == "Hello" + (GOOD + LOOP).rstrip()
    upstream.wait_until_idle()
    assert [(row["outcome"], row["onset"] > len(GOOD)) for row in failures(proxy, answer)] == [("continued", True)]
    assert (proxy.record(answer)["attempts"], proxy.record(answer)["outcome"]) == (2, "ok")


@every_kind
def test_a_loop_that_nobody_has_seen_is_followed_by_another_answer_as_it_came(client, proxy, upstream, bare):
    other = bare.good(OTHER)
    upstream.answer(bare.looping(), other)
    answer = bare.post(client, "tried", stream=True)
    assert answer.content == other.body()
    assert [row["outcome"] for row in failures(proxy, answer)] == ["retried"]
    first, second = (json.loads(call.body) for call in upstream.calls)
    parameters = second.get("sampling_params", second)
    assert "repetition_penalty" in parameters
    assert "repetition_penalty" not in first.get("sampling_params", first)


@each_dialect
def test_a_whole_answer_that_loops_is_followed_by_another_with_all_that_it_has(client, upstream, bare):
    upstream.answer(json_answer(bare.whole(GOOD + LOOP * 60)), json_answer(bare.whole(OTHER)))
    assert bare.post(client).json() == bare.whole(OTHER)


@every_kind
def test_a_stream_that_breaks_off_goes_on(client, proxy, upstream, bare):
    said, _ = bare.says(GOOD)
    upstream.answer(stream(*said, end=End.CUT), bare.good(" " + OTHER))
    answer = bare.post(client, stream=True)
    seen = bare.prompt(upstream.calls[1]).removeprefix("Hello")
    assert GOOD.startswith(seen)
    assert len(seen) > len(GOOD) - 300
    assert bare.read(answer.content) == (f"{seen} {OTHER}", "stop")
    assert (proxy.record(answer)["attempts"], proxy.record(answer)["outcome"]) == (2, "ok")


@every_kind
def test_when_no_attempt_is_good_the_stream_ends_with_an_error(client, upstream, bare):
    upstream.answer(bare.looping())
    answer = bare.post(client, stream=True)
    *_, last = (json.loads(line[6:]) for line in answer.content.splitlines() if line.startswith(b"data: {"))
    assert "garbage" in last["error"]["message"]
    assert LOOP * 4 not in answer.text
    assert len(upstream.calls) == 3
    upstream.wait_until_idle()


@each_dialect
@pytest.mark.parametrize("stream", [False, True])
def test_when_nothing_was_seen_of_any_attempt_it_is_a_real_status(client, upstream, bare, stream):
    upstream.answer(bare.looping() if stream else json_answer(bare.whole(GOOD + LOOP * 60)))
    answer = bare.post(client, "tried", stream=stream)
    assert (answer.status_code, "garbage" in answer.json()["error"]["message"]) == (503, True)


def judged(client, upstream, policy, **more):
    """Only chat and completions have a model for each ending."""
    upstream.answer(COMPLETING.looping())
    answer = COMPLETING.pair.post(client, model=f"judged-{policy}", stream=True, **more)
    return COMPLETING.read(answer.content)


def test_a_message_explains_where_the_policy_says_so(client, upstream):
    text, reason = judged(client, upstream, "message")
    assert text.startswith(GOOD)
    assert "garbage" in text
    assert LOOP * 2 not in text
    assert reason == "stop"


def test_what_there_is_is_delivered_where_the_policy_says_so(client, upstream):
    text, reason = judged(client, upstream, "deliver")
    assert text.startswith(GOOD + LOOP)
    assert reason == "length"


def test_a_prompt_that_is_repeated_first_is_not_judged_and_not_repeated_twice(client, upstream):
    prompt = "and again and again. " * 60
    upstream.answer(COMPLETING.looping(prompt + GOOD), COMPLETING.good(" " + OTHER))
    answer = COMPLETING.post(client, stream=True, prompt=prompt, echo=True)
    assert COMPLETING.read(answer.content) == (prompt + GOOD + LOOP + OTHER, "stop")
    again = json.loads(upstream.calls[1].body)
    assert (again["prompt"], again["echo"]) == (prompt + (GOOD + LOOP).rstrip(), False)


def test_a_prompt_in_tokens_cannot_go_on_but_begin_anew(client, proxy, upstream):
    upstream.answer(COMPLETING.looping(), COMPLETING.good(OTHER))
    answer = COMPLETING.post(client, "tried", stream=True, prompt=[1, 2, 3])
    assert COMPLETING.read(answer.content) == (OTHER, "stop")
    upstream.answer(COMPLETING.looping())
    answer = COMPLETING.post(client, stream=True, prompt=[1, 2, 3])
    assert "does not go on" in failures(proxy, answer)[0]["next_step"]


@pytest.mark.parametrize(
    ("bare", "asked", "why"),
    [
        (COMPLETING, {"n": 2}, "it holds several answers (n is 2)"),
        (COMPLETING, {"prompt": ["a", "b"]}, "it answers several prompts at once"),
        (CUMULATIVE, {"text": ["a", "b"]}, "it answers several prompts at once"),
    ],
)
def test_what_cannot_be_judged_passes_and_the_record_says_why(client, proxy, upstream, bare, asked, why):
    sent = bare.good(OTHER)
    upstream.answer(sent)
    answer = bare.post(client, stream=True, **asked)
    assert answer.content == sent.body()
    assert proxy.record(answer)["warnings"] == [f"The answer was not judged: {why}."]


def test_a_document_in_place_of_a_stream_comes_as_a_stream(client, upstream):
    upstream.answer(json_answer(COMPLETING.whole(OTHER)))
    assert COMPLETING.read(COMPLETING.post(client, stream=True).content) == (OTHER, "stop")


def test_the_openai_client_reads_one_completion(proxy, upstream):
    upstream.answer(COMPLETING.looping(), COMPLETING.good(" " + OTHER))
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=CLIENT_KEY, max_retries=0) as sdk:
        asked = {"model": "held-only-chat", "prompt": "Hello", "stream_options": {"include_usage": True}}
        chunks = list(sdk.completions.create(**asked, stream=True))
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == GOOD + LOOP + OTHER
    usage = chunks[-1].usage
    assert usage.prompt_tokens + usage.completion_tokens == usage.total_tokens == 9080
    assert usage.completion_tokens > 80


@pytest.mark.parametrize("policy", ["tried", "held"])
async def test_a_client_that_leaves_while_another_attempt_is_waited_for_stops_that_too(proxy, upstream, policy):
    upstream.answer(COMPLETING.looping(), hang(Gate()))
    async with httpx.AsyncClient(base_url=proxy.url, timeout=30) as http:
        body = COMPLETIONS.body(model=f"{policy}-only-chat", stream=True)
        asking = asyncio.create_task(http.post("/v1/completions", json=body))
        second = await asyncio.to_thread(upstream.wait_for_call, 2)
        asking.cancel()
        await asyncio.wait([asking])
    second.wait_until_closed()
    record = proxy.installation.record(second.header("x-request-id"))
    assert (record["outcome"], record["attempts"]) == ("client_gone", 2)
