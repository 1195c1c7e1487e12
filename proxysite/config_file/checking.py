"""Collects what is wrong with a file: every error with its path, all of them at once."""

import json
import math
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from routing.fields import SecretField

MISSING: Any = object()


class Checker:
    def __init__(self) -> None:
        self.errors: list[str] = []

    def wrong(self, path: str, must: str, got: Any = MISSING) -> None:
        self.errors.append(f"{path}: {must}" + ("" if got is MISSING else f", got {shown(got)}"))

    def object(self, value: Any, path: str) -> dict[str, Any]:
        """`value` if it is an object, else an empty one and an error."""
        if isinstance(value, dict):
            return value
        self.wrong(path, "must be an object", value)
        return {}

    def typed(self, value: Any, path: str, must: str, fits: Callable[[Any], bool]) -> bool:
        if fits(value):
            return True
        self.wrong(path, must, value)
        return False

    def validated(self, path: str, validator: Callable[[Any], None], value: Any) -> None:
        try:
            validator(value)
        except ValidationError as problem:
            for text in problem.messages:
                self.wrong(path, text[:1].lower() + text[1:].rstrip("."), value)

    def field(self, field: models.Field, value: Any, path: str) -> bool:
        """Checks a value against a row's field, strictly: no text for a number, no number for a switch."""
        if value is None and (field.null or isinstance(field, SecretField)):
            return True
        must, fits = _expected(field)
        if not self.typed(value, path, must, fits):
            return False
        before = len(self.errors)
        if value not in field.empty_values:
            for validator in field.validators:
                self.validated(path, validator, value)
        return len(self.errors) == before


def shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def is_port(value: Any) -> bool:
    return (is_integer(value) and 0 <= value <= 65535) or (is_text(value) and value.isdigit() and int(value) <= 65535)


def _expected(field: models.Field) -> tuple[str, Callable[[Any], bool]]:
    if field.choices:
        choices = [choice for choice, _ in field.flatchoices]
        return f"must be one of {', '.join(choices)}", lambda value: value in choices
    for kind, must, fits in _BY_CLASS:
        if isinstance(field, kind):
            return must, fits
    return "must be JSON", lambda value: True


_BY_CLASS: tuple[tuple[type[models.Field], str, Callable[[Any], bool]], ...] = (
    (models.BooleanField, "must be true or false", is_flag),
    (models.FloatField, "must be a number", is_number),
    (models.IntegerField, "must be a whole number", is_integer),
    (models.CharField, "must be a text", is_text),
    (models.TextField, "must be a text", is_text),
)
