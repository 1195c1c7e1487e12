"""Calls as models write them and servers leave them: markup in the text or in the reasoning, and the reason `stop`."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from tests.clients.conversation import Call, Heard, Turn
from tests.clients.script import Script
from tests.end_to_end.answers import Answer

Write = Callable[[tuple[Call, ...], int], str]  # calls, and how many came before them in the conversation


def kimi(calls: tuple[Call, ...], before: int) -> str:
    each = (
        f"<|tool_call_begin|>functions.{call.flat_name}:{number}"
        f"<|tool_call_argument_begin|>{call.as_function}<|tool_call_end|>"
        for number, call in enumerate(calls, before)
    )
    return f"<|tool_calls_section_begin|>{''.join(each)}<|tool_calls_section_end|>"


def qwen(calls: tuple[Call, ...], before: int) -> str:
    return "\n".join(
        f"<tool_call>\n<function={call.flat_name}>\n"
        + "".join(f"<parameter={key}>\n{text}\n</parameter>\n" for key, text in _texts(call))
        + "</function>\n</tool_call>"
        for call in calls
    )


def glm(calls: tuple[Call, ...], before: int) -> str:
    return "\n".join(
        f"<tool_call>{call.flat_name}\n"
        + "".join(f"<arg_key>{key}</arg_key>\n<arg_value>{text}</arg_value>\n" for key, text in _texts(call))
        + "</tool_call>"
        for call in calls
    )


def deepseek(calls: tuple[Call, ...], before: int) -> str:
    each = (
        f"<｜tool▁call▁begin｜>{call.flat_name}<｜tool▁sep｜>{call.as_function}<｜tool▁call▁end｜>" for call in calls
    )
    return f"<｜tool▁calls▁begin｜>{''.join(each)}<｜tool▁calls▁end｜>"


def dsml(calls: tuple[Call, ...], before: int) -> str:
    each = (
        f'<｜DSML｜invoke name="{call.flat_name}">\n'
        + "".join(
            f'<｜DSML｜parameter name="{key}" string="true">{text}</｜DSML｜parameter>\n' for key, text in _texts(call)
        )
        + "</｜DSML｜invoke>\n"
        for call in calls
    )
    return f"<｜DSML｜tool_calls>\n{''.join(each)}</｜DSML｜tool_calls>"


def _texts(call: Call) -> list[tuple[str, str]]:
    arguments: dict[str, Any] = json.loads(call.as_function)
    return [(key, value if isinstance(value, str) else json.dumps(value)) for key, value in arguments.items()]


@dataclass(frozen=True)
class Leak:
    """`family` is what the record calls it."""

    family: str
    write: Write
    in_reasoning: bool = False

    def __str__(self) -> str:
        return f"{self.write.__name__} in {'reasoning' if self.in_reasoning else 'content'}"


LEAKS = (
    Leak("kimi", kimi),
    Leak("kimi", kimi, in_reasoning=True),
    Leak("qwen", qwen),
    Leak("qwen", qwen, in_reasoning=True),
    Leak("glm", glm),
    Leak("glm", glm, in_reasoning=True),
    Leak("deepseek", deepseek),
    Leak("deepseek", dsml),
)


@dataclass
class LeakyScript(Script):
    """Its ids are made on the way to the client, so the turn that is next is told by the number of the results."""

    leak: Leak = LEAKS[0]

    def ids(self, wire: ModuleType, number: int) -> tuple[str, ...]:
        return ()

    def _next(self, wire: ModuleType, heard: Heard) -> int:
        return next(
            (number for number, _ in enumerate(self.turns) if len(heard.results) < self._called_by(number + 1)),
            len(self.turns),
        )

    def _called_by(self, number: int) -> int:
        return sum(len(turn.calls) for turn in self.turns[:number])

    def _said(self, wire: ModuleType, turn: Turn, ids: tuple[str, ...], number: int, body: dict[str, Any]) -> Answer:
        if turn.calls:
            markup = self.leak.write(turn.calls, self._called_by(number))
            if self.leak.in_reasoning:
                turn = Turn(turn.thinking + markup)  # nothing is said behind it, or it would be a draft
            else:
                turn = replace(turn, text=turn.text + markup, calls=())
        return super()._said(wire, turn, ids, number, body)
