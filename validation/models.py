"""The stored bad answers, as rows."""

from django.db import models

from validation.failures import Channel, Outcome


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
