"""Answers that break off behind their first word: tried again, gone on with, or an error, by what the client has."""

import asyncio
from dataclasses import replace
from functools import partial

import orjson
import pytest

from routing.dialects import Dialect
from routing.kinds import Kind
from routing.snapshot import Target
from tests.proxysite.gateway import judged
from tests.proxysite.gateway.in_process import JSON, Client, Gate, Upstream, settled
from tests.proxysite.gateway.judged import (
    AT_ONCE,
    CHAT_ONLY,
    ERROR,
    GOOD,
    LONG_GOOD,
    LOOP,
    MESSAGES_ANSWER,
    PERSISTENT,
    RESET,
    REST,
    ROUTED,
    Watching,
    answers,
    asking,
    bodies,
    chunk,
    judging,
    says,
    whole,
)
from tests.routing.dialects.checkers import check_chat, check_messages, check_responses
from tests.routing.dialects.responses.checking import check
from tests.routing.dialects.transcripts import frame
from tests.snapshots import an_upstream, bound, routing_of
from validation.failures import Outcome
from validation.snapshot import OnExhausted


@pytest.fixture
def served(proxy, nothing_left):
    return partial(judged.served, proxy, nothing_left)


@pytest.mark.usefixtures("pinging")
async def test_what_a_repair_holds_is_asked_for_again_behind_signs_of_life(proxy, nothing_left):
    tool = {"type": "function", "name": "run", "parameters": {"type": "object"}}
    body = {"model": "m", "input": "Hi", "stream": True, "store": False, "tools": [tool]}
    client = Client("/v1/responses", body)
    upstream = Upstream((*says('<tool_call>{"name": "run", '), RESET), then=(answers(REST),))
    handler = proxy(upstream, ROUTED)
    await handler(client.scope, client.receive, client.send)
    await settled()
    check(client.body)
    assert REST in client.body.decode()
    assert b"tool_call>" not in client.body
    assert nothing_left(handler, upstream).attempts == 2


TOO_LONG = frame({"error": {"message": "This is longer than the model's context.", "code": 400}})
BREAKS = {"a reset": (RESET,), "an error event": (ERROR,), "an end too soon": ()}
every_break = pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS)


