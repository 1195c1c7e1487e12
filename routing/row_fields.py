"""What rows of several apps have in common: a name to be found by, a place in an order, a server's address and key.

The fields are made by functions, so that each model says in its own words what they are for, and in its own order.
"""

from functools import reduce
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models

from routing.fields import SecretField
from routing.validators import validate_base_url, validate_object

NOT_NEGATIVE = [MinValueValidator(0.0)]


class _Finder(models.Manager):
    def get_by_natural_key(self, *key: str | None) -> Any:
        """The first of twins, where a model allows them."""
        names = self.model.NATURAL_KEY  # type: ignore[attr-defined]
        return self.filter(**dict(zip(names, key, strict=True)))[:1].get()


class Findable(models.Model):
    """A row that is found by what people call it, so that fixtures need no numbers and may be loaded twice.

    NATURAL_KEY names the fields of that, also of another row (`upstream__name`).
    """

    NATURAL_KEY: tuple[str, ...]
    objects = _Finder()

    class Meta:
        abstract = True

    def natural_key(self) -> tuple[Any, ...]:
        return tuple(reduce(_value, name.split("__"), self) for name in self.NATURAL_KEY)


def _value(row: models.Model | None, field: str) -> Any:
    return None if row is None else getattr(row, field)


class Named(Findable):
    """Its `name` says it all."""

    NATURAL_KEY = ("name",)

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self) -> str:
        return str(self.name)  # type: ignore[attr-defined]


def position(help_text: str = "Globs are tried from the lowest number up; an exact name always wins.") -> models.Field:
    return models.PositiveIntegerField(default=100, help_text=help_text)


def seconds(default: float, help_text: str, name: str | None = None) -> models.Field:
    return models.FloatField(name, default=default, help_text=help_text, validators=NOT_NEGATIVE)


def seconds_or_blank(help_text: str, name: str | None = None) -> models.Field:
    return models.FloatField(name, null=True, blank=True, help_text=help_text, validators=NOT_NEGATIVE)


def base_url(help_text: str) -> models.Field:
    return models.CharField("base URL", max_length=500, validators=[validate_base_url], help_text=help_text)


def supports_openai(help_text: str) -> models.Field:
    return models.BooleanField("OpenAI chat", default=True, help_text=help_text)


def supports_anthropic(help_text: str) -> models.Field:
    return models.BooleanField("Anthropic messages", default=False, help_text=help_text)


def api_key() -> models.Field:
    return SecretField(
        "API key",
        blank=True,
        default="",
        help_text="Stored encrypted and never shown again. env:NAME takes it from the environment. Leave empty to keep "
        "what is stored; a single - removes it.",
    )


def connect_timeout() -> models.Field:
    return seconds(5.0, "Longest wait for the connection, in seconds.", "connect timeout")


def json_object(help_text: str) -> models.Field:
    return models.JSONField(default=dict, blank=True, validators=[validate_object], help_text=help_text)
