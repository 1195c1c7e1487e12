"""Answers that break off behind their first word, over real sockets: what a client has of one decides what follows."""

import pytest

from tests.end_to_end.answers import End, Gate, event, json_answer, stream
from tests.end_to_end.exchanges import CHAT, RESPONSES
from tests.end_to_end.pairs import Pair, read_stream, read_whole
from tests.end_to_end.shapes import assert_ends_with_error, assert_is_error
from tests.end_to_end.test_second_tries import (
    GOOD,
    OTHER,
    PREFILLED,
    SAYS,
    TALKS,
    good,
    held,
    prefill,
    text_of,
)

ERROR = event({"type": "error", "error": {"type": "api_error", "code": "dead", "message": "The engine died."}}, "error")
BREAKS = {
    "hung-up": lambda said: stream(*said, end=End.CUT),
    "reset": lambda said: stream(*said, end=End.RESET),
    "error": lambda said: stream(*said, ERROR),
    "ended-too-soon": lambda said: stream(*said),
    "fallen-silent": lambda said: stream(*said, Gate()),
}
every_client = pytest.mark.parametrize("pair", [Pair(client, CHAT) for client in TALKS], ids=str)
every_break = pytest.mark.parametrize("broke", BREAKS)
every_soon_noticed_break = pytest.mark.parametrize("broke", [way for way in BREAKS if way != "fallen-silent"])
USAGE = SAYS["chat"](OTHER)[1][1]
HALF_A_CALL = '<tool_call>\n{"name": "run", "arguments": {"command": "l'


def breaking(pair, broke, text=GOOD):
    said, _ = SAYS[pair.upstream.dialect](text)
    return BREAKS[broke](said)


def patient(way, broke):
    """The model whose upstream is tried three times; silence needs one that has a deadline for it."""
    return f"{way}-{'hasty-' if broke == 'fallen-silent' else ''}thrice-chat"


@every_client
@every_break
def test_what_the_client_has_nothing_of_is_tried_again(client, proxy, upstream, pair, broke):
    upstream.answer(breaking(pair, broke), good(pair, OTHER))
    answer = pair.post(client, model=patient("tried", broke), stream=True)
    assert text_of(read_stream(pair, answer.content)) == OTHER
    record = proxy.record(answer)
    assert (record["attempts"], record["outcome"]) == (2, "ok")
    assert "tried again" in "".join(record["warnings"])


@every_client
@every_soon_noticed_break
def test_when_all_attempts_break_off_the_client_gets_a_status(client, proxy, upstream, pair, broke):
    upstream.answer(breaking(pair, broke))
    answer = pair.post(client, model=patient("tried", broke), stream=True)
    assert assert_is_error(answer, pair.client.dialect, 500 if broke == "error" else 502)
    assert len(upstream.calls) == 3
    assert proxy.record(answer)["outcome"] == "upstream_error"


@every_client
@pytest.mark.parametrize("end", [End.CUT, End.RESET])
def test_so_does_a_client_that_does_not_stream(client, upstream, pair, end):
    choice = {"index": 0, "message": {"role": "assistant", "content": GOOD}, "finish_reason": "stop"}
    whole = json_answer({**CHAT.answer, "choices": [choice]})
    upstream.answer(whole.ending(end), breaking(pair, "hung-up"), whole)
    answer = pair.post(client, model="tried-thrice-chat")
    assert text_of(read_whole(pair, answer.json())) == GOOD
    assert len(upstream.calls) == 3


@pytest.mark.parametrize("pair", PREFILLED, ids=str)
@pytest.mark.parametrize("broke", ["hung-up", "error"])
def test_good_text_goes_on_from_what_the_client_has(client, proxy, upstream, pair, broke):
    upstream.answer(breaking(pair, broke), good(pair, OTHER))
    answer = pair.post(client, model=held(pair), stream=True)
    read = read_stream(pair, answer.content)
    said = prefill(upstream.calls[1])
    assert GOOD.startswith(said)
    assert len(GOOD) - len(said) < 400
    assert text_of(read) == said + OTHER
    assert read.finish in ("stop", "end_turn", "completed")
    record = proxy.record(answer)
    assert (record["attempts"], record["outcome"]) == (2, "ok")
    assert "its answer is to go on" in "".join(record["warnings"])


@every_client
def test_so_does_text_behind_which_the_upstream_fell_silent(client, upstream, pair):
    upstream.answer(breaking(pair, "fallen-silent"), good(pair, OTHER))
    answer = pair.post(client, model="held-hasty-thrice-chat", stream=True)
    assert text_of(read_stream(pair, answer.content)) == prefill(upstream.calls[1]) + OTHER


@pytest.mark.parametrize("pair", [Pair(client, RESPONSES) for client in TALKS], ids=str)
@pytest.mark.parametrize("broke", ["hung-up", "ended-too-soon"])
def test_where_no_upstream_goes_on_the_client_is_told(client, proxy, upstream, pair, broke):
    upstream.answer(breaking(pair, broke), good(pair, OTHER))
    answer = pair.post(client, model=held(pair), stream=True)
    assert "broke off" in assert_ends_with_error(answer.content, pair.client.dialect)
    assert len(upstream.calls) == 1
    record = proxy.record(answer)
    assert (record["outcome"], "does not go on" in "".join(record["warnings"])) == ("cut", True)


@every_client
@every_soon_noticed_break
@pytest.mark.parametrize("more", [{}, {"store": False}], ids=["", "not-stored"])
def test_what_a_repair_holds_is_tried_again(client, upstream, pair, broke, more):
    name = {"name": "run", "parameters": {"type": "object", "properties": {"command": {"type": "string"}}}}
    tools = {
        "chat": [{"type": "function", "function": name}],
        "messages": [{"name": "run", "input_schema": name["parameters"]}],
        "responses": [{"type": "function", **name}],
    }[pair.client.dialect]
    upstream.answer(breaking(pair, broke, HALF_A_CALL), good(pair, OTHER))
    answer = pair.post(client, model="via-thrice-chat", stream=True, tools=tools, **more)
    content = answer.content.replace(USAGE, b"") if pair.client is CHAT else answer.content  # bytes that pass
    assert text_of(read_stream(pair, content)) == OTHER
