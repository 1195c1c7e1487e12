"""What the validator model is asked."""

import json

import pytest

from routing.dialects import Dialect
from routing.dialects.events import FinishReason
from validation.asks import Ask
from validation.channels import Channel
from validation.question import PROMPT, question
from validation.snapshot import ValidatorTarget


def target(**fields):
    return ValidatorTarget(**{"name": "judge", "base_url": "http://judge:1235", "model": "small", **fields})


def asked(ask, **fields):
    made = question(target(**fields), ask, "4f2a")
    return made, json.loads(made.body)


def test_a_chat_model_is_asked_by_system_and_user():
    made, body = asked(Ask(Channel.TEXT, "Once upon a time"))
    assert made.url == "http://judge:1235/v1/chat/completions"
    assert (body["model"], body["stream"], body["max_tokens"]) == ("small", False, 300)
    system, user = body["messages"]
    assert (system["role"], system["content"]) == ("system", PROMPT)
    assert "<<<4f2a\nOnce upon a time\n4f2a>>>" in user["content"]


def test_a_messages_model_is_asked_in_its_dialect():
    made, body = asked(Ask(Channel.TEXT, "Once"), dialect=Dialect.MESSAGES, base_url="http://judge/v1")
    assert made.url == "http://judge/v1/messages"
    assert (b"anthropic-version", b"2023-06-01") in made.headers
    assert body["system"] == PROMPT
    assert [turn["role"] for turn in body["messages"]] == ["user"]


def test_its_own_prompt_and_fields_are_laid_over():
    extra = {"max_tokens": 50, "chat_template_kwargs": {"enable_thinking": False}}
    _, body = asked(Ask(Channel.TEXT, "Once"), prompt="Judge!", extra=extra)
    assert body["messages"][0]["content"] == "Judge!"
    assert (body["max_tokens"], body["chat_template_kwargs"]) == (50, {"enable_thinking": False})


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (Ask(Channel.TEXT, "x"), "the last part of its answer. More of it is still to come."),
        (Ask(Channel.REASONING, "x"), "the last part of its reasoning before an answer. More"),
        (Ask(Channel.TEXT, "x", FinishReason.STOP, at_end=True), "its answer. It is complete."),
        (Ask(Channel.TEXT, "x", FinishReason.LENGTH, at_end=True), "its answer. It was cut off by a limit."),
        (Ask(Channel.TEXT, "x", None, at_end=True), "its answer. It is complete."),
    ],
)
def test_it_is_told_what_the_text_is_and_how_it_ends(ask, said):
    _, body = asked(ask)
    assert said in body["messages"][1]["content"]


def test_text_that_is_no_unicode_is_asked_about_all_the_same():
    _, body = asked(Ask(Channel.TEXT, "half \ud83d a character"))
    assert "half ? a character" in body["messages"][1]["content"]
