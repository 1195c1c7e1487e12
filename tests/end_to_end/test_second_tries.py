"""A loop is cut, and the client gets a good answer in the same stream, over real sockets."""

import asyncio
import json

import anthropic
import httpx
import openai
import pytest

from tests.end_to_end.answers import End, Gate, event, hang, json_answer, stream
from tests.end_to_end.configuration import CLIENT_KEY
from tests.end_to_end.exchanges import CHAT, COMPLETIONS, GENERATE, HELLO, MESSAGES, RESPONSES, chat_chunk, typed
from tests.end_to_end.pairs import Pair, read_stream, read_whole
from tests.end_to_end.proxy import eventually
from tests.end_to_end.shapes import assert_ends_with_error, assert_is_error
from tests.routing.dialects.checkers import check_chat

GOOD = "".join(f"On day {day} the keeper of lamp {day * 7} wrote to harbour {day * 3}. " for day in range(1, 170))
LOOP = "Wait, let me check the file once more. "
OTHER = "".join(f"In year {year} the miller of mill {year * 7} sold {year * 3} sacks. " for year in range(1, 170))
TALKS = (CHAT, MESSAGES, RESPONSES)
PAIRS = [Pair(client, upstream) for client in TALKS for upstream in TALKS]
every_pair = pytest.mark.parametrize("pair", PAIRS, ids=str)
every_client = pytest.mark.parametrize("pair", [Pair(client, CHAT) for client in TALKS], ids=str)

assert len(GOOD.split()) > 2000


def pieces(text, size=24):
    return [text[at : at + size] for at in range(0, len(text), size)]


def chat_says(text):
    greeting = event(chat_chunk({"role": "assistant", "content": ""}))
    words = [event(chat_chunk({"content": piece})) for piece in pieces(text)]
    usage = {"prompt_tokens": 9000, "completion_tokens": len(words), "total_tokens": 9000 + len(words)}
    end = [event(chat_chunk({}, "stop")), event({**chat_chunk({}), "choices": [], "usage": usage}), event("[DONE]")]
    return [greeting, *words], end


