"""Validator models are asked, and whatever they do, nobody is worse off than without them."""

import asyncio
import json
from types import SimpleNamespace

import httpx
import pytest
from django.utils import timezone

from proxysite.gateway.alarms import Alarms
from proxysite.gateway.validator import AT_ONCE, IN_A_ROW, LONGEST_ANSWER, REST_SECONDS, ValidatorModels
from routing.dialects import Dialect
from routing.secrets import Secret
from routing.upstream import Upstreams
from tests.validation.test_evidence import LOOP, PROSE
from tests.virtual_time import in_virtual_time, settled
from validation.asks import Ask
from validation.channels import Channel
from validation.snapshot import Policy, ValidatorTarget

KEY = "sk-planted-0123456789"
ASK = Ask(Channel.TEXT, LOOP * 5)
AT_END = Ask(Channel.TEXT, LOOP * 5, at_end=True)
GARBAGE = '{"is_valid": false, "issue_type": "repetition", "confidence": 0.95}'


def policy(**fields):
    target = ValidatorTarget(**{"name": "judge", "base_url": "http://judge", "model": "small", **fields})
    return Policy(model_pattern="*", validator=target)


def saying(text, dialect=Dialect.CHAT):
    if dialect is Dialect.MESSAGES:
        return httpx.Response(200, json={"content": [{"type": "text", "text": text}]})
    return httpx.Response(200, json={"choices": [{"message": {"content": text}}]})


class Judge:
    """A validator model; `answers` is asked for what comes next, and may be changed."""

    def __init__(self, answers):
        self.answers = answers
        self.seen = []

    async def __call__(self, request):
        await request.aread()
        self.seen.append(request)
        answer = self.answers
        return await answer(request) if callable(answer) else answer


def asked(answers):
    judge = Judge(answers)
    engine = SimpleNamespace(upstreams=Upstreams(httpx.MockTransport(judge)), alarms=Alarms())
    return ValidatorModels(engine), judge, lambda: [alarm.text for alarm in engine.alarms.standing(timezone.now())]


async def forever(request):
    await asyncio.Event().wait()


@pytest.mark.parametrize("dialect", [Dialect.CHAT, Dialect.MESSAGES])
async def test_its_verdict_counts(dialect):
    validator, judge, alarms = asked(saying(GARBAGE, dialect))
    found = await validator(ASK, policy(dialect=dialect, key=Secret(KEY)))
    assert (found.detector, found.issue_type, found.onset) == ("validator", "repetition", len(LOOP))
    (request,) = judge.seen
    header = "x-api-key" if dialect is Dialect.MESSAGES else "authorization"
    assert request.headers[header].endswith(KEY)
    assert json.loads(request.content)["model"] == "small"
    assert alarms() == []


async def test_a_policy_without_a_validator_asks_nobody():
    validator, judge, _ = asked(saying(GARBAGE))
    assert await validator(ASK, Policy(model_pattern="*")) is None
    assert judge.seen == []


async def test_two_questions_have_different_marks():
    validator, judge, _ = asked(saying(GARBAGE))
    for _ in range(2):
        await validator(ASK, policy())
    one, two = (json.loads(request.content)["messages"][1]["content"] for request in judge.seen)
    assert one != two


async def test_a_lie_about_good_text_is_not_believed_and_no_alarm():
    validator, _, alarms = asked(saying(GARBAGE))
    assert await validator(Ask(Channel.TEXT, PROSE), policy()) is None
    assert alarms() == []


async def refused(request):
    raise httpx.ConnectError("Connection refused")


