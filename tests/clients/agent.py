"""A coding agent in a scripted session: what it is asked to do, and what there is to see afterwards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.clients import programs
from tests.clients.conversation import Call, Heard, Result, Turn
from tests.clients.programs import Ran
from tests.clients.script import Script, usage_of
from tests.end_to_end.proxy import Proxy
from tests.end_to_end.upstream import ScriptedUpstream

KEY = "sk-agent-planted-4c1d9e"
TASK = "Find the planted words and tell me what they are."
THOUGHT = "The words must be in files here; I look at the first one, “one.txt”."
WORDS = {"one.txt": "planted-löwe", "two.txt": "planted-tiger", "three.txt": "planted-bär"}
COPY = 'a "copy".txt'
FOUND = "The words are " + " ".join(WORDS.values())


@dataclass(frozen=True)
class Place:
    """Where an agent works."""

    directory: Path
    home: Path


@dataclass(frozen=True)
class Totals:
    """What an agent says it used.  `input` is all of it, what was cached as well."""

    input: int
    cached: int
    output: int


class Agent(Protocol):
    """How one agent is started, how its tools are called, and where in its output things are."""

    program: str
    dialect: str
    marks_errors: bool  # a result says whether its tool failed

    def shell(self, command: str) -> Call: ...

    def read(self, place: Place, name: str) -> Call: ...

    def run(self, proxy: Proxy, upstream_dialect: str, place: Place, task: str, *, again: bool = False) -> Ran:
        """On a task; `again` goes on with the conversation that was led at this place."""
        ...

    def said(self, ran: Ran) -> str: ...

    def thought(self, ran: Ran) -> str: ...

    def totals(self, ran: Ran) -> Totals: ...


def turns(agent: Agent, place: Place) -> tuple[Turn, ...]:
    """Thinking, words and a call that writes; two calls at once; one that fails."""
    return (
        Turn(THOUGHT, "I look at the first file.", (agent.shell(f"cat one.txt | tee '{COPY}'"),)),
        Turn(calls=(agent.read(place, "two.txt"), agent.shell("cat three.txt"))),
        Turn(calls=(agent.shell("echo before; cat missing.txt"),)),
    )


def used() -> Totals:
    """What the script says was used, over all its turns and the last word."""
    each = [usage_of(number) for number in range(4)]
    return Totals(sum(u.input for u in each), sum(u.cached for u in each), sum(u.output for u in each))


@dataclass
class Session:
    """A session that is over."""

    ran: Ran
    script: Script
    place: Place
    upstream: ScriptedUpstream
    proxy: Proxy

    def last(self) -> Heard:
        """What the upstream had heard when it said its last word."""
        assert self.script.exchanged, f"the upstream was asked nothing: {self.ran}"
        return self.script.exchanged[-1].heard

    def results(self) -> list[Result]:
        """In the order in which they were asked for."""
        results = self.last().results
        return [results[id] for id in sorted(results)]

    def records(self) -> list[dict[str, Any]]:
        """The proxy's records of what came upstream, in order."""
        ids = [str(call.header("x-request-id")) for call in self.upstream.calls]
        return [self.proxy.installation.record(id) for id in ids]


def new_place(home: Path) -> Place:
    directory = home / "work"
    directory.mkdir(parents=True)
    for name, word in WORDS.items():
        (directory / name).write_text(f"{word}\n")
    return Place(directory, home)


def lead(
    agent: Agent,
    dialect: str,
    script: Script,
    upstream: ScriptedUpstream,
    proxy: Proxy,
    place: Place,
    *,
    again: bool = False,
) -> Session:
    """Runs the agent to its end, and waits until neither the upstream nor the proxy has anything left to do."""
    if programs.find(agent.program) is None:
        pytest.skip(programs.why_not(agent.program))
    upstream.reset()
    upstream.answer(script)
    proxy.mark_log()
    ran = agent.run(proxy, dialect, place, TASK, again=again)
    upstream.wait_until_idle()
    proxy.wait_until_idle()
    return Session(ran, script, place, upstream, proxy)
