"""The JSON object in a text that is not quite JSON.

Each way is tried on its own and gives the object or nothing; what they share is that no word of the text may get lost
and none may be made up.  Text that was cut is completed only where nothing but closing braces is missing behind a
whole value, and only by a caller who knows that nothing was cut off by a limit.
"""

import ast
import io
import json
import math
import re
import tokenize
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import json_repair

_FENCE_OR_WORDS = re.compile(r"[{}]")
_ESCAPE = re.compile(r"""\\(?![\\'"abfnrtv\n]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})""")
# A comment begins where a word may: the slashes of http://host are none.
_STRINGS_AND_COMMENTS = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![^\s,{}\[\]])(?://[^\n]*|/\*.*?\*/)', re.DOTALL)
_STRUCTURE = re.compile(r'["\\{}\[\]]')
_NOISE = re.compile(r"""\\[nrtbf]|[\s"'`,:{}\[\]\\]""")
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_PLAIN = re.compile(r"[ !#-&(-\[\]-~]{1,40}")
_QUOTE = re.compile(r'\\.|"', re.DOTALL)
_EMPTY = re.compile(r"\A\s*(?:\{\}\s*)+")
_CLOSING = {"{": "}", "[": "]"}
_WHOLE_VALUE = ('"', "}", "]", "true", "false", "null")
_DEEPEST = 60
LONGEST = 32 * 1024  # characters: what guesses at the meaning of a text takes a microsecond for each


def read(text: str) -> Any:
    """Strict JSON.  Raises ValueError; deep nesting counts as one."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def write(value: Any) -> str:
    """Half a surrogate pair can be written as an escape only."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() or _is_whole(text) else json.dumps(value)


def repaired(text: str, *, cut: bool) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects that the text can be read as, each with what was wrong, the surest first.

    `cut`: a limit ended the answer, so what is missing may be more than brackets.
    """
    for way, wrong in _WAYS if len(text) <= LONGEST else _WAYS[:1]:
        if (found := _object(way, text)) is not None:
            yield found, wrong
    if not _is_closed(text):
        completed = None if cut else closed(text)
        if completed is not None and (found := _object(_raw_breaks, completed)) is not None:
            yield found, "closing braces were missing"
    elif len(text) <= LONGEST and (found := _object(_tolerantly, text)) is not None:
        yield found, "the JSON was malformed"


def python(text: str) -> Any:
    """The value of a Python literal, as far as JSON has it.  Raises ValueError."""
    if _ESCAPE.search(text) or _joins_strings(text):
        raise ValueError("not a plain literal")
    try:
        value = ast.literal_eval(text.strip())
    except (SyntaxError, TypeError, MemoryError, RecursionError) as problem:
        raise ValueError("not a literal") from problem
    if not _is_json(value):
        raise ValueError("not JSON")
    return value


def closed(text: str) -> str | None:
    """The text with the closing braces it lacks; None if more may be missing: a number, a text and a list may all
    have been meant to go on."""
    text = text.rstrip()
    open_brackets, in_string = _open_brackets(text)
    if in_string or set(open_brackets) != {"{"} or not text.endswith(_WHOLE_VALUE):
        return None
    return text + "}" * len(open_brackets)


def _object(way: Callable[[str], Any], text: str) -> dict[str, Any] | None:
    try:
        found = way(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _raw_breaks(text: str) -> Any:
    try:
        return json.loads(text, strict=False, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _surrounded(text: str) -> Any:
    """The one whole object inside a fence or among words.  Two of them, or half of one beside it, are none."""
    start = text.find("{")
    if start < 0:
        raise ValueError("no object")
    try:
        found, end = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite).raw_decode(text, start)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _FENCE_OR_WORDS.search(text, end):
        raise ValueError("more than one object")
    return found


def _behind_nothing(text: str) -> Any:
    """Some servers begin with an empty object, and the arguments come behind it."""
    return read(_EMPTY.sub("", text, count=1))


def _unescaped(text: str) -> Any:
    """The inside of a JSON string, without its quotes: {\\"path\\": \\"a\\"}."""
    return read(read(f'"{text.strip()}"'))


def _tolerantly(text: str) -> Any:
    """Trailing and missing commas, bare keys, comments, literals of other languages, quotes inside quotes."""
    plain = _STRINGS_AND_COMMENTS.sub(lambda match: match[0] if match[0][0] == '"' else " ", text)
    found = json_repair.repair_json(plain, return_objects=True, skip_json_loads=True)
    if not isinstance(found, dict) or not _is_json(found):
        raise ValueError("not an object")
    written = write(found)
    if _words(plain) != _words(written):
        raise ValueError("it would lose or make up words")
    if not all(_is_quoted(value, plain) for value in _texts(found)):
        raise ValueError("where a text begins is a guess")
    if _quotes(plain) > _quotes(written) and sum(isinstance(value, str) for value in found.values()) != 1:
        raise ValueError("where a text ends is a guess")
    return found


def _words(text: str) -> str:
    text = _UNICODE.sub(lambda match: chr(int(match[1], 16)), text)
    return _NOISE.sub("", text).lower().replace("none", "null")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _is_quoted(value: str, text: str) -> bool:
    """Whether the text has a quote before the beginning of the value, as far as that is written without escapes."""
    if not value:
        return '""' in text or "''" in text
    match = _PLAIN.match(value)
    beginning = match[0] if match else ""
    return f'"{beginning}' in text or f"'{beginning}" in text


def _quotes(text: str) -> int:
    return sum(match[0] == '"' for match in _QUOTE.finditer(text))


def _joins_strings(text: str) -> bool:
    """In Python 'a' 'b' is one string; here it is a missing comma."""
    try:
        kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(text.strip()).readline)]
    except (tokenize.TokenError, SyntaxError):
        return True
    kinds = [kind for kind in kinds if kind not in (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT)]
    return any(pair == (tokenize.STRING, tokenize.STRING) for pair in pairwise(kinds))


def _is_json(value: Any, depth: int = 0) -> bool:
    if depth > _DEEPEST:
        return False
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_json(item, depth + 1) for name, item in value.items())
    if isinstance(value, list):
        return all(_is_json(item, depth + 1) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int)


def _is_closed(text: str) -> bool:
    open_brackets, in_string = _open_brackets(text)
    return not open_brackets and not in_string


def _open_brackets(text: str) -> tuple[list[str], bool]:
    """What is still open at the end, and whether that is inside a string."""
    found: list[str] = []
    in_string = False
    position = 0
    while match := _STRUCTURE.search(text, position):
        mark, position = match[0], match.end()
        if mark == '"':
            in_string = not in_string
        elif mark == "\\":
            position += in_string
        elif in_string:
            continue
        elif mark in _CLOSING:
            found.append(mark)
        elif found and _CLOSING[found[-1]] == mark:
            found.pop()
    return found, in_string


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("beyond what a number can hold")
    return value


_WAYS: tuple[tuple[Callable[[str], Any], str], ...] = (
    (_raw_breaks, "line breaks or tabs stood unescaped in a string"),
    (_surrounded, "something stood around the object"),
    (python, "it was written as a Python literal"),
    (_unescaped, "the quotes were escaped"),
    (_behind_nothing, "an empty object stood before it"),
)
