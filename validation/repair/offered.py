"""The tools that a request body offers to the model, with their schemas.

Read straight off the body that is sent, for the upstream's model answers in those names.  Whatever makes no sense is
left out, and is for the upstream to refuse.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from routing.dialects import Dialect
from routing.dialects.events import member

_GROUPED = "__"  # between a group's name and its tool's, as routing.dialects.responses.tools has it


def tools_of(body: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """Schemas by name; none where the request forbids calls.  Tools with free text as their input are no part of it."""
    if _is_none(body.get("tool_choice")) or body.get("function_call") == "none":
        return {}
    return every_tool_of(body, dialect)


def every_tool_of(body: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """Those of `tools_of`, whether or not they may be called this time."""
    if dialect is Dialect.MESSAGES:
        return dict(_of_messages(_objects(body.get("tools"))))
    if dialect is Dialect.RESPONSES:
        return dict(_of_responses(_objects(body.get("tools"))))
    legacy = [{"function": function} for function in _objects(body.get("functions"))]
    return dict(_of_chat([*_objects(body.get("tools")), *legacy]))


def _is_none(choice: Any) -> bool:
    return choice == "none" or (isinstance(choice, dict) and choice.get("type") == "none")


def _objects(entries: Any) -> list[dict[str, Any]]:
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _of_chat(entries: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for entry in entries:
        function = member(entry, "function")
        if isinstance(name := function.get("name"), str):
            yield name, function.get("parameters")


def _of_messages(entries: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for entry in entries:
        if entry.get("type") in (None, "", "custom", "function") and isinstance(name := entry.get("name"), str):
            yield name, entry.get("input_schema")


def _of_responses(entries: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for entry in entries:
        kind, name = entry.get("type") or "function", entry.get("name")
        if kind == "namespace" and isinstance(name, str):
            for inner, schema in _of_responses(_objects(entry.get("tools"))):
                yield f"{name}{_GROUPED}{inner}", schema
        elif kind == "function":
            function = member(entry, "function") or entry
            if isinstance(inner_name := function.get("name"), str):
                yield inner_name, function.get("parameters")
