"""The arguments of one call as they come: what can no longer be wrong leaves at once, the rest when its end is here.

    START → FIRST → COLON → VALUE → AFTER → KEY …      members of the object, one after the other
                            ├→ TEXT ─┘                  a text where any text will do: it leaves as it comes
                            └→ HELD, NESTED ─┘          any other value: kept until the next TEXT or the end
    anything unexpected → WHOLE, which keeps all that has not left until the call ends; so does an empty object where
                          something is required: some servers begin with one, and the arguments come behind it

Long arguments are long texts (a file's content), so a client sees those grow; numbers, lists and short calls are held
for the moment they take.  With every TEXT the members before it are mended and leave; what follows one is an object of
its own, without its opening brace, and is mended as one.
"""

import re
from enum import Enum, auto
from typing import Any

import orjson

from validation.repair.arguments import Mended, mend
from validation.repair.arguments.schema import Schema, choices, declared, required_of, types

_SPACE = re.compile(r"[ \t\r\n]*")
_IN_STRING = re.compile(r'["\\]')
_IN_TEXT = re.compile(r'["\\\x00-\x1f]')
_IN_NESTED = re.compile(r'["\\{}\[\]]')
_SCALAR = re.compile(r"""[^,}"'{\[]*""")
_LEFTOVERS = re.compile(r"[\s}\]`]*")


class _Role(Enum):
    START = auto()
    FIRST = auto()
    KEY = auto()
    NAME = auto()
    COLON = auto()
    VALUE = auto()
    TEXT = auto()
    HELD = auto()
    NESTED = auto()
    AFTER = auto()
    WHOLE = auto()
    DONE = auto()


