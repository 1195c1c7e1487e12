from dataclasses import replace

import orjson
import pytest

from proxysite.gateway.exchange import Exchange
from proxysite.gateway.guarding import failure_of, failures_of, guarded
from proxysite.gateway.plan import Plan
from routing.dialects import Dialect
from routing.dialects.events import Finish, FinishReason, Reasoning, Start, Text, ToolArguments, ToolEnd, ToolStart
from routing.dialects.exchange import Exchange as Conversation
from routing.kinds import Kind
from routing.snapshot import Target, Upstream
from validation.failures import Channel, Outcome, ToolCall
from validation.snapshot import Policy, ValidationTable

UPSTREAM = Upstream(name="up", base_url="http://up", kind=Kind.VLLM, dialects=frozenset(Dialect))
POLICY = Policy(model_pattern="glm*", detectors=frozenset({"repetition", "empty"}))
TABLE = ValidationTable(policies=(POLICY,))


def plan(model="glm-4", dialect=Dialect.CHAT, **body):
    sent = {"model": "theirs", "messages": [{"role": "user", "content": "Hello"}], **body}
    return Plan(
        target=Target(upstream=UPSTREAM),
        dialect=dialect,
        method="POST",
        url="http://up/v1/chat/completions",
        headers=[],
        body=orjson.dumps(sent),
        content=sent,
        model_asked=model,
        model_sent="theirs",
        streams=body.get("stream") is True,
    )


def judged(**fields):
    return guarded(plan(**fields), TABLE, "req_1", 7)


def test_an_answer_whose_model_has_no_policy_passes_as_it_is():
    unjudged = plan(model="qwen")
    assert guarded(unjudged, TABLE, "req_1", 7) is unjudged
    assert unjudged.guard is None


def test_an_answer_of_one_dialect_is_read_along_under_the_clients_name_of_the_model():
    found = judged(stream_options={"include_usage": True}, stop=["END"])
    assert found.guard
    conversation = found.conversation
    assert (conversation.client, conversation.upstream, conversation.model) == (Dialect.CHAT, Dialect.CHAT, "glm-4")
    assert (conversation.created, conversation.include_usage, conversation.stops) == (7, True, {"END"})
    assert found.body == plan(stream_options={"include_usage": True}, stop=["END"]).body


def test_an_answer_that_is_converted_anyway_keeps_its_conversation():
    converted = replace(plan(), conversation=Conversation(client=Dialect.MESSAGES, upstream=Dialect.CHAT))
    assert guarded(converted, TABLE, "req_1", 7).conversation is converted.conversation


BATCH = {"dialect": Dialect.GENERATE, "text": ["a", "b"]}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"n": 2}, "it holds several answers (n is 2)."),
        ({"modalities": ["text", "audio"]}, "it holds more than text (modalities)."),
        ({"tools": 3}, "its request cannot be read (tools must be a list)."),
        (BATCH, "it answers several prompts at once."),
    ],
)
def test_an_answer_that_would_lose_something_passes_and_the_record_says_why(fields, why):
    found = judged(**fields)
    assert found.guard is None
    assert found.conversation is None
    assert found.warnings == (f"The answer was not judged: {why}",)


@pytest.mark.parametrize("dialect", [Dialect.COMPLETIONS, Dialect.GENERATE])
def test_bare_text_is_judged_as_that(dialect):
    found = judged(dialect=dialect, prompt="Hi", text="Hi")
    assert found.conversation.is_bare
    assert found.warnings == ()


def test_what_leaves_as_it_came_is_judged_whatever_it_holds_beside_its_words():
    search = [{"type": "web_search_20250305", "name": "web_search"}]
    assert judged(dialect=Dialect.MESSAGES, tools=search).guard
    assert not judged(dialect=Dialect.MESSAGES, tools=search, stream=True).guard


def test_a_target_with_another_name_for_the_model_is_known():
    assert guarded(replace(plan(), echo="glm-4"), TABLE, "req_1", 7).conversation.renamed
    assert not judged().conversation.renamed


def test_what_an_editor_asks_for_is_judged_as_the_code_it_is():
    lines = [Start(), Text("and then it rains again. " * 14)]
    assert failure_of(exchange_of(*lines, dialect=Dialect.COMPLETIONS, prompt="Once"))
    assert not failure_of(exchange_of(*lines, dialect=Dialect.COMPLETIONS, prompt="def f", suffix="return x"))


def exchange_of(*events, **body):
    exchange, found = Exchange("POST", "/v1/chat/completions"), judged(**body)
    exchange.planned(found)
    for event in events:
        found.guard.feed(event)
    return exchange


def test_a_good_answer_leaves_no_failure():
    assert failure_of(exchange_of(Start(), Text("Hello"))) is None
    assert failure_of(Exchange("GET", "/")) is None


def test_a_bad_answer_is_kept_with_its_loop_and_its_parameters():
    exchange = exchange_of(
        Start(),
        Reasoning("Hm. "),
        Text("Once upon a time. "),
        Text("Again and again. " * 40),
        temperature=0.5,
        sampling_params={"top_k": 3},
    )
    failure = failure_of(exchange)
    assert (failure.channel, failure.detector, failure.policy) == (Channel.TEXT, "repetition", "glm*")
    assert failure.text.startswith("Once upon a time. Again")
    assert failure.reasoning == "Hm. "
    assert "Again and again. " in failure.excerpt
    assert (failure.parameters, failure.model_sent) == ({"temperature": 0.5, "top_k": 3}, "theirs")
    assert failure.outcome is Outcome.ERROR
    assert failure.finish_reason == ""


def test_a_loop_in_the_arguments_says_in_which_call():
    good = [ToolStart(0, "a", "read"), ToolArguments(0, "{}"), ToolEnd(0)]
    exchange = exchange_of(*good, ToolStart(1, "b", "write"), ToolArguments(1, "again and again. " * 200))
    failure = failure_of(exchange)
    assert (failure.channel, failure.call) == (Channel.ARGUMENTS, 1)
    assert failure.tool_calls[0] == ToolCall(name="read", arguments="{}")


def test_a_client_that_left_before_anything_followed_is_what_happened_next():
    exchange = exchange_of(Start(), Text("Again and again. " * 40))
    exchange.client_gone = True
    (failure,) = failures_of(exchange)
    assert failure.outcome is Outcome.CLIENT_GONE
    exchange.failures, exchange.guard = (failure_of(exchange),), None  # it waited for the next attempt
    assert [failure.outcome for failure in failures_of(exchange)] == [Outcome.CLIENT_GONE]


def test_what_had_followed_before_the_client_left_is_still_what_followed():
    exchange = exchange_of(Start(), Text("Again and again. " * 40))
    followed = failure_of(exchange)
    followed.outcome, followed.next_step = Outcome.CONTINUED, "continued: another seed"
    exchange.failures, exchange.guard, exchange.client_gone = (followed,), None, True
    assert [failure.outcome for failure in failures_of(exchange)] == [Outcome.CONTINUED]


def test_an_answer_of_nothing_is_kept_with_its_finish_reason():
    exchange = exchange_of(Start(), Finish(FinishReason.STOP))
    exchange.guard.close()
    assert failure_of(exchange).finish_reason == "stop"
