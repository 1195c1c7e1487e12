"""Agents whose model leaks its calls into the text or the reasoning run them, and come to their end."""

import openai
import pytest

from tests.clients import agent as agents
from tests.clients import sdk
from tests.clients.agent import COPY, FOUND, THOUGHT, WORDS
from tests.clients.claude_code import ClaudeCode
from tests.clients.codex import Codex
from tests.clients.conversation import Turn
from tests.clients.leaks import LEAKS, LeakyScript

pytestmark = pytest.mark.clients

AGENTS = (ClaudeCode(), Codex())


def turns(agent, place):
    """A call that writes, behind a thought; two calls at once; one that fails."""
    return (
        Turn(THOUGHT, calls=(agent.shell(f"cat one.txt | tee '{COPY}'"),)),
        Turn(calls=(agent.read(place, "two.txt"), agent.shell("cat three.txt"))),
        Turn(calls=(agent.shell("echo before; cat missing.txt"),)),
    )


@pytest.fixture(scope="module", params=AGENTS, ids=str)
def agent(request):
    return request.param


@pytest.fixture(scope="module", params=LEAKS, ids=str)
def leak(request):
    return request.param


@pytest.fixture(scope="module")
def session(agent, leak, serving, scripted_upstream, tmp_path_factory):
    place = agents.new_place(tmp_path_factory.mktemp("home"))
    script = LeakyScript(turns(agent, place), leak=leak)
    return agents.lead(agent, "chat", script, scripted_upstream, serving, place)


def test_the_agent_runs_the_tools_and_finishes(agent, session):
    assert session.ran.exit_code == 0, str(session.ran)
    assert agent.said(session.ran) == FOUND
    assert (session.place.directory / COPY).read_text() == f"{WORDS['one.txt']}\n"


def test_each_call_is_told_back_as_it_was_written_and_has_its_result(agent, session):
    made = [(call.name, call.arguments) for turn in session.script.turns for call in turn.calls]
    assert list(session.last().called.values()) == made
    assert list(session.last().results) == list(session.last().called)
    assert "missing.txt" in list(session.last().results.values())[-1].text


def test_no_markup_is_left_in_what_is_said_and_thought(agent, session):
    assert agent.thought(session.ran) == THOUGHT
    assert session.last().texts == []
    assert session.last().thinking == [THOUGHT]


def test_each_turn_is_asked_for_once_and_no_strict_server_would_refuse_it(session):
    assert [exchanged.turn for exchanged in session.script.exchanged] == [0, 1, 2, 3]
    assert session.script.faults == []
    assert all(call.json()["stream"] for call in session.upstream.calls)


def test_the_records_tell_what_was_mended(leak, session):
    mended = [repair for record in session.records() for repair in record["repairs"] if repair["kind"] == "call"]
    assert [repair["family"] for repair in mended] == [leak.family] * 4


@pytest.mark.parametrize("leak", LEAKS, ids=str)
def test_a_chat_client_with_many_tools_streams_its_way_through(proxy, upstream, leak):
    """As Kilo Code and its kin work: the openai package, a stream, and two dozen tools."""
    script = LeakyScript(sdk.turns(), leak=leak)
    upstream.answer(script)
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=sdk.KEY, max_retries=0) as client:
        answers = _session(client)

    assert answers[-1].content == FOUND
    assert [_thought(answer) for answer in answers] == [THOUGHT, "", "", ""]
    assert script.faults == []
    assert [exchanged.turn for exchanged in script.exchanged] == [0, 1, 2, 3]
    last = script.exchanged[-1].heard
    assert list(last.called.values()) == [(call.name, call.arguments) for turn in script.turns for call in turn.calls]


def _session(client):
    messages = [{"role": "user", "content": sdk.TASK}]
    answers = []
    for _ in range(sdk.MANY):
        with client.chat.completions.stream(model="any-on-chat", messages=messages, tools=_TOOLS) as stream:
            choice = stream.get_final_completion().choices[0]
        answers.append(choice.message)
        if not choice.message.tool_calls:
            break
        assert choice.finish_reason == "tool_calls"
        said = choice.message.model_dump(include=_SENT)
        messages.append({name: value for name, value in said.items() if value})
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": sdk.called(call.function.arguments)}
            for call in choice.message.tool_calls
        ]
    return answers


_SENT = {
    "role": True,
    "content": True,
    "reasoning_content": True,
    "tool_calls": {"__all__": {"id": True, "type": True, "function": {"name", "arguments"}}},
}


def _thought(message):
    return getattr(message, "reasoning_content", None) or ""


def _tool(name):
    return {"type": "function", "function": {"name": name, "description": sdk.DESCRIPTION, "parameters": sdk.SCHEMA}}


_TOOLS = [_tool(sdk.TOOL), *(_tool(f"look_at_{number}") for number in range(24))]