class TestAnAnswerThatBreaksOff:
    """Before the client has anything of it."""

    @every_break
    @pytest.mark.parametrize(("path", "check"), [("messages", check_messages), ("chat/completions", check_chat)])
    async def test_is_asked_for_again_and_the_client_sees_only_the_good_one(self, served, path, check, end):
        client, upstream = asking(path), Upstream((*says(LONG_GOOD), *end), then=(answers(GOOD),))
        record, failures = await served(client, upstream, ROUTED)
        assert check(client.body).texts("text") == GOOD
        assert (client.status, record.outcome, record.attempts, failures) == (200, "ok", 2, [])
        (note,) = record.warnings
        assert note.startswith("Attempt 1: the upstream “persistent” failed (")
        assert note.endswith("tried again after 0 s.")

    async def test_behind_words_that_are_held_back_is_asked_for_again(self, served):
        client, upstream = asking(), Upstream((*says("Just a f"), RESET), then=(answers(GOOD),))
        await served(client, upstream, ROUTED, **AT_ONCE)
        assert check_messages(client.body).texts("text") == GOOD

    @every_break
    async def test_is_a_real_status_when_no_attempt_is_better(self, served, end):
        client, upstream = asking(), Upstream((*says(LONG_GOOD), *end))
        record, failures = await served(client, upstream, ROUTED)
        assert client.status == (500 if end == (ERROR,) else 502)
        assert (record.outcome, record.attempts, failures) == ("upstream_error", 2, [])

    async def test_is_not_asked_for_again_where_that_would_not_help(self, served):
        client, upstream = asking(), Upstream((*says(LONG_GOOD), TOO_LONG))
        record, _ = await served(client, upstream, ROUTED)
        assert (client.status, record.attempts) == (400, 1)

    async def test_goes_to_the_next_target_when_its_own_has_no_attempt_left(self, served):
        other = replace(PERSISTENT, name="other", base_url="http://other")
        routing = routing_of(bound("*", Target(upstream=PERSISTENT), Target(upstream=other, priority=1)))
        client, broken = asking(), (*says(LONG_GOOD), RESET)
        upstream = Upstream(broken, then=(broken, answers(GOOD)))
        record, _ = await served(client, upstream, routing)
        assert [request.url.host for request in upstream.requests] == ["up", "up", "other"]
        assert (record.upstream, check_messages(client.body).texts("text")) == ("other", GOOD)

    async def test_and_is_refused_then_ends_as_it_broke_off(self, served):
        client, upstream = asking(), Upstream((*says(LONG_GOOD), RESET), then=(400,))
        record, _ = await served(client, upstream, ROUTED)
        assert (client.status, "broke off" in client.json()["error"]["message"]) == (502, True)
        assert record.warnings[1] == "Attempt 2: the upstream “persistent” answered 400."

    async def test_behind_nothing_but_thoughts_begins_anew_in_the_same_stream(self, served):
        thoughts = says("I should look at the file first, and at its third line. " * 5, "reasoning_content")
        client, upstream = asking(), Upstream((*thoughts, RESET), then=(answers(GOOD),))
        await served(client, upstream, ROUTED, **AT_ONCE)
        read = check_messages(client.body)
        assert read.texts("thinking").startswith("I should look")
        assert read.texts("text") == GOOD

    async def test_is_followed_by_one_that_is_judged_like_any_other(self, served):
        client, upstream = asking(), Upstream((*says(GOOD), RESET), then=(answers(LOOP * 40), answers(GOOD)))
        record, (failure,) = await served(client, upstream, ROUTED)
        assert check_messages(client.body).texts("text") == GOOD
        assert (record.attempts, failure.attempt, failure.outcome) == (3, 2, Outcome.RETRIED)
        assert [body.get("repetition_penalty") for body in bodies(upstream)] == [None, None, 1.1]

    async def test_when_it_was_to_be_better_keeps_what_was_changed_for_that(self, served):
        client, upstream = asking(), Upstream(answers(LOOP * 40), then=((*says(GOOD), RESET), answers(GOOD)))
        await served(client, upstream, ROUTED)
        assert check_messages(client.body).texts("text") == GOOD
        assert [body.get("repetition_penalty") for body in bodies(upstream)] == [None, 1.1, 1.1]

    async def test_closes_its_upstream_before_the_next_attempt_begins(self, served):
        upstream = Watching((*says(GOOD), ERROR, Gate()), then=(answers(GOOD),))
        await served(asking(), upstream, ROUTED)
        assert upstream.closed == [True, True]

    async def test_behind_its_end_is_an_answer_like_any_other(self, served):
        client = asking()
        record, _ = await served(client, Upstream((*answers(GOOD), RESET)), ROUTED)
        assert check_messages(client.body).texts("text") == GOOD
        assert (record.outcome, record.attempts) == ("ok", 1)

    @every_break
    async def test_is_asked_for_again_for_a_client_that_does_not_stream(self, served, end):
        """By a server that streams all the same."""
        client, upstream = asking(stream=False), Upstream((*says(GOOD), *end), then=(answers(GOOD),))
        record, _ = await served(client, upstream, ROUTED)
        assert client.json()["content"] == [{"type": "text", "text": GOOD}]
        assert (record.outcome, record.attempts) == ("ok", 2)

    async def test_is_a_status_for_a_client_that_does_not_stream_when_no_attempt_is_better(self, served):
        client = asking(stream=False)
        record, _ = await served(client, Upstream((*says(GOOD), RESET)), ROUTED)
        assert (client.status, record.outcome, record.attempts) == (502, "upstream_error", 2)

    @pytest.mark.parametrize("broken", [ERROR[6:], b'{"choices": [{"mess'], ids=["an error", "half a JSON"])
    async def test_whole_is_asked_for_again(self, served, broken):
        client, upstream = asking(stream=False), Upstream((broken,), JSON, then=(whole(GOOD),))
        record, _ = await served(client, upstream, ROUTED)
        assert client.json()["content"] == [{"type": "text", "text": GOOD}]
        assert (record.outcome, record.attempts) == ("ok", 2)

    async def test_whole_and_broken_to_the_last_is_a_real_status(self, served):
        client = asking(stream=False)
        record, _ = await served(client, Upstream((ERROR[6:],), JSON), ROUTED)
        assert (client.status, record.outcome, record.attempts) == (500, "upstream_error", 2)


