"""Judges of what is only known when an answer, or a turn of a conversation, is complete."""

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from routing.dialects.request import Request, Role, Text, ToolCall, ToolResult
from validation.detectors.fences import Fences
from validation.detectors.names import DETECTORS
from validation.verdict import Verdict

CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "incomplete"})
CUT_SHORT = re.compile(r"[\w,(\[{=+*/&|<\\\"'-]\Z")  # how a line of code ends that is not complete
CALLS_IN_A_ROW = 3  # are suspicious; a client may want dice to be rolled
CALLS_TOO_MANY = 5
LONGEST_CYCLE = 4
SUSPICIOUS_TURNS, TURNS_TOO_MANY = 3, 8  # before the new call
TURNS_READ = 24  # of the end of a conversation, however long it is
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "array": (list,),
    "object": (dict,), "null": (type(None),),
}  # fmt: skip


def found(name: str, confidence: float, explanation: str, *, onset: int = 0, offset: int = 0) -> Verdict:
    return Verdict(name, DETECTORS[name].issue_type, confidence, onset, offset, 0, explanation)


def empty(text: str, *, calls: int = 0) -> Verdict | None:
    """Neither text that can be seen nor a tool call; reasoning alone is no answer."""
    if text.strip() or calls:
        return None
    return found("empty", 1.0, "the answer has neither text nor a tool call", offset=len(text))


def truncated(text: str, finish_reason: str, *, calls: int = 0) -> Verdict | None:
    """By the finish reason, by its absence, or by a code fence that was opened and never closed."""
    if finish_reason in CUT:
        return found("truncation", 1.0, f"the answer ended with {finish_reason!r}", onset=len(text), offset=len(text))
    if not finish_reason:
        return found("truncation", 1.0, "the answer ended without a finish reason", onset=len(text), offset=len(text))
    if not calls and fence_is_open(text):
        sure = 0.9 if CUT_SHORT.search(text) else 0.8
        return found("truncation", sure, "a code fence was never closed", onset=len(text), offset=len(text))
    return None


def fence_is_open(text: str) -> bool:
    fences = Fences()
    fences.read(text + "\n")
    return fences.open > 0


def arguments(call: ToolCall, tools: Mapping[str, Any] | None = None) -> Verdict | None:
    """`tools` maps the names of the request's tools to their JSON schemas; without it only JSON is asked for."""
    wrong = None if call.custom else problem(call, tools)
    if wrong is None:
        return None
    said, sure = wrong
    return found("tool_arguments", sure, f"{call.name}: {said}", offset=len(call.arguments))


def problem(call: ToolCall, tools: Mapping[str, Any] | None) -> tuple[str, float] | None:
    """What is wrong, and how sure it is that the client can do nothing with it."""
    try:
        value = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError as error:
        return f"the arguments are not JSON ({error})", 1.0
    if not isinstance(value, dict):
        return "the arguments are no JSON object", 1.0
    if tools is None:
        return None
    if call.name not in tools:
        return "there is no tool of this name", 0.8
    return misfit(value, tools[call.name])


def misfit(value: dict[str, Any], schema: Any) -> tuple[str, float] | None:
    """Required keys and the types of the first level: what models get wrong, not all that JSON Schema can say."""
    if not isinstance(schema, Mapping):
        return None
    required, properties = schema.get("required"), schema.get("properties")
    for key in required if isinstance(required, list) else ():
        if key not in value:
            return f"{key!r} is missing", 0.9
    for key, rule in properties.items() if isinstance(properties, Mapping) else ():
        if key in value and not fits(value[key], rule):
            return f"{key!r} is no {rule['type']}", 0.8
    return None


def fits(value: Any, rule: Any) -> bool:
    wanted = rule.get("type") if isinstance(rule, Mapping) else None
    if not isinstance(wanted, str) or wanted not in TYPES:
        return True
    if isinstance(value, bool) and wanted in ("integer", "number"):
        return False
    return isinstance(value, TYPES[wanted]) or (wanted == "integer" and isinstance(value, float) and value.is_integer())


def canonical(call: ToolCall) -> str:
    """Name and arguments, the same however the JSON was written."""
    try:
        return call.name + json.dumps(json.loads(call.arguments or "{}"), sort_keys=True, separators=(",", ":"))
    except ValueError:
        return call.name + re.sub(r"\s+", " ", call.arguments)


def repeated_in_answer(calls: list[ToolCall]) -> Verdict | None:
    """The same call again and again at the end of one answer, or a cycle of up to four calls three times."""
    if len(calls) < CALLS_IN_A_ROW:
        return None
    keys = [canonical(call) for call in calls[-CALLS_IN_A_ROW * LONGEST_CYCLE :]]
    for cycle in range(1, LONGEST_CYCLE + 1):
        last = keys[-cycle:]
        if len(keys) >= CALLS_IN_A_ROW * cycle and keys[-CALLS_IN_A_ROW * cycle :] == last * CALLS_IN_A_ROW:
            sure = 0.95 if cycle > 1 or keys[-CALLS_TOO_MANY:] == last * CALLS_TOO_MANY else 0.8
            return found("repeated_calls", sure, f"{calls[-1].name} was called again and again in one answer")
    return None


def repeated_over_turns(request: Request, call: ToolCall) -> Verdict | None:
    """Whether the new call would be one more in a row with the same arguments, all answered the same.

    Polling is normal while its results change, so results count as well, and many more are wanted to be sure.  Reads
    the end of the conversation only.
    """
    wanted = canonical(call)
    results: dict[str, str] = {}
    answers: list[str] = []
    for turn in reversed(request.turns[-TURNS_READ:]):
        calls = [part for part in turn.parts if isinstance(part, ToolCall)]
        results |= {part.id: said(part) for part in turn.parts if isinstance(part, ToolResult)}
        if turn.role is not Role.ASSISTANT:
            continue
        if not calls or any(made.name != call.name or canonical(made) != wanted for made in calls):
            break
        answers += [results.get(made.id, "") for made in calls]
    same = next((number for number, answer in enumerate(answers) if answer != answers[0]), len(answers))
    if same < SUSPICIOUS_TURNS:
        return None
    sure = 0.9 if same >= TURNS_TOO_MANY else 0.8
    return found(
        "repeated_calls", sure, f"{call.name} was called {same} times with the same arguments and result before"
    )


def said(result: ToolResult) -> str:
    """Clients mark the newest result for the cache: that is no difference."""
    return repr([part.text if isinstance(part, Text) else part for part in result.parts])
