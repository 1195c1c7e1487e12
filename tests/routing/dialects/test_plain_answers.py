"""Whole chat answers that are one text: what is told of by any other field is read as events."""

import orjson
import pytest

from routing.dialects.chat.plain import text_of


def answer(message=None, *, choices=1, choice=None, **fields):
    said = {"role": "assistant", "content": "Hello", "refusal": None, "tool_calls": [], **(message or {})}
    one = {"index": 0, "message": said, "logprobs": None, "finish_reason": "stop", **(choice or {})}
    return orjson.dumps({"id": "c", "choices": [one] * choices, "usage": {"prompt_tokens": 1}, **fields})


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_a_text_is_found(reason):
    assert text_of(answer(choice={"finish_reason": reason})) == "Hello"


@pytest.mark.parametrize(
    "message",
    [
        {"content": ""},
        {"content": None},
        {"content": [{"type": "text", "text": "Hello"}]},
        {"refusal": "No"},
        {"reasoning_content": "Hm"},
        {"reasoning": "Hm"},
        {"tool_calls": [{"id": "a"}]},
        {"function_call": {"name": "a"}},
        {"annotations": [{"type": "url_citation"}]},
    ],
)
def test_a_message_that_says_anything_else_is_none(message):
    assert text_of(answer(message)) is None


@pytest.mark.parametrize("reason", ["tool_calls", "content_filter", "error", None, 3])
def test_an_answer_that_ends_otherwise_is_none(reason):
    assert text_of(answer(choice={"finish_reason": reason})) is None


@pytest.mark.parametrize(
    "body",
    [
        answer(error={"message": "broken"}),
        answer(choices=2),
        answer(choices=0),
        answer(choice={"logprobs": {"content": [{}]}}),
        answer(choice={"message": "Hello"}),
        b'{"choices": ["Hello"]}',
        b'{"choices": {}}',
        b'["Hello"]',
        b"data: {}\n\n",
        b"",
    ],
)
def test_what_is_no_such_answer_is_none(body):
    assert text_of(body) is None
