"""Whole answers of bare text that were changed on their way: everything else that the server said stays."""

import orjson
import pytest

from routing.dialects.conversion import convert_response
from routing.dialects.events import End, Finish, FinishReason, Text
from tests.routing.dialects.support import COMPLETIONS, GENERATE, exchange, frames_of

LOGPROBS = {"tokens": ["Hi"], "token_logprobs": [-0.5], "top_logprobs": None, "text_offset": [0]}
COMPLETION = {
    "id": "0a1b",
    "object": "text_completion",
    "model": "theirs",
    "choices": [{"index": 0, "text": "Hi there", "logprobs": LOGPROBS, "finish_reason": "stop", "stop_reason": None}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    "service_tier": "x",
}
META = {
    "id": "g",
    "finish_reason": {"type": "stop", "matched": 2},
    "output_token_logprobs": [[-1, 5, "Hi"]],
    "e2e": 1.5,
}
GENERATED = {"text": "Hi there", "output_ids": [1, 2], "meta_info": META}


class Says:
    """Another text or another end."""

    def __init__(self, text=None, finish=None):
        self.text, self.finish = text, finish

    def feed(self, event):
        if type(event) is Text and self.text is not None:
            return [Text(self.text)]
        return [Finish(self.finish)] if type(event) is Finish and self.finish else [event]

    def close(self):
        return []


def whole(body, dialect, *transforms):
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return convert_response(data, exchange(dialect, dialect, model="asked"), transforms).body


@pytest.mark.parametrize(("body", "dialect"), [(COMPLETION, COMPLETIONS), (GENERATED, GENERATE)])
def test_what_nobody_changes_stays(body, dialect):
    assert whole(body, dialect, Says()) == body


def test_a_completion_with_another_text_has_no_logprobs_of_the_old_one():
    choice = {**COMPLETION["choices"][0], "text": "Sorry", "logprobs": None, "finish_reason": "length"}
    assert whole(COMPLETION, COMPLETIONS, Says("Sorry", FinishReason.LENGTH)) == {**COMPLETION, "choices": [choice]}


def test_a_completion_with_another_end_keeps_its_logprobs():
    choice = {**COMPLETION["choices"][0], "finish_reason": "length"}
    assert whole(COMPLETION, COMPLETIONS, Says(finish=FinishReason.LENGTH)) == {**COMPLETION, "choices": [choice]}


def test_an_answer_of_generate_with_another_text_has_no_numbers_of_the_old_one():
    meta = {"id": "g", "finish_reason": {"type": "stop"}, "e2e": 1.5}
    assert whole(GENERATED, GENERATE, Says("Sorry")) == {"text": "Sorry", "meta_info": meta}


def test_an_answer_of_generate_with_another_end_keeps_its_numbers():
    meta = {**META, "finish_reason": {"type": "length"}}
    assert whole(GENERATED, GENERATE, Says(finish=FinishReason.LENGTH)) == {**GENERATED, "meta_info": meta}


@pytest.mark.parametrize(
    ("data", "dialect"),
    [(frames_of(COMPLETION, "[DONE]"), COMPLETIONS), (frames_of(GENERATED, "[DONE]"), GENERATE)],
)
def test_a_stream_that_nobody_asked_for_is_put_together(data, dialect):
    body = whole(data, dialect, Says("Sorry"))
    text = body["text"] if dialect is GENERATE else body["choices"][0]["text"]
    assert text == "Sorry"


def test_a_batch_of_one_is_its_first_answer():
    assert whole(orjson.dumps([GENERATED]), GENERATE, Says("Sorry"))["text"] == "Sorry"


def test_an_answer_without_choices_is_none():
    assert "error" in whole({"id": "x"}, COMPLETIONS)


def test_choices_of_a_form_that_nobody_knows_are_put_right():
    body = whole({"choices": [], "x": 1}, COMPLETIONS, Adds())
    assert body == {"choices": [{"index": 0, "text": "Sorry", "logprobs": None, "finish_reason": "stop"}], "x": 1}


class Adds:
    def feed(self, event):
        return []

    def close(self):
        return [Text("Sorry"), Finish(FinishReason.STOP), End()]
