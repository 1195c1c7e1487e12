"""From policies and validator models to the `validation` section, in the earlier proxy's shape as far as that goes."""

from typing import Any

from proxysite.config_file.validation_section import (
    EVERYTHING,
    KNOWN,
    MODEL,
    OWN,
    PER_MODEL,
    POLICY,
    SPEAKS,
    URL,
    VALIDATOR,
    VALIDATORS,
    position,
)
from routing.fields import is_reference
from validation.models import ValidationPolicy, Validator


def validation(kept: Any) -> dict[str, Any]:
    """`kept`: keys that are not known, as they came.  Empty where there are no rows."""
    validators = {row.name: _validator(row) for row in Validator.objects.all()}
    policies = list(ValidationPolicy.objects.select_related("validator"))
    flat, last = {}, 0
    # Only the last can be told flat, for that is where the file's reader puts it among equal positions.
    general = policies.pop() if policies and policies[-1].model_pattern == EVERYTHING else None
    per_model = {}
    for row in policies:
        per_model[row.model_pattern] = {"validator": row.validator and row.validator.name} | _policy(row, last)
        last = row.position
    if general:
        flat = _judge(general, validators) | _policy(general, last)
    said = flat | {name: rows for name, rows in ((PER_MODEL, per_model), (VALIDATORS, validators)) if rows}
    if not said:
        return {}
    return said | {key: value for key, value in kept.items() if key not in KNOWN} if isinstance(kept, dict) else said


def _policy(row: ValidationPolicy, last: int) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in POLICY}
    if row.position == position(row.model_pattern, last):
        del fields["position"]
    return fields


def _validator(row: Validator) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in VALIDATOR if name != "api_key"}
    return fields | ({"api_key": row.api_key.reveal()} if is_reference(row.api_key) else {})


def _judge(general: ValidationPolicy, validators: dict[str, Any]) -> dict[str, Any]:
    """The validator model of the general policy: its address, where that says all, else its name."""
    if general.validator is None:
        return {URL: None}
    name = general.validator.name
    about = validators[name]
    plain = {key: VALIDATOR[key].get_default() for key in about if key not in ("base_url", "model", *SPEAKS)}
    if name != OWN or {key: about[key] for key in plain} != plain:
        return {"validator": name}
    del validators[name]
    spoken = {key: about[key] for key in SPEAKS if about[key] != VALIDATOR[key].get_default()}
    return {URL: about["base_url"], MODEL: about["model"], **spoken}
