"""Reads the validation rows and makes the immutable table of them.  A broken row is reported and left out."""

from routing.dialects import Dialect
from routing.fields import resolved
from routing.problems import Problem
from routing.reporting import reported
from validation import models
from validation.detectors.names import DETECTORS
from validation.models import ValidationPolicy, Validator
from validation.repair.settings import RepairRule, RepairTable
from validation.snapshot import Delivery, OnExhausted, Policy, Rung, ValidateOn, ValidationTable, ValidatorTarget


def load() -> tuple[ValidationTable, list[Problem]]:
    """Two queries.  Never raises for the content of a row."""
    policies: list[Policy] = []
    problems: list[Problem] = []
    for row in ValidationPolicy.objects.filter(enabled=True).select_related("validator"):
        validator = _usable(row, problems)
        with reported(problems, "validation policy", row.model_pattern, row):
            policies.append(policy_of(row, validator))
    return ValidationTable(policies=tuple(policies), repair=_repair(problems)), problems


def _repair(problems: list[Problem]) -> RepairTable:
    rules = []
    for row in models.RepairRule.objects.filter(enabled=True):
        with reported(problems, "repair rule", row.model_pattern, row):
            row.clean_fields(exclude=["model_pattern"])
            rules.append(
                RepairRule(pattern=row.model_pattern, families=row.tool_call_repair, mend_history=row.mend_history)
            )
    return RepairTable(rules=tuple(rules))


def _usable(row: ValidationPolicy, problems: list[Problem]) -> ValidatorTarget | None:
    """Its validator model; a broken one is left out, and the built-in detectors judge on."""
    if row.validator is None:
        return None
    found: list[Problem] = []
    with reported(found, "validator", row.validator.name, row.validator):
        return validator_of(row.validator)
    problems += [problem for problem in found if problem not in problems]  # several policies may name it
    return None


def validator_of(row: Validator) -> ValidatorTarget:
    """Raises ValidationError when the row cannot be used."""
    row.clean_fields(exclude=["name"])
    row.clean()
    return ValidatorTarget(
        name=row.name,
        base_url=row.base_url,
        model=row.model,
        dialect=Dialect.MESSAGES if row.supports_anthropic else Dialect.CHAT,
        key=resolved(row.api_key),
        prompt=row.prompt,
        connect_timeout_seconds=row.connect_timeout_seconds,
        timeout_seconds=row.timeout_seconds,
        extra=dict(row.extra_params or {}),
    )


def policy_of(row: ValidationPolicy, validator: ValidatorTarget | None) -> Policy:
    """Raises ValidationError when the row cannot be used."""
    row.clean_fields(exclude=["model_pattern", "validator"])
    return Policy(
        model_pattern=row.model_pattern,
        detectors=frozenset(row.detectors or DETECTORS) if row.builtin else frozenset(),
        validator=validator,
        mid_stream_validation_enabled=row.mid_stream_validation_enabled,
        mid_stream_validation_interval_words=row.mid_stream_validation_interval_words,
        validate_on=ValidateOn(row.validate_on),
        max_retries=row.max_retries,
        retry_base_delay_seconds=row.retry_base_delay_seconds,
        retry_multiplier=row.retry_multiplier,
        confidence_threshold=row.confidence_threshold,
        delivery=Delivery(row.delivery),
        on_exhausted=OnExhausted(row.on_exhausted),
        ladder=tuple(Rung(name) for name in row.ladder or ()),
        hold_seconds=row.hold_seconds,
    )
