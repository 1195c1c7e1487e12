"""Answers are judged by a validator model, over real sockets; whatever it does, nobody is worse off without it."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.end_to_end.answers import Gate, body_answer, garbage, hang, hang_up, json_answer, stream
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT, MESSAGES, RESPONSES
from tests.end_to_end.pairs import Pair, read_stream, read_whole
from tests.end_to_end.proxy import eventually
from tests.end_to_end.shapes import assert_ends_with_error
from tests.end_to_end.test_bare_text import COMPLETING
from tests.end_to_end.test_second_tries import SAYS, text_of
from tests.end_to_end.upstream import ScriptedUpstream

KEY = "planted-judge-key-41d7"
GOOD = "".join(f"On day {day} the keeper of lamp {day * 7} wrote to harbour {day * 3}. " for day in range(1, 60))
LOOP = "Wait, let me check the file once more. "
GARBAGE = '```json\n{"is_valid": false, "issue_type": "repetition", "confidence": 0.95, "quote": "let me check"}\n```'
VALID = '{"is_valid": true, "issue_type": null, "confidence": 0.99, "quote": ""}'
CLIENTS = [Pair(client, CHAT) for client in (CHAT, MESSAGES, RESPONSES)]
CHAT_CLIENT = CLIENTS[0]
every_client = pytest.mark.parametrize("pair", CLIENTS, ids=str)
TROUBLES = {
    "slow": lambda: hang(Gate()),
    "lying": lambda: saying(GARBAGE),
    "junk": garbage,
    "chatty": lambda: saying("I like this text {very} much."),
    "html": lambda: body_answer(b"<html>It works!</html>", content_type="text/html"),
    "failing": lambda: json_answer({"error": {"message": f"who is {KEY}?"}}, 500),
    "breaking": hang_up,
}


def saying(text):
    return json_answer({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]})


def config(upstream, judge, refused):
    """Each trouble has a validator of its own: one that fails again and again is left alone for a while."""
    names = ["fine", "key", *TROUBLES]
    validators = {name: {"base_url": judge, "model": "small"} for name in names}
    validators["down"] = {"base_url": refused, "model": "small"}
    validators["key"] |= {"api_key": KEY, "supports_anthropic": True}
    each = {"builtin": False, "hold_seconds": 0.3, "mid_stream_validation_interval_words": 300}
    policies = {f"judged-{name}": {**each, "validator": name} for name in validators}
    patient = {**each, "validator": "fine", "hold_seconds": 15}
    policies["judged-fine"] = patient
    policies["judged-key"] |= {"hold_seconds": 15}
    policies["judged-buffered"] = {**patient, "delivery": "buffer"}
    policies["judged-twice"] = {**patient, "delivery": "buffer", "builtin": True, "detectors": ["whitespace"]}
    policies["judged-in-doubt"] = {**patient, "builtin": True, "validate_on": "suspicion"}
    return {
        "upstreams": [{"name": "main", "base_url": upstream, "max_retries": 0}],
        "model_upstream_binding": {"*": "main"},
        "validation": {"validators": validators, "per_model": policies},
    }


@pytest.fixture(scope="module")
def scripted_judge():
    judge = ScriptedUpstream().start()
    yield judge
    judge.stop()


@pytest.fixture(scope="module")
def judged(new_installation, scripted_upstream, scripted_judge, refused_url):
    installation = new_installation(MODELS_CACHE_SECONDS="0")
    judging = installation.write("config.json", config(scripted_upstream.url, scripted_judge.url, refused_url))
    with installation.serve("--config", judging) as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture
def judge(scripted_judge):
    scripted_judge.reset()
    yield scripted_judge
    scripted_judge.wait_until_idle()


@pytest.fixture
def client(judged, judge, upstream):
    with client_of(judged) as client:
        yield client
    upstream.wait_until_idle()
    judged.wait_until_idle()


def says(text):
    words, end = SAYS["chat"](text)
    return stream(*words, *end)


def whole(text):
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json_answer({**CHAT.answer, "choices": [choice]})


def failures(proxy, answer):
    query = "SELECT * FROM validation_validationfailure WHERE request_id = ? ORDER BY attempt"
    request_id = proxy.record(answer)["request_id"]
    return eventually(lambda: proxy.installation.rows(query, request_id), "the failure")


@pytest.mark.parametrize("trouble", ["down", *TROUBLES])
@every_client
def test_whatever_the_validator_does_the_client_gets_its_answer(client, upstream, judge, pair, trouble):
    if trouble in TROUBLES:
        judge.answer(TROUBLES[trouble]())
    upstream.answer(says(GOOD))
    read = read_stream(pair, pair.post(client, model=f"judged-{trouble}", stream=True).content)
    assert text_of(read) == GOOD


@pytest.mark.parametrize("trouble", ["down", *TROUBLES])
def test_so_does_one_that_does_not_stream(client, upstream, judge, trouble):
    if trouble in TROUBLES:
        judge.answer(TROUBLES[trouble]())
    upstream.answer(whole(GOOD))
    answer = CHAT_CLIENT.post(client, model=f"judged-{trouble}")
    assert text_of(read_whole(CHAT_CLIENT, answer.json())) == GOOD


def test_a_validator_that_gives_no_verdicts_is_an_alarm_without_its_key(client, judged, upstream, judge):
    judge.answer(TROUBLES["failing"]())
    upstream.answer(says(GOOD))
    CHAT_CLIENT.post(client, model="judged-key", stream=True)
    (alarm,) = [alarm for alarm in judged.status()["alarms"] if "“key”" in alarm]
    assert "It answered 500" in alarm
    assert KEY not in alarm
    judge.answer(json_answer({"content": [{"type": "text", "text": VALID}]}))
    CHAT_CLIENT.post(client, model="judged-key", stream=True)
    assert not [alarm for alarm in judged.status()["alarms"] if "“key”" in alarm]


def test_it_is_asked_in_its_dialect_with_its_key_about_what_was_said(client, upstream, judge):
    judge.answer(json_answer({"content": [{"type": "text", "text": VALID}]}))
    upstream.answer(says("The tide comes in twice a day."))
    CHAT_CLIENT.post(client, model="judged-key", stream=True)
    asked = judge.call
    assert (asked.path, asked.header("x-api-key")) == ("/v1/messages", KEY)
    assert "The tide comes in twice a day." in asked.json()["messages"][0]["content"]


@every_client
def test_what_it_calls_a_loop_is_followed_by_another_answer(client, judged, upstream, judge, pair):
    judge.answer(saying(GARBAGE), saying(VALID))
    upstream.answer(says("It is so. " + LOOP * 4), says(GOOD))
    answer = pair.post(client, model="judged-buffered", stream=True)
    assert text_of(read_stream(pair, answer.content)) == GOOD
    (failure,) = failures(judged, answer)
    assert (failure["detector"], failure["issue_type"], failure["outcome"]) == ("validator", "repetition", "retried")
    assert failure["explanation"] == "the validator model fine says: repetition ('let me check')"


def test_so_is_bare_text(client, judged, upstream, judge):
    other = COMPLETING.good(GOOD)
    judge.answer(saying(GARBAGE), saying(VALID))
    upstream.answer(COMPLETING.good("It is so. " + LOOP * 4), other)
    answer = COMPLETING.pair.post(client, model="judged-buffered", stream=True)
    assert answer.content == other.body()
    assert [failure["outcome"] for failure in failures(judged, answer)] == ["retried"]
    assert "It is so." in judge.calls[0].json()["messages"][-1]["content"]


def test_so_is_a_whole_answer(client, upstream, judge):
    judge.answer(saying(GARBAGE), saying(VALID))
    upstream.answer(whole(LOOP * 4), whole(GOOD))
    answer = CHAT_CLIENT.post(client, model="judged-buffered")
    assert text_of(read_whole(CHAT_CLIENT, answer.json())) == GOOD


@every_client
def test_it_is_asked_while_the_answer_comes_and_a_silent_upstream_is_closed_at_its_word(client, upstream, judge, pair):
    judge.answer(saying(GARBAGE))
    words, _ = SAYS["chat"](LOOP * 60)
    upstream.answer(stream(*words, Gate()))
    content = pair.post(client, model="judged-fine", stream=True).content
    assert "garbage" in assert_ends_with_error(content, pair.client.dialect)
    upstream.wait_until_idle()
    assert len(judge.calls) == 1


def test_what_it_says_late_of_an_answer_that_was_given_up_is_not_said_of_the_next(client, upstream, judge):
    asked, late, begun = Gate(), Gate(), Gate()
    judge.answer(saying(GARBAGE).held(late), saying(VALID))
    first, _ = SAYS["chat"](LOOP * 60)
    blank, _ = SAYS["chat"](" " * 4000)
    second, end = SAYS["chat"](GOOD)
    upstream.answer(stream(*first, asked, *blank[1:], Gate()), stream(*second[:4], begun, *second[4:], *end))
    with ThreadPoolExecutor(1) as background:
        answer = background.submit(CHAT_CLIENT.post, client, model="judged-twice", stream=True)
        judge.wait_for_call()
        asked.open()
        upstream.wait_for_call(2)
        late.open()
        judge.wait_until_idle()
        begun.open()
        content = answer.result().content
    assert text_of(read_stream(CHAT_CLIENT, content)) == GOOD


@pytest.mark.parametrize("is_complete", [False, True], ids=["in the middle", "at the end"])
def test_a_client_that_leaves_takes_the_question_with_it(client, judged, upstream, judge, is_complete):
    judge.answer(hang(Gate()))
    words, end = SAYS["chat"](GOOD)
    upstream.answer(stream(*words, *(end if is_complete else [Gate()])))
    with client.stream("POST", CHAT.client_path, json=CHAT.body("judged-fine", stream=True)) as answer:
        asked = judge.wait_for_call()
    asked.wait_until_closed()
    upstream.wait_until_idle()
    assert judged.record(answer)["outcome"] == "client_gone"


def test_so_does_one_that_waits_for_a_whole_answer(client, judged, upstream, judge):
    judge.answer(hang(Gate()))
    upstream.answer(whole(GOOD))
    with ThreadPoolExecutor(1) as background, client_of(judged) as leaving:
        answer = background.submit(leaving.post, CHAT.client_path, json=CHAT.body("judged-fine"), timeout=0.5)
        asked = judge.wait_for_call()
        assert answer.exception()
    asked.wait_until_closed()


def test_a_policy_may_have_it_asked_only_where_the_detectors_are_in_doubt(client, upstream, judge):
    judge.answer(saying(VALID))
    upstream.answer(says("The tide comes in twice a day, and the fishermen know its hours."))
    CHAT_CLIENT.post(client, model="judged-in-doubt", stream=True)
    assert judge.calls == []


def test_every_question_has_a_mark_of_its_own(client, upstream, judge):
    judge.answer(saying(VALID))
    upstream.answer(says("The tide comes in."))
    for _ in range(2):
        CHAT_CLIENT.post(client, model="judged-fine", stream=True)
    asked = [json.dumps(call.json()) for call in judge.calls]
    assert len(set(asked)) == len(asked) == 2
