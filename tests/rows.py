"""Configuration rows for tests: whatever a test does not care about has a value that works."""

from typing import Any

from routing.models import BindingTarget, ModelBinding, Upstream
from sampling.models import SamplingPreset, SamplingRule
from validation.models import ValidationPolicy, Validator


def make_upstream(*, name: str = "local", base_url: str = "http://127.0.0.1:8080", **fields: Any) -> Upstream:
    return Upstream.objects.create(name=name, base_url=base_url, **fields)


def make_binding(pattern: str = "*", *upstreams: Upstream, **fields: Any) -> ModelBinding:
    binding = ModelBinding.objects.create(pattern=pattern, **fields)
    for upstream in upstreams:
        BindingTarget.objects.create(binding=binding, upstream=upstream)
    return binding


def make_rule(parameters: Any, *, preset: str = "careful", **fields: Any) -> SamplingRule:
    row = SamplingPreset.objects.create(name=preset, parameters=parameters)
    return SamplingRule.objects.create(preset=row, **fields)


def make_validator(*, name: str = "judge", base_url: str = "http://127.0.0.1:1235", **fields: Any) -> Validator:
    return Validator.objects.create(name=name, base_url=base_url, **{"model": "qwen", **fields})


def make_policy(model_pattern: str = "*", **fields: Any) -> ValidationPolicy:
    return ValidationPolicy.objects.create(model_pattern=model_pattern, **fields)
