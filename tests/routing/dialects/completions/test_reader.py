"""What an upstream's completions say, whole and in pieces."""

import pytest

from routing.dialects.completions.reader import OTHER_ANSWERS, CompletionsReader
from routing.dialects.events import End, Failed, Finish, FinishReason, Start, Text, Usage, UsageSeen
from tests.routing.dialects.support import COMPLETIONS, exchange, frames_of

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}


def said(text="", reason=None, index=0, **more):
    return {"id": "c", "model": "m", "choices": [{"index": index, "text": text, "finish_reason": reason}], **more}


def read(*payloads, **of):
    reader = CompletionsReader(exchange(COMPLETIONS, COMPLETIONS, **of))
    frames = [frame[6:] for frame in frames_of(*payloads).split(b"\n\n") if frame]
    return [event for data in frames for event in reader.feed((b"", data))] + reader.close(), reader.warnings


def test_a_stream_is_its_text_its_usage_and_its_end():
    events, warnings = read(said("Hi"), said(" there"), said("", "stop"), {"choices": [], "usage": USAGE}, "[DONE]")
    usage = UsageSeen(Usage(prompt=7, output=3, cache_read=4))
    assert events == [Start("c", "m"), Text("Hi"), Text(" there"), usage, Finish(FinishReason.STOP), End()]
    assert warnings == []


def test_llama_cpps_timings_are_usage():
    events, _ = read(said("Hi", "length", timings={"prompt_n": 5, "predicted_n": 2, "cache_n": 1}))
    assert UsageSeen(Usage(prompt=6, output=2, cache_read=1)) in events
    assert Finish(FinishReason.LENGTH) in events


@pytest.mark.parametrize(
    ("reason", "meant"),
    [("content_filter", FinishReason.REFUSAL), ("eos", FinishReason.STOP), (["odd"], FinishReason.STOP)],
)
def test_other_words_for_the_end_are_an_end(reason, meant):
    events, _ = read(said("Hi"), said("", reason), "[DONE]")
    assert events[-2:] == [Finish(meant), End()]


def test_other_answers_are_told_of_and_not_mixed_in():
    events, warnings = read(said("Hi"), said("Ho", index=1), said("", "stop"), {"choices": ["odd"]}, "[DONE]")
    assert [event.text for event in events if type(event) is Text] == ["Hi"]
    assert warnings == [OTHER_ANSWERS]


@pytest.mark.parametrize(
    ("pieces", "heard"),
    [
        (["Once upon a time", " there"], " there"),
        (["Once upon", " a time there"], " there"),
        (["Once", " upon a", " time", " there"], " there"),
        (["there", " Once upon a time"], "there Once upon a time"),  # it was not repeated after all
        (["Once upon a day"], "Once upon a day"),
    ],
)
def test_a_prompt_that_is_repeated_first_is_nobodys_answer(pieces, heard):
    events, _ = read(*map(said, pieces), said("", "stop"), echo={"prompt": "Once upon a time"})
    assert "".join(event.text for event in events if type(event) is Text) == heard


def test_a_line_that_is_no_json_is_skipped_and_told_of_once():
    events, warnings = read(said("Hi"), "odd", "[1]", said("", "stop"))
    assert events[-1] == End()
    assert len(warnings) == 1


@pytest.mark.parametrize("payloads", [["odd"], [{"error": {"message": "no"}}], [said("Hi")], ["[DONE]"], []])
def test_what_is_no_answer_is_a_failure(payloads):
    assert type(read(*payloads)[0][-1]) is Failed


def test_a_whole_answer_is_one_that_came_at_once():
    reader = CompletionsReader(exchange(COMPLETIONS, COMPLETIONS))
    assert reader.whole(said("Hi", "stop")) == [Start("c", "m"), Text("Hi"), Finish(FinishReason.STOP), End()]
    assert type(CompletionsReader(exchange(COMPLETIONS, COMPLETIONS)).whole({"error": "no"})[-1]) is Failed
