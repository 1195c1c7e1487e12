"""The gate, with detectors of its own: a loop is "loop " three times, a suspicion begins at the second."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dialects.events import (
    End,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    Start,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
    UpstreamError,
    Usage,
    UsageSeen,
)
from validation.asks import ASKED_ABOUT, LASTING_DOUBT
from validation.channels import FIRST_WINDOW, LONGEST_HOLD, LONGEST_WINDOW, Channel
from validation.gate import PIECE, Gate
from validation.snapshot import Delivery, Policy, ValidateOn, ValidatorTarget
from validation.verdict import Verdict

LOOP = "loop "
VALIDATOR = ValidatorTarget(name="small", base_url="http://localhost", model="qwen")
STOP = [Finish(FinishReason.STOP), End()]


def bad(onset, detector="loops"):
    return Verdict(detector, "repetition", 1.0, onset, onset, len(LOOP), "the same again and again")


class Loops:
    """Finds LOOP three times; doubts from its second copy on; ends badly when the answer was cut off."""

    seeks_repeats = True

    def __init__(self):
        self.text = ""
        self.suspicion = None

    @property
    def doubt(self):
        return self.suspicion

    def feed(self, text):
        self.text += text
        at = self.text.find(LOOP * 2)
        self.suspicion = at + len(LOOP) if at >= 0 else None
        at = self.text.find(LOOP * 3)
        return bad(at + len(LOOP)) if at >= 0 else None

    def close(self, finish_reason=""):
        if finish_reason == "length":
            return bad(len(self.text), "truncated")
        return None if self.text.strip() else bad(0, "empty")


def gate(seen="", **fields):
    policy = Policy(model_pattern="*", detectors=frozenset({"loops"}), **fields)
    return Gate(policy, lambda channel: Loops(), seen)


def fed(judge, events):
    return [passed for event in events for passed in judge.feed(event)]


def words(text, size=1):
    return [Text(text[at : at + size]) for at in range(0, len(text), size)]


def said(events, kind=Text):
    return "".join(event.text for event in events if type(event) is kind)


GOOD = "".join(f"This is sentence number {number} of a text. " for number in range(40))


@pytest.mark.parametrize("size", [1, 7, 4000])
def test_good_text_arrives_whole_and_in_order(size):
    events = [Start("a", "m"), Reasoning("Let me see."), *words(GOOD, size), UsageSeen(Usage(1, 2)), *STOP]
    judge = gate()
    out = fed(judge, events)
    assert said(out) == GOOD
    assert [type(event) for event in out if type(event) is not Text] == [Start, Reasoning, UsageSeen, Finish, End]
    assert out[0] == Start("a", "m")
    assert judge.verdict is None
    assert judge.released_text == judge.text == judge.good_text == GOOD
    assert judge.close() == []


@settings(max_examples=40)
@given(st.lists(st.text(alphabet="lop abc", min_size=1, max_size=30), max_size=30))
def test_what_goes_on_is_always_a_beginning_of_what_came_and_never_a_third_copy(pieces):
    judge = gate()
    out = fed(judge, [*map(Text, pieces), *STOP])
    came = "".join(pieces)
    assert came.startswith(said(out))
    assert LOOP * 3 not in said(out)
    if not judge.verdict:
        assert said(out) == came


def test_the_first_characters_go_on_within_a_few_tokens_and_later_ones_within_the_window():
    judge, out = gate(), ""
    for size, event in enumerate(words(GOOD), 1):
        out += said(judge.feed(event))
        assert size - len(out) <= LONGEST_WINDOW + 2 * PIECE
        if size == 2 * FIRST_WINDOW:
            assert out
    assert LONGEST_WINDOW <= len(GOOD) - len(out) <= LONGEST_WINDOW + PIECE


def test_a_loop_stops_everything_and_its_first_copy_is_the_last_that_goes_on():
    judge = gate()
    out = fed(judge, [Start(), *words(GOOD + LOOP * 5), *STOP])
    assert judge.verdict == bad(len(GOOD + LOOP))
    assert (GOOD + LOOP).startswith(said(out))
    assert judge.good_text == GOOD + LOOP
    assert judge.released_text == said(out)
    assert judge.may_continue
    assert judge.has_released
    assert judge.close() == []


def test_a_loop_from_the_first_word_on_is_found_before_anything_went_on():
    judge = gate()
    assert said(fed(judge, [Start(), *words(LOOP * 3)])) == ""
    assert judge.verdict
    assert not judge.has_released


def test_a_suspicion_holds_what_follows_until_it_is_gone_or_too_old():
    judge = gate()
    out = said(fed(judge, words(GOOD + LOOP * 2 + "x" * (LONGEST_WINDOW + 10))))
    assert out == GOOD + LOOP
    out += said(fed(judge, [Text("y" * LONGEST_HOLD)]))
    assert len(out) == len(judge.text) - LONGEST_WINDOW
    assert judge.verdict is None


def test_a_loop_in_the_reasoning_is_found_and_cannot_be_continued():
    judge = gate()
    out = fed(judge, [Start(), *(Reasoning(letter) for letter in GOOD + LOOP * 3)])
    assert (GOOD + LOOP).startswith(said(out, Reasoning))
    assert judge.judged.channel is Channel.REASONING
    assert not judge.may_continue


def test_reasoning_goes_on_whole_when_the_text_begins():
    judge = gate()
    assert fed(judge, [Reasoning("Let me think of it. "), Text("Yes")]) == [Reasoning("Let me think of it. ")]


CALL = [ToolStart(0, "c", "run"), ToolArguments(0, '{"a":'), ToolArguments(0, "1}")]


def test_a_call_goes_on_when_it_is_complete():
    judge = gate()
    assert fed(judge, [Text("I run it."), *CALL]) == [Text("I run it.")]
    assert judge.feed(ToolEnd(0)) == [*CALL, ToolEnd(0)]
    assert fed(judge, STOP) == STOP


def test_a_call_that_nobody_ends_goes_on_with_the_end_of_the_answer():
    judge = gate()
    assert fed(judge, CALL) == []
    assert fed(judge, [Finish(FinishReason.TOOL_CALLS), End()]) == [*CALL, Finish(FinishReason.TOOL_CALLS), End()]


def test_a_call_that_holds_a_loop_never_goes_on():
    judge = gate()
    assert fed(judge, [CALL[0], ToolArguments(0, LOOP * 3), ToolEnd(0), *STOP]) == []
    assert judge.judged.channel is Channel.ARGUMENTS
    assert not judge.may_continue


def test_arguments_of_no_known_call_are_left_to_the_writer():
    judge = gate()
    assert fed(judge, [ToolArguments(7, "x"), ToolEnd(7)]) == [ToolArguments(7, "x"), ToolEnd(7)]


def test_the_end_is_held_until_the_whole_is_judged():
    judge = gate()
    assert fed(judge, [Text("Short"), Finish(FinishReason.LENGTH)]) == []
    assert judge.feed(End()) == []
    assert judge.verdict.detector == "truncated"
    assert judge.feed(Text("more")) == []


def test_an_answer_of_nothing_is_bad():
    judge = gate()
    assert fed(judge, [Start(), *STOP]) == []
    assert judge.verdict.detector == "empty"
    assert not judge.may_continue


def test_an_answer_that_only_stops_is_judged_by_close():
    judge = gate()
    assert judge.feed(Text("Hello")) == []
    assert judge.close() == [Text("Hello")]
    assert judge.close() == []


def test_a_long_piece_of_text_is_cut_between_words_where_it_has_some():
    (first,) = gate().feed(Text(GOOD))
    assert GOOD.startswith(first.text + " ")
    signs = "".join(map(chr, range(0x4E00, 0x4E00 + 500)))
    (first,) = gate().feed(Text(signs))
    assert first == Text(signs[: 500 - FIRST_WINDOW - 125])


BROKEN = Failed(UpstreamError(500, "broken"))


def test_behind_a_failure_nothing_goes_on_but_what_is_good_and_half_a_call_is_not():
    judge = gate()
    out = fed(judge, [Text(GOOD), *CALL, BROKEN, Text("more")])
    assert (judge.failure, judge.is_complete) == (BROKEN.error, False)
    assert (judge.may_restart, judge.may_continue) == (False, True)
    assert said(out) == judge.released_text
    assert said(out + judge.good_rest()) == GOOD
    assert [*judge.good_rest(), *judge.close()] == []


def test_a_failure_of_which_the_client_has_nothing_lets_another_answer_begin():
    judge = gate()
    assert fed(judge, [Start(), Text("Hello"), BROKEN]) == []
    assert judge.may_restart


def test_buffered_nothing_goes_on_before_the_end():
    judge = gate(delivery=Delivery.BUFFER)
    assert fed(judge, [Start(), Text(GOOD), Finish(FinishReason.STOP)]) == []
    assert judge.feed(End()) == [Start(), Text(GOOD), *STOP]


def test_buffered_nothing_goes_on_behind_a_failure():
    judge = gate(delivery=Delivery.BUFFER)
    assert fed(judge, [Start(), Text(GOOD), BROKEN]) == judge.good_rest() == []


def test_an_answer_that_was_judged_whole_is_complete():
    judge = gate()
    fed(judge, [Start(), Text(GOOD), *STOP])
    assert judge.is_complete


def test_what_the_client_has_already_is_known_to_the_detectors_and_does_not_go_on_again():
    judge = gate(seen=GOOD + LOOP * 2)
    assert judge.feed(Text(LOOP)) == []
    assert judge.verdict
    assert judge.good_text == GOOD + LOOP
    assert judge.leaked == len(LOOP)
    judge = gate(seen=GOOD)
    assert fed(judge, [Text("And the end."), *STOP]) == [Text("And the end."), *STOP]


# The validator model


def asking(**fields):
    return gate(validator=VALIDATOR, mid_stream_validation_interval_words=10, **fields)


def test_the_validator_model_is_asked_every_so_many_words_and_the_text_goes_on_meanwhile():
    judge = asking()
    fed(judge, words("one two three four five six seven eight nine "))
    assert judge.ask is None
    fed(judge, words("ten "))
    asked = judge.ask
    assert asked.text.endswith("nine ten ")
    assert not asked.at_end
    fed(judge, words(GOOD))
    assert judge.ask is asked
    assert judge.answer(asked, None) == []
    assert judge.ask is None


def test_text_without_blanks_is_asked_about_too():
    judge = asking()
    fed(judge, words("文" * 120))
    assert judge.ask.text == "文" * 120


def test_the_validator_model_is_shown_no_more_than_the_tail():
    judge = asking(mid_stream_validation_enabled=False)
    fed(judge, [*words(GOOD * 4, 11), *STOP])
    assert judge.ask.text == (GOOD * 4)[-ASKED_ABOUT:]


def test_at_the_end_the_last_piece_waits_for_the_validator_model():
    judge = asking()
    assert fed(judge, [Text("Hello"), *STOP]) == []
    assert (judge.ask.at_end, judge.ask.finish) == (True, FinishReason.STOP)
    assert judge.close() == []
    assert judge.answer(judge.ask, None) == [Text("Hello"), *STOP]


def test_an_answer_that_the_validator_model_condemns_goes_no_further():
    judge = asking()
    fed(judge, words(GOOD))
    first = judge.ask
    fed(judge, STOP)
    assert judge.ask is not first
    assert judge.answer(first, None) == []
    assert judge.ask is not None
    assert judge.answer(first, bad(5)) == []
    assert judge.verdict == bad(5)
    assert judge.answer(first, None) == []


def test_only_a_suspicion_asks_where_the_policy_says_so():
    judge = asking(validate_on=ValidateOn.SUSPICION)
    fed(judge, words(GOOD))
    assert judge.ask is None
    fed(judge, words(LOOP * 2))
    assert judge.ask
    assert said(fed(asking(validate_on=ValidateOn.SUSPICION), [Text("Hello"), *STOP])) == "Hello"


class Doubts(Loops):
    """In doubt from "hm" on, never sure."""

    def feed(self, text):
        self.text += text
        at = self.text.find("hm")
        self.suspicion = at if at >= 0 else None


@pytest.mark.parametrize("validate_on", list(ValidateOn))
def test_a_doubt_that_lasts_is_asked_about_once_and_again_after_so_many_words(validate_on):
    policy = Policy(model_pattern="*", validator=VALIDATOR, validate_on=validate_on)
    judge = Gate(policy, lambda channel: Doubts())
    fed(judge, words("Well, hm" + "x" * (LASTING_DOUBT - 3)))
    assert judge.ask is None
    fed(judge, words("x"))
    assert judge.ask.text.endswith("hm" + "x" * (LASTING_DOUBT - 2))
    judge.answer(judge.ask, None)
    fed(judge, words("y " * 299))
    assert judge.ask is None
    fed(judge, words("y "))
    assert judge.ask


def test_without_questions_in_the_middle_only_the_end_asks():
    judge = asking(mid_stream_validation_enabled=False)
    fed(judge, words(GOOD))
    assert judge.ask is None
    fed(judge, STOP)
    assert judge.ask.at_end


# Whole answers that are a text alone


class Ends:
    """A text that ends with a colon breaks off."""

    def broken_off(self, text, finish, calls):
        return bad(len(text), "truncation") if text.endswith(":") else None


def test_a_whole_answer_in_which_nothing_is_wrong_need_not_come():
    judge = gate()
    assert judge.passes(GOOD)
    assert judge.feed(Text(GOOD)) == judge.close() == []
    assert judge.verdict is None


@pytest.mark.parametrize("text", [LOOP * 3, " \n", "As follows:"])
def test_one_with_something_wrong_is_still_to_be_judged(text):
    judge = Gate(Policy(model_pattern="*"), lambda channel: Loops(), ends=Ends(), whole=True)
    assert not judge.passes(text)
    assert judge.verdict is None
    assert fed(judge, [Start(), Text(text)]) == []


def test_one_that_the_validator_model_is_to_see_has_to_come():
    assert not asking().passes(GOOD)


def test_text_goes_on_with_the_logprobs_of_its_tokens_which_are_not_cut_in_two():
    tokens = [f"word{number} " for number in range(60)]
    judge = gate()
    out = [passed for text in tokens for passed in judge.feed(Text(text, [{"token": text}]))]
    assert out
    out += [passed for event in STOP for passed in judge.feed(event)]
    texts = [event for event in out if type(event) is Text]
    assert [entry["token"] for event in texts for entry in event.logprobs] == tokens
    assert all(event.text == "".join(entry["token"] for entry in event.logprobs) for event in texts)