class TestAnAnswerThatBreaksOffInTheMiddle:
    """The client has good text already."""

    @every_break
    @pytest.mark.parametrize(("path", "check"), [("messages", check_messages), ("chat/completions", check_chat)])
    async def test_goes_on_from_what_the_client_has(self, served, path, check, end):
        client = asking(path, max_tokens=9000)
        upstream = Upstream((*says(LONG_GOOD), *end), then=(answers(REST),))
        record, failures = await served(client, upstream, **AT_ONCE)
        text, (first, second) = check(client.body).texts("text"), bodies(upstream)
        said = second["messages"][-1]["content"]
        assert (text, LONG_GOOD.startswith(said), len(said) > 1000) == (said + REST, True, True)
        assert (second["continue_final_message"], second["max_tokens"] < 9000) == (True, True)
        assert second.get("repetition_penalty") is first.get("repetition_penalty") is None
        assert (record.outcome, record.attempts, failures) == ("ok", 2, [])
        assert "its answer is to go on." in record.warnings[0]

    async def test_goes_on_behind_an_upstream_that_says_it_all_again(self, served):
        client, upstream = asking(), Upstream((*says(LONG_GOOD), RESET), then=(answers(LONG_GOOD + REST),))
        await served(client, upstream, **AT_ONCE)
        assert check_messages(client.body).texts("text") == LONG_GOOD + REST

    async def test_goes_on_at_the_next_target_when_its_own_is_gone(self, served):
        other = an_upstream("other", base_url="http://other", dialects=frozenset({Dialect.CHAT}), kind=Kind.LLAMACPP)
        routing = routing_of(bound("*", Target(upstream=CHAT_ONLY), Target(upstream=other, priority=1)))
        client, upstream = asking(), Upstream((*says(LONG_GOOD), RESET), then=(503, answers(LONG_GOOD + REST)))
        record, _ = await served(client, upstream, routing, **AT_ONCE)
        assert [request.url.host for request in upstream.requests] == ["up", "up", "other"]
        assert check_messages(client.body).texts("text") == LONG_GOOD + REST
        assert record.upstream == "other"

    async def test_goes_on_as_often_as_the_policy_says(self, served):
        client, broken = asking(), (*says(LONG_GOOD), RESET)
        record, _ = await served(client, Upstream(broken), **AT_ONCE, max_retries=2)
        assert (record.attempts, record.outcome) == (3, "cut")
        assert "broke off" in check_messages(client.body).error["message"]

    async def test_and_loops_when_it_goes_on_has_had_its_retry(self, served):
        client = asking()
        upstream = Upstream((*says(LONG_GOOD), RESET), then=(answers(LOOP * 40),))
        record, (failure,) = await served(client, upstream, **AT_ONCE)
        assert "garbage" in check_messages(client.body).error["message"]
        assert (record.attempts, failure.attempt, failure.outcome) == (2, 2, Outcome.ERROR)

    @every_break
    async def test_ends_with_an_error_event_where_no_upstream_would_go_on(self, served, end):
        routing = routing_of(bound("*", an_upstream(dialects=frozenset({Dialect.CHAT}))))
        client, upstream = asking(), Upstream((*says(LONG_GOOD), *end), then=(answers(REST),))
        record, failures = await served(client, upstream, routing, **AT_ONCE, on_exhausted=OnExhausted.MESSAGE)
        read = check_messages(client.body)
        assert read.error
        assert LONG_GOOD.startswith(read.texts("text"))
        assert (len(upstream.requests), record.outcome, failures) == (1, "cut", [])
        assert "does not go on" in record.warnings[1]

    async def test_ends_with_what_it_said_itself_where_going_on_would_not_help(self, served):
        client, upstream = asking(), Upstream((*says(LONG_GOOD), TOO_LONG), then=(answers(REST),))
        await served(client, upstream, **AT_ONCE)
        assert "too long" in check_messages(client.body).error["message"]
        assert len(upstream.requests) == 1

    async def test_ends_as_it_broke_off_when_it_is_refused_to_go_on(self, served):
        client, upstream = asking(), Upstream((*says(LONG_GOOD), RESET), then=(400,))
        record, _ = await served(client, upstream, **AT_ONCE)
        assert "broke off" in check_messages(client.body).error["message"]
        assert record.warnings[1] == "It could not go on: the upstream “local” answered 400"

    async def test_in_a_call_goes_on_before_that(self, served):
        function = {"name": "run", "arguments": '{"command": "l'}
        call = chunk({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]})
        client = asking(tools=[{"name": "run", "input_schema": {"type": "object"}}])
        await served(client, Upstream((*says(LONG_GOOD), call, RESET), then=(answers(REST),)), **AT_ONCE)
        read = check_messages(client.body)
        assert (read.texts("text"), read.tools()) == (LONG_GOOD + REST, [])

    async def test_with_a_call_that_the_client_has_ends_with_an_error_event(self, served):
        """Somebody may have acted on it."""
        call = {"type": "tool_use", "id": "c1", "name": "run", "input": {}}
        called = (
            MESSAGES_ANSWER[0],
            frame({"type": "content_block_start", "index": 0, "content_block": call}),
            frame({"type": "content_block_stop", "index": 0}),
        )
        routing = routing_of(bound("*", an_upstream(dialects=frozenset({Dialect.MESSAGES}), kind=Kind.LLAMACPP)))
        client, upstream = asking(tools=[{"name": "run", "input_schema": {}}]), Upstream((*called, RESET))
        await served(client, upstream, routing, **AT_ONCE)
        assert check_messages(client.body).error
        assert len(upstream.requests) == 1

    async def test_is_remembered_against_its_target_once(self, proxy):
        routing = routing_of(bound("*", an_upstream(dialects=frozenset({Dialect.CHAT}))))
        handler = proxy(Upstream((*says(LONG_GOOD), RESET)), routing, validation=judging(**AT_ONCE))
        client = asking()
        await handler(client.scope, client.receive, client.send)
        (state,) = handler.engine.targets.state(asyncio.get_running_loop().time())
        assert state.failures == 1


