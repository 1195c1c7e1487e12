"""Presets and rules, as rows."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from routing import row_fields
from routing.dialects import Dialect
from routing.row_fields import Findable, Named
from sampling import parameters
from sampling.snapshot import Layer


def validate_parameters(value: Any) -> None:
    if not isinstance(value, dict):
        raise ValidationError('Enter an object of parameters: {"temperature": 0.6, "top_p": 0.95}.')
    problems = [f"{name} {problem}." for name, problem in parameters.problems(value)]
    if problems:
        raise ValidationError(problems)


class SamplingPreset(Named):
    """A named set of sampling parameters."""

    name = models.CharField(max_length=100, unique=True, help_text="What rules and records call it.")
    parameters = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_parameters],
        help_text='Any fields of a request body: {"temperature": 0.6, "chat_template_kwargs": {"thinking": true}}. '
        "null switches a parameter off on the preset's layer.",
    )


class SamplingRule(Findable):
    """A preset, the layer it is applied on, and the models it is for."""

    preset = models.ForeignKey(SamplingPreset, on_delete=models.CASCADE, related_name="rules", help_text="What is set.")
    layer = models.CharField(
        max_length=10,
        choices=[
            (Layer.DEFAULT.value, "default: if neither request nor model rule sets it"),
            (Layer.MODEL.value, "model: if the request does not set it"),
            (Layer.ENFORCED.value, "enforced: whatever the request says"),
        ],
        default=Layer.MODEL,
        help_text="enforced > request > model > default.",
    )
    model_pattern = models.CharField(
        max_length=200,
        default="*",
        help_text="Name or glob of the models it is for, as clients write them. Case does not matter.",
    )
    applies_to = models.CharField(
        max_length=20,
        choices=[("all", "all clients"), *((dialect.value, f"{dialect.value} clients") for dialect in Dialect)],
        default="all",
        help_text="Only requests that clients send in this dialect.",
    )
    position = row_fields.position(
        "Among rules of one layer an exact name beats globs; among globs the lowest number wins."
    )
    enabled = models.BooleanField(default=True, help_text="Off: as if this rule were not here.")

    NATURAL_KEY = ("preset__name", "layer", "model_pattern", "applies_to")

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return f"{self.preset} for {self.model_pattern} ({self.layer})"


CONFIGURATION: tuple[type[models.Model], ...] = (SamplingPreset, SamplingRule)
