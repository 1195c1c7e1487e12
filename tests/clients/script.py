"""A scripted upstream that looks at the conversation so far and says the next turn, in the dialect it is asked in.

Which turn is next does not depend on how many requests there were: it is the first whose calls have no results yet.
So a client may try again, ask other things beside, or go on with an old conversation.
"""

import re
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from tests.clients.conversation import Heard, Said, Turn, Usage
from tests.clients.wire import spoken_at
from tests.end_to_end.answers import Answer, json_answer
from tests.end_to_end.upstream import Received

WORD = re.compile(r"planted-\w+")
ASIDE = "Something beside the matter"  # what a request that cannot use the tools is told

NO_THREADS = {
    "type": "error",
    "error": {
        "type": "invalid_request_error",
        "message": "thread: not enabled for this organization",
        "details": {"error_code": "thread_unsupported_request", "unsupported": ["organization_setting"]},
    },
}


@dataclass
class Exchanged:
    """One request of the conversation and the number of the turn that answered it."""

    request: Received
    heard: Heard
    turn: int


@dataclass
class Script:
    """After its turns it says each planted word that it has seen in the results."""

    turns: tuple[Turn, ...] = ()
    before: list[Answer] = field(default_factory=list)  # what the first requests get instead
    exchanged: list[Exchanged] = field(default_factory=list)
    asides: list[Received] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __call__(self, request: Received) -> Answer:
        """Never raises, or the client would wait for ever: what goes wrong is a fault, and a 400 is not tried again."""
        try:
            return self._answer(request)
        except Exception as problem:
            self.faults.append(f"{request.target}: {problem!r}")
            return json_answer({"type": "error", "error": {"type": "invalid_request_error", "message": "fault"}}, 400)

    def _answer(self, request: Received) -> Answer:
        if self.before:
            return self.before.pop(0)
        if request.path.endswith("/count_tokens"):
            return json_answer({"input_tokens": 1000})
        wire = spoken_at(request.path)
        body = request.json()
        if "thread" in body:
            return json_answer(NO_THREADS, 400)
        heard = wire.heard(body)
        self.faults += [f"{request.target}, request {len(self.exchanged)}: {fault}" for fault in heard.faults]
        if not {call.flat_name for turn in self.turns for call in turn.calls} <= set(heard.tools):
            self.asides.append(request)
            return self._said(wire, Turn(text=ASIDE), (), len(self.turns) + len(self.asides), body)
        number = self._next(wire, heard)
        self.exchanged.append(Exchanged(request, heard, number))
        turn = self.turns[number] if number < len(self.turns) else Turn(text=closing(heard))
        return self._said(wire, turn, self.ids(wire, number), number, body)

    def ids(self, wire: ModuleType, number: int) -> tuple[str, ...]:
        calls = self.turns[number].calls if number < len(self.turns) else ()
        return tuple(wire.ID.format(turn=number, index=index) for index in range(len(calls)))

    def _next(self, wire: ModuleType, heard: Heard) -> int:
        answered = (set(self.ids(wire, number)) <= set(heard.results) for number in range(len(self.turns)))
        return next((number for number, done in enumerate(answered) if not done), len(self.turns))

    def _said(self, wire: ModuleType, turn: Turn, ids: tuple[str, ...], number: int, body: dict[str, Any]) -> Answer:
        answer: Answer = wire.answer(Said(turn, ids, usage_of(number), number, body["model"]), body)
        return answer


def closing(heard: Heard) -> str:
    words = [word for result in heard.results.values() for word in WORD.findall(result.text)]
    return "The words are " + " ".join(dict.fromkeys(words))


def usage_of(number: int) -> Usage:
    """Figures that cannot be taken for one another."""
    return Usage(input=1000 + 100 * number, cached=64 + number, output=40 + number, reasoning=8 + number)
