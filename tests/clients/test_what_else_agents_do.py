"""What coding agents do beside plain tool calls: pictures, free-form tools, old conversations, second attempts."""

import pytest

from tests.clients import agent as agents
from tests.clients import pictures
from tests.clients.agent import FOUND, TASK
from tests.clients.claude_code import ClaudeCode
from tests.clients.codex import Codex, CodexWithScripts
from tests.clients.conversation import Call, Turn
from tests.clients.script import Script
from tests.end_to_end.answers import json_answer

pytestmark = pytest.mark.clients

PATCH = "*** Begin Patch\n*** Add File: new.txt\n+She said “ä\\n”.\n*** End Patch\n"


@pytest.fixture
def place(tmp_path):
    return agents.new_place(tmp_path / "home")


@pytest.fixture
def lead(serving, scripted_upstream, place):
    """Leads an agent through a script at the place of this test."""

    def lead(agent, dialect, script, *, again=False):
        return agents.lead(agent, dialect, script, scripted_upstream, serving, place, again=again)

    return lead


@pytest.mark.parametrize("agent", [ClaudeCode(), Codex("gpt-5.5"), CodexWithScripts("gpt-6.1-sol")], ids=str)
def test_an_old_conversation_goes_on(lead, place, agent, dialect):
    turns = agents.turns(agent, place)
    assert lead(agent, dialect, Script(turns)).ran.exit_code == 0
    session = lead(agent, dialect, Script(turns), again=True)
    assert agent.said(session.ran) == FOUND
    assert session.last().texts[-1] == FOUND
    assert session.last().asked.endswith(TASK)
    assert [exchanged.turn for exchanged in session.script.exchanged] == [len(turns)]
    assert session.script.faults == []


def test_claude_code_prints_its_answer_and_nothing_else(lead, place, dialect):
    agent = ClaudeCode(output=())
    assert lead(agent, dialect, Script(agents.turns(agent, place))).ran.output == f"{FOUND}\n"


@pytest.mark.parametrize(
    ("agent", "look"),
    [
        (ClaudeCode(), lambda path: Call("Read", {"file_path": path})),
        (Codex(), lambda path: Call("view_image", {"path": path})),
    ],
    ids=str,
)
def test_a_picture_that_a_tool_returns_reaches_the_upstream(lead, place, agent, look, dialect):
    picture = place.directory / "red.png"
    picture.write_bytes(pictures.png())
    session = lead(agent, dialect, Script((Turn(calls=(look(str(picture)),)),)))
    assert session.ran.exit_code == 0, str(session.ran)
    (result,) = session.results()
    assert result.images + len(session.last().images) == 1
    assert session.script.faults == []


def test_codex_applies_a_patch_that_came_as_free_text(lead, place, dialect):
    session = lead(Codex("gpt-5.5"), dialect, Script((Turn(calls=(Call("apply_patch", PATCH),)),)))
    assert (place.directory / "new.txt").read_text() == "She said “ä\\n”.\n", str(session.ran)
    (result,) = session.results()
    assert "new.txt" in result.text
    assert session.script.faults == []


@pytest.mark.parametrize("status", [429, 500, 529])
def test_claude_code_tries_again_when_the_upstream_is_busy(lead, place, dialect, status):
    agent = ClaudeCode()
    error = {"type": "overloaded_error", "message": "Too much to do"}
    busy = json_answer({"type": "error", "error": error}, status).with_headers(("retry-after", "0"))
    session = lead(agent, dialect, Script(agents.turns(agent, place), before=[busy]))
    assert agent.said(session.ran) == FOUND
    assert [record["status"] for record in session.records()] == [status, 200, 200, 200, 200]
