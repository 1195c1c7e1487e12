"""What follows a bad answer, inside one event loop: other attempts in its place, or an end."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from routing.admission.limits import Limit, LimitTable, Scope
from routing.dialects import Dialect
from routing.dialects.sse import PING
from routing.kinds import Kind
from routing.snapshot import Target
from tests.proxysite.gateway import judged
from tests.proxysite.gateway.in_process import INTERRUPTIONS, JSON, Client, Gate, Upstream, interrupted, settled, until
from tests.proxysite.gateway.judged import (
    AT_ONCE,
    CHAT_ONLY,
    END,
    ERROR,
    GOOD,
    LONG_GOOD,
    LOOP,
    MESSAGES_ANSWER,
    RESET,
    REST,
    ROUTED,
    ROUTING,
    Watching,
    answers,
    asking,
    bodies,
    chunk,
    completes,
    completion,
    judging,
    says,
    whole,
)
from tests.routing.dialects.checkers import check_chat, check_completions, check_messages
from tests.routing.dialects.transcripts import frame
from tests.snapshots import an_upstream, bound, routing_of
from validation.failures import Outcome
from validation.snapshot import Delivery, OnExhausted, Rung, ValidateOn, ValidatorTarget
from validation.verdict import Verdict

SECOND = {Dialect.COMPLETIONS: Dialect.CHAT, Dialect.CHAT: Dialect.COMPLETIONS}


@pytest.fixture
def served(proxy, nothing_left):
    return partial(judged.served, proxy, nothing_left)


class TestABadAnswer:
    @pytest.mark.parametrize(("path", "check"), [("messages", check_messages), ("chat/completions", check_chat)])
    async def test_is_asked_for_again_and_the_client_sees_only_the_good_one(self, served, path, check):
        client, upstream = asking(path), Upstream((*says(LOOP * 40), Gate()), then=(answers(GOOD),))
        record, (failure,) = await served(client, upstream)
        assert check(client.body).texts("text") == GOOD
        assert (client.status, record.status, record.outcome, record.attempts) == (200, 200, "ok", 2)
        assert any("garbage" in warning for warning in record.warnings)
        assert (failure.outcome, failure.attempt) == (Outcome.RETRIED, 1)

    async def test_is_answered_by_a_request_with_something_changed_which_record_and_failure_tell(self, served):
        client = asking("chat/completions", repetition_penalty=1.05)
        upstream = Upstream(answers(LOOP * 40), then=(answers(GOOD),))
        record, (failure,) = await served(client, upstream)
        assert [body["repetition_penalty"] for body in bodies(upstream)] == [1.05, 1.15]
        assert failure.parameters["repetition_penalty"] == 1.05
        assert "repetition_penalty: 1.05 → 1.15" in failure.next_step
        (change,) = record.changes
        assert (change.name, change.after) == ("repetition_penalty", 1.15)
        assert change.origin == "retry of a bad answer: penalty"

    async def test_is_tried_again_as_often_as_the_policy_says_each_time_with_the_next_rung(self, served):
        client, upstream = asking(), Upstream(answers(LOOP * 40))
        rungs = (Rung.SAME, Rung.PENALTY, Rung.TEMPERATURE)
        record, failures = await served(client, upstream, max_retries=3, ladder=rungs)
        assert [body.get("repetition_penalty") for body in bodies(upstream)] == [None, None, 1.1, None]
        assert [body.get("temperature") for body in bodies(upstream)] == [None, None, None, 1.0]
        assert [failure.attempt for failure in failures] == [1, 2, 3, 4]
        assert [failure.outcome for failure in failures] == [Outcome.RETRIED] * 3 + [Outcome.ERROR]
        assert failures[0].next_step == "asked again: nothing was changed"
        assert record.attempts == 4

    async def test_that_none_follows_is_a_real_status_that_leads_to_the_failure(self, served):
        client = asking()
        record, _ = await served(client, Upstream(answers(LOOP * 40)))
        assert client.status == 529
        message = client.json()["error"]["message"]
        assert f"http://proxy.example/admin/validation/validationfailure/?q={record.request_id}" in message
        assert record.outcome == "upstream_error"

    async def test_leads_to_the_address_that_is_set_or_that_the_client_called(self, proxy):
        for address, header, link in (
            ("https://set.example", {}, "https://set.example/admin/"),
            ("", {"x-forwarded-proto": "https"}, "https://proxy.example/admin/"),
            ("", {"x-forwarded-proto": "javascript:alert(1)//"}, "http://proxy.example/admin/"),
            ("", {"host": 'a"><script>'}, "/admin/"),
        ):
            handler = proxy(Upstream(answers(LOOP * 40)), ROUTING, validation=judging(max_retries=0))
            handler.engine.public_url = address
            client = asking(headers=header)
            await handler(client.scope, client.receive, client.send)
            assert f"Details: {link}" in client.json()["error"]["message"]

    async def test_keeps_its_slot_while_it_is_asked_for_again(self, proxy):
        held = []

        class Counting(Upstream):
            async def __call__(self, request):
                held.append(handler.engine.gatekeeper.state().slots.running)
                return await super().__call__(request)

        limited = replace(ROUTING, limits=LimitTable(limits=(Limit(scope=Scope.GLOBAL, limit=1),)))
        handler = proxy(Counting(answers(LOOP * 40), then=(answers(GOOD),)), limited, validation=judging())
        client = asking()
        await handler(client.scope, client.receive, client.send)
        assert held == [1, 1]
        assert handler.engine.gatekeeper.state().slots.running == 0

    async def test_is_closed_before_the_next_attempt_begins(self, served):
        upstream = Watching((*says(LOOP * 40), Gate()), then=(answers(GOOD),))
        await served(asking(), upstream)
        assert upstream.closed == [True, True]

    async def test_goes_to_the_next_target_where_that_is_the_rung(self, served):
        other = an_upstream("other", base_url="http://other", dialects=frozenset({Dialect.MESSAGES}))
        routing = routing_of(bound("*", Target(upstream=CHAT_ONLY), Target(upstream=other, priority=1)))
        client, upstream = asking("chat/completions"), Upstream(answers(LOOP * 40), then=(MESSAGES_ANSWER,))
        record, (failure,) = await served(client, upstream, routing, ladder=(Rung.NEXT_TARGET,))
        assert [request.url.host for request in upstream.requests] == ["up", "other"]
        assert check_chat(client.body).texts("text") == "Hi"
        assert "other" in failure.next_step
        assert (record.upstream, record.upstream_dialect) == ("other", Dialect.MESSAGES)

    async def test_does_not_go_to_a_target_whose_answer_could_not_be_judged(self, served):
        other = an_upstream("other", base_url="http://other", dialects=frozenset({Dialect.MESSAGES}))
        routing = routing_of(bound("*", Target(upstream=CHAT_ONLY), Target(upstream=other, priority=1)))
        client = asking(tools=[{"type": "web_search_20250305", "name": "web_search"}])  # which theirs may answer
        upstream = Upstream(answers(LOOP * 40), then=(answers(GOOD),))
        await served(client, upstream, routing, ladder=(Rung.NEXT_TARGET,))
        assert [request.url.host for request in upstream.requests] == ["up", "up"]
        assert check_messages(client.body).texts("text") == GOOD

    @pytest.mark.parametrize("delivery", Delivery)
    @pytest.mark.parametrize("first", [Dialect.COMPLETIONS, Dialect.CHAT])
    async def test_of_bare_text_goes_to_a_target_of_another_dialect(self, served, first, delivery):
        other = an_upstream("other", base_url="http://other", kind=Kind.VLLM, dialects=frozenset({SECOND[first]}))
        one = an_upstream(dialects=frozenset({first}), kind=Kind.VLLM)
        routing = routing_of(bound("*", Target(upstream=one), Target(upstream=other, priority=1)))
        client = Client("/v1/completions", {"model": "m", "prompt": "Hello", "stream": True, "max_tokens": 900})
        say = {Dialect.COMPLETIONS: completes, Dialect.CHAT: says}
        end = {Dialect.COMPLETIONS: (completion("", "stop"), frame(b"[DONE]")), Dialect.CHAT: END}
        bad = (*say[first](LONG_GOOD + LOOP * 40), Gate())
        upstream = Upstream(bad, then=((*say[SECOND[first]](GOOD), *end[SECOND[first]]),))
        record, _ = await served(client, upstream, routing, ladder=(Rung.NEXT_TARGET,), delivery=delivery)
        seen = "" if delivery is Delivery.BUFFER else LONG_GOOD + LOOP
        assert check_completions(client.body).texts("text") == seen + GOOD
        assert (record.upstream, record.outcome) == ("other", "ok")

    async def test_stays_at_its_target_where_there_is_no_other(self, served):
        client, upstream = asking(), Upstream(answers(LOOP * 40), then=(answers(GOOD),))
        await served(client, upstream, ladder=(Rung.NEXT_TARGET,))
        assert check_messages(client.body).texts("text") == GOOD

    async def test_is_followed_by_the_next_target_where_its_own_refuses(self, served):
        other = an_upstream("other", base_url="http://other", dialects=frozenset({Dialect.CHAT}), kind=Kind.LLAMACPP)
        routing = routing_of(bound("*", Target(upstream=CHAT_ONLY), Target(upstream=other, priority=1)))
        client, upstream = asking(), Upstream(answers(LOOP * 40), then=(503, answers(GOOD)))
        record, (failure,) = await served(client, upstream, routing)
        assert [request.url.host for request in upstream.requests] == ["up", "up", "other"]
        assert [body.get("repetition_penalty") for body in bodies(upstream)] == [None, 1.1, None]
        assert check_messages(client.body).texts("text") == GOOD
        assert (record.attempts, failure.outcome) == (3, Outcome.RETRIED)

    async def test_that_is_followed_by_a_refusal_ends_as_if_nothing_had_followed(self, served):
        client, upstream = asking(), Upstream(answers(LOOP * 40), then=(503,))
        record, (failure,) = await served(client, upstream)
        assert client.status == 529
        assert "garbage" in client.json()["error"]["message"]
        assert failure.outcome is Outcome.ERROR
        assert "answered 503" in failure.next_step
        assert record.attempts == 2

    async def test_that_is_followed_by_a_broken_connection_ends_as_if_nothing_had_followed(self, served):
        client, upstream = asking(), Upstream(answers(LOOP * 40), then=((OSError("reset"),),))
        _, (failure,) = await served(client, upstream, on_exhausted=OnExhausted.MESSAGE)
        assert "garbage" in check_messages(client.body).texts("text")
        assert failure.outcome is Outcome.MESSAGE
        assert "broke off" in failure.next_step

    async def test_is_followed_by_another_one_as_long_as_the_client_has_only_thoughts(self, served):
        thoughts = "I should look at the file first, and then think about its third line. "
        bad = (*says(thoughts + LOOP * 40, "reasoning_content"), Gate())
        client, upstream = asking(), Upstream(bad, then=(answers(GOOD),))
        record, (failure,) = await served(client, upstream, **AT_ONCE)
        read = check_messages(client.body)
        assert read.texts("thinking").startswith(thoughts)
        assert read.texts("text") == GOOD
        assert failure.released > 0
        assert record.outcome == "ok"

    async def test_of_nothing_is_asked_for_again(self, served):
        client, upstream = asking(), Upstream(answers(""), then=(answers(GOOD),))
        _, (failure,) = await served(client, upstream)
        assert check_messages(client.body).texts("text") == GOOD
        assert failure.detector == "empty"

    async def test_that_is_buffered_is_asked_for_again_however_long_it_was_good(self, served):
        client, upstream = asking(), Upstream(answers(GOOD * 5 + LOOP * 40), then=(answers(GOOD),))
        await served(client, upstream, delivery=Delivery.BUFFER)
        assert check_messages(client.body).texts("text") == GOOD


CALLED = (
    MESSAGES_ANSWER[0],
    frame(
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": "c1", "name": "run", "input": {}},
        }
    ),
    frame({"type": "content_block_stop", "index": 0}),
    frame({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
    frame({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": LONG_GOOD}}),
    frame({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": LOOP * 40}}),
)
SPEAKS_MESSAGES = routing_of(bound("*", an_upstream(dialects=frozenset({Dialect.MESSAGES}), kind=Kind.LLAMACPP)))


class TestAnAnswerThatWasGoodAtFirst:
    """The client has some of it already."""

    @pytest.fixture
    def continued(self, served):
        async def serve(client, *then, first=LONG_GOOD + LOOP * 40, routing=ROUTING, **policy):
            upstream = Upstream((*says(first), Gate()), then=then)
            record, failures = await served(client, upstream, routing, **{**AT_ONCE, **policy})
            return upstream, record, failures

        return serve

    @pytest.mark.parametrize(("path", "check"), [("messages", check_messages), ("chat/completions", check_chat)])
    async def test_goes_on_from_there_in_the_same_stream(self, continued, path, check):
        client = asking(path, max_tokens=9000)
        upstream, record, (failure,) = await continued(client, answers(REST))
        read = check(client.body)
        assert read.texts("text") == LONG_GOOD + LOOP + REST
        assert len(read.parts) == 1 or path == "chat/completions"
        _, second = bodies(upstream)
        assert second["messages"][-1] == {"role": "assistant", "content": (LONG_GOOD + LOOP).rstrip()}
        assert (second["continue_final_message"], second["repetition_penalty"]) == (True, 1.1)
        assert second["max_tokens"] < 9000
        assert (failure.outcome, failure.next_step.split(":")[0]) == (Outcome.CONTINUED, "continued")
        assert (record.outcome, record.attempts, record.prompt_estimate) == ("ok", 2, 0)

    async def test_goes_on_behind_an_upstream_that_says_it_all_again(self, continued):
        client = asking()
        await continued(client, answers(LONG_GOOD + LOOP + REST))
        assert check_messages(client.body).texts("text") == LONG_GOOD + LOOP + REST

    async def test_may_go_on_more_than_once(self, continued):
        client = asking()
        more = "".join(f"On day {day} the baker of hill {day * 7} baked {day * 3} loaves. " for day in range(1, 20))
        _, _, failures = await continued(client, answers(more + LOOP * 40), answers(REST), max_retries=2)
        text = check_messages(client.body).texts("text")
        assert text.startswith(LONG_GOOD + LOOP + more)
        assert text.endswith(REST)
        assert LOOP * 2 not in text
        assert [failure.outcome for failure in failures] == [Outcome.CONTINUED] * 2
        assert failures[1].text.startswith(LONG_GOOD + LOOP + more + LOOP)

    async def test_that_loops_on_at_once_ends_with_an_error_event(self, continued):
        client = asking()
        _, record, failures = await continued(client, answers(LOOP * 40))
        read = check_messages(client.body)
        assert read.error["type"] == "overloaded_error"
        assert LOOP * 2 not in read.texts("text")
        assert [failure.outcome for failure in failures] == [Outcome.CONTINUED, Outcome.ERROR]
        assert record.outcome == "cut"

    async def test_leaves_the_garbage_behind_that_was_noticed_late(self, served):
        late = Verdict("validator", "gibberish", 0.9, len(GOOD), len(GOOD + LONG_GOOD), 0, "it makes no sense")
        client, upstream = asking(), Upstream((*says(GOOD + LONG_GOOD), Gate()), then=(answers(REST),))
        asks = {**ASKS, **AT_ONCE, "mid_stream_validation_interval_words": 150}
        await served(client, upstream, asks=Small(late), **asks)
        assert bodies(upstream)[1]["messages"][-1]["content"] == GOOD.rstrip()
        text = check_messages(client.body).texts("text")
        assert text.startswith(GOOD)
        assert text.endswith("\n\n" + REST)

    async def test_with_too_much_garbage_in_its_middle_does_not_go_on(self, served):
        late = Verdict("validator", "gibberish", 0.9, 10, 3000, 0, "it makes no sense")
        more = "".join(f"In town {town} the smith of lane {town * 7} made {town * 3} nails. " for town in range(1, 70))
        client, upstream = asking(), Upstream((*says(LONG_GOOD + more), Gate()))
        asks = {**ASKS, **AT_ONCE, "mid_stream_validation_interval_words": 600}
        await served(client, upstream, asks=Small(late), **asks)
        assert check_messages(client.body).error
        assert len(upstream.requests) == 1

    async def test_is_counted_as_one_answer(self, continued):
        usage = frame({"id": "c", "choices": [], "usage": {"prompt_tokens": 600, "completion_tokens": 9}})
        client = asking("chat/completions", stream_options={"include_usage": True})
        await continued(client, (*says(REST), END[0], usage, END[1]))
        told = check_chat(client.body, kept=True).usage
        assert told["prompt_tokens"] + told["completion_tokens"] == 609
        assert told["completion_tokens"] > 300

    async def test_ends_as_the_policy_says_where_no_upstream_would_go_on(self, continued):
        routing = routing_of(bound("*", an_upstream(dialects=frozenset({Dialect.CHAT}))))
        client = asking()
        upstream, _, (failure,) = await continued(client, answers(REST), routing=routing)
        assert "garbage" in check_messages(client.body).error["message"]
        assert len(upstream.requests) == 1
        assert failure.outcome is Outcome.ERROR
        assert "does not go on" in failure.next_step

    async def test_goes_on_at_the_next_target_where_only_that_can(self, continued):
        first = an_upstream(dialects=frozenset({Dialect.CHAT}))
        other = an_upstream("other", base_url="http://other", dialects=frozenset({Dialect.CHAT}), kind=Kind.LLAMACPP)
        routing = routing_of(bound("*", Target(upstream=first), Target(upstream=other, priority=1)))
        client = asking()
        upstream, _, _ = await continued(client, answers(REST), routing=routing)
        assert [request.url.host for request in upstream.requests] == ["up", "other"]
        assert check_messages(client.body).texts("text") == LONG_GOOD + LOOP + REST

    async def test_with_a_bad_call_behind_it_goes_on_before_the_call(self, served):
        def calls(arguments):
            function = {"name": "run", "arguments": arguments}
            return chunk({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]})

        bad = (*says(LONG_GOOD), calls('{"command": "' + LOOP * 200), Gate())
        good = (calls('{"command": "ls"}'), chunk({}, "tool_calls"), END[1])
        schema = {"type": "object", "properties": {"command": {"type": "string"}}}
        client = asking(tools=[{"name": "run", "input_schema": schema}])
        _, (failure,) = await served(client, Upstream(bad, then=(good,)), **AT_ONCE)
        read = check_messages(client.body)
        assert read.texts("text") == LONG_GOOD
        assert read.tools()[0][1:] == ("run", '{"command": "ls"}')
        assert failure.outcome is Outcome.CONTINUED

    async def test_with_a_bad_call_that_a_repair_holds_does_not_wait_for_its_end(self, served):
        function = {"name": "run", "arguments": '{"commands": ["' + LOOP * 200}
        call = chunk({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]})
        schema = {"type": "object", "properties": {"commands": {"type": "array", "items": {"type": "string"}}}}
        client = asking(tools=[{"name": "run", "input_schema": schema}])
        upstream = Upstream((*says(LONG_GOOD), call, Gate()), then=(answers(REST),))
        _, (failure,) = await served(client, upstream, **AT_ONCE)
        assert check_messages(client.body).texts("text") == LONG_GOOD + REST
        assert failure.tool_calls[failure.call].arguments.startswith('{"commands": ["Wait')

    async def test_with_a_call_that_the_client_has_is_not_continued(self, served):
        client, upstream = asking(tools=[{"name": "run", "input_schema": {}}]), Upstream((*CALLED, Gate()))
        _, (failure,) = await served(client, upstream, SPEAKS_MESSAGES, **AT_ONCE)
        assert check_messages(client.body).error
        assert len(upstream.requests) == 1
        assert failure.outcome is Outcome.ERROR

    async def test_with_a_call_that_the_client_has_lets_that_be_made_where_a_message_explains_it(self, served):
        client, upstream = asking(tools=[{"name": "run", "input_schema": {}}]), Upstream((*CALLED, Gate()))
        await served(client, upstream, SPEAKS_MESSAGES, **AT_ONCE, on_exhausted=OnExhausted.MESSAGE)
        read = check_messages(client.body)
        assert [name for _, name, _ in read.tools()] == ["run"]
        assert "garbage" in read.texts("text")
        assert read.finish == "tool_use"


class TestAWholeBadAnswer:
    async def test_is_asked_for_again(self, served):
        client = asking(stream=False)
        upstream = Upstream(whole(GOOD + LOOP * 40), JSON, then=(whole(GOOD),))
        record, (failure,) = await served(client, upstream)
        assert client.json()["content"] == [{"type": "text", "text": GOOD}]
        assert (record.attempts, failure.outcome) == (2, Outcome.RETRIED)
        assert record.outcome == "ok"

    @pytest.mark.parametrize("text", [LOOP * 40, "<think>", "<think>Hm.</think>" + LOOP * 40])
    async def test_is_asked_for_again_where_a_good_one_passes_as_it_came(self, served, text):
        client = asking("chat/completions", stream=False)
        bad, good = whole(text)[0], whole(GOOD)[0].replace(b"}", b', "timings": 1}', 1)
        await served(client, Upstream((bad,), JSON, then=((good,),)))
        said = client.json()["choices"][0]["message"]
        assert (said["content"], said["timings"]) == (GOOD, 1)

    async def test_that_none_follows_is_an_error_or_what_the_policy_says(self, served):
        upstream = Upstream(whole(GOOD + LOOP * 40), JSON)
        client = asking(stream=False)
        await served(client, upstream)
        assert client.status == 529
        client = asking(stream=False)
        _, failures = await served(client, Upstream(upstream.pieces, JSON), on_exhausted=OnExhausted.DELIVER)
        assert client.json()["content"][0]["text"].startswith(GOOD)
        assert [failure.outcome for failure in failures] == [Outcome.RETRIED, Outcome.DELIVERED]

    async def test_that_is_followed_by_a_refusal_ends_as_if_nothing_had_followed(self, served):
        client, upstream = asking(stream=False), Upstream(whole(LOOP * 40), JSON, then=(500,))
        await served(client, upstream, on_exhausted=OnExhausted.MESSAGE)
        assert "garbage" in client.json()["content"][0]["text"]


FOUND = Verdict("validator", "repetition", 0.9, 0, 0, 0, "the small model says so")


class Small:
    """A validator model: what it says of each question, or an event that it waits for."""

    steps = 1  # of the loop, until it answers

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.waiting = 0

    async def __call__(self, ask, policy):
        self.asked.append(ask)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, asyncio.Event):
            self.waiting += 1
            try:
                await answer.wait()
            finally:
                self.waiting -= 1
            return FOUND
        for _ in range(self.steps):
            await asyncio.sleep(0)
        return answer


class Slow(Small):
    """Its answer comes when the upstream has been silent for a while."""

    steps = 60


ASKS = {
    "validator": ValidatorTarget(name="small", base_url="http://small", model="qwen"),
    "detectors": frozenset(),
    "mid_stream_validation_interval_words": 40,
    "validate_on": ValidateOn.ALWAYS,
    "hold_seconds": 0.0,
}


class TestTheValidatorModel:
    async def test_that_finds_nothing_lets_the_answer_pass(self, served):
        client, small = asking(), Small()
        _, failures = await served(client, Upstream(answers(LONG_GOOD)), asks=small, **ASKS)
        assert check_messages(client.body).texts("text") == LONG_GOOD
        assert small.asked[-1].at_end
        assert not small.asked[0].at_end
        assert failures == []

    async def test_that_is_not_there_lets_the_answer_pass(self, served):
        client = asking()
        await served(client, Upstream(answers(LONG_GOOD)), **ASKS)
        assert check_messages(client.body).texts("text") == LONG_GOOD

    async def test_that_finds_garbage_in_the_middle_ends_the_answer_there(self, served):
        client, small = asking(), Small(FOUND)
        upstream = Upstream((*says(LONG_GOOD), Gate()))
        _, (failure,) = await served(client, upstream, asks=small, **ASKS | AT_ONCE, max_retries=0)
        assert "the small model says so" in check_messages(client.body).error["message"]
        assert failure.detector == "validator"

    async def test_does_not_wait_for_the_upstream_with_what_it_finds(self, proxy, nothing_left):
        verdict, never = asyncio.Event(), Gate()
        small, upstream = Small(verdict), Upstream((*says(LONG_GOOD), never))
        handler = proxy(upstream, ROUTING, validation=judging(**ASKS | AT_ONCE))
        handler.engine.validator, client = small, asking()
        task = asyncio.get_running_loop().create_task(handler(client.scope, client.receive, client.send))
        await until(lambda: small.waiting)
        await settled()  # everything that the upstream says has been read, and it stays silent
        verdict.set()
        await task
        assert "the small model says so" in check_messages(client.body).error["message"]
        nothing_left(handler, upstream)

    async def test_that_finds_nothing_in_a_silence_leaves_it_alone(self, proxy, nothing_left):
        silence, small = Gate(), Small()
        upstream = Upstream((*says(LONG_GOOD), silence, *answers(REST)))
        handler = proxy(upstream, ROUTING, validation=judging(**ASKS | AT_ONCE))
        handler.engine.validator, client = small, asking()
        task = asyncio.get_running_loop().create_task(handler(client.scope, client.receive, client.send))
        await until(lambda: small.asked)
        await settled()
        silence.set()
        await task
        assert nothing_left(handler, upstream).attempts == 1
        assert check_messages(client.body).texts("text") == LONG_GOOD + REST

    async def test_that_answers_as_the_next_chunk_comes_leaves_nothing_open(self, proxy, nothing_left):
        """Whichever is first: the two meet in every order of a few steps of the loop."""
        for steps in range(12):
            silence, verdict = Gate(), asyncio.Event()
            small, upstream = Small(verdict), Upstream((*says(LONG_GOOD), silence, *answers(REST)), then=(END,))
            handler = proxy(upstream, ROUTING, validation=judging(**ASKS | AT_ONCE, max_retries=0))
            handler.engine.validator, client = small, asking()
            task = asyncio.get_running_loop().create_task(handler(client.scope, client.receive, client.send))
            await until(lambda small=small: small.waiting)
            await settled()
            first, second = (silence, verdict) if steps % 2 else (verdict, silence)
            first.set()
            for _ in range(steps // 2):
                await asyncio.sleep(0)
            second.set()
            await task
            await settled()
            nothing_left(handler, upstream)
            assert client.is_complete

    async def test_that_finds_garbage_at_the_end_has_it_asked_for_again(self, served):
        client, small = asking(), Small(FOUND)
        asks = {**ASKS, "mid_stream_validation_enabled": False, "hold_seconds": 1.0}
        _, (failure,) = await served(client, Upstream(answers(LONG_GOOD), then=(answers(GOOD),)), asks=small, **asks)
        assert check_messages(client.body).texts("text") == GOOD
        assert failure.outcome is Outcome.RETRIED

    async def test_judges_whole_answers_too(self, served):
        client, small = asking(stream=False), Small(FOUND)
        upstream = Upstream(whole(LONG_GOOD), JSON, then=(whole(GOOD),))
        await served(client, upstream, asks=small, **{**ASKS, "hold_seconds": 1.0})
        assert client.json()["content"] == [{"type": "text", "text": GOOD}]

    async def test_that_is_slow_does_not_hold_the_end_longer_than_the_policy_says(self, served):
        client, small = asking(), Small(asyncio.Event(), asyncio.Event())
        await served(client, Upstream(answers(LONG_GOOD)), asks=small, **ASKS)
        assert check_messages(client.body).texts("text") == LONG_GOOD
        assert len(small.asked) == 2
        assert small.waiting == 0

    async def test_that_fails_lets_the_answer_pass(self, served, caplog):
        async def fails(ask, policy):
            raise RuntimeError("planted")

        client = asking()
        await served(client, Upstream(answers(LONG_GOOD)), asks=fails, **ASKS)
        assert check_messages(client.body).texts("text") == LONG_GOOD
        assert "planted" in caplog.text

    async def test_is_not_asked_any_more_when_the_client_leaves(self, proxy, nothing_left):
        small = Small(asyncio.Event())
        upstream = Upstream((*says(LONG_GOOD), Gate()))
        handler = proxy(upstream, ROUTING, validation=judging(**ASKS))
        handler.engine.validator, client = small, asking()
        task = asyncio.get_running_loop().create_task(handler(client.scope, client.receive, client.send))
        await until(lambda: small.waiting)
        client.leave()
        await task
        await settled()
        assert nothing_left(handler, upstream).outcome == "client_gone"
        assert small.waiting == 0


class TestPings:
    async def test_go_out_while_text_is_held(self, served, pinging):
        client, gate = asking(), Gate()
        upstream = Upstream((*says(GOOD + LOOP * 3), gate, *answers("And so on. " + GOOD)))
        task = asyncio.get_running_loop().create_task(served(client, upstream, **AT_ONCE))
        await until(lambda: PING in client.body)
        gate.set()
        await task
        assert check_messages(client.body.replace(PING, b"")).error is None

    async def test_go_out_while_another_attempt_is_waited_for_in_the_middle_of_a_stream(self, served, pinging):
        bad = (*says("Let me think about the file and its lines first. " + LOOP * 40, "reasoning_content"), Gate())
        client, upstream = asking(), Upstream(bad, then=(answers(GOOD),))
        await served(client, upstream, **AT_ONCE)
        assert PING in client.body.partition(b"event: content_block_start")[2]
        assert check_messages(client.body.replace(PING, b"")).texts("text") == GOOD


IN_THOUGHTS = (*says("Hm. " * 9 + LOOP * 20, "reasoning_content", 400), Gate())
THOUGHTS = says("I should look at the file first. " * 9, "reasoning_content", 400)
RUNS = {
    # what the upstream says, whether it is streamed, the policy, the validator model
    "a loop": (Upstream((*says(LOOP * 20, size=400), Gate()), then=(answers("Good."),)), True, {}, None),
    "a loop in thoughts": (Upstream(IN_THOUGHTS, then=(answers("Good."),)), True, AT_ONCE, None),
    "two loops": (Upstream(answers(LOOP * 20)), True, {}, None),
    "a break": (Upstream((*says(GOOD, size=400), RESET), then=(answers("Good."),)), True, {}, None),
    "a break in thoughts": (Upstream((*THOUGHTS, RESET), then=(answers("Good."),)), True, AT_ONCE, None),
    "a break in the middle": (
        Upstream((*says(LONG_GOOD, size=400), RESET), then=(answers(REST),)),
        True,
        AT_ONCE,
        None,
    ),
    "a break to the last": (Upstream((*says(LONG_GOOD, size=400), ERROR)), True, AT_ONCE, None),
    "a whole answer that breaks off": (
        Upstream((*says(GOOD, size=400), RESET), then=(answers(GOOD),)),
        False,
        {},
        None,
    ),
    "a refusal after a loop": (Upstream(answers(LOOP * 20), then=(500,)), True, {}, None),
    "a whole answer": (Upstream(whole(LOOP * 20), JSON, then=(whole("Good."),)), False, {}, None),
    "a good beginning": (
        Upstream((*says(LONG_GOOD + LOOP * 20, size=400), Gate()), then=(answers(REST),)),
        True,
        AT_ONCE,
        None,
    ),
    "a verdict in a silence": (
        Upstream((*says(LONG_GOOD, size=400), Gate()), then=(answers("Good."),)),
        True,
        ASKS,
        lambda *_: Slow(FOUND),
    ),
    "a validator model": (Upstream((*says(LONG_GOOD, size=400), *END), then=(answers("Good."),)), True, ASKS, Small),
}


@pytest.mark.parametrize("what", RUNS)
@pytest.mark.parametrize("action", INTERRUPTIONS)
async def test_at_every_suspension_a_judged_request_may_end_and_leaves_nothing(proxy, nothing_left, what, action):
    script, stream, policy, small = RUNS[what]
    number, reached = 0, True
    while reached:
        number += 1
        upstream = Upstream(script.pieces, script.headers, script.status, then=script.then)
        routing = ROUTED if "break" in what else ROUTING
        handler, client = proxy(upstream, routing, validation=judging(**policy)), asking(stream=stream)
        handler.engine.validator = small and small(None, FOUND)
        reached, _ = await interrupted(handler, client, number, action)
        nothing_left(handler, upstream)
        assert handler.engine.gatekeeper.state().slots.running == 0
        if not reached:
            assert client.is_complete
    assert number > 8
