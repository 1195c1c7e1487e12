"""Upstreams, bindings and the records of requests, as rows."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F

from routing import address, kinds, row_fields
from routing.dialects import Dialect
from routing.limit_models import ParallelLimit, ThrottleRule
from routing.row_fields import Findable, Named
from routing.snapshot import CredentialMode, KeyStyle
from routing.validators import (
    validate_extra_headers,
    validate_header_name,
    validate_mapping_of_names,
    validate_names,
    validate_repair,
    validate_statuses,
)


class Upstream(Named):
    """A server that requests are sent to."""

    name = models.CharField(max_length=100, unique=True, help_text="Short name that bindings and logs use.")
    base_url = row_fields.base_url(
        "Where it listens, with or without /v1: http://127.0.0.1:8080 · https://api.z.ai/api/paas/v4 · "
        "demo: is the built-in demo."
    )
    enabled = models.BooleanField(default=True, help_text="Off: no request goes there, and its bindings skip it.")
    kind = models.CharField(
        max_length=20,
        choices=[(kind.value, kind.value) for kind in kinds.Kind],
        default=kinds.Kind.AUTO,
        help_text="Which server it is; decides which parameters and quirks it has. auto: by its URL and by what it "
        "says of itself.",
    )
    supports_openai = row_fields.supports_openai("Speaks chat/completions, completions and embeddings.")
    supports_anthropic = row_fields.supports_anthropic("Speaks messages.")
    supports_responses = models.BooleanField("OpenAI responses", default=False, help_text="Speaks responses.")
    supports_generate = models.BooleanField("SGLang generate", default=False, help_text="Speaks SGLang's /generate.")
    anthropic_version = models.CharField(
        max_length=20,
        blank=True,
        help_text="anthropic-version that is sent; blank: the client's own, else 2023-06-01.",
    )

    credential_mode = models.CharField(
        "which key is sent",
        max_length=10,
        choices=[
            (CredentialMode.FORWARD.value, "the client's own"),
            (CredentialMode.OWN.value, "the key below"),
            (CredentialMode.NONE.value, "none"),
        ],
        default=CredentialMode.FORWARD,
        help_text="Whose key goes to this upstream.",
    )
    api_key = row_fields.api_key()
    key_style = models.CharField(
        "key header",
        max_length=10,
        choices=[
            (KeyStyle.BEARER.value, "Authorization: Bearer"),
            (KeyStyle.X_API_KEY.value, "x-api-key"),
            (KeyStyle.HEADER.value, "another header"),
        ],
        default=KeyStyle.BEARER,
        help_text="How the stored key is sent.",
    )
    key_header = models.CharField(
        "other key header",
        max_length=100,
        blank=True,
        validators=[validate_header_name],
        help_text="Name of that other header, for example api-key.",
    )
    extra_headers = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_extra_headers],
        help_text='Headers sent with every request: {"x-team": "lab"}.',
    )

    connect_timeout_seconds = row_fields.connect_timeout()
    timeout_seconds = row_fields.seconds(
        1200.0, "Longest silence while an answer comes, in seconds.", "timeout between bytes"
    )
    first_token_timeout_seconds = row_fields.seconds_or_blank(
        "Longest wait for the first byte of an answer, in seconds; blank: no own limit.", "first token timeout"
    )
    total_timeout_seconds = row_fields.seconds_or_blank(
        "Longest time one answer may take, in seconds; blank: no limit.", "total timeout"
    )
    http2 = models.BooleanField("HTTP/2", default=False, help_text="Speak HTTP/2 to this upstream.")
    verify_tls = models.BooleanField(
        "verify TLS", default=True, help_text="Off: any certificate is accepted. Only for a server of your own."
    )

    drop_params = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_names],
        help_text='Fields taken out of every request body: ["logprobs", "prompt_cache_key"].',
    )
    rename_params = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_mapping_of_names],
        help_text='Fields that this upstream knows by another name: {"max_completion_tokens": "max_tokens"}.',
    )
    set_params = row_fields.json_object(
        'Fields set in every request body, whatever the client sent: {"cache_prompt": true}.'
    )
    strip_billing_header = models.BooleanField(
        null=True,
        blank=True,
        default=None,
        help_text="Take Claude Code's x-anthropic-billing-header block out of the system prompt, so that the prompt "
        "cache works. Unknown: yes, unless the upstream is Anthropic itself.",
    )
    reasoning_field = models.CharField(
        max_length=20,
        choices=[(name, name) for name in ("auto", "reasoning_content", "reasoning")],
        default="auto",
        help_text="Field in which this upstream carries a model's reasoning.",
    )
    tool_call_repair = models.CharField(
        max_length=200,
        default="auto",
        validators=[validate_repair],
        help_text="Leaked tool calls that are mended: off, auto, or families separated by commas. auto: all of them, "
        "unless it is OpenAI or Anthropic itself.",
    )
    max_retries = models.PositiveSmallIntegerField(
        default=2, validators=[MaxValueValidator(20)], help_text="Further attempts after one that failed."
    )
    base_retry_delay = row_fields.seconds(1.0, "Wait before the first retry, in seconds.")
    rate_limit_wait = row_fields.seconds(30.0, "Wait after a rate limit that gives no time of its own, in seconds.")
    loading_wait = row_fields.seconds(
        600.0,
        "Longest wait for a model that the server says is being loaded, in seconds, whatever the number of "
        "retries; 0: do not wait.",
    )
    retry_statuses = models.JSONField(
        default=list, blank=True, validators=[validate_statuses], help_text="Further statuses that are retried: [418]."
    )

    def clean(self) -> None:
        self.base_url = address.normal_base_url(self.base_url)
        if not self.dialects():
            raise ValidationError("An upstream must speak at least one dialect.")
        if self.credential_mode == CredentialMode.OWN and not self.api_key:
            raise ValidationError({"api_key": "Enter the key, or choose another answer to “which key is sent”."})
        if self.key_style == KeyStyle.HEADER and not self.key_header:
            raise ValidationError({"key_header": "Name the header that carries the key."})

    def dialects(self) -> frozenset[Dialect]:
        spoken: set[Dialect] = set()
        if self.supports_openai:
            spoken |= {Dialect.CHAT, Dialect.COMPLETIONS}
        if self.supports_anthropic:
            spoken.add(Dialect.MESSAGES)
        if self.supports_responses:
            spoken.add(Dialect.RESPONSES)
        if self.supports_generate:
            spoken.add(Dialect.GENERATE)
        return frozenset(spoken)


class ModelBinding(Findable):
    """A model name or glob, and the upstreams that serve it."""

    pattern = models.CharField(
        max_length=200,
        unique=True,
        help_text="A model's name, or a glob: glm-* · * catches every other name. Case does not matter.",
    )
    position = row_fields.position()
    session_affinity = models.BooleanField(
        default=False,
        help_text="Requests of one conversation go to the same upstream while it works, so that its prompt cache is "
        "used.",
    )
    enabled = models.BooleanField(default=True, help_text="Off: as if this binding were not here.")

    NATURAL_KEY = ("pattern",)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.pattern

    def clean(self) -> None:
        self.pattern = self.pattern.strip()
        same = ModelBinding.objects.filter(pattern__iexact=self.pattern).exclude(pk=self.pk)
        if same.exists():
            raise ValidationError({"pattern": "There is a binding for this pattern already (case does not matter)."})


class BindingTarget(Findable):
    """One upstream that serves a binding."""

    binding = models.ForeignKey(ModelBinding, on_delete=models.CASCADE, related_name="targets")
    upstream = models.ForeignKey(Upstream, on_delete=models.CASCADE, related_name="targets")
    upstream_model = models.CharField(
        max_length=200,
        blank=True,
        help_text="The model's name at this upstream; blank: the name the client sent; a glob: the first that it lists "
        "and that matches, * for any.",
    )
    priority = models.IntegerField(default=0, help_text="The lowest number is tried first.")
    weight = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1)], help_text="Share of the requests among equal priorities."
    )

    NATURAL_KEY = ("binding__pattern", "upstream__name", "upstream_model")

    class Meta:
        ordering = ["priority", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["binding", "upstream", "upstream_model"],
                name="one_target_for_upstream_and_model",
                violation_error_message="This upstream and model are a target of the binding already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.binding} → {self.upstream}" + (f" ({self.upstream_model})" if self.upstream_model else "")


class ConfigSection(models.Model):
    """A section of an imported config.json that is kept as it came: nothing of a file is lost."""

    name = models.CharField(max_length=100, unique=True, help_text="Name of the section in config.json.")
    content = models.JSONField(help_text="What the file said.")

    class Meta:
        ordering = ["name"]
        verbose_name = "kept section"

    def __str__(self) -> str:
        return self.name


class ConfigRevision(models.Model):
    """Counts configuration changes, so that other processes see that they must load it again.  One row."""

    number = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"revision {self.number}"

    @classmethod
    def count_up(cls) -> None:
        row, made = cls.objects.get_or_create(pk=1, defaults={"number": 1})
        if not made:
            row.number = F("number") + 1
            row.save(update_fields=["number", "changed_at"])

    @classmethod
    def current(cls) -> int:
        return cls.objects.filter(pk=1).values_list("number", flat=True).first() or 0


class TokenCalibration(models.Model):
    """What was learnt of how many real tokens each model makes of an estimated one.  One row."""

    sums = models.JSONField(
        default=dict, help_text="By model: estimated and reported tokens, later requests counting more."
    )

    def __str__(self) -> str:
        return f"{len(self.sums)} models"


class RequestRecord(models.Model):
    """What happened to one request.  Written in batches by `proxysite.gateway.recorder`; never edited."""

    class Outcome(models.TextChoices):
        OK = "ok", "answered"
        UPSTREAM_STATUS = "upstream_status", "upstream said no"
        REFUSED = "refused", "refused"
        UPSTREAM_ERROR = "upstream_error", "upstream failed"
        CUT = "cut", "cut off"
        CLIENT_GONE = "client_gone", "client left"
        ERROR = "error", "internal error"

    request_id = models.CharField(max_length=40, db_index=True)
    received_at = models.DateTimeField(db_index=True)
    admitted_at = models.DateTimeField(null=True)
    first_byte_at = models.DateTimeField("first byte at", null=True)
    done_at = models.DateTimeField()
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500)
    client = models.CharField(max_length=200, blank=True, help_text="The client's user-agent.")
    client_dialect = models.CharField(max_length=20, blank=True)
    upstream_dialect = models.CharField(max_length=20, blank=True)
    streamed = models.BooleanField(default=False)
    model_asked = models.CharField(max_length=200, blank=True)
    model_sent = models.CharField(max_length=200, blank=True)
    upstream = models.CharField(max_length=100, blank=True)
    upstream_request_id = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    status = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    finish_reason = models.CharField(max_length=50, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    cached_tokens = models.PositiveIntegerField(null=True)
    changes = models.JSONField("parameter changes", default=list)
    warnings = models.JSONField(default=list)
    repairs = models.JSONField(default=list)
    error = models.TextField(blank=True)
    request_body = models.TextField(blank=True)
    sent_body = models.TextField(blank=True)
    answer_body = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = "request"

    def __str__(self) -> str:
        return f"{self.request_id} {self.model_asked}"

    def duration_seconds(self) -> float:
        return (self.done_at - self.received_at).total_seconds()


CONFIGURATION: tuple[type[models.Model], ...] = (
    Upstream,
    ModelBinding,
    BindingTarget,
    ParallelLimit,
    ThrottleRule,
    ConfigSection,
)
