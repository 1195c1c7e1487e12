"""What the programs that use an official SDK do here: a tool of their own, and the loop around it."""

import json
from collections.abc import Callable
from typing import Any

from tests.clients.agent import THOUGHT, WORDS
from tests.clients.conversation import Call, Turn
from tests.clients.script import Script

KEY = "sk-sdk-planted-7a3e52"
TASK = "Find the planted words and tell me what they are."
MANY = 8  # more rounds than any session has

TOOL = "look_into"
DESCRIPTION = "What a file says."
SCHEMA = {
    "type": "object",
    "properties": {"file": {"type": "string"}, "lines": {"type": "integer"}},
    "required": ["file"],
    "additionalProperties": False,
}


def look_into(file: str, lines: int = 1) -> str:
    assert lines == 1
    return f"“{WORDS[file]}”\n" if file in WORDS else f"There is no {file}."


def called(arguments: str) -> str:
    return look_into(**json.loads(arguments))


def turns() -> tuple[Turn, ...]:
    """Thinking, words and a call; two calls at once; one that finds nothing."""
    look: Callable[..., Call] = lambda file, **more: Call(TOOL, {"file": file, **more})  # noqa: E731
    return (
        Turn(THOUGHT, "I look at the first file.", (look("one.txt", lines=1),)),
        Turn(calls=(look("two.txt"), look("three.txt"))),
        Turn(calls=(look('ünknown "file".txt'),)),
    )


def assert_whole(script: Script, wire: Any) -> None:
    """Each turn was asked for once; calls and results came back as they were; nothing was there to refuse."""
    assert script.faults == [], script.faults
    assert [exchanged.turn for exchanged in script.exchanged] == [0, 1, 2, 3]
    last = script.exchanged[-1].heard
    calls = [call for turn in script.turns for call in turn.calls]
    assert list(last.called.values()) == [(TOOL, wire.arguments(call)) for call in calls]
    results = {id: result.text for id, result in last.results.items()}
    assert results == {id: look_into(**arguments) for id, (_, arguments) in last.called.items()}
    assert last.texts == ["I look at the first file."]