class ArgumentStream:
    """`feed` and `close` give what the client may have; joined, it is what came unless `changes` say otherwise."""

    def __init__(self, schema: Any) -> None:
        self.changes: list[str] = []
        self._schema = schema
        self._root = Schema(schema).resolved(schema)
        self._role = _Role.START
        self._held: list[str] = []
        self._name: list[str] = []
        self._left: set[str] = set()  # members the client has
        self._all_declared = True
        self._began = False  # something has left
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, piece: str) -> str:
        out: list[str] = []
        start = position = 0  # of what has not left, and of what has not been read
        while position < len(piece):
            role = self._role
            if role is _Role.WHOLE or role is _Role.DONE:
                break
            if role is _Role.TEXT:
                position = self._text(piece, position, out)
                start = position
                continue
            position = _READ[role](self, piece, position)
            if self._role is _Role.TEXT or self._role is _Role.DONE:
                self._held.append(piece[start:position])
                start = position
                self._leave(out)
        self._held.append(piece[start:])
        return "".join(out)

    def close(self, *, cut: bool = False) -> str:
        """The call is over.  `cut`: a limit ended the answer."""
        rest = "".join(self._held)
        self._held.clear()
        if self._role is _Role.DONE:
            return self._behind(rest)
        if self._role is _Role.TEXT:
            return rest  # which is nothing: where a text ends, nobody knows
        return self._rest(rest, cut)

    # What reads a role's text gives the position it got to.

    def _start(self, piece: str, position: int) -> int:
        return self._expect(piece, position, {"{": _Role.FIRST})

    def _first(self, piece: str, position: int) -> int:
        empty = _Role.WHOLE if required_of(self._root) else _Role.DONE
        return self._expect(piece, position, {'"': _Role.NAME, "}": empty})

    def _key(self, piece: str, position: int) -> int:
        self._name.clear()
        return self._expect(piece, position, {'"': _Role.NAME, "}": _Role.DONE})

    def _colon(self, piece: str, position: int) -> int:
        return self._expect(piece, position, {":": _Role.VALUE})

    def _expect(self, piece: str, position: int, follows: dict[str, _Role]) -> int:
        position = _behind_space(piece, position)
        if position < len(piece):
            self._role = follows.get(piece[position], _Role.WHOLE)
            position += 1
        return position

    def _read_name(self, piece: str, position: int) -> int:
        end = self._string_end(piece, position)
        self._name.append(piece[position:end])
        if not self._in_string:
            self._role = _Role.COLON
        return end

    def _value(self, piece: str, position: int) -> int:
        position = _behind_space(piece, position)
        if position == len(piece):
            return position
        name = self._named()
        self._all_declared = self._all_declared and name in declared(self._root)
        mark = piece[position]
        if mark == '"':
            self._role = _Role.TEXT if self._all_declared and self._takes_any_text(name) else _Role.HELD
            return position + 1
        if mark in "{[":
            self._role, self._depth = _Role.NESTED, 1
            return position + 1
        self._role = _Role.AFTER
        return position

    def _read_held(self, piece: str, position: int) -> int:
        end = self._string_end(piece, position)
        if not self._in_string:
            self._role = _Role.AFTER
        return end

    def _nested(self, piece: str, position: int) -> int:
        while self._depth:
            if self._in_string:
                position = self._string_end(piece, position)
                if self._in_string:
                    break
            match = _IN_NESTED.search(piece, position)
            if match is None:
                return len(piece)
            position = match.end()
            if match[0] == '"':
                self._in_string = True
            elif match[0] != "\\":
                self._depth += 1 if match[0] in "{[" else -1
        else:
            self._role = _Role.AFTER
        return position

    def _after(self, piece: str, position: int) -> int:
        match = _SCALAR.match(piece, position)
        position = match.end() if match else position
        if position < len(piece):
            self._role = {",": _Role.KEY, "}": _Role.DONE}.get(piece[position], _Role.WHOLE)
            position += 1
        return position

    def _string_end(self, piece: str, position: int) -> int:
        """Behind the quote that ends the string, or at the end of the piece: then the string goes on."""
        self._in_string = True
        if self._escaped and position < len(piece):
            self._escaped = False
            position += 1
        while match := _IN_STRING.search(piece, position):
            position = match.end()
            if match[0] == '"':
                self._in_string = False
                return position
            self._escaped = position == len(piece)
            position += 1
        return len(piece)

    def _text(self, piece: str, position: int, out: list[str]) -> int:
        """A text on its way to the client; line breaks that should have been written as escapes are."""
        start = position
        if self._escaped:
            self._escaped = False
            position += 1
        while match := _IN_TEXT.search(piece, position):
            position = match.end()
            mark = match[0]
            if mark == "\\":
                self._escaped = position == len(piece)
                position += 1
            elif mark == '"':
                self._role = _Role.AFTER
                self._left.add(self._named())
                out.append(piece[start:position])
                return position
            else:
                out += (piece[start : match.start()], orjson.dumps(mark).decode()[1:-1])
                start = position
                self._changed("line breaks or tabs stood unescaped in a string")
        out.append(piece[start:])
        return len(piece)

    # What leaves.

    def _leave(self, out: list[str]) -> None:
        """All that is held: the members up to the text that begins here, or up to the end of the object."""
        held = "".join(self._held)
        self._held.clear()
        if self._role is _Role.DONE:
            out.append(self._rest(held, cut=False))
        elif (new := self._opened(held)) is None:
            self._role = _Role.WHOLE
            self._held.append(held)
        else:
            out.append(new)
            self._began = True

    def _opened(self, held: str) -> str | None:
        """The members before a text, and the quote that opens it; None if they make no sense yet."""
        candidate = self._as_object(held)
        if candidate is None:
            return None
        try:
            members = orjson.loads(candidate + '"}')
        except orjson.JSONDecodeError:
            return None
        if next(reversed(members)) != self._named():  # named twice: what is written anew would have another order
            return None
        self._left |= members.keys()
        mended = mend(candidate + '"}', self._schema, present=frozenset(required_of(self._root)))
        return self._joined(mended)[:-2] if self._said(mended) else held

    def _rest(self, rest: str, cut: bool) -> str:
        candidate = self._as_object(rest) or "{" + rest  # then the comma is missing, or everything is
        if self._began and candidate.strip("{} \t\r\n") == "":
            return self._ending(rest, candidate, cut)
        if self._began and not rest.lstrip().startswith(",") and _is_object(candidate):
            self._changed("the JSON was malformed")
            return ", " + rest.lstrip()
        mended = mend(candidate, self._schema, cut=cut, present=frozenset(self._left))
        return self._joined(mended) if self._said(mended) else rest

    def _ending(self, rest: str, candidate: str, cut: bool) -> str:
        """No member follows: there is a brace, perhaps behind a comma too many, or it is missing."""
        if rest.strip() == "}":
            return rest
        if "}" not in candidate and (cut or not set(required_of(self._root)) <= self._left):
            return rest
        self._changed("the JSON was malformed" if "}" in candidate else "closing braces were missing")
        return "}"

    def _as_object(self, held: str) -> str | None:
        """What follows a member is an object again when a brace stands for the comma."""
        if not self._began:
            return held
        held = held.lstrip()
        return "{" + held[1:] if held.startswith(",") else None

    def _joined(self, mended: Mended) -> str:
        if not self._began:
            return mended.text
        return "}" if mended.text == "{}" else ", " + mended.text[1:]

    def _said(self, mended: Mended) -> bool:
        self.changes += mended.changes
        return bool(mended.changes)

    def _behind(self, rest: str) -> str:
        """What came behind the object: brackets too many are left out, words stay."""
        if not rest.strip() or not _LEFTOVERS.fullmatch(rest):
            return rest
        self._changed("something stood around the object")
        return ""

    def _changed(self, wrong: str) -> None:
        said = f"arguments: {wrong}"
        if said not in self.changes:
            self.changes.append(said)

    def _named(self) -> str:
        try:
            name = orjson.loads('"' + "".join(self._name))
        except orjson.JSONDecodeError:
            return ""
        return str(name)

    def _takes_any_text(self, name: str) -> bool:
        schema = Schema(self._schema).resolved(declared(self._root).get(name))
        return types(schema) == ("string",) and choices(schema) is None and not _COMBINING & schema.keys()


_COMBINING = frozenset({"anyOf", "oneOf", "allOf"})
_READ = {
    _Role.START: ArgumentStream._start,
    _Role.FIRST: ArgumentStream._first,
    _Role.KEY: ArgumentStream._key,
    _Role.NAME: ArgumentStream._read_name,
    _Role.COLON: ArgumentStream._colon,
    _Role.VALUE: ArgumentStream._value,
    _Role.HELD: ArgumentStream._read_held,
    _Role.NESTED: ArgumentStream._nested,
    _Role.AFTER: ArgumentStream._after,
}


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _behind_space(piece: str, position: int) -> int:
    match = _SPACE.match(piece, position)
    return match.end() if match else position
