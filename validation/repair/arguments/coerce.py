"""Values brought into the shape that a schema asks for: only what does not fit, and only where one reading fits.

A number written as a text is read as a number if the text is that number's own spelling, a list as a JSON text is
decoded, and so on; never the other way round of what a schema allows already.  Values that can be read in two ways
stay as they are.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from validation.repair.arguments import syntax
from validation.repair.arguments.schema import Schema, choices, declared, element, member, required_of, types

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_SEPARATORS = re.compile(r"[-_ .]")
_WRAPPERS = frozenset({"arguments", "parameters", "input", "args"})
_BESIDE_WRAPPER = _WRAPPERS | {"name", "tool"}
_BOOLEANS = {"true": True, "false": False}


class Coercion:
    """What was changed stands in `changes`, by the path of the value."""

    def __init__(self, schema: Schema) -> None:
        self.changes: list[str] = []
        self._schema = schema

    def of(self, value: Any, schema: Any, path: str = "") -> Any:
        """The value as the schema wants it, or the same object.  Raises TooMuch."""
        resolved = self._schema.resolved(schema)
        if self._schema.fits(value, schema):
            return value
        options = [option for option in self._schema.options(resolved) if option]
        if len(options) != 1:
            return self._united(value, schema, options, path)
        (option,) = options
        if option is not resolved:
            return self.of(value, option, path)
        if isinstance(value, dict) and _wants(option, "object"):
            return self._object(value, option, path)
        if isinstance(value, list) and _wants(option, "array"):
            return self._list(value, option, path)
        return self._read(value, option, path)

    def _united(self, value: Any, schema: Any, options: list[dict[str, Any]], path: str) -> Any:
        """Of several alternatives: what fits one of them, if all that fits is the same."""
        before = len(self.changes)
        found: list[tuple[Any, list[str]]] = []
        for option in options:
            new = self.of(value, option, path)
            said = self.changes[before:]
            del self.changes[before:]
            if new is not value and self._schema.fits(new, schema) and all(new != known for known, _ in found):
                found.append((new, said))
        if len(found) != 1:
            return value
        self.changes += found[0][1]
        return found[0][0]

    def _object(self, value: dict[str, Any], schema: dict[str, Any], path: str) -> Any:
        renamed = self._renamed(value if path else self._unwrapped(value, schema), schema, path)
        optional = declared(schema).keys() - set(required_of(schema))
        new: dict[str, Any] = {}
        for name, item in renamed.items():
            inner = member(schema, name)
            if item is None and name in optional and not self._schema.fits(None, inner):
                self._changed(_below(path, name), "null left out, for it is optional")
                continue
            new[name] = self.of(item, inner, _below(path, name))
        return new if _differs(new, value) else value

    def _unwrapped(self, value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
        """Arguments that stand in a member called so, perhaps beside the tool's name, where none is declared."""
        inner = [value[name] for name in value if name in _WRAPPERS]
        is_alone = value.keys() <= _BESIDE_WRAPPER and len(inner) == 1 and isinstance(inner[0], dict)
        needed = set(required_of(schema))
        if not is_alone or not needed or value.keys() & declared(schema).keys() or not needed <= inner[0].keys():
            return value
        self._changed("arguments", "unwrapped")
        unwrapped: dict[str, Any] = inner[0]
        return unwrapped

    def _renamed(self, value: dict[str, Any], schema: dict[str, Any], path: str) -> dict[str, Any]:
        """One required member is missing, and one stands there that only case and separators tell from it."""
        known = declared(schema)
        missing = [name for name in required_of(schema) if name not in value]
        if len(missing) != 1:
            return value
        plain = _plain(missing[0])
        alike = [name for name in value if name not in known and _plain(name) == plain]
        if len(alike) != 1:
            return value
        self._changed(_below(path, missing[0]), f"was called {alike[0]}")
        return {missing[0] if name == alike[0] else name: item for name, item in value.items()}

    def _list(self, value: list[Any], schema: dict[str, Any], path: str) -> Any:
        new = [self.of(item, element(schema, index), f"{path}[{index}]") for index, item in enumerate(value)]
        return new if any(item is not old for item, old in zip(new, value, strict=True)) else value

    def _read(self, value: Any, schema: dict[str, Any], path: str) -> Any:
        for new, done in _readings(value, schema):
            before = len(self.changes)
            inner = self.of(new, schema, path)
            if self._schema.fits(inner, schema):
                self.changes.insert(before, f"{path or 'arguments'}: {done}")
                return inner
            del self.changes[before:]
        return value

    def _changed(self, path: str, done: str) -> None:
        self.changes.append(f"{path}: {done}")


def _readings(value: Any, schema: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    if isinstance(value, str):
        alike = [
            choice for choice in choices(schema) or () if isinstance(choice, str) and choice.lower() == value.lower()
        ]
        yield from ((choice, "text read as one of the choices") for choice in alike if len(alike) == 1)
    for choice in choices(schema) or ():
        if isinstance(value, str) and not isinstance(choice, str) and syntax.write(choice) == value:
            yield choice, "text read as one of the choices"
    for name in types(schema):
        if isinstance(value, str):
            if (read := _FROM_TEXT[name](value)) is not None:
                yield read[0], f"text read as {name}"
        elif name == "string" and isinstance(value, dict):
            yield syntax.write(value), "object written as text"
        elif name == "string" and isinstance(value, int) and not isinstance(value, bool):
            yield str(value), "number written as text"


Reading = tuple[Any]  # in a tuple, because what is read may be None


def _integer(text: str) -> Reading | None:
    return (int(text),) if _INTEGER.fullmatch(text) else None


def _number(text: str) -> Reading | None:
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return (syntax.read(text),)
    except ValueError:  # beyond what a number can hold
        return None


def _boolean(text: str) -> Reading | None:
    value = _BOOLEANS.get(text.lower())
    return None if value is None else (value,)


def _null(text: str) -> Reading | None:
    return (None,) if text in ("null", "None") else None


def _container(kind: str) -> Callable[[str], Reading | None]:
    opening = {"array": "[", "object": "{"}[kind]

    def read(text: str) -> Reading | None:
        if not text.lstrip().startswith(opening):
            return None
        for way in (syntax.read, syntax.python):
            try:
                return (way(text),)
            except ValueError:
                continue
        return None

    return read


def _nothing(text: str) -> Reading | None:
    """A text is a text already."""
    return None


_FROM_TEXT: dict[str, Callable[[str], Reading | None]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "null": _null,
    "array": _container("array"),
    "object": _container("object"),
    "string": _nothing,
}


def _wants(schema: dict[str, Any], kind: str) -> bool:
    named = types(schema)
    return not named or kind in named


def _differs(new: dict[str, Any], old: dict[str, Any]) -> bool:
    return new.keys() != old.keys() or any(new[name] is not old[name] for name in new)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name).lower()
