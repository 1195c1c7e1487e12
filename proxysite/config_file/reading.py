"""From a file, or standard input, to the JSON value in it.  Each obstacle is one sentence."""

import json
import sys
from pathlib import Path
from typing import Any

from proxysite.config_file.checking import shown
from proxysite.config_file.document import ConfigFileError

STANDARD_INPUT = "-"


def read(path: str) -> tuple[Any, list[str]]:
    """The value, and notes about it.  Raises ConfigFileError.

    NaN and Infinity, which are no JSON, are let through: whoever checks the content can name their place.
    """
    name = "Standard input" if path == STANDARD_INPUT else path
    try:
        content = sys.stdin.buffer.read() if path == STANDARD_INPUT else Path(path).read_bytes()
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise ConfigFileError([f"{name} cannot be read: {why}."]) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ConfigFileError([f"{name} is not UTF-8 text: {problem.reason} at byte {problem.start}."]) from None
    if not text.strip():
        raise ConfigFileError([f"{name} is empty; it should hold a JSON object."])
    return _parsed(text, name)


def _parsed(text: str, name: str) -> tuple[Any, list[str]]:
    twice: list[str] = []

    def last_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            keys = [key for key, _ in pairs]
            twice.extend(key for key in content if keys.count(key) > 1)
        return content

    try:
        value = json.loads(text, object_pairs_hook=last_of_each)
    except json.JSONDecodeError as problem:
        where = f"line {problem.lineno}, column {problem.colno}"
        raise ConfigFileError([f"{name} is not valid JSON: {problem.msg} at {where}."]) from None
    except RecursionError:
        raise ConfigFileError([f"{name} is nested too deeply."]) from None
    except ValueError:  # Python's own limit; the number itself would fill screens
        raise ConfigFileError([f"{name} has a number with too many digits."]) from None
    return value, [f"{shown(key)} is written more than once in one object; the last one counts." for key in twice]