HALF_A_CALL = '<tool_call>\n{"name": "run", "arguments": {"command": "l'
TOOLS = {
    "chat/completions": [{"type": "function", "function": {"name": "run", "parameters": {"type": "object"}}}],
    "messages": [{"name": "run", "input_schema": {"type": "object"}}],
    "responses": [{"type": "function", "name": "run", "parameters": {"type": "object"}}],
}


def text_of(path, content):
    if path == "messages":
        return check_messages(content).texts("text")
    if path == "responses":
        return check_responses(content).texts("text")
    frames = [orjson.loads(line[6:]) for line in content.splitlines() if line.startswith(b"data: {")]
    return "".join(choice["delta"].get("content") or "" for frame in frames for choice in frame["choices"])


@every_break
@pytest.mark.parametrize("path", TOOLS)
class TestAnAnswerThatARepairHolds:
    """Nobody judges it: its beginning may become a call."""

    async def test_is_asked_for_again_when_it_breaks_off(self, served, path, end):
        client = asking(path, tools=TOOLS[path], input="Hello")
        upstream = Upstream((*says(HALF_A_CALL), *end), then=(answers(GOOD),))
        record, _ = await served(client, upstream, ROUTED, detectors=frozenset())
        assert text_of(path, client.body) == GOOD
        assert (client.status, record.outcome, record.attempts) == (200, "ok", 2)

    async def test_is_a_real_status_when_no_attempt_is_better(self, served, path, end):
        client, upstream = asking(path, tools=TOOLS[path], input="Hello"), Upstream((*says(HALF_A_CALL), *end))
        record, _ = await served(client, upstream, ROUTED, detectors=frozenset())
        assert client.status == (500 if end == (ERROR,) else 502)
        assert (record.outcome, record.attempts) == ("upstream_error", 2)
