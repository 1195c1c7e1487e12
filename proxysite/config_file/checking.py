"""Collects what is wrong with a file: every error with its path, all of them at once."""

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from routing.fields import ENVIRONMENT_PREFIX, SecretField

MISSING: Any = object()

_DEEPEST = 100  # levels of nesting; SQLite and every parser on the way have limits of their own, further down
_WORD = re.compile(r"[A-Za-z_]\w*")
_PORT = re.compile(r"[0-9]{1,5}")
_LOOKS_LIKE_A_KEY = re.compile(r"api[-_]?key|secret|password|authorization|(^|[-_])(key|token)$", re.IGNORECASE)


class Checker:
    def __init__(self) -> None:
        self.errors: list[str] = []

    def wrong(self, path: str, must: str, got: Any = MISSING) -> None:
        self.errors.append(_printable(f"{path}: {must}" + ("" if got is MISSING else f", got {shown(got)}")))

    def typed(self, value: Any, path: str, must: str, fits: Callable[[Any], bool]) -> bool:
        if fits(value):
            return True
        self.wrong(path, must, value)
        return False

    def object(self, value: Any, path: str) -> dict[str, Any]:
        """`value` if it is an object, else an empty one and an error."""
        return value if self.typed(value, path, "must be an object", is_object) else {}

    def list(self, value: Any, path: str) -> list[Any]:
        return value if self.typed(value, path, "must be a list", is_list) else []

    def flag(self, value: Any, path: str) -> bool:
        return self.typed(value, path, "must be true or false", is_flag) and value

    def field(self, field: models.Field, value: Any, path: str) -> bool:
        """Checks a value against a row's field, strictly: no text for a number, no number for a switch."""
        if value is None and (field.null or isinstance(field, SecretField)):
            return True
        must, fits = _expected(field)
        got = MISSING if _may_show_a_key(field, value) else value
        if not fits(value):
            self.wrong(path, must, got)
            return False
        if value == "":
            if not field.blank:
                self.wrong(path, "must not be empty")
            return field.blank
        problems = [sentence for validator in field.validators for sentence in _problems(validator, value)]
        for sentence in problems:
            self.wrong(path, sentence, got)
        return not problems

    def holds_no_key(self, content: Any, path: str) -> bool:
        """What is not known is stored and exported as it came, which would spill a key."""
        before = len(self.errors)
        if isinstance(content, list):
            for index, item in enumerate(content):
                self.holds_no_key(item, f"{path}[{index}]")
        elif isinstance(content, dict):
            for name, value in content.items():
                if is_text(value) and _LOOKS_LIKE_A_KEY.search(name) and not value.startswith(ENVIRONMENT_PREFIX):
                    self.wrong(
                        child(path, name),
                        "looks like a key; only an api_key of upstreams and validators is stored encrypted",
                    )
                self.holds_no_key(value, child(path, name))
        return len(self.errors) == before

    def storable(self, content: Any) -> None:
        """Finds what JSON in a database cannot hold, wherever it stands: no later check needs to think of it."""
        waiting = [("", content, 0)]
        while waiting:
            path, value, depth = waiting.pop()
            if depth > _DEEPEST:
                self.wrong(path, f"is nested too deeply: more than {_DEEPEST} levels")
            elif isinstance(value, str) and not _is_unicode(value):
                self.wrong(path or THE_FILE, "must be Unicode text", value)
            elif isinstance(value, float) and not math.isfinite(value):
                self.wrong(path or THE_FILE, "must be a finite number", value)
            elif isinstance(value, list):
                waiting += [(f"{path}[{index}]", item, depth + 1) for index, item in enumerate(value)][::-1]
            elif isinstance(value, dict):
                for name in value:
                    if not _is_unicode(name):
                        self.wrong(child(path, name), "must have a name that is Unicode text")
                waiting += [(child(path, name), item, depth + 1) for name, item in value.items()][::-1]


THE_FILE = "the file"


def child(path: str, name: str) -> str:
    """The path of a value inside an object: a.b, or a["b c"] for a name that is no plain word."""
    if not _WORD.fullmatch(name):
        return f"{path}[{shown(name)}]"
    return f"{path}.{name}" if path else name


def shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"


def is_object(value: Any) -> bool:
    return isinstance(value, dict)


def is_list(value: Any) -> bool:
    return isinstance(value, list)


def is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def is_port(value: Any) -> bool:
    """A number, or the same as text: the first generation wrote "8000"."""
    number = int(value) if is_text(value) and _PORT.fullmatch(value) else value
    return is_integer(number) and 0 <= number <= 65535


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _printable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def _may_show_a_key(field: models.Field, value: Any) -> bool:
    """People put keys where they do not belong, and are told so without the key."""
    if isinstance(field, SecretField) or field.name == "extra_headers":
        return True
    return field.name == "base_url" and is_text(value) and any(sign in value for sign in "@?#")


def _expected(field: models.Field) -> tuple[str, Callable[[Any], bool]]:
    if field.choices:
        choices = [choice for choice, _ in field.flatchoices]
        return f"must be one of {', '.join(choices)}", lambda value: value in choices
    if isinstance(field, models.JSONField):
        return (
            ("must be a list", is_list) if isinstance(field.get_default(), list) else ("must be an object", is_object)
        )
    return next((must, fits) for kind, must, fits in _BY_CLASS if isinstance(field, kind))


_BY_CLASS: tuple[tuple[type[models.Field], str, Callable[[Any], bool]], ...] = (
    (models.BooleanField, "must be true or false", is_flag),
    (models.FloatField, "must be a number", is_number),
    (models.IntegerField, "must be a whole number", is_integer),
    (models.CharField, "must be a text", is_text),
    (models.TextField, "must be a text", is_text),
)

_SENTENCES = {
    "min_value": "must be at least {limit_value}",
    "max_value": "must be at most {limit_value}",
    "max_length": "must have at most {limit_value} characters",
}


def _problems(validator: Callable[[Any], None], value: Any) -> Iterator[str]:
    try:
        validator(value)
    except ValidationError as refused:
        for problem in refused.error_list:
            sentence = _SENTENCES.get(problem.code or "")
            yield sentence.format(**_written(problem.params)) if sentence else _inside(problem.messages[0])


def _written(params: dict[str, Any]) -> dict[str, Any]:
    """0.0 as people write it."""
    return {name: f"{value:g}" if isinstance(value, float) else value for name, value in params.items()}


def _inside(sentence: str) -> str:
    """A sentence as part of a longer one."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")
