"""Programs with the anthropic package work through a session, whatever the upstream speaks."""

import base64

import anthropic
import pytest

from tests.clients import pictures, sdk
from tests.clients.agent import FOUND, THOUGHT, used
from tests.clients.script import Script
from tests.clients.wire import WIRES

pytestmark = pytest.mark.clients

TOOL = {"name": sdk.TOOL, "description": sdk.DESCRIPTION, "input_schema": sdk.SCHEMA}
THINKING = {"type": "enabled", "budget_tokens": 2000}


@pytest.fixture
def client(proxy):
    with anthropic.Anthropic(base_url=proxy.url, api_key=sdk.KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def script(upstream):
    script = Script(sdk.turns())
    upstream.answer(script)
    return script


@pytest.fixture
def model(dialect):
    return f"claude-sonnet-4-5-on-{dialect}"


def _loop(ask):
    """Asks, runs the tools, tells their results, until there is nothing left to run; returns each answer."""
    messages = [{"role": "user", "content": sdk.TASK}]
    answers = []
    for _ in range(sdk.MANY):
        answers.append(ask(messages))
        messages.append({"role": "assistant", "content": answers[-1].content})
        calls = [block for block in answers[-1].content if block.type == "tool_use"]
        assert (answers[-1].stop_reason == "tool_use") == bool(calls)
        if not calls:
            break
        messages.append({"role": "user", "content": [_result(call) for call in calls]})
    return answers


def _result(call):
    return {"type": "tool_result", "tool_use_id": call.id, "content": sdk.look_into(**call.input)}


def _assert_used(answers):
    usages = [answer.usage for answer in answers]
    cached = sum(usage.cache_read_input_tokens for usage in usages)
    assert cached == used().cached
    assert sum(usage.input_tokens for usage in usages) + cached == used().input
    assert sum(usage.output_tokens for usage in usages) == used().output


def test_messages(client, script, model, dialect):
    answers = _loop(
        lambda messages: client.messages.create(
            model=model, max_tokens=4000, system="Be brief.", messages=messages, tools=[TOOL], thinking=THINKING
        )
    )
    assert answers[-1].content[-1].text == FOUND
    assert answers[0].content[0].thinking == THOUGHT
    _assert_used(answers)
    sdk.assert_whole(script, WIRES[dialect])


def test_the_stream_helper(client, script, model, dialect):
    def ask(messages):
        with client.messages.stream(
            model=model, max_tokens=4000, messages=messages, tools=[TOOL], thinking=THINKING
        ) as events:
            return events.get_final_message()

    answers = _loop(ask)
    assert answers[-1].content[-1].text == FOUND
    assert answers[0].content[0].thinking == THOUGHT
    _assert_used(answers)
    sdk.assert_whole(script, WIRES[dialect])


async def test_the_async_stream_helper(proxy, script, model, dialect):
    async with anthropic.AsyncAnthropic(base_url=proxy.url, api_key=sdk.KEY, max_retries=0) as client:
        messages = [{"role": "user", "content": sdk.TASK}]
        async with client.messages.stream(
            model=model, max_tokens=4000, messages=messages, tools=[TOOL], thinking=THINKING
        ) as events:
            kinds = [event.type async for event in events]
            final = await events.get_final_message()
    assert kinds.count("content_block_stop") == len(final.content) == 3
    assert [block.type for block in final.content] == ["thinking", "text", "tool_use"]
    assert script.faults == []


def test_the_tool_runner(client, script, model, dialect):
    """It would have the server hold the conversation; told that this is not done, it sends all of it each time."""

    @anthropic.beta_tool
    def look_into(file: str, lines: int = 1) -> str:
        """What a file says.

        Args:
            file: Which file.
            lines: How many lines of it.
        """
        return sdk.look_into(file, lines)

    runner = client.beta.messages.tool_runner(
        model=model, max_tokens=4000, messages=[{"role": "user", "content": sdk.TASK}], tools=[look_into]
    )
    assert runner.until_done().content[-1].text == FOUND
    sdk.assert_whole(script, WIRES[dialect])


def test_a_failed_tool(client, script, model, dialect):
    def failing(call):
        return {**_result(call), "content": [{"type": "text", "text": "no such file"}], "is_error": True}

    messages = [{"role": "user", "content": sdk.TASK}]
    for _ in range(2):
        answer = client.messages.create(model=model, max_tokens=4000, messages=messages, tools=[TOOL])
        calls = [block for block in answer.content if block.type == "tool_use"]
        messages.append({"role": "assistant", "content": answer.content})
        messages.append({"role": "user", "content": [failing(call) for call in calls]})
    (result,) = script.exchanged[-1].heard.results.values()
    assert "no such file" in result.text
    assert result.is_error == (dialect == "messages")
    assert script.faults == []


@pytest.mark.parametrize("where", ["the question", "a tool's result"])
def test_a_picture(client, upstream, model, dialect, where):
    data = base64.b64encode(pictures.png()).decode()
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    if where == "the question":
        messages = [{"role": "user", "content": [picture, {"type": "text", "text": "What is this?"}]}]
    else:
        call = {"type": "tool_use", "id": "toolu_picture", "name": sdk.TOOL, "input": {"file": "one.txt"}}
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": [picture]}
        messages = [
            {"role": "user", "content": "What is this?"},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ]
    upstream.answer(script := Script())
    assert client.messages.create(model=model, max_tokens=100, messages=messages, tools=[TOOL]).content
    (exchanged,) = script.exchanged
    results = exchanged.heard.results.values()
    assert len(exchanged.heard.images) + sum(result.images for result in results) == 1
    assert script.faults == []


def test_counting_tokens(client, script, model):
    messages = [{"role": "user", "content": sdk.TASK}]
    few = client.messages.count_tokens(model=model, messages=messages).input_tokens
    many = client.messages.count_tokens(model=model, messages=messages, tools=[TOOL]).input_tokens
    assert 0 < few <= many
