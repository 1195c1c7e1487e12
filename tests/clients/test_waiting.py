"""Clients whose model keeps them waiting, longer than they would wait in silence, get their answers at the first try.

The waits are real: how long a client waits is what is tested.
"""

import threading

import anthropic
import openai
import pytest

from tests.clients import agent as agents
from tests.clients import sdk
from tests.clients.agent import FOUND
from tests.clients.claude_code import ClaudeCode
from tests.clients.codex import Codex
from tests.clients.conftest import config
from tests.clients.script import Script
from tests.end_to_end.answers import Answer, Gate

pytestmark = pytest.mark.clients

PATIENCE = 2.0  # seconds of silence that a client bears
WAIT = 5.0
AGENTS = (Codex(patience=int(1000 * PATIENCE)), ClaudeCode())


class SlowScript(Script):
    """Says its first turn late, and is silent once more in the middle of it."""

    def __call__(self, request) -> Answer:
        is_first = not self.exchanged
        answer = super().__call__(request)
        if not (is_first and self.exchanged):
            return answer
        first, *rest = answer.body().split(b"\n\n")
        begun, going_on = Gate(), Gate()
        threading.Timer(WAIT, begun.open).start()
        threading.Timer(2 * WAIT, going_on.open).start()
        half = len(rest) // 2
        before, after = (b"".join(frame + b"\n\n" for frame in part if frame) for part in (rest[:half], rest[half:]))
        return answer.saying(first + b"\n\n" + before, going_on, after).held(begun)


@pytest.fixture(scope="module")
def serving(new_installation, scripted_upstream):
    """A proxy that gives a sign of life every half second."""
    installation = new_installation(KEEPALIVE_SECONDS="0.5")
    installation.import_config(config(scripted_upstream.url))
    with installation.serve() as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.mark.parametrize("agent", AGENTS, ids=str)
def test_a_coding_agent_waits_for_its_model(agent, dialect, serving, scripted_upstream, tmp_path):
    place = agents.new_place(tmp_path)
    script = SlowScript(agents.turns(agent, place))
    session = agents.lead(agent, dialect, script, scripted_upstream, serving, place)
    assert session.ran.exit_code == 0, str(session.ran)
    assert agent.said(session.ran) == FOUND
    assert [exchanged.turn for exchanged in script.exchanged] == [0, 1, 2, 3]
    assert script.faults == []
    assert [record["outcome"] for record in session.records()] == ["ok"] * len(session.upstream.calls)


def test_a_program_with_the_anthropic_package_waits(dialect, proxy, upstream):
    upstream.answer(SlowScript())
    with anthropic.Anthropic(base_url=proxy.url, api_key=sdk.KEY, max_retries=0, timeout=PATIENCE) as client:
        given = {"model": f"claude-sonnet-4-5-on-{dialect}", "max_tokens": 100}
        with client.messages.stream(**given, messages=[{"role": "user", "content": "Hello"}]) as stream:
            message = stream.get_final_message()
    assert message.content[0].text == "The words are "
    assert message.stop_reason == "end_turn"


def test_a_program_with_the_openai_package_waits(dialect, proxy, upstream):
    upstream.answer(SlowScript())
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=sdk.KEY, max_retries=0, timeout=PATIENCE) as client:
        model = f"any-on-{dialect}"
        chunks = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello"}], stream=True
        )
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == "The words are "


@pytest.mark.parametrize("store", [True, False])
def test_a_program_with_the_openai_package_waits_for_a_response(dialect, proxy, upstream, store):
    upstream.answer(SlowScript())
    with (
        openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=sdk.KEY, max_retries=0, timeout=PATIENCE) as client,
        client.responses.stream(model=f"any-on-{dialect}", input="Hello", store=store) as stream,
    ):
        numbers = [event.sequence_number for event in stream]
        response = stream.get_final_response()
    assert response.output_text == "The words are "
    assert numbers == sorted(set(numbers))
