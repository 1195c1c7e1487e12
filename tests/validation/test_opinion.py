"""What a validator model answers, and what that means."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dialects import Dialect
from tests.json_strategies import json_values
from tests.validation.test_evidence import LOOP, PROSE
from validation.asks import Ask
from validation.channels import Channel
from validation.opinion import NotAVerdict, Opinion, opinion, verdict

BAD = {"is_valid": False, "issue_type": "repetition", "confidence": 0.95, "quote": LOOP.strip()}


def chat(text):
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()


def messages(text):
    return json.dumps({"content": [{"type": "thinking", "thinking": "…"}, {"type": "text", "text": text}]}).encode()


def of(text):
    return opinion(chat(text), Dialect.CHAT)


def ask(text, **fields):
    return Ask(Channel.TEXT, text, **fields)


@pytest.mark.parametrize(
    "written",
    [
        "{}",
        "```json\n{}\n```",
        "```\n{}\n```",
        "Here is my verdict: {} I hope it helps {{truly}}.",
        '<think>Is it {{valid}}? {{"is_valid": true}}</think>\n{}',
        '{{"something": "else"}} {}',
    ],
)
def test_the_object_is_found_whatever_stands_around_it(written):
    text = written.format(json.dumps(BAD))
    assert of(text) == Opinion(False, "repetition", 0.95, LOOP.strip())
    assert opinion(messages(text), Dialect.MESSAGES) == of(text)


def test_content_may_come_in_parts():
    body = json.dumps({"choices": [{"message": {"content": [{"type": "text", "text": '{"is_valid":'},
                                                            {"type": "text", "text": " true}"}]}}]})  # fmt: skip
    assert opinion(body.encode(), Dialect.CHAT) == Opinion(True)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "It is fine.",
        "{",
        "{" * 5000,
        "[]",
        '{"is_valid": "no"}',
        '{"is_valid": 0}',
        '{"is_valid": null}',
        '{"is_valid": false, "issue_type": "repetition"}',
        '{"is_valid": false, "issue_type": "repetition", "confidence": "high"}',
        '{"is_valid": false, "issue_type": "repetition", "confidence": true}',
        '{"is_valid": false, "issue_type": "repetition", "confidence": 95}',
        '{"is_valid": false, "issue_type": "repetition", "confidence": NaN}',
        '<think>It never ends {"is_valid": true}',
    ],
)
def test_what_is_no_verdict_is_none(said):
    with pytest.raises(NotAVerdict):
        of(said)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{"message": {}}]}', b"\xff",
             b'{"choices": [{"message": {"content": null}}]}', b'{"content": ["x"]}', b'{"error": {"message": "no"}}'],
)  # fmt: skip
@pytest.mark.parametrize("dialect", [Dialect.CHAT, Dialect.MESSAGES])
def test_an_answer_without_text_is_no_verdict(body, dialect):
    with pytest.raises(NotAVerdict):
        opinion(body, dialect)


@settings(max_examples=60, deadline=None)
@given(value=json_values, text=st.text(max_size=30), dialect=st.sampled_from([Dialect.CHAT, Dialect.MESSAGES]))
def test_junk_of_any_kind_is_no_verdict_and_nothing_worse(value, text, dialect):
    for body in (json.dumps(value).encode(), text.encode(), chat(text + json.dumps(value)), messages(text)):
        with pytest.raises(NotAVerdict):
            opinion(body, dialect)


def test_garbage_begins_at_its_first_repeat_counted_in_the_channel():
    found = verdict(of(json.dumps(BAD)), ask(PROSE + LOOP * 4, start=1000), 0.85, "judge")
    assert (found.detector, found.issue_type, found.confidence) == ("validator", "repetition", 0.95)
    assert found.onset == 1000 + len(PROSE + LOOP)
    assert found.offset == 1000 + len(PROSE + LOOP * 4)
    assert found.explanation == f"the validator model judge says: repetition ({LOOP.strip()!r})"


@pytest.mark.parametrize(
    "changed",
    [
        {"is_valid": True},
        {"issue_type": None},
        {"issue_type": ""},
        {"issue_type": "None"},
        {"issue_type": 5},
        {"confidence": 0.84},
    ],
)
def test_contradictions_and_doubts_are_good_answers(changed):
    assert verdict(of(json.dumps({**BAD, **changed})), ask(LOOP * 6), 0.85, "judge") is None


@pytest.mark.parametrize("issue", ["repetition", "Repetition loop", "gibberish", "encoding", "anything"])
@pytest.mark.parametrize("quote", ["", "The tide comes in twice a day", "a loop that is not there"])
def test_a_model_that_lies_about_good_text_is_not_believed(issue, quote):
    said = of(json.dumps({**BAD, "issue_type": issue, "quote": quote, "confidence": 1}))
    assert verdict(said, ask(PROSE), 0.85, "judge") is None


def test_a_bare_verdict_is_believed_where_the_text_bears_it_out():
    said = of('{"is_valid": false, "issue_type": "Repetition loop", "confidence": 0.9}')
    found = verdict(said, ask(LOOP * 4), 0.85, "judge")
    assert (found.issue_type, found.onset) == ("repetition", len(LOOP))


def test_gibberish_is_believed_where_nothing_speaks_against_it():
    said = of('{"is_valid": false, "issue_type": "gibberish", "confidence": 0.9}')
    found = verdict(said, ask("asdf qwer zxcv uiop hjkl", start=7), 0.85, "judge")
    assert (found.issue_type, found.onset, found.offset) == ("gibberish", 7, 31)
