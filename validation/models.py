"""Whose answers are judged and by what, and the stored bad answers, as rows."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from routing import address, row_fields
from routing.row_fields import Findable, Named
from validation.detectors.names import DETECTORS
from validation.failures import Channel, Outcome
from validation.repair_rows import RepairRule
from validation.snapshot import LADDER, Delivery, OnExhausted, Rung, ValidateOn


def whole_ladder() -> list[str]:
    return [rung.value for rung in LADDER]


def validate_detectors(value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(name, str) and name in DETECTORS for name in value):
        raise ValidationError(f"Enter a list of detectors, empty for all of them: {', '.join(DETECTORS)}.")


def validate_ladder(value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(rung, str) and rung in list(Rung) for rung in value):
        raise ValidationError(f"Enter a list of what each retry changes: {', '.join(Rung)}.")


class Validator(Named):
    """A small model that is asked whether an answer is garbage."""

    name = models.CharField(max_length=100, unique=True, help_text="What policies call it.")
    base_url = row_fields.base_url(
        "Where it listens, with or without /v1: http://127.0.0.1:1235. With llama.cpp: llama-server -m "
        "MODEL.gguf --port 1235 --parallel 2 -c 40000 --reasoning-budget 0 --temp 1 --min-p 0 --top-p 0.95 "
        "--top-k 20 --repeat-penalty 1 --presence-penalty 1.5 --cache-ram 0"
    )
    model = models.CharField(max_length=200, help_text="The model's name there: Qwen3.5-4B-UD-Q6_K_XL.gguf.")
    supports_openai = row_fields.supports_openai("Asked by chat/completions.")
    supports_anthropic = row_fields.supports_anthropic("Asked by messages, where both are on.")
    api_key = row_fields.api_key()
    connect_timeout_seconds = row_fields.connect_timeout()
    timeout_seconds = row_fields.seconds(300.0, "Longest wait for its verdict; then the answer counts as good.")
    prompt = models.TextField(blank=True, help_text="What it is told; blank: the prompt that comes with the proxy.")
    extra_params = row_fields.json_object(
        'Further fields of its request: {"chat_template_kwargs": {"enable_thinking": false}}.'
    )

    def clean(self) -> None:
        self.base_url = address.normal_base_url(self.base_url)
        if not (self.supports_openai or self.supports_anthropic):
            raise ValidationError("A validator must speak at least one dialect.")


class ValidationPolicy(Findable):
    """What happens to the answers of the models that a pattern names."""

    model_pattern = models.CharField(
        max_length=200,
        unique=True,
        default="*",
        help_text="Name or glob of the models, as clients write them: glm-*. Case does not matter.",
    )
    position = row_fields.position()
    enabled = models.BooleanField(default=True, help_text="Off: as if this policy were not here.")
    builtin = models.BooleanField(
        "built-in detectors", default=True, help_text="Loops and other garbage are found without any further model."
    )
    detectors = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_detectors],
        help_text="Which of the built-in detectors look; none named: all of them.",
    )
    validator = models.ForeignKey(
        Validator,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="policies",
        help_text="The model that is asked as well; none: only the built-in detectors judge.",
    )
    validate_on = models.CharField(
        max_length=10,
        choices=[
            (ValidateOn.ALWAYS.value, "every answer"),
            (ValidateOn.SUSPICION.value, "only where the built-in detectors are in doubt"),
        ],
        default=ValidateOn.ALWAYS.value,
        help_text="What the validator model is asked about.",
    )
    mid_stream_validation_enabled = models.BooleanField(
        default=True, help_text="The validator model is asked while an answer still comes, not only at its end."
    )
    mid_stream_validation_interval_words = models.PositiveIntegerField(
        default=300, validators=[MinValueValidator(1)], help_text="Words between two such questions."
    )
    hold_seconds = row_fields.seconds(2.0, "Longest that a client's stream waits for the validator model.")
    confidence_threshold = models.FloatField(
        default=0.85,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="A verdict of garbage with less confidence than this does not count.",
    )
    delivery = models.CharField(
        max_length=10,
        choices=[
            (Delivery.HOLD_BACK.value, "hold back a window: text arrives a few hundred characters late at most"),
            (Delivery.BUFFER.value, "buffer: nothing arrives before the answer is judged whole"),
        ],
        default=Delivery.HOLD_BACK.value,
        help_text="How much of an answer the client gets before it is judged.",
    )
    max_retries = models.PositiveSmallIntegerField(
        default=1, validators=[MaxValueValidator(20)], help_text="Further attempts after a bad answer."
    )
    ladder = models.JSONField(
        default=whole_ladder,
        blank=True,
        validators=[validate_ladder],
        help_text="What each further attempt changes, in order: " + ", ".join(Rung) + ".",
    )
    retry_base_delay_seconds = row_fields.seconds(1.0, "Wait before the second retry; the first follows at once.")
    retry_multiplier = models.FloatField(
        default=2.0,
        validators=[MinValueValidator(1.0)],
        help_text="Each further wait is this many times the one before.",
    )
    on_exhausted = models.CharField(
        "when exhausted",
        max_length=10,
        choices=[
            (OnExhausted.ERROR.value, "an error in the client's dialect"),
            (OnExhausted.MESSAGE.value, "an assistant's message that explains it"),
            (OnExhausted.DELIVER.value, "the answer as it is"),
        ],
        default=OnExhausted.ERROR.value,
        help_text="What the client gets when the last attempt is bad, too.",
    )

    NATURAL_KEY = ("model_pattern",)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name_plural = "validation policies"

    def __str__(self) -> str:
        return self.model_pattern

    def clean(self) -> None:
        self.model_pattern = self.model_pattern.strip()
        same = ValidationPolicy.objects.filter(model_pattern__iexact=self.model_pattern).exclude(pk=self.pk)
        if same.exists():
            raise ValidationError(
                {"model_pattern": "There is a policy for this pattern already (case does not matter)."}
            )


class ValidationFailure(models.Model):
    """A bad answer and what was done about it.  Written by `proxysite.gateway.recorder`; only its label is edited."""

    class Label(models.TextChoices):
        NONE = "", "unlabelled"
        RIGHT = "right", "right"
        FALSE_ALARM = "false_alarm", "false alarm"

    at = models.DateTimeField("when", db_index=True)
    request_id = models.CharField(max_length=40, db_index=True)
    model = models.CharField(max_length=200, blank=True, help_text="As the client wrote it.")
    model_sent = models.CharField(max_length=200, blank=True)
    upstream = models.CharField(max_length=100, blank=True)
    client_dialect = models.CharField(max_length=20, blank=True)
    policy = models.CharField(max_length=200, blank=True, help_text="Pattern of the policy that was in force.")
    attempt = models.PositiveSmallIntegerField(default=1)
    detector = models.CharField(max_length=50, blank=True)
    issue_type = models.CharField(max_length=50, blank=True)
    confidence = models.FloatField(default=1.0)
    channel = models.CharField(
        max_length=10,
        choices=[
            (Channel.TEXT.value, "text"),
            (Channel.REASONING.value, "reasoning"),
            (Channel.ARGUMENTS.value, "tool arguments"),
            (Channel.ANSWER.value, "the whole answer"),
        ],
        default=Channel.TEXT.value,
    )
    call = models.PositiveSmallIntegerField(default=0, help_text="Which of the tool calls, counted from 0.")
    onset = models.PositiveIntegerField(
        null=True, help_text="Character at which the garbage, or the first repeat, begins."
    )
    offset = models.PositiveIntegerField(null=True, help_text="Character at which it was noticed.")
    left_out = models.PositiveIntegerField(
        default=0, help_text="Characters at the beginning of the channel that were not kept."
    )
    period = models.PositiveIntegerField(default=0, help_text="Length of what repeats; 0: nothing does.")
    explanation = models.TextField(blank=True, help_text="The judge's own words.")
    excerpt = models.TextField(blank=True, help_text="What repeats, or what else gave it away.")
    text = models.TextField(blank=True)
    reasoning = models.TextField(blank=True)
    tool_calls = models.JSONField(default=list, help_text="Name and arguments of each.")
    finish_reason = models.CharField(max_length=50, blank=True)
    released = models.PositiveIntegerField(default=0, help_text="Characters the client had seen by then.")
    parameters = models.JSONField(default=dict, help_text="The sampling parameters in force.")
    request_body = models.TextField(blank=True)
    outcome = models.CharField(
        "what happened next",
        max_length=20,
        choices=[
            (Outcome.RETRIED.value, "asked again"),
            (Outcome.CONTINUED.value, "cut and continued"),
            (Outcome.ERROR.value, "error to the client"),
            (Outcome.MESSAGE.value, "message to the client"),
            (Outcome.DELIVERED.value, "delivered as it was"),
            (Outcome.CLIENT_GONE.value, "client left"),
        ],
        default=Outcome.RETRIED.value,
    )
    next_step = models.CharField(max_length=500, blank=True, help_text="What the next attempt changed.")

    label = models.CharField("was this right?", max_length=20, choices=Label.choices, blank=True, default="")
    labelled_by = models.CharField(max_length=150, blank=True)
    labelled_at = models.DateTimeField(null=True)

    rejudged_at = models.DateTimeField("judged again", null=True)
    rejudged_detector = models.CharField(max_length=50, blank=True, help_text="Blank: nothing was found.")
    rejudged_issue = models.CharField(max_length=50, blank=True)
    rejudged_offset = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = "failure"

    def __str__(self) -> str:
        return f"{self.request_id} attempt {self.attempt}: {self.issue_type or self.detector}"


CONFIGURATION: tuple[type[models.Model], ...] = (Validator, ValidationPolicy, RepairRule)
