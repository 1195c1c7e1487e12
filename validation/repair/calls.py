"""What a parser finds, and how the values that models write become the arguments of a call."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from validation.repair.tools import Tools

_NAMES = ("name", "tool_name", "recipient_name", "tool")
_ARGUMENTS = ("arguments", "parameters", "args", "input")
_IDS = ("id", "tool_call_id")
_TOLD = frozenset({*_NAMES, *_ARGUMENTS, *_IDS, "type", "function", "index"})
_LISTS = ("tool_calls", "tool_uses")
_CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_EXPRESSION = 100_000  # beside its strings, which cost nothing
_STRING = re.compile(r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+\"""", re.DOTALL)


@dataclass(slots=True)
class Call:
    """`arguments` is the text of an object as the model wrote it."""

    name: str
    arguments: str
    id: str = ""
    changes: tuple[str, ...] = ()  # what was mended in the arguments
    complete: bool = True  # False: its end marker did not come, so what is required must be there


@dataclass(slots=True)
class Thinking:
    """The markup opens reasoning, which one of the closers ends."""

    closers: tuple[str, ...]


@dataclass(slots=True)
class Swallowed:
    """The markup frames the answer itself, up to one of the closers."""

    closers: tuple[str, ...]


Found = list[Call] | Thinking | Swallowed | None


def typed(name: str, values: Mapping[str, Any], id: str = "", complete: bool = True) -> Call:
    """A call whose arguments are made here, by the schema."""
    return Call(name, dumps(values), id, complete=complete)


def parsed(text: str) -> Any:
    """JSON, as strictly as it comes, or Python's literals.  Raises ValueError."""
    try:
        return json.loads(text, strict=False, parse_constant=_refuse)
    except (ValueError, RecursionError):
        pass
    tree = _expression(text.strip())
    try:
        return _literal(tree)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dumps(value: Any) -> str:
    """As a model would write it; half of a surrogate pair, which no client can be sent, becomes U+FFFD."""
    return _LONE_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False))


def as_object(text: str) -> dict[str, Any] | None:
    """The object that arguments are: nothing is an empty one, and one inside a JSON string is unwrapped once."""
    text = text.strip()
    if not text or text in ('""', "null"):
        return {}
    try:
        value = parsed(text)
        if isinstance(value, str):
            value = parsed(value) if value.strip() else {}
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def of_json(text: str, tools: Tools, *, marked: bool = True) -> list[Call] | None:
    """The calls of an object or a list of them: all of it must be calls.

    `marked`: markers say that it is one, so arguments may stand beside the name.
    """
    try:
        value = parsed(text)
    except ValueError:
        return None
    if isinstance(value, dict) and len(value) == 1:
        value = _first(value, _LISTS) or value
    items = value if isinstance(value, list) else [value]
    calls = [_of_value(item, tools, marked) for item in items]
    found = [call for call in calls if call is not None]
    return found if found and len(found) == len(items) else None


def _of_value(value: Any, tools: Tools, marked: bool) -> Call | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("function"), dict):
        value = {**value["function"], "id": value.get("id")}
    name = _first(value, _NAMES) or value.get("function")
    if isinstance(name, str):
        id = _first(value, _IDS)
        arguments = _arguments_of(value, tools.properties(tools.resolve(name) or "") if marked else {})
        return None if arguments is None else Call(name, arguments, id if isinstance(id, str) else "")
    if len(value) == 1:
        name, arguments = next(iter(value.items()))
        if tools.resolve(name) == name and isinstance(arguments, dict):
            return Call(name, _arguments(arguments))
    return None


def _arguments_of(value: Mapping[str, Any], declared: Mapping[str, Any]) -> str | None:
    """Those of a call; where there are none, whatever else is said must be declared, and then it is they."""
    arguments = _first(value, _ARGUMENTS)
    beside = {key: item for key, item in value.items() if key not in _TOLD} if arguments is None else {}
    return _arguments(beside or arguments) if beside.keys() <= declared.keys() else None


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "{}" if value is None else dumps(value)


def of_python(text: str) -> list[Call] | None:
    """The calls of `[f(a=1), g()]`, of `f(a=1)`, or of one on each line."""
    try:
        tree = _expression(text.strip())
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        each = [of_python(line) for line in lines] if len(lines) > 1 else [None]
        return None if None in each else [call for calls in each if calls for call in calls]
    nodes = tree.elts if isinstance(tree, ast.List) else [tree]
    try:
        return list(_python_calls(nodes)) or None
    except ValueError:
        return None


def _python_calls(nodes: list[ast.expr]) -> Iterator[Call]:
    for node in nodes:
        call, before = _hyphenated(node)
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError("not a call by keywords")
        arguments = {str(keyword.arg): _literal(keyword.value) for keyword in call.keywords if keyword.arg}
        if len(arguments) != len(call.keywords):
            raise ValueError("keywords that are not spelled out")
        yield typed(before + ast.unparse(call.func), arguments)


def _hyphenated(node: ast.expr) -> tuple[ast.expr, str]:
    """A call, and what stands before a hyphen of its name: in Python it takes away from that."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return node.right, ast.unparse(node.left).replace(" - ", "-") + "-"
    return node, ""


def _expression(text: str) -> ast.expr:
    if len(text) > _LONGEST_EXPRESSION < len(_STRING.sub("", text)):
        raise ValueError("too long to be read as Python")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError("not Python") from error


def _literal(node: ast.expr) -> Any:
    """What Python's literals say, and JSON's three words among them; only what JSON can say too."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | None):
        return node.value
    if isinstance(node, ast.Name) and node.id in _CONSTANTS:
        return _CONSTANTS[node.id]
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        keys = [_literal(key) if key is not None else None for key in node.keys]
        if all(isinstance(key, str) for key in keys):
            return dict(zip(keys, map(_literal, node.values), strict=True))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _literal(node.operand)
        if isinstance(value, int | float):
            return -value
    raise ValueError("not a literal")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