async def broken(request):
    raise RuntimeError("a bug of ours")


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (refused, "The validator “judge” at http://judge cannot be reached: Connection refused. Is it running?"),
        (broken, "The proxy failed; its log says why."),
        (httpx.Response(500, text=f"no {KEY}"), "It answered 500: no ••••••••."),
        (httpx.Response(302, headers={"location": "http://else"}), "It answered 302: ."),
        (httpx.Response(200, text="<html>"), "The answer is not JSON."),
        (saying("I like it."), "There is no verdict in it: 'I like it.'."),
        (httpx.Response(200, content=b" " * (LONGEST_ANSWER + 1)), "Its answer does not end."),
    ],
)
async def test_whatever_goes_wrong_the_answer_passes_and_there_is_an_alarm(answers, why, caplog):
    validator, _, alarms = asked(answers)
    assert await validator(ASK, policy(key=Secret(KEY))) is None
    (text,) = alarms()
    assert text.startswith("Answers pass without the judgement of the validator “judge”. ")
    assert text.endswith(why)
    assert KEY not in text + caplog.text


async def test_the_alarm_ends_with_the_next_verdict():
    validator, judge, alarms = asked(httpx.Response(503))
    await validator(ASK, policy())
    assert alarms()
    judge.answers = saying('{"is_valid": true}')
    assert await validator(ASK, policy()) is None
    assert alarms() == []


@in_virtual_time
async def test_a_verdict_that_does_not_come_is_not_waited_for():
    validator, _, alarms = asked(forever)
    assert await validator(ASK, policy(timeout_seconds=7.0)) is None
    assert asyncio.get_running_loop().time() == 7
    assert alarms()[0].endswith("No verdict within 7 s.")


@in_virtual_time
async def test_one_that_makes_clients_wait_as_long_as_they_may_is_an_alarm():
    validator, _, alarms = asked(forever)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2.0):
            await validator(AT_END, policy())
    assert alarms()[0].endswith("No verdict within 2 s, which is all a client waits.")


@in_virtual_time
@pytest.mark.parametrize("ask", [ASK, AT_END])
async def test_a_question_that_nobody_wants_answered_any_more_is_no_failure(ask):
    validator, _, alarms = asked(forever)
    question = asyncio.ensure_future(validator(ask, policy()))
    await settled()
    question.cancel()
    await asyncio.wait([question])
    assert question.cancelled()
    assert alarms() == []


@in_virtual_time
async def test_one_that_fails_again_and_again_is_left_alone_and_then_tried_by_one_question():
    validator, judge, _ = asked(httpx.Response(500))
    for _ in range(IN_A_ROW + 3):
        await validator(ASK, policy())
    assert len(judge.seen) == IN_A_ROW
    await asyncio.sleep(REST_SECONDS)
    judge.answers = forever
    probe = asyncio.ensure_future(validator(ASK, policy()))
    await settled()
    assert await validator(ASK, policy()) is None
    assert len(judge.seen) == IN_A_ROW + 1
    probe.cancel()
    await asyncio.wait([probe])
    await asyncio.sleep(REST_SECONDS)
    judge.answers = saying(GARBAGE)
    assert await validator(ASK, policy())
    assert await validator(ASK, policy())


async def test_one_that_was_changed_in_the_admin_is_asked_at_once():
    validator, judge, _ = asked(httpx.Response(500))
    for _ in range(IN_A_ROW):
        await validator(ASK, policy())
    judge.answers = saying(GARBAGE)
    assert await validator(ASK, policy()) is None
    assert await validator(ASK, policy(model="another"))


@in_virtual_time
async def test_it_is_not_asked_more_at_once_than_it_can_take():
    validator, judge, alarms = asked(forever)
    questions = [asyncio.ensure_future(validator(ASK, policy())) for _ in range(AT_ONCE)]
    await settled()
    assert await validator(ASK, policy()) is None
    assert len(judge.seen) == AT_ONCE
    assert alarms()[0].endswith(f"It is asked {AT_ONCE} questions at once already.")
    for question in questions:
        question.cancel()
    await asyncio.wait(questions)
    judge.answers = saying(GARBAGE)
    assert await validator(ASK, policy())


async def test_what_is_remembered_of_validators_is_bounded():
    validator, _, _ = asked(saying(GARBAGE))
    for number in range(100):
        await validator(ASK, policy(model=str(number)))
    assert len(validator._states) <= 64
