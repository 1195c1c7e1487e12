"""The arguments of tool calls, mended where they do not fit the tool's schema.

`mend` takes the whole text of one call's arguments: text that is a JSON object and fits passes as it is; else its
syntax is repaired (`syntax`), what is wrapped in a text is unwrapped, and values are brought into the shape that the
schema asks for (`coerce`).  Whatever can be read in two ways stays as it came: a wrong call that the client refuses
costs a turn, a wrong guess runs something.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from validation.repair.arguments import syntax
from validation.repair.arguments.coerce import Coercion
from validation.repair.arguments.schema import Schema, TooMuch

_NOTHING = frozenset({"", "null", '""', "None"})


@dataclass(frozen=True, slots=True)
class Mended:
    """`changes` say what was done, and never what the arguments held; none, and the text is the very same."""

    text: str
    changes: tuple[str, ...] = ()


def mend(arguments: str, schema: Any, *, cut: bool = False, present: frozenset[str] = frozenset()) -> Mended:
    """`cut`: a limit ended the answer, so text without an end is not completed.

    `present` names members that have left for the client already, when `arguments` are only those that follow.
    """
    try:
        whole = Schema(schema, 20_000 + len(arguments))
        return _Mending(whole, whole.after(present) if present else schema).mended(arguments, cut)
    except (TooMuch, RecursionError, ValueError):  # it is nested too deeply
        return Mended(arguments)


class _Mending:
    """One text, against the whole schema or what is left of it."""

    def __init__(self, schema: Schema, wanted: Any) -> None:
        self._schema = schema
        self._wanted = wanted

    def mended(self, text: str, cut: bool) -> Mended:
        if text.strip() in _NOTHING:
            return Mended("{}", ("arguments: there were none",))
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return self._repaired(text, cut)
        if isinstance(value, dict):
            return Mended(text) if self._fits(value) else self._coerced(text)
        if isinstance(value, str):
            return self._unwrapped(text, value)
        return Mended(text)

    def _fits(self, value: Any) -> bool:
        return self._schema.fits(value, self._wanted)

    def _coerced(self, text: str) -> Mended:
        value = syntax.read(text)  # once more, for big numbers stay whole this way
        coercion = Coercion(self._schema)
        new = coercion.of(value, self._wanted)
        return Mended(text) if new is value else _written(text, new, coercion.changes)

    def _unwrapped(self, text: str, inner: str) -> Mended:
        """The arguments are a text that holds the text of the object: once, and it must be one."""
        try:
            value = syntax.read(inner)
        except ValueError:
            return Mended(text)
        if not isinstance(value, dict):
            return Mended(text)
        coercion = Coercion(self._schema)
        new = coercion.of(value, self._wanted)
        return _written(text, new, ["arguments: unwrapped from a text", *coercion.changes])

    def _repaired(self, text: str, cut: bool) -> Mended:
        for found, wrong in syntax.repaired(text, cut=cut):
            coercion = Coercion(self._schema)
            new = coercion.of(found, self._wanted)
            if self._fits(new):
                return _written(text, new, [f"arguments: {wrong}", *coercion.changes])
        return Mended(text)


def _written(text: str, value: Any, changes: list[str]) -> Mended:
    new = syntax.write(value)
    try:
        orjson.loads(new)
    except orjson.JSONDecodeError:  # half of a surrogate pair: the client's parser may refuse it as well
        return Mended(text)
    return Mended(new, tuple(changes))
