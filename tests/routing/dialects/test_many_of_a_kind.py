"""Conversations of very many entries are read in time by their number, or refused."""

import pytest

from routing.dialects import Dialect, conversion
from routing.dialects.reading import MOST_ITEMS
from routing.dialects.request import MOST_WARNINGS, Role, ToolResult
from routing.errors import BodyTooLarge

MANY = 10_000  # took seconds, when each entry looked at all before it
HELLO = {"role": "user", "content": "Hi"}


def chat(*messages):
    return conversion.parse({"model": "m", "messages": [HELLO, *messages]}, Dialect.CHAT)


def results(request):
    last = request.turns[-1]
    return last.role is Role.USER and [part.id for part in last.parts if isinstance(part, ToolResult)]


def test_results_of_chat_gather_in_one_turn():
    calling = {"role": "assistant", "content": "Let me look."}
    request = chat(calling, *({"role": "tool", "tool_call_id": str(number), "content": "r"} for number in range(MANY)))
    assert results(request) == [str(number) for number in range(MANY)]


def test_results_of_responses_gather_in_one_turn():
    items = [{"type": "function_call_output", "call_id": str(number), "output": "r"} for number in range(MANY)]
    request = conversion.parse({"model": "m", "input": items}, Dialect.RESPONSES)
    assert results(request) == [str(number) for number in range(MANY)]


def test_a_result_behind_what_the_user_says_begins_a_turn_of_its_own():
    request = chat({"role": "tool", "tool_call_id": "1", "content": "r"})
    assert [len(turn.parts) for turn in request.turns] == [1, 1]


def test_legacy_calls_are_paired_with_their_results_in_order():
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    request = chat(*[call] * MANY, *[{"role": "function", "name": "f", "content": "r"}] * MANY)
    assert results(request) == [f"call_legacy_{number}" for number in range(1, MANY + 1)]


def test_not_each_of_many_odd_messages_is_told_of():
    assert len(chat(*[{"role": "odd", "content": "Hi"}] * MANY).warnings) == MOST_WARNINGS


def test_a_longer_list_than_anybody_sends_is_refused():
    with pytest.raises(BodyTooLarge, match=r"messages has 50,001 entries; at most 50,000 are taken"):
        chat(*[HELLO] * MOST_ITEMS)
