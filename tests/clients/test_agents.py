"""Coding agents work through a session of several turns, whatever their upstream speaks."""

import pytest

from tests.clients import agent as agents
from tests.clients.agent import COPY, FOUND, THOUGHT, WORDS
from tests.clients.claude_code import ClaudeCode
from tests.clients.codex import Codex, CodexWithScripts
from tests.clients.script import Script
from tests.clients.wire import WIRES

pytestmark = pytest.mark.clients

AGENTS = (ClaudeCode(), ClaudeCode("own-model"), Codex(), Codex("gpt-5.5"), CodexWithScripts("gpt-6.1-sol"))


@pytest.fixture(scope="module", params=AGENTS, ids=str)
def agent(request):
    return request.param


@pytest.fixture(scope="module")
def session(agent, dialect, serving, scripted_upstream, tmp_path_factory):
    place = agents.new_place(tmp_path_factory.mktemp("home"))
    return agents.lead(agent, dialect, Script(agents.turns(agent, place)), scripted_upstream, serving, place)


def test_it_ends_well_and_says_what_it_found(agent, session):
    assert session.ran.exit_code == 0, str(session.ran)
    assert agent.said(session.ran) == FOUND


def test_its_tool_did_what_the_upstream_asked_for(session):
    assert (session.place.directory / COPY).read_text() == f"{WORDS['one.txt']}\n"


def test_each_result_comes_back_once_under_the_id_of_its_call(session):
    assert list(session.last().results) == list(session.last().called)
    one, two, three, missing = session.results()
    assert [word in result.text for word, result in zip(WORDS.values(), (one, two, three), strict=True)] == [True] * 3
    assert "before" in missing.text
    assert "missing.txt" in missing.text


def test_a_failure_is_told_as_one_where_both_sides_can(agent, dialect, session):
    told = [result.is_error for result in session.results()]
    assert told == [False, False, False, agent.marks_errors and dialect == "messages"]


def test_its_calls_are_told_back_as_the_upstream_made_them(dialect, session):
    made = [call for turn in session.script.turns for call in turn.calls]
    as_made = [(call.flat_name, WIRES[dialect].arguments(call)) for call in made]
    assert list(session.last().called.values()) == as_made


def test_no_strict_server_would_have_refused_a_request(session):
    assert session.script.faults == []


def test_no_request_is_needed_twice(session):
    assert [exchanged.turn for exchanged in session.script.exchanged] == [0, 1, 2, 3]


def test_the_answers_are_streamed_all_the_way(session):
    assert all(call.json()["stream"] for call in session.upstream.calls)


def test_it_shows_what_the_model_thought(agent, session):
    assert agent.thought(session.ran) == THOUGHT


def test_the_upstream_gets_back_what_it_thought(session):
    assert session.last().thinking == [THOUGHT]


def test_it_counts_the_tokens_that_the_upstream_reported(agent, session):
    assert agent.totals(session.ran) == agents.used()


def test_each_record_tells_what_was_spoken_on_both_sides(agent, dialect, session):
    told = [(r["client_dialect"], r["upstream_dialect"], r["status"], r["outcome"]) for r in session.records()]
    assert told == [(agent.dialect, dialect, 200, "ok")] * len(told)
    assert len(told) >= 4
