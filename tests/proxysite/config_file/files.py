"""Configuration files for tests, and the whole of what is stored, for comparison."""

import json
from typing import Any

import pytest
from django.core import serializers

from proxysite import config_file
from routing.models import BindingTarget, ConfigSection, ModelBinding, ParallelLimit, ThrottleRule, Upstream
from sampling.models import SamplingPreset, SamplingRule
from validation.models import ValidationPolicy, Validator

TABLES = (
    ValidationPolicy,
    Validator,
    Upstream,
    ModelBinding,
    BindingTarget,
    ParallelLimit,
    ThrottleRule,
    ConfigSection,
    SamplingPreset,
    SamplingRule,
)


def upstream(name: str = "local", **fields: Any) -> dict[str, Any]:
    return {"name": name, "base_url": "http://127.0.0.1:8080", **fields}


def imported(content: Any, *, replace: bool = False) -> config_file.Report:
    return config_file.import_document(config_file.parse(content), replace=replace)


def refusals(content: Any) -> list[str]:
    with pytest.raises(config_file.ConfigFileError) as refused:
        config_file.parse(content)
    return refused.value.errors


def dump() -> str:
    """Every configuration row, its number and its stored (encrypted) key included."""
    rows = [json.loads(serializers.serialize("json", table.objects.order_by("pk"))) for table in TABLES]
    keys = [(row.pk, row.api_key and row.api_key.reveal()) for row in Upstream.objects.order_by("pk")]
    return json.dumps([rows, keys], indent=1)


def facts() -> dict[str, Any]:
    """The rows without their numbers, in the order in which they count; for targets that is within their binding."""
    found = {table.__name__: [_fields(row) for row in table.objects.all()] for table in TABLES}
    found["BindingTarget"].sort(key=lambda fields: fields["binding"])
    found["ThrottleRule"].sort(key=lambda fields: (fields["position"], bool(fields["model_pattern"])))
    return found


def _fields(row: Any) -> dict[str, Any]:
    return {
        field.name: str(getattr(row, field.name)) if field.is_relation else getattr(row, field.name)
        for field in row._meta.concrete_fields
        if not field.primary_key
    }
