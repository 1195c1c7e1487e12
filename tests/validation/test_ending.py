import orjson
import pytest

from routing.dialects import Dialect
from routing.dialects.conversion import convert_response
from routing.dialects.events import (
    End,
    Failed,
    Finish,
    FinishReason,
    Start,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
    UpstreamError,
)
from routing.dialects.exchange import Exchange
from routing.dialects.streaming import StreamConverter
from tests.validation.test_gate import GOOD, LOOP, STOP, VALIDATOR, Loops, bad, fed, said, words
from validation.ending import Guarded, explanation
from validation.gate import Gate
from validation.snapshot import Delivery, OnExhausted, Policy

LINK = "https://proxy/admin/failures/?q=req_1"


def guarded(link="", watched=False, **fields):
    policy = Policy(model_pattern="*", detectors=frozenset({"loops"}), **fields)
    return Guarded(Gate(policy, lambda channel: Loops()), policy, lambda: link, watched=watched)


def test_a_good_answer_goes_on_as_it_is():
    judge = guarded()
    assert said(fed(judge, [Start(), *words(GOOD), *STOP])) == GOOD
    assert judge.close() == []


def test_garbage_ends_in_one_error_that_official_clients_show():
    judge = guarded(link=LINK)
    out = fed(judge, [Start(), *words(GOOD + LOOP * 9), *STOP]) + judge.close()
    assert [type(event) for event in out if type(event) is not Text] == [Start, Failed]
    assert judge.is_over
    error = out[-1].error
    assert (error.status, error.kind, error.code) == (529, "overloaded_error", "validation_failed")
    assert "the same again and again" in error.message
    assert error.message.endswith(LINK)


@pytest.mark.parametrize("watched", [False, True])
def test_an_answer_that_broke_off_ends_in_its_failure_behind_what_was_good(watched):
    failure = Failed(UpstreamError(500, "broken"))
    judge = guarded(watched=watched, on_exhausted=OnExhausted.DELIVER)
    out = fed(judge, [Start(), *words(GOOD), failure])
    out += judge.close() + judge.end() + judge.end()
    assert GOOD.startswith(said(out))
    assert out[-1] == failure
    assert out.count(failure) == 1
    assert not judge.is_over


@pytest.mark.parametrize("delivery", Delivery)
def test_garbage_ends_in_a_message_that_explains_where_the_policy_says_so(delivery):
    judge = guarded(on_exhausted=OnExhausted.MESSAGE, delivery=delivery)
    out = fed(judge, [Start(), *words(GOOD + LOOP * 9)])
    assert out[0] == Start()
    gap = "\n\n" if delivery is Delivery.HOLD_BACK else ""
    assert said(out).endswith(gap + explanation(bad(0)))
    assert LOOP * 2 not in said(out)
    assert out[-2:] == [Finish(FinishReason.STOP), End()]


@pytest.mark.parametrize("delivery", Delivery)
def test_what_there_is_is_delivered_where_the_policy_says_so_but_no_half_call(delivery):
    judge = guarded(on_exhausted=OnExhausted.DELIVER, delivery=delivery)
    call = [ToolStart(0, "c", "run"), ToolArguments(0, "{}"), ToolEnd(0)]
    half = [ToolStart(1, "d", "run"), ToolArguments(1, "{")]
    out = fed(judge, [Start(), *words(GOOD), *call, *half, ToolArguments(1, LOOP * 3)])
    assert said(out) == GOOD
    assert [event for event in out if type(event) is not Text] == [Start(), *call, Finish(FinishReason.LENGTH), End()]


def test_an_answer_that_was_cut_off_ends_once():
    judge = guarded(on_exhausted=OnExhausted.DELIVER)
    out = fed(judge, [Start(), Text("Half"), Finish(FinishReason.LENGTH), End()])
    assert out == [Start(), Text("Half"), Finish(FinishReason.LENGTH), End()]


def test_an_answer_that_stops_without_an_end_is_judged_by_close():
    judge = guarded()
    fed(judge, [Start()])
    assert [type(event) for event in judge.close()] == [Failed]


def test_without_anybody_to_ask_the_validator_model_the_answer_passes():
    judge = guarded(validator=VALIDATOR, mid_stream_validation_interval_words=3)
    assert said(fed(judge, [*words(GOOD), *STOP])) == GOOD


# Between a reader and a writer

CLIENTS = [Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES, Dialect.COMPLETIONS]


def exchange(client):
    return Exchange(client=client, upstream=Dialect.CHAT, model="m", request_id="req_1")


def chunk(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + orjson.dumps({"id": "a", "model": "m", "choices": [choice]}) + b"\n\n"


@pytest.mark.parametrize("client", CLIENTS)
def test_the_client_of_a_stream_never_sees_the_loop_and_is_told_of_it(client):
    converter = StreamConverter(exchange(client), [guarded()])
    out = b"".join(converter.feed(chunk({"content": letter})) for letter in GOOD + LOOP * 9)
    out += converter.feed(chunk({}, "stop") + b"data: [DONE]\n\n") + converter.close()
    assert b"the same again and again" in out
    assert out.count(LOOP.strip().encode()) <= 1
    assert converter.failure.status == 529


@pytest.mark.parametrize("client", CLIENTS)
def test_a_whole_answer_is_judged_whole(client):
    def answer(text):
        message = {"role": "assistant", "content": text}
        body = {"id": "a", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        return convert_response(orjson.dumps(body), exchange(client), [guarded()])

    assert answer(GOOD).failure is None
    assert answer(GOOD + LOOP * 9).failure.status == 529
    assert LOOP.strip() not in orjson.dumps(answer(GOOD + LOOP * 9).body).decode()


@pytest.mark.parametrize("ending", [OnExhausted.ERROR, OnExhausted.MESSAGE])
def test_however_much_of_the_answer_came_at_once_the_client_gets_what_was_good(ending):
    judge = guarded(on_exhausted=ending)
    out = fed(judge, [Start(), Text(GOOD[:700]), Text(GOOD[700:] + LOOP * 9)])
    assert said(out).startswith(GOOD + LOOP)
    assert LOOP * 2 not in said(out)
