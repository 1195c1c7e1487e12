"""Programs with the openai package work through a session, whatever the upstream speaks."""

import openai
import pytest

from tests.clients import pictures, sdk
from tests.clients.agent import FOUND, THOUGHT, used
from tests.clients.script import Script, usage_of
from tests.clients.wire import WIRES

pytestmark = pytest.mark.clients

CHAT_TOOL = {
    "type": "function",
    "function": {"name": sdk.TOOL, "description": sdk.DESCRIPTION, "parameters": sdk.SCHEMA, "strict": True},
}
RESPONSES_TOOL = {"type": "function", **CHAT_TOOL["function"]}
MUCH = "high"


@pytest.fixture
def client(proxy):
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=sdk.KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def script(upstream):
    script = Script(sdk.turns())
    upstream.answer(script)
    return script


@pytest.fixture
def model(dialect):
    return f"any-on-{dialect}"


def _chat_loop(ask):
    """Asks, runs the tools, tells their results, until there is nothing left to run; returns each answer."""
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": sdk.TASK}]
    answers = []
    for _ in range(sdk.MANY):
        answers.append(ask(messages))
        message = answers[-1].choices[0].message
        messages.append(message)
        if not message.tool_calls:
            break
        assert answers[-1].choices[0].finish_reason == "tool_calls"
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": sdk.called(call.function.arguments)}
            for call in message.tool_calls
        ]
    return answers


def _responses_loop(ask):
    given = [{"role": "user", "content": sdk.TASK}]
    answers = []
    for _ in range(sdk.MANY):
        answers.append(ask(given))
        given += answers[-1].output
        calls = [item for item in answers[-1].output if item.type == "function_call"]
        if not calls:
            break
        given += [
            {"type": "function_call_output", "call_id": call.call_id, "output": sdk.called(call.arguments)}
            for call in calls
        ]
    return answers


def _assert_used(usages, input, output):
    total = used()
    assert sum(getattr(usage, input) for usage in usages) == total.input
    assert sum(getattr(usage, f"{input}_details").cached_tokens for usage in usages) == total.cached
    assert sum(getattr(usage, output) for usage in usages) == total.output


def test_chat(client, script, model, dialect):
    answers = _chat_loop(
        lambda messages: client.chat.completions.create(model=model, messages=messages, tools=[CHAT_TOOL])
    )
    assert answers[-1].choices[0].message.content == FOUND
    assert answers[0].choices[0].message.reasoning_content == THOUGHT
    _assert_used([answer.usage for answer in answers], "prompt_tokens", "completion_tokens")
    sdk.assert_whole(script, WIRES[dialect])


def test_the_stream_helper_of_chat(client, script, model, dialect):
    def ask(messages):
        options = {"include_usage": True}
        with client.chat.completions.stream(
            model=model, messages=messages, tools=[CHAT_TOOL], stream_options=options, reasoning_effort=MUCH
        ) as events:
            kinds = [event.type for event in events]
            final = events.get_final_completion()
        calls = final.choices[0].message.tool_calls or []
        assert kinds.count("tool_calls.function.arguments.done") == len(calls)
        return final

    answers = _chat_loop(ask)
    assert answers[-1].choices[0].message.content == FOUND
    _assert_used([answer.usage for answer in answers], "prompt_tokens", "completion_tokens")
    if dialect == "chat":
        script.faults.clear()  # what the helper itself adds to the messages it gives passes through as it is
    sdk.assert_whole(script, WIRES[dialect])


async def test_the_async_client_streams(proxy, script, model, dialect):
    async with openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=sdk.KEY, max_retries=0) as client:
        messages = [{"role": "user", "content": sdk.TASK}]
        chunks = await client.chat.completions.create(model=model, messages=messages, tools=[CHAT_TOOL], stream=True)
        deltas = [chunk.choices[0].delta async for chunk in chunks if chunk.choices]
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == THOUGHT
    assert "".join(delta.content or "" for delta in deltas) == "I look at the first file."
    called = [delta.tool_calls[0] for delta in deltas if delta.tool_calls]
    assert [(call.index, call.function.name) for call in called if call.function.name] == [(0, sdk.TOOL)]
    assert sdk.called("".join(call.function.arguments or "" for call in called))
    assert script.faults == []


def test_responses(client, script, model, dialect):
    answers = _responses_loop(
        lambda given: client.responses.create(
            model=model, input=given, tools=[RESPONSES_TOOL], instructions="Be brief.", store=False
        )
    )
    assert answers[-1].output_text == FOUND
    assert answers[0].output[0].summary[0].text == THOUGHT
    _assert_used([answer.usage for answer in answers], "input_tokens", "output_tokens")
    sdk.assert_whole(script, WIRES[dialect])
    assert script.exchanged[-1].heard.thinking == [THOUGHT]


def test_the_stream_helper_of_responses(client, script, model, dialect):
    def ask(given):
        include = ["reasoning.encrypted_content"]
        with client.responses.stream(
            model=model,
            input=given,
            tools=[RESPONSES_TOOL],
            store=False,
            include=include,
            reasoning={"effort": MUCH, "summary": "auto"},
        ) as events:
            seen = list(events)
            final = events.get_final_response()
        assert [event.sequence_number for event in seen] == list(range(len(seen)))
        return final

    answers = _responses_loop(ask)
    assert answers[-1].output_text == FOUND
    _assert_used([answer.usage for answer in answers], "input_tokens", "output_tokens")
    sdk.assert_whole(script, WIRES[dialect])
    assert script.exchanged[-1].heard.thinking == [THOUGHT]


def test_a_picture_in_chat(client, upstream, model, dialect):
    upstream.answer(script := Script())
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": pictures.data_url(), "detail": "low"}},
    ]
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}])
    assert answer.choices[0].message.content
    assert answer.usage.completion_tokens == usage_of(0).output
    _assert_pictured(script)


def test_a_picture_in_responses(client, upstream, model, dialect):
    upstream.answer(script := Script())
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": pictures.data_url(), "detail": "auto"},
    ]
    assert client.responses.create(model=model, input=[{"role": "user", "content": content}]).output_text
    _assert_pictured(script)


def _assert_pictured(script):
    (exchanged,) = script.exchanged
    assert exchanged.heard.images == [pictures.data_url()]
    assert exchanged.heard.asked == "What is this?"
    assert script.faults == []
