"""What is mended of the answers of some models, as rows."""

from django.core.exceptions import ValidationError
from django.db import models

from routing import row_fields
from routing.row_fields import Findable
from validation.repair import FAMILIES
from validation.repair import settings as repair_settings


def validate_repair(value: str) -> None:
    if value and (problem := repair_settings.problem(value, FAMILIES)):
        raise ValidationError(problem)


class RepairRule(Findable):
    """Which leaked tool calls are mended for the models that a pattern names, whatever their upstream says."""

    model_pattern = models.CharField(
        max_length=200,
        unique=True,
        default="*",
        help_text="Name or glob of the models, as clients write them: kimi-*. Case does not matter.",
    )
    tool_call_repair = models.CharField(
        max_length=200,
        blank=True,
        default="auto",
        validators=[validate_repair],
        help_text="Leaked tool calls that are mended: off, auto, or families separated by commas. Blank: as the "
        "upstream says.",
    )
    mend_history = models.BooleanField(
        default=False,
        help_text="Arguments of earlier tool calls in a request are mended too, before the model sees them again.",
    )
    position = row_fields.position()
    enabled = models.BooleanField(default=True, help_text="Off: as if this rule were not here.")

    NATURAL_KEY = ("model_pattern",)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.model_pattern