def messages_says(text):
    start, _, *_ = MESSAGES.events[0].split(b"\n\n")
    begun = typed({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    words = [
        typed({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})
        for piece in pieces(text)
    ]
    return [start + b"\n\n", begun, *words], list(MESSAGES.events[2:])


def responses_says(text):
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    greetings = [part + b"\n\n" for part in RESPONSES.events[0].split(b"\n\n")[:3]]
    words = [
        typed({"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}) for piece in pieces(text)
    ]
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {**RESPONSES.answer["output"][0], "content": [part]}
    end = [
        typed({"type": "response.output_text.done", **place, "text": text, "logprobs": []}),
        typed({"type": "response.content_part.done", **place, "part": part}),
        typed({"type": "response.output_item.done", "output_index": 0, "item": item}),
        typed({"type": "response.completed", "response": {**RESPONSES.answer, "output": [item]}}),
    ]
    return [*greetings, *words], end


SAYS = {"chat": chat_says, "messages": messages_says, "responses": responses_says}


def good(pair, text=GOOD):
    said, end = SAYS[pair.upstream.dialect](text)
    return stream(*said, *end)


def looping(pair, text=GOOD):
    """Good words, a loop, and then it would go on for ever."""
    said, _ = SAYS[pair.upstream.dialect](text + LOOP * 60)
    return stream(*said, Gate())


def text_of(read):
    return "".join(text for kind, text in read.parts if kind == "text")


def failures(proxy, request_id):
    query = "SELECT * FROM validation_validationfailure WHERE request_id = ? ORDER BY attempt"
    return eventually(lambda: proxy.installation.rows(query, request_id), "the failure")


@every_pair
def test_a_loop_that_nobody_has_seen_is_followed_by_another_answer(client, proxy, upstream, pair):
    upstream.answer(looping(pair), good(pair, OTHER))
    answer = pair.post(client, model=f"tried-only-{pair.upstream}", stream=True)
    assert answer.status_code == 200
    assert text_of(read_stream(pair, answer.content)) == OTHER
    assert len(upstream.calls) == 2
    upstream.wait_until_idle()
    record = proxy.record(answer)
    assert (record["attempts"], record["outcome"]) == (2, "ok")


@every_pair
@pytest.mark.parametrize("word", ["The ", "!", "until ", "  \n "])
def test_an_answer_that_loops_from_its_first_word_on_leaves_room_for_another(client, proxy, upstream, pair, word):
    said, _ = SAYS[pair.upstream.dialect](word * 300)
    upstream.answer(stream(*said, Gate()), good(pair, OTHER))
    answer = pair.post(client, model=held(pair), stream=True)
    assert text_of(read_stream(pair, answer.content)) == OTHER
    assert [row["released"] for row in failures(proxy, proxy.record(answer)["request_id"])] == [0]


def test_what_the_next_attempt_changed_is_kept_beside_what_it_was_for(client, proxy, upstream):
    pair = PAIRS[0]
    upstream.answer(looping(pair), looping(pair), good(pair))
    answer = pair.post(client, model="tried-only-chat", stream=True, temperature=0.2)
    assert text_of(read_stream(pair, answer.content)) == GOOD
    first, second, third = (json.loads(call.body) for call in upstream.calls)
    assert "repetition_penalty" not in first
    assert (second["repetition_penalty"], second["temperature"]) == (1.1, 0.2)
    assert ("repetition_penalty" in third, third["temperature"]) == (False, 0.7)
    record = proxy.record(answer)
    rows = failures(proxy, record["request_id"])
    assert [(row["attempt"], row["outcome"]) for row in rows] == [(1, "retried"), (2, "retried")]
    assert json.loads(rows[1]["parameters"])["repetition_penalty"] == 1.1
    assert "temperature: 0.2 → 0.7" in rows[1]["next_step"]


@every_client
def test_when_no_attempt_is_good_the_client_gets_a_status_and_a_link(client, proxy, upstream, pair):
    upstream.answer(looping(pair))
    answer = pair.post(client, model="tried-only-chat", stream=True)
    message = assert_is_error(answer, pair.client.dialect, 529 if pair.client is MESSAGES else 503)
    request_id = proxy.record(answer)["request_id"]
    assert f"{proxy.url}/admin/validation/validationfailure/?q={request_id}" in message
    assert len(upstream.calls) == 3
    assert [row["outcome"] for row in failures(proxy, request_id)] == ["retried", "retried", "error"]


@every_client
def test_a_whole_answer_that_loops_is_followed_by_another(client, upstream, pair):
    def body(text):
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return {**CHAT.answer, "choices": [choice]}

    upstream.answer(json_answer(body(GOOD + LOOP * 60)), json_answer(body(GOOD)))
    answer = pair.post(client, model="held-only-chat")
    assert text_of(read_whole(pair, answer.json())) == GOOD


def test_an_attempt_that_is_cut_in_the_middle_is_told_as_that(client, upstream):
    pair = PAIRS[0]
    said, _ = chat_says(GOOD)
    upstream.answer(looping(pair), stream(*said, end=End.RESET))
    answer = pair.post(client, model="tried-only-chat", stream=True)
    assert "garbage" not in answer.text
    assert "error" in answer.json()


# What a client has seen already

GOES_ON = (CHAT, MESSAGES)
PREFILLED = [Pair(client, upstream) for client in TALKS for upstream in GOES_ON]
every_prefilled_pair = pytest.mark.parametrize("pair", PREFILLED, ids=str)


def held(pair):
    return {"chat": "held-only-chat", "messages": "held-claude", "responses": "held-only-responses"}[
        pair.upstream.dialect
    ]


def prefill(call):
    last = json.loads(call.body)["messages"][-1]
    assert last["role"] == "assistant"
    return last["content"]


@every_prefilled_pair
def test_a_loop_after_two_thousand_good_words_is_cut_and_the_answer_goes_on(client, proxy, upstream, pair):
    upstream.answer(looping(pair), good(pair, OTHER))
    answer = pair.post(client, model=held(pair), stream=True)
    read = read_stream(pair, answer.content)
    assert text_of(read) == GOOD + LOOP + OTHER
    assert read.finish in ("stop", "end_turn", "completed")
    assert len(upstream.calls) == 2
    assert prefill(upstream.calls[1]) == (GOOD + LOOP).rstrip()
    upstream.wait_until_idle()
    record = proxy.record(answer)
    assert (record["attempts"], record["outcome"]) == (2, "ok")
    assert [row["outcome"] for row in failures(proxy, record["request_id"])] == ["continued"]


@every_prefilled_pair
def test_an_upstream_that_says_it_all_again_does_not_double_it(client, upstream, pair):
    upstream.answer(looping(pair), good(pair, GOOD + LOOP + OTHER))
    answer = pair.post(client, model=held(pair), stream=True)
    assert text_of(read_stream(pair, answer.content)) == GOOD + LOOP + OTHER


def test_a_prompt_goes_on_as_a_longer_prompt(client, upstream):
    def generates(text, *end):
        told = (text[:size] for size in range(0, len(text) + 1, 120))
        meta = {"id": "g1", "finish_reason": None, "prompt_tokens": 9000, "completion_tokens": 2}
        finish = {**meta, "finish_reason": {"type": "stop", "matched": 2}}
        pieces = [event({"text": piece, "meta_info": meta}) for piece in told]
        return stream(*pieces, *(end or (event({"text": text, "meta_info": finish}), event("[DONE]"))))

    pair = Pair(COMPLETIONS, GENERATE)
    upstream.answer(generates(GOOD + LOOP * 60, Gate()), generates(" " + OTHER))
    answer = pair.post(client, model="held-only-generate", stream=True)
    assert text_of(read_stream(pair, answer.content)) == GOOD + LOOP + OTHER
    assert json.loads(upstream.calls[1].body)["text"] == "Hello" + (GOOD + LOOP).rstrip()


@every_client
def test_llama_cpp_goes_on_from_a_last_assistant_message_alone(client, upstream, pair):
    upstream.answer(looping(pair), good(pair, OTHER))
    answer = pair.post(client, model="held-only-llamacpp", stream=True)
    assert text_of(read_stream(pair, answer.content)) == GOOD + LOOP + OTHER
    assert "continue_final_message" not in json.loads(upstream.calls[1].body)


@pytest.mark.parametrize("pair", [Pair(client, RESPONSES) for client in TALKS], ids=str)
def test_an_upstream_that_would_not_go_on_is_not_asked_to(client, proxy, upstream, pair):
    upstream.answer(looping(pair), good(pair, OTHER))
    answer = pair.post(client, model=held(pair), stream=True)
    assert "garbage" in assert_ends_with_error(answer.content, pair.client.dialect)
    assert len(upstream.calls) == 1
    upstream.wait_until_idle()
    (row,) = failures(proxy, proxy.record(answer)["request_id"])
    assert (row["outcome"], "does not go on" in row["next_step"]) == ("error", True)


@every_client
def test_a_refusal_to_go_on_ends_with_the_error_of_the_loop(client, upstream, pair):
    upstream.answer(looping(pair), json_answer({"error": {"message": "Cannot prefill."}}, 400))
    answer = pair.post(client, model="held-only-chat", stream=True)
    assert "garbage" in assert_ends_with_error(answer.content, pair.client.dialect)


def test_the_usage_is_that_of_one_answer(client, upstream):
    pair = PAIRS[0]
    upstream.answer(looping(pair), good(pair, OTHER))
    usage = {"include_usage": True}
    answer = pair.post(client, model="held-only-chat", stream=True, stream_options=usage)
    told = check_chat(answer.content, include_usage=True, kept=True).usage
    assert told["prompt_tokens"] + told["completion_tokens"] == told["total_tokens"] == 9000 + len(pieces(OTHER))
    assert told["completion_tokens"] > len(pieces(GOOD + OTHER))


@pytest.fixture
def openai_client(proxy):
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=CLIENT_KEY, max_retries=0) as sdk:
        yield sdk


@pytest.fixture
def anthropic_client(proxy):
    with anthropic.Anthropic(base_url=proxy.url, api_key=CLIENT_KEY, max_retries=0) as sdk:
        yield sdk


def test_the_openai_client_reads_one_answer(openai_client, upstream):
    pair = PAIRS[0]
    upstream.answer(looping(pair), good(pair, OTHER))
    with openai_client.chat.completions.stream(model="held-only-chat", messages=HELLO) as read:
        for _ in read:
            pass
        (choice,) = read.get_final_completion().choices
    assert (choice.message.content, choice.finish_reason) == (GOOD + LOOP + OTHER, "stop")


def test_the_openai_client_reads_one_response(openai_client, upstream):
    upstream.answer(looping(PAIRS[0]), good(PAIRS[0], OTHER))
    with openai_client.responses.stream(model="held-only-chat", input="Hello") as read:
        for _ in read:
            pass
        found = read.get_final_response()
    assert (found.output_text, found.status) == (GOOD + LOOP + OTHER, "completed")


def test_the_anthropic_client_reads_one_message(anthropic_client, upstream):
    upstream.answer(looping(PAIRS[0]), good(PAIRS[0], OTHER))
    with anthropic_client.messages.stream(model="held-only-chat", max_tokens=9000, messages=HELLO) as read:
        message = read.get_final_message()
    assert [block.text for block in message.content] == [GOOD + LOOP + OTHER]
    assert message.stop_reason == "end_turn"


# What a client has seen of thoughts


def thoughts(text, *rest):
    greeting = event(chat_chunk({"role": "assistant", "content": ""}))
    return stream(greeting, *[event(chat_chunk({"reasoning_content": piece})) for piece in pieces(text)], *rest)


@every_client
def test_a_loop_in_thoughts_is_followed_by_another_answer_in_the_same_stream(client, proxy, upstream, pair):
    said, end = chat_says(GOOD)
    again = thoughts("Now I know it. ", *said[1:], *end)
    upstream.answer(thoughts(OTHER + LOOP * 60, Gate()), again)
    answer = pair.post(client, model="held-only-chat", stream=True)
    read = read_stream(pair, answer.content)
    thought = read.texts("thinking")
    assert thought.startswith(OTHER[: len(OTHER) // 2])  # how much went on depends on how the pieces came
    assert thought.endswith("Now I know it. ")
    assert LOOP * 2 not in thought
    assert text_of(read) == GOOD
    assert proxy.record(answer)["outcome"] == "ok"


@pytest.mark.parametrize("model", ["tried-only-chat", "held-only-chat"])
async def test_a_client_that_leaves_while_another_attempt_is_waited_for_stops_that_too(proxy, upstream, model):
    upstream.answer(looping(PAIRS[0]), hang(Gate()))
    async with httpx.AsyncClient(base_url=proxy.url, timeout=30) as http:
        asking = asyncio.create_task(http.post("/v1/chat/completions", json=CHAT.body(model=model, stream=True)))
        second = await asyncio.to_thread(upstream.wait_for_call, 2)
        asking.cancel()
        await asyncio.wait([asking])
    second.wait_until_closed()
    record = proxy.installation.record(second.header("x-request-id"))
    assert (record["outcome"], record["attempts"]) == ("client_gone", 2)
    assert [row["outcome"] for row in failures(proxy, record["request_id"])] == ["client_gone"]


async def test_a_client_that_leaves_behind_a_bad_end_has_not_got_everything(proxy, upstream):
    upstream.answer(good(PAIRS[0], f"{OTHER}\n```python\nx ="), hang(Gate()))
    async with httpx.AsyncClient(base_url=proxy.url, timeout=30) as http:
        asking = asyncio.create_task(
            http.post("/v1/chat/completions", json=CHAT.body(model="held-only-chat", stream=True))
        )
        second = await asyncio.to_thread(upstream.wait_for_call, 2)
        asking.cancel()
        await asyncio.wait([asking])
    second.wait_until_closed()
    assert proxy.installation.record(second.header("x-request-id"))["outcome"] == "client_gone"


# What official clients make of an end in the middle


def test_the_openai_client_raises_what_became_of_the_answer(openai_client, upstream):
    upstream.answer(looping(PAIRS[0]))
    chunks, read = openai_client.chat.completions.create(model="judged-error", messages=HELLO, stream=True), []
    with pytest.raises(openai.APIError, match="garbage"):
        read.extend(chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in read).startswith(GOOD)


def test_the_openai_client_reads_a_failed_response(openai_client, upstream):
    upstream.answer(looping(PAIRS[0]))
    *_, last = openai_client.responses.create(model="judged-error", input="Hello", stream=True)
    assert (last.type, last.response.status) == ("response.failed", "failed")
    assert "garbage" in last.response.error.message


def test_the_anthropic_client_raises_what_became_of_the_message(anthropic_client, upstream):
    upstream.answer(looping(PAIRS[0]))
    with (
        pytest.raises(anthropic.APIStatusError, match="garbage") as raised,
        anthropic_client.messages.stream(model="judged-error", max_tokens=9000, messages=HELLO) as read,
    ):
        read.until_done()
    assert raised.value.body["error"]["type"] == "overloaded_error"


def test_a_message_is_an_end_like_any_other_for_the_openai_client(openai_client, upstream):
    upstream.answer(looping(PAIRS[0]))
    with openai_client.chat.completions.stream(model="judged-message", messages=HELLO) as read:
        (choice,) = read.get_final_completion().choices
    assert choice.finish_reason == "stop"
    assert choice.message.content.startswith(GOOD)
    assert "\n\nThe model's answer was stopped" in choice.message.content


def test_a_message_is_an_end_like_any_other_for_a_client_of_responses(openai_client, upstream):
    upstream.answer(looping(PAIRS[0]))
    with openai_client.responses.stream(model="judged-message", input="Hello") as read:
        response = read.get_final_response()
    assert response.status == "completed"
    assert "\n\nThe model's answer was stopped" in response.output_text


def test_a_message_is_an_end_like_any_other_for_the_anthropic_client(anthropic_client, upstream):
    upstream.answer(looping(PAIRS[0]))
    with anthropic_client.messages.stream(model="judged-message", max_tokens=9000, messages=HELLO) as read:
        message = read.get_final_message()
    (block,) = message.content
    assert message.stop_reason == "end_turn"
    assert "\n\nThe model's answer was stopped" in block.text
