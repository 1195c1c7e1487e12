"""Thinking of other models in a conversation that Anthropic goes on with; rows 2.7.1, 2.7.2 and 6.1.10."""

import orjson
import pytest

from routing.dialects.messages import replay
from tests.routing.dialects.support import assistant, text, tool_result, tool_use, user

SEALED = "openai-responses-v1:rs_1:gAAAA"
OWN = {"type": "thinking", "thinking": "", "signature": "EqQB"}


def thinking(signature: str | None = "") -> dict:
    block = {"type": "thinking", "thinking": "hm"}
    return block if signature is None else {**block, "signature": signature}


def without(*messages, **fields) -> tuple[dict, str] | None:
    return replay.without_foreign_thinking({"messages": list(messages), **fields})


@pytest.mark.parametrize("signature", ["", SEALED, None])
def test_2_7_2_what_anthropic_did_not_sign_is_left_out(signature):
    """Rows 2.7.2 and 6.1.10 of the wire reference."""
    body, warning = without(user("a"), assistant([thinking(signature), text("b")]), user("c"))
    assert body["messages"] == [user("a"), assistant([text("b")]), user("c")]
    assert warning == ""


def test_2_7_2_a_turn_of_nothing_else_goes_altogether():
    body, _ = without(user("a"), assistant([thinking()]), user("c"))
    assert body["messages"] == [user("a"), user("c")]


def test_2_7_1_what_anthropic_signed_stays_as_it_is():
    redacted = {"type": "redacted_thinking", "data": "x"}
    turns = [user("a"), assistant([OWN, redacted, text("b")]), assistant("c"), user([text("d")])]
    assert without(*turns) is None


@pytest.mark.parametrize("messages", [None, "x", [None, {"role": "assistant"}, {"role": "assistant", "content": [1]}]])
def test_what_is_no_conversation_stays_as_it_is(messages):
    assert replay.without_foreign_thinking({"messages": messages}) is None


CALLS = (user("a"), assistant([thinking(), tool_use("t")]), user([tool_result("t", "r")]))


def test_2_7_2_a_tool_loop_that_lost_its_thinking_goes_on_without():
    enabled = {"type": "enabled", "budget_tokens": 2000}
    body, warning = without(*CALLS, thinking=enabled)
    assert "thinking" not in body
    assert "switched off" in warning


@pytest.mark.parametrize(
    "fields",
    [
        {"thinking": {"type": "adaptive"}},
        {},
        {"thinking": None},
    ],
)
def test_models_without_a_budget_go_on_thinking(fields):
    body, warning = without(*CALLS, **fields)
    assert (body.get("thinking"), warning) == (fields.get("thinking"), "")


@pytest.mark.parametrize(
    "turns",
    [
        (*CALLS, assistant("b"), user("c")),
        (user("a"), assistant([thinking()]), user("b"), assistant([OWN, tool_use("t")]), user([tool_result("t")])),
        (assistant([thinking(), text("x")]),),
    ],
)
def test_a_turn_that_does_not_lack_its_thinking_keeps_the_budget(turns):
    body, warning = without(*turns, thinking={"type": "enabled", "budget_tokens": 2000})
    assert "thinking" in body
    assert warning == ""


@pytest.mark.parametrize(
    ("block", "answer"), [(thinking(), True), (thinking(SEALED), True), (OWN, False), (text('"signature": "x"'), False)]
)
def test_the_bytes_tell_whether_to_look(block, answer):
    body = {"messages": [assistant([block])]}
    assert replay.may_hold_foreign_thinking(orjson.dumps(body)) is answer
