"""Families whose calls are JSON objects with a name and arguments, between markers of their own."""

import re

from validation.repair.calls import Call, Found, as_object, of_json, of_python
from validation.repair.families.quoting import unquoted
from validation.repair.families.row import Parser
from validation.repair.source import Source, Steps
from validation.repair.tools import Tools

NAME = re.compile(r"[\w.\-/]*")
_BEFORE_NAME = (("{",), ('"name"',), (":",), ('"',))
_BEHIND_NAME = (('"',), (",",), ('"arguments"', '"parameters"'), (":",))
FENCES = ("```json", "```")
_JUNK = re.compile(r"[\s:;,.]*")


def objects(opener: str, *inner: str, closers: tuple[str, ...] = (), missing: bool = True) -> Parser:
    """`opener`, perhaps an inner marker, then an object or a list; one of the closers, unless it may be missing."""

    def parse(source: Source, tools: Tools) -> Steps[Found]:
        yield from source.accept(opener)
        yield from source.spaces()
        if inner:
            yield from source.accept(*inner)
            yield from source.spaces()
        if (yield from source.accept(*FENCES)):
            yield from source.spaces()
        return (yield from json_calls(source, tools, closers, missing))

    return parse


def json_calls(source: Source, tools: Tools, closers: tuple[str, ...], missing: bool = True) -> Steps[Found]:
    """One object or list, or, where closers tell that they belong together, several."""
    calls: list[Call] = []
    while True:
        found = yield from _object_or_list(source, tools, closers)
        if found is None:
            return None
        calls += found
        if closers and (yield from source.closer("{")):
            source.at -= 1
        else:
            break
    if closers:
        yield from source.closer("```")
        closed = yield from source.closer(*closers, *(brace + closer for brace in ("}", "}\n") for closer in closers))
        if not closed and not missing:
            return None
        for call in calls:
            call.complete = bool(closed)
    return calls


def _object_or_list(source: Source, tools: Tools, closers: tuple[str, ...]) -> Steps[list[Call] | None]:
    first = yield from source.peek()
    if first not in ("{", "["):
        return None
    calls = (yield from _name_first(source, tools, closers)) if first == "{" else None
    if calls is None and not source.is_leaving:
        calls = of_json((yield from source.json_text()), tools)
    return calls


def _name_first(source: Source, tools: Tools, closers: tuple[str, ...]) -> Steps[list[Call] | None]:
    """The usual order, a name and then the arguments, in which long arguments can leave as they come.

    Models forget the last brace.
    """
    place = source.place()
    name = yield from _name_of(source)
    if (yield from source.peek()) == "{" and (resolved := tools.resolve(name)):
        source.grows(resolved)
        text = yield from source.json_text()
        yield from source.spaces()
        if text and ((yield from source.accept("}")) or source.is_leaving or (yield from _precedes(source, closers))):
            return [Call(name, text)]
    if not source.is_leaving:
        source.growing = None
        source.go_back(place)
    return None


def _precedes(source: Source, closers: tuple[str, ...]) -> Steps[bool]:
    place = source.place()
    closed = bool(closers) and bool((yield from source.accept(*closers)))
    source.go_back(place)
    return closed


def _name_of(source: Source) -> Steps[str]:
    name = ""
    for literals in _BEFORE_NAME, _BEHIND_NAME:
        for accepted in literals:
            if not (yield from source.accept(*accepted)):
                return ""
            yield from source.spaces()
        name = name or (yield from source.run(NAME))
    return name


def pythonic(opener: str, *closers: str) -> Parser:
    """`opener`, a list of Python calls (or of JSON objects, or bare calls), closer or end."""

    def parse(source: Source, tools: Tools) -> Steps[Found]:
        yield from source.accept(opener)
        text, closed = yield from unquoted(source, *closers)
        calls = of_json(text, tools) or of_python(text)
        for call in calls or ():
            call.complete = bool(closed)
        return calls

    return parse


def mistral(source: Source, tools: Tools) -> Steps[Found]:
    """`[TOOL_CALLS]` and a list, or NAME{…}, NAME[ARGS]{…}, NAME[CALL_ID]id[ARGS]{…}."""
    while (yield from source.accept("[TOOL_CALLS]")):
        yield from source.run(_JUNK)
    first = yield from source.peek()
    if first == "[":
        return (yield from json_calls(source, tools, ()))
    if first == "{":
        return (yield from _nameless(source, tools))
    name = yield from source.run(NAME)
    id = ""
    if (yield from source.accept("[CALL_ID]")):
        id = yield from source.run(NAME)
    yield from source.accept("[ARGS]")
    if resolved := tools.resolve(name):
        source.grows(resolved, id)
    return (yield from named_object(source, name, id))


def _nameless(source: Source, tools: Tools) -> Steps[Found]:
    """An object that is a call, or the arguments of a tool whose name went elsewhere."""
    text = yield from source.json_text()
    if calls := of_json(text, tools):
        return calls
    arguments = as_object(text) if text else None
    name = tools.of_keys(arguments) if arguments else None
    return [Call(name, text)] if name else None


def named_object(source: Source, name: str, id: str = "") -> Steps[Found]:
    """The arguments that follow a name: an object, a JSON string that holds one, or at the very end none."""
    yield from source.spaces()
    first = yield from source.peek()
    if not name or first not in ("{", ""):
        return None
    if not first:
        return [Call(name, "{}", id, complete=False)]
    text = yield from source.json_text()
    return [Call(name, text, id)] if text else None


def named(opener: str, closer: str) -> Parser:
    """`opener`, NAME, and its arguments as an object, or as Python has them; closer."""

    def parse(source: Source, tools: Tools) -> Steps[Found]:
        yield from source.accept(opener)
        yield from source.spaces()
        name = tools.resolve((yield from source.run(NAME)))
        if name is None:
            return None
        yield from source.spaces()
        calls: Found = None
        if (yield from source.peek()) == "{":
            source.grows(name)
            calls = yield from named_object(source, name)
        elif (yield from source.accept("(")):
            text, end = yield from unquoted(source, closer)
            source.at -= len(end)
            inside = text.strip().removesuffix(")")
            calls = [Call(name, inside)] if as_object(inside) else of_python(f"{name}({text}")
        return calls if (yield from source.closer(closer)) or source.is_leaving else None

    return parse


def bracketed(source: Source, tools: Tools) -> Steps[Found]:
    """`[NAME]`, the arguments on the lines below, `[END_TOOL_REQUEST]`."""
    yield from source.accept("[")
    name = yield from source.run(NAME)
    if tools.resolve(name) != name or not (yield from source.accept("]")):
        return None
    found = yield from named_object(source, name)
    return found if (yield from source.closer("[END_TOOL_REQUEST]")) else None


def calling_tool(source: Source, tools: Tools) -> Steps[Found]:
    """`[Calling tool: NAME({…})]`."""
    yield from source.accept("[Calling tool:")
    yield from source.spaces()
    name = yield from source.run(NAME)
    if not (yield from source.accept("(")):
        return None
    found = yield from named_object(source, name)
    return found if (yield from source.accept(")]")) else None
