"""Answers that are wrong only as a whole, over real sockets: a call that nobody can make, code that breaks off."""

import pytest

from tests.end_to_end.answers import event, json_answer
from tests.end_to_end.exchanges import CHAT, chat_chunk
from tests.end_to_end.pairs import read_stream
from tests.end_to_end.shapes import assert_ends_with_error
from tests.end_to_end.test_garbage import CLIENTS, GOOD, every_client, said, streamed

CODE = "Here it is:\n\n```python\nflags = first | sec"


def called(arguments):
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "read", "arguments": arguments}}
    return [event(chat_chunk({"tool_calls": [call]})), event(chat_chunk({}, "tool_calls"))]


@every_client
@pytest.mark.parametrize("arguments", ['{"path": "a', "{'path': 'a'}"])
def test_a_call_whose_arguments_are_no_json_never_reaches_the_client(client, proxy, upstream, pair, arguments):
    upstream.answer(streamed(GOOD, *called(arguments)))
    answer = pair.post(client, model="judged-error", stream=True)
    assert "not JSON" in assert_ends_with_error(answer.content, pair.client.dialect)
    assert "path" not in answer.text.replace("arguments", "")
    assert proxy.record(answer)["outcome"] == "cut"


@every_client
def test_code_that_breaks_off_is_told(client, upstream, pair):
    upstream.answer(streamed(GOOD + CODE))
    answer = pair.post(client, model="judged-error", stream=True)
    assert "never closed" in assert_ends_with_error(answer.content, pair.client.dialect)


def test_code_that_ends_passes(client, upstream):
    upstream.answer(streamed(CODE + "ond\n```\n"))
    answer = CLIENTS[0].post(client, model="judged-error", stream=True)
    assert said(read_stream(CLIENTS[0], answer.content)) == CODE + "ond\n```\n"


def test_a_whole_answer_that_is_good_keeps_every_field_that_the_upstream_gave_it(client, upstream):
    choice = {"index": 0, "message": {"role": "assistant", "content": GOOD, "mood": 7}, "finish_reason": "stop"}
    body = {**CHAT.answer, "choices": [choice], "vendor": {"timings": [1, 2]}}
    upstream.answer(json_answer(body))
    assert CLIENTS[0].post(client, model="judged-error").json() == body
