"""Parallel limits and throttle rules, as rows."""

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from routing import row_fields
from routing.admission.limits import Key, Scope
from routing.matching import fold
from routing.row_fields import Findable


class ParallelLimit(Findable):
    """How many requests may run at once: in all, to the models of a pattern, or to an upstream."""

    scope = models.CharField(
        max_length=10,
        choices=[
            (Scope.GLOBAL.value, "global: all requests together"),
            (Scope.MODEL.value, "model: those to the models below"),
            (Scope.UPSTREAM.value, "upstream: those to the upstream below"),
        ],
        default=Scope.MODEL,
        help_text="What is counted. A request waits for every limit that it meets: model, then upstream, then global.",
    )
    model_pattern = models.CharField(
        max_length=200,
        blank=True,
        help_text="Name or glob of the models, as clients write them: glm-*. Case does not matter; all models of a "
        "glob share the limit. Only for the scope model.",
    )
    upstream = models.ForeignKey(
        "routing.Upstream",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="limits",
        help_text="Only for the scope upstream.",
    )
    limit = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1)], help_text="So many requests run at once; others queue."
    )
    queue_size = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="So many may wait; one more is refused with 429. Blank: any number. 0: nobody waits.",
    )
    queue_timeout_seconds = row_fields.seconds_or_blank(
        "Longest wait in seconds, then the answer is 503. Blank: as long as the client waits.", "queue timeout"
    )
    position = row_fields.position("An exact name beats globs; among globs the lowest number wins.")
    enabled = models.BooleanField(default=True, help_text="Off: as if this limit were not here.")

    NATURAL_KEY = ("scope", "model_pattern", "upstream__name")

    class Meta:
        ordering = ["position", "pk"]

    @property
    def name(self) -> str:
        """The pattern or the upstream; blank for the global limit."""
        if self.scope == Scope.MODEL:
            return self.model_pattern
        return self.upstream.name if self.scope == Scope.UPSTREAM and self.upstream else ""

    @property
    def key(self) -> Key:
        return self.scope, fold(self.name)

    def __str__(self) -> str:
        return f"{self.scope} {self.name}".strip() + f": {self.limit}"

    def clean(self) -> None:
        self.model_pattern = self.model_pattern.strip()
        self.check_scope()
        if self.scope != Scope.MODEL:
            self.model_pattern = ""
        if self.scope != Scope.UPSTREAM:
            self.upstream = None
        others = ParallelLimit.objects.exclude(pk=self.pk).select_related("upstream")
        if any(other.key == self.key for other in others):
            raise ValidationError("There is a limit for the same already (case does not matter).")

    def check_scope(self) -> None:
        """Raises ValidationError when it does not say what it is for."""
        if self.scope == Scope.MODEL and not self.model_pattern:
            raise ValidationError({"model_pattern": "Name the models, for example glm-*."})
        if self.scope == Scope.UPSTREAM and self.upstream_id is None:
            raise ValidationError({"upstream": "Choose the upstream."})


class ThrottleRule(Findable):
    """Pauses between requests, for all models or those of a pattern."""

    model_pattern = models.CharField(
        max_length=200,
        blank=True,
        help_text="Name or glob of the models, as clients write them. Blank: the global rule, from which the others "
        "inherit. Every model keeps its own time.",
    )
    start_pause_seconds = row_fields.seconds_or_blank(
        "Seconds from the start of one request to the start of the next. Blank: as the global rule says. 0: no pause.",
        "start pause",
    )
    end_pause_seconds = row_fields.seconds_or_blank(
        "Seconds from the end of an answer to the start of the next request. Blank: as the global rule says. "
        "0: no pause.",
        "end pause",
    )
    position = row_fields.position("An exact name beats globs; among globs the lowest number wins.")
    enabled = models.BooleanField(default=True, help_text="Off: as if this rule were not here.")

    NATURAL_KEY = ("model_pattern",)

    class Meta:
        ordering = ["position", "pk"]

    @property
    def name(self) -> str:
        return self.model_pattern

    @property
    def key(self) -> Key:
        return "throttle", fold(self.model_pattern)

    def __str__(self) -> str:
        return f"pauses of {self.model_pattern or 'all models'}"

    def clean(self) -> None:
        self.model_pattern = self.model_pattern.strip()
        if any(other.key == self.key for other in ThrottleRule.objects.exclude(pk=self.pk)):
            raise ValidationError({"model_pattern": "There is a rule for this already (case does not matter)."})

    def check_scope(self) -> None:
        """Nothing: every pattern will do, and none is all models."""
