"""What the demo says to show how garbage is caught."""

import pytest

from proxysite.gateway.demo_garbage import COPIES, OPENING, TURN, loop, salad
from validation.detectors import TextDetectors


def verdict_on(text):
    detectors = TextDetectors()
    return detectors.feed(text) or detectors.close("stop")


@pytest.mark.parametrize("body", [{}, {"temperature": 0.7}, {"repetition_penalty": 1.0}, {"frequency_penalty": None}])
def test_demo_loop_loops_and_that_is_noticed_early(body):
    text = loop(body)
    found = verdict_on(text)
    assert found.detector == "repetition"
    assert found.onset >= len(OPENING)
    assert found.offset < len(OPENING + TURN * COPIES) / 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("repetition_penalty", 1.1), ("repeat_penalty", 1.1), ("frequency_penalty", 0.4), ("presence_penalty", 1)],
)
def test_a_penalty_of_any_name_leads_out_of_it(name, value):
    text = loop({name: value})
    assert verdict_on(text) is None
    assert f"{name} = {value}" in text


@pytest.mark.parametrize(("temperature", "loops"), [(None, True), (0.7, True), (1, False), (1.0, False)])
def test_where_there_are_no_penalties_warmth_leads_out_of_it(temperature, loops):
    text = loop({"temperature": temperature, "frequency_penalty": 1}, has_penalties=False)
    assert (verdict_on(text) is not None) is loops


@pytest.mark.parametrize(("tools", "loops"), [([], True), ([{"type": "function"}], False)])
def test_beside_tools_which_suffer_from_penalties_warmth_leads_out_of_it_too(tools, loops):
    text = loop({"temperature": 1, "tools": tools})
    assert (verdict_on(text) is not None) is loops
    assert verdict_on(loop({"presence_penalty": 1, "tools": tools})) is None


@pytest.mark.parametrize("said", [OPENING, OPENING + TURN.rstrip(), "The lighthouse "])
@pytest.mark.parametrize("as_parts", [False, True])
def test_an_answer_goes_on_from_what_was_said(said, as_parts):
    content = [{"type": "text", "text": said}] if as_parts else said
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": content}]
    assert said + loop({"messages": turns, "presence_penalty": 1}) == loop({"presence_penalty": 1})


@pytest.mark.parametrize("said", [OPENING, OPENING + TURN.rstrip()])
def test_an_answer_goes_on_from_the_end_of_a_prompt(said):
    assert said + loop({"prompt": f"Tell me. {said}", "presence_penalty": 1}) == loop({"presence_penalty": 1})
    assert loop({"prompt": "Tell me."}) == loop({})


@pytest.mark.parametrize("messages", [None, [], [5], [{"role": "assistant", "content": 5}], [{"role": "assistant"}]])
def test_odd_turns_say_nothing(messages):
    assert loop({"messages": messages}) == loop({})


def test_demo_garbage_is_nothing_else():
    assert verdict_on(salad()).issue_type == "gibberish"
