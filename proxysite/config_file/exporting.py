"""From the rows to a config.json that imports to the same rows.  Keys are never in it; `env:NAME` references are."""

from typing import Any

from routing.fields import is_reference
from routing.models import BindingTarget, ConfigSection, ModelBinding, Upstream
from sampling.models import SamplingPreset, SamplingRule

_FIELDS = [field.name for field in Upstream._meta.concrete_fields if not field.primary_key and field.name != "api_key"]


def export() -> dict[str, Any]:
    """Upstreams with every field by name, bindings in order, presets and rules in full, kept sections as they came."""
    kept = {section.name: section.content for section in ConfigSection.objects.all()}
    extras = kept.pop("upstreams", {})
    content = {
        "upstreams": [_upstream(row) | extras.get(row.name, {}) for row in Upstream.objects.all()],
        "model_upstream_binding": {
            binding.pattern: _binding(binding) for binding in ModelBinding.objects.prefetch_related("targets__upstream")
        },
        "sampling": {
            "presets": {preset.name: preset.parameters for preset in SamplingPreset.objects.all()},
            "rules": [_rule(rule) for rule in SamplingRule.objects.select_related("preset")],
        },
    }
    return content | kept


def _upstream(row: Upstream) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in _FIELDS}
    return {**fields, "api_key": row.api_key.reveal()} if is_reference(row.api_key) else fields


def _binding(binding: ModelBinding) -> Any:
    targets = [_target(target) for target in binding.targets.all()]
    value = targets[0] if len(targets) == 1 else targets
    return value if binding.enabled and targets else {"targets": value, "enabled": binding.enabled}


def _target(target: BindingTarget) -> Any:
    """Just the upstream's name if there is no more to say."""
    said = {
        "upstream": target.upstream.name,
        "model": target.upstream_model,
        "priority": target.priority,
        "weight": target.weight,
    }
    told = {key: value for key, value in said.items() if value not in ({"priority": 0, "weight": 1}.get(key), "")}
    return told["upstream"] if told.keys() == {"upstream"} else told


def _rule(rule: SamplingRule) -> dict[str, Any]:
    return {
        "preset": rule.preset.name,
        "layer": rule.layer,
        "model_pattern": rule.model_pattern,
        "applies_to": rule.applies_to,
        "position": rule.position,
        "enabled": rule.enabled,
    }
