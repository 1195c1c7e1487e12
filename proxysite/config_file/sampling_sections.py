"""The sampling sections of a config.json: the simple ones of the earlier proxies, and our own `sampling` in full."""

from typing import Any

from proxysite.config_file.checking import Checker, child, shown
from proxysite.config_file.document import STEP, Document, RuleEntry
from sampling import parameters
from sampling.models import SamplingPreset, SamplingRule

SAMPLING_SECTIONS = ("default_sampling_params", "enforced_sampling_params", "model_sampling_params", "sampling")

_RULE_FIELDS = {
    name: SamplingRule._meta.get_field(name) for name in ("layer", "model_pattern", "applies_to", "position", "enabled")
}
_PRESET_NAME = SamplingPreset._meta.get_field("name")


def parse_sampling(sections: dict[str, Any], document: Document, checker: Checker) -> None:
    _parse_full(sections.get("sampling", {}), document, checker)
    simple = _Simple(document, checker)
    simple.add("default_sampling_params", sections.get("default_sampling_params"), "default", "defaults")
    simple.add("enforced_sampling_params", sections.get("enforced_sampling_params"), "enforced", "enforced")
    override = sections.get("override")
    if isinstance(override, dict):
        only = checker.flag(override.get("only_anthropic", False), "override.only_anthropic")
        applies_to = "messages" if only else "all"
        simple.add("override.sampling_params", override.get("sampling_params"), "enforced", "override", "*", applies_to)
    models = checker.object(sections.get("model_sampling_params", {}), "model_sampling_params")
    for model, values in models.items():
        simple.add(f"model_sampling_params[{shown(model)}]", values, "model", model, model)


class _Simple:
    """A set of parameters that becomes a preset of its own and one rule."""

    def __init__(self, document: Document, checker: Checker) -> None:
        self._document = document
        self._checker = checker

    def add(self, path: str, values: Any, layer: str, preset: str, pattern: str = "*", applies_to: str = "all") -> None:
        if values is None:
            return
        values = self._checker.object(values, path)
        _check_parameters(values, path, self._checker)
        self._checker.field(_RULE_FIELDS["model_pattern"], pattern, path)
        if all(value is None for value in values.values()):
            return  # nothing but "not set"
        name = self._free(preset)
        self._document.presets[name] = values
        position = STEP * (len(self._document.rules) + 1)
        self._document.rules.append(RuleEntry(name, layer, pattern, applies_to, position))

    def _free(self, wanted: str) -> str:
        """A name that no other preset has, and that is short enough with its number."""
        name, number = wanted[:90], 1
        while name in self._document.presets:
            number += 1
            name = f"{wanted[:90]} {number}"
        return name


def _parse_full(section: Any, document: Document, checker: Checker) -> None:
    section = checker.object(section, "sampling")
    for key in sorted(section.keys() - {"presets", "rules"}):
        checker.wrong(child("sampling", key), "is not known; sampling has presets and rules")
    for name, values in checker.object(section.get("presets", {}), "sampling.presets").items():
        path = f"sampling.presets[{shown(name)}]"
        checker.field(_PRESET_NAME, name, path)
        document.presets[name] = checker.object(values, path)
        _check_parameters(document.presets[name], path, checker)
    for index, entry in enumerate(checker.list(section.get("rules", []), "sampling.rules")):
        _parse_rule(entry, f"sampling.rules[{index}]", document, checker)


def _parse_rule(entry: Any, path: str, document: Document, checker: Checker) -> None:
    if not isinstance(entry, dict):
        checker.wrong(path, "must be an object", entry)
        return
    for key in sorted(entry.keys() - {"preset", *_RULE_FIELDS}):
        checker.wrong(child(path, key), f"is not known; a rule has preset, {', '.join(_RULE_FIELDS)}")
    fields = {key: entry[key] for key in _RULE_FIELDS if key in entry}
    fine = [checker.field(_RULE_FIELDS[key], value, f"{path}.{key}") for key, value in fields.items()]
    preset = entry.get("preset")
    if not isinstance(preset, str) or preset not in document.presets:
        known = ", ".join(document.presets) or "there are none"
        checker.wrong(f"{path}.preset", f"must be one of sampling.presets ({known})", preset)
    elif all(fine):
        document.rules.append(RuleEntry(preset, **{"layer": "model", **fields}))


def _check_parameters(values: dict[str, Any], path: str, checker: Checker) -> None:
    for name, problem in parameters.problems(values):
        checker.wrong(child(path, name), problem, values[name])
