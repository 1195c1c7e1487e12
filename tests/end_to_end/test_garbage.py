"""A loop that an upstream writes never reaches the client, over real sockets."""

import json

import pytest

from tests.end_to_end.answers import Gate, event, json_answer, stream
from tests.end_to_end.exchanges import CHAT, MESSAGES, RESPONSES, chat_chunk
from tests.end_to_end.pairs import Pair, read_stream, read_whole
from tests.end_to_end.proxy import eventually
from tests.end_to_end.shapes import assert_ends_with_error, assert_is_error

GOOD = "".join(f"On day {day} the keeper of lamp {day * 7} wrote to harbour {day * 3}. " for day in range(1, 170))
LOOP = "Wait, let me check the file once more. "
CLIENTS = [Pair(client, CHAT) for client in (CHAT, MESSAGES, RESPONSES)]
every_client = pytest.mark.parametrize("pair", CLIENTS, ids=str)


def words(text):
    return [event(chat_chunk({"content": word})) for word in text.replace(" ", " \0").split("\0")]


def streamed(text, *rest):
    return stream(event(chat_chunk({"role": "assistant", "content": ""})), *words(text), *rest, *CHAT.events[-2:])


def said(read):
    return "".join(text for kind, text in read.parts if kind == "text")


def overloaded(pair):
    """What an overloaded server answers in the client's dialect."""
    return 529 if pair.client is MESSAGES else 503


@every_client
def test_a_good_answer_arrives_as_it_was_written(client, upstream, pair):
    upstream.answer(streamed(GOOD))
    answer = pair.post(client, model="judged-error", stream=True)
    assert said(read_stream(pair, answer.content)) == GOOD


@every_client
def test_a_loop_after_two_thousand_good_words_is_cut_and_the_client_is_told(client, proxy, upstream, pair):
    upstream.answer(streamed(GOOD + LOOP * 100))
    answer = pair.post(client, model="judged-error", stream=True)
    assert "garbage" in assert_ends_with_error(answer.content, pair.client.dialect)
    assert LOOP * 2 not in answer.text.replace("\\n", "\n")
    assert proxy.record(answer)["outcome"] == "cut"


def test_the_upstream_is_closed_as_soon_as_its_answer_is_garbage(client, upstream):
    never = Gate()
    upstream.answer(streamed(LOOP * 100, never))
    answer = CLIENTS[0].post(client, model="judged-error", stream=True)
    assert "garbage" in answer.text
    upstream.wait_until_idle()


@every_client
def test_garbage_from_the_first_word_on_is_a_real_status(client, upstream, pair):
    upstream.answer(streamed("x " * 2000))
    answer = pair.post(client, model="judged-buffered", stream=True)
    assert "garbage" in assert_is_error(answer, pair.client.dialect, overloaded(pair))


@every_client
def test_a_message_explains_where_the_policy_says_so(client, upstream, pair):
    upstream.answer(streamed(GOOD + LOOP * 100))
    read = read_stream(pair, pair.post(client, model="judged-message", stream=True).content)
    assert said(read).startswith(GOOD)
    assert "garbage" in said(read)
    assert LOOP * 2 not in said(read)


@every_client
def test_what_there_is_is_delivered_where_the_policy_says_so(client, upstream, pair):
    upstream.answer(streamed(GOOD + LOOP * 100))
    read = read_stream(pair, pair.post(client, model="judged-deliver", stream=True).content)
    assert said(read).startswith(GOOD)


WRITE = {"name": "write", "parameters": {"type": "object", "properties": {"path": {"type": "string"}}}}
TOOLS = {
    "chat": [{"type": "function", "function": WRITE}],
    "messages": [{"name": "write", "input_schema": WRITE["parameters"]}],
    "responses": [{"type": "function", **WRITE}],
}


@every_client
@pytest.mark.parametrize("policy", ["judged-message", "judged-deliver"])
@pytest.mark.parametrize("said_before", ["", GOOD])
def test_a_call_that_loops_takes_nothing_away_from_what_came_with_it(client, upstream, pair, policy, said_before):
    start = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "write", "arguments": ""}}
    loop = {"index": 0, "function": {"arguments": '{"path": "' + LOOP * 400}}
    parts = [{"role": "assistant", "content": said_before}, {"tool_calls": [start]}, {"tool_calls": [loop]}]
    upstream.answer(stream(b"".join(event(chat_chunk(part)) for part in parts), Gate()))
    answer = pair.post(client, model=policy, stream=True, tools=TOOLS[pair.client.dialect])
    read = read_stream(pair, answer.content)
    assert said(read).startswith(said_before)
    assert ("garbage" in said(read)) == (policy == "judged-message")
    assert read.tools() == []


@every_client
def test_a_text_that_the_client_wants_a_hundred_times_is_no_loop(client, upstream, pair):
    upstream.answer(streamed(LOOP * 100))
    wish = [{"role": "user", "content": f"Write “{LOOP}” 100 times."}]
    asked = {"input" if pair.client is RESPONSES else "messages": wish}
    assert said(read_stream(pair, pair.post(client, model="judged-error", stream=True, **asked).content)) == LOOP * 100


@every_client
def test_a_whole_answer_is_judged_whole(client, upstream, pair):
    def body(text):
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return {**CHAT.answer, "choices": [choice]}

    upstream.answer(json_answer(body(GOOD)))
    assert said(read_whole(pair, pair.post(client, model="judged-error").json())) == GOOD
    upstream.answer(json_answer(body(GOOD + LOOP * 100)))
    assert_is_error(pair.post(client, model="judged-error"), pair.client.dialect, overloaded(pair))


def test_a_bad_answer_is_kept_with_what_the_client_saw_of_it(client, proxy, upstream):
    upstream.answer(streamed(GOOD + LOOP * 100))
    answer = CLIENTS[0].post(client, model="judged-error", stream=True, temperature=0.2)
    request_id = proxy.record(answer)["request_id"]
    query = "SELECT * FROM validation_validationfailure WHERE request_id = ?"
    (row,) = eventually(lambda: proxy.installation.rows(query, request_id), "the failure")
    assert (row["detector"], row["channel"], row["outcome"], row["policy"]) == (
        "repetition",
        "text",
        "error",
        "judged-error",
    )
    assert json.loads(row["parameters"])["temperature"] == 0.2
    assert abs(row["onset"] - len(GOOD + LOOP)) <= len(LOOP)
    assert row["released"] <= len(GOOD + LOOP)
    assert request_id in answer.text
