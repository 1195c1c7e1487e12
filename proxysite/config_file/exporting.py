"""From the rows to a config.json that imports to the same rows.  Keys are never in it; `env:NAME` references are."""

from typing import Any

from proxysite.config_file.admission_sections import GLOBAL, LIMITS, PER_MODEL, THROTTLE
from proxysite.config_file.document import STEP
from proxysite.config_file.exporting_validation import validation
from proxysite.config_file.validation_section import SECTION as VALIDATION
from routing.admission.limits import Scope
from routing.fields import is_reference
from routing.matching import fold
from routing.models import BindingTarget, ConfigSection, ModelBinding, ParallelLimit, ThrottleRule, Upstream
from sampling.models import SamplingPreset, SamplingRule

_FIELDS = [field.name for field in Upstream._meta.concrete_fields if not field.primary_key and field.name != "api_key"]


def export() -> dict[str, Any]:
    """Upstreams with every field by name, bindings in order, presets and rules in full, kept sections as they came."""
    kept = {section.name: section.content for section in ConfigSection.objects.all()}
    unknown = {fold(name): keys for name, keys in kept.pop("upstreams", {}).items()}
    content = {
        "upstreams": [_upstream(row, unknown.get(fold(row.name), {})) for row in Upstream.objects.all()],
        "model_upstream_binding": _bindings(),
        "sampling": {
            "presets": {preset.name: preset.parameters for preset in SamplingPreset.objects.all()},
            "rules": [_rule(rule) for rule in SamplingRule.objects.select_related("preset")],
        },
    }
    said = {LIMITS: _limits(), THROTTLE: _throttle(), VALIDATION: validation(kept.get(VALIDATION))}
    content |= {name: section for name, section in said.items() if section}
    return content | {name: section for name, section in kept.items() if name not in content}


def is_empty(content: dict[str, Any]) -> bool:
    """Whether an export is that of an installation in which nothing is configured."""
    sampling = {"presets": {}, "rules": []}
    return content == {"upstreams": [], "model_upstream_binding": {}, "sampling": sampling}


def _upstream(row: Upstream, unknown: dict[str, Any]) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in _FIELDS}
    if is_reference(row.api_key):
        fields["api_key"] = row.api_key.reveal()
    return fields | {key: value for key, value in unknown.items() if key not in fields}


def _bindings() -> dict[str, Any]:
    """In order of position; the number itself is only said where the order alone would give another."""
    said, last = {}, 0
    for binding in ModelBinding.objects.prefetch_related("targets__upstream"):
        about: dict[str, Any] = {} if binding.position == last + STEP else {"position": binding.position}
        if not binding.enabled:
            about["enabled"] = False
        if binding.session_affinity:
            about["session_affinity"] = True
        targets = [_target(target) for target in binding.targets.all()]
        value = targets[0] if len(targets) == 1 else targets
        said[binding.pattern] = {"targets": value, **about} if about else value
        last = binding.position
    return said


def _target(target: BindingTarget) -> Any:
    """Just the upstream's name if there is no more to say."""
    said: dict[str, Any] = {"upstream": target.upstream.name}
    if target.upstream_model:
        said["model"] = target.upstream_model
    if target.priority != 0:
        said["priority"] = target.priority
    if target.weight != 1:
        said["weight"] = target.weight
    return said if len(said) > 1 else target.upstream.name


def _rule(rule: SamplingRule) -> dict[str, Any]:
    return {
        "preset": rule.preset.name,
        "layer": rule.layer,
        "model_pattern": rule.model_pattern,
        "applies_to": rule.applies_to,
        "position": rule.position,
        "enabled": rule.enabled,
    }


def _limits() -> dict[str, Any]:
    """As short as it can be said: the number alone, under the model's name, or “global”."""
    said: dict[str, Any] = {}
    last = 0
    for row in ParallelLimit.objects.select_related("upstream"):
        about: dict[str, Any] = {"limit": row.limit}
        for name in ("queue_size", "queue_timeout_seconds"):
            if getattr(row, name) is not None:
                about[name] = getattr(row, name)
        about |= _place(row, last)
        last = row.position
        label = row.name if row.scope == Scope.MODEL else GLOBAL
        if row.scope == Scope.UPSTREAM:
            label, about = f"upstream {row.name}", {"upstream": row.name, **about}
        elif row.scope == Scope.MODEL and fold(label) == GLOBAL:
            about = {"model": row.name, **about}
        while label in said or (fold(label) == GLOBAL and "model" in about):
            label += "’"  # only a label: what it is for stands in the object
            about = {"model": row.name, **about} if row.scope == Scope.MODEL else about
        said[label] = about if len(about) > 1 else row.limit
    return said


def _throttle() -> dict[str, Any]:
    said: dict[str, Any] = {}
    rules = list(ThrottleRule.objects.all())
    last = 0
    for row in sorted(rules, key=lambda row: bool(row.model_pattern)):
        names = ("start_pause_seconds", "end_pause_seconds")
        about = {name: getattr(row, name) for name in names if getattr(row, name) is not None} | _place(row, last)
        last = row.position
        if row.model_pattern:
            said.setdefault(PER_MODEL, {})[row.model_pattern] = about
        else:
            said[GLOBAL] = about
    return {"enabled": True, **said} if said else {}


def _place(row: ParallelLimit | ThrottleRule, last: int) -> dict[str, Any]:
    """Position and switch, where they are not what the order alone would give."""
    about: dict[str, Any] = {} if row.position == last + STEP else {"position": row.position}
    return about if row.enabled else {**about, "enabled": False}
