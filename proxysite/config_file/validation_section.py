"""`validation` of a config.json: the one policy of the earlier proxy, laid out flat, and ours for single models.

{"enabled": true, "validator_url": "http://127.0.0.1:1235", …,      the policy “*”, and its validator model
 "per_model": {"glm-*": {"validator": "judge", …}},                  further policies
 "validators": {"judge": {"base_url": …, "model": …}}}               further validator models
"""

from typing import Any

from django.db import models

from proxysite.config_file.checking import Checker, child, shown
from proxysite.config_file.document import STEP, Document, PolicyEntry, ValidatorEntry
from proxysite.config_file.spelling import meant
from routing import address
from routing.matching import fold
from validation.models import ValidationPolicy, Validator

SECTION = "validation"
PER_MODEL = "per_model"
VALIDATORS = "validators"
EVERYTHING = "*"
FAR = 1000

OWN = "validator"  # what the validator model is called that the section itself gives the address of
URL, MODEL = "validator_url", "validator_model"
URL_IF_NOT_SAID, MODEL_IF_NOT_SAID = "http://127.0.0.1:1235", "Qwen3.5-4B-UD-Q6_K_XL.gguf"
SPEAKS = ("supports_openai", "supports_anthropic")


def _fields(model: type[models.Model], *others: str) -> dict[str, models.Field]:
    return {
        field.name: field
        for field in model._meta.concrete_fields
        if not field.primary_key and not field.is_relation and field.name not in others
    }


POLICY = _fields(ValidationPolicy, "model_pattern")
VALIDATOR = _fields(Validator, "name")
FLAT = frozenset({*POLICY, "validator", URL, MODEL, *SPEAKS})
KNOWN = FLAT | {PER_MODEL, VALIDATORS}


def position(pattern: str, last: int) -> int:
    """Of a policy that follows one at `last`; what is for everything leaves room before it for policies to come."""
    return max(last + STEP, FAR) if pattern == EVERYTHING else last + STEP


def parse_validation(sections: dict[str, Any], document: Document, checker: Checker) -> None:
    if SECTION not in sections:
        return
    reader = _Reader(checker.object(sections[SECTION], SECTION), document, checker)
    document.validators, document.policies = reader.validators, reader.policies
    reader.read()


class _Reader:
    def __init__(self, section: dict[str, Any], document: Document, checker: Checker) -> None:
        self.validators: list[ValidatorEntry] = []
        self.policies: list[PolicyEntry] = []
        self._section = section
        self._document = document
        self._checker = checker
        self._seen: set[str] = set()
        self._last = 0

    def read(self) -> None:
        flat = {key: value for key, value in self._section.items() if key in FLAT}
        for name, said in self._checker.object(self._section.get(VALIDATORS, {}), f"{SECTION}.{VALIDATORS}").items():
            self._add_validator(name, said, f"{SECTION}.{VALIDATORS}[{shown(name)}]")
        if flat and "validator" not in flat:
            flat = self._with_own_validator(flat)
        for pattern, said in self._checker.object(self._section.get(PER_MODEL, {}), f"{SECTION}.{PER_MODEL}").items():
            path = f"{SECTION}.{PER_MODEL}[{shown(pattern)}]"
            self._add_policy(pattern, self._checker.object(said, path), path)
        if flat:
            for key in sorted(flat.keys() & {URL, MODEL, *SPEAKS}):
                self._checker.wrong(f"{SECTION}.{key}", f"belongs to “{OWN}”, but the policy names another validator")
            self._add_policy(EVERYTHING, {"enabled": False, **flat}, SECTION)
        self._keep({key: value for key, value in self._section.items() if key not in KNOWN})

    def _with_own_validator(self, flat: dict[str, Any]) -> dict[str, Any]:
        """The policy of the earlier proxy, which gives its validator model's address; null: it has none."""
        about = {"base_url": flat.get(URL, URL_IF_NOT_SAID), "model": flat.get(MODEL, MODEL_IF_NOT_SAID)}
        about |= {key: flat[key] for key in SPEAKS if key in flat}
        policy = {key: value for key, value in flat.items() if key in POLICY}
        if about["base_url"] is None:
            return {**policy, "validator": None}
        if OWN in (entry.name for entry in self.validators):
            taken = f"is what the validator model at {URL} is called: choose another name, or say which “validator”"
            self._checker.wrong(f"{SECTION}.{VALIDATORS}[{shown(OWN)}]", taken)
        paths = {"base_url": f"{SECTION}.{URL}", "model": f"{SECTION}.{MODEL}"}
        self._add_validator(OWN, about, SECTION, paths)
        return {**policy, "validator": OWN}

    def _add_validator(self, name: str, said: Any, path: str, paths: dict[str, str] | None = None) -> None:
        checker = self._checker
        said = checker.object(said, path)
        fine = [checker.field(Validator._meta.get_field("name"), name, path)]
        fine += [self._is_known(said, VALIDATOR, path)]
        for key in ("base_url", "model"):
            if key not in said:
                checker.wrong(f"{path}.{key}", "is missing")
                fine.append(False)
        fields = {key: value for key, value in said.items() if key in VALIDATOR}
        fine += [checker.field(VALIDATOR[key], value, (paths or {}).get(key, f"{path}.{key}"))
                 for key, value in fields.items()]  # fmt: skip
        if all(fine) and not (fields.get("supports_openai", True) or fields.get("supports_anthropic", False)):
            checker.wrong(path, "must speak at least one of openai, anthropic (supports_…)")
        if all(fine):
            fields["base_url"] = address.normal_base_url(fields["base_url"])
        self.validators.append(ValidatorEntry(name, path, _as_stored(fields, VALIDATOR) if all(fine) else {}))

    def _add_policy(self, pattern: str, said: dict[str, Any], path: str) -> None:
        checker = self._checker
        checker.field(ValidationPolicy._meta.get_field("model_pattern"), pattern, path)
        if not pattern.strip():
            checker.wrong(path, "must name a model")
        if fold(pattern.strip()) in self._seen:
            checker.wrong(path, "must be different from every other pattern (case does not matter)")
        self._seen.add(fold(pattern.strip()))
        if path != SECTION:
            self._is_known(said, {*POLICY, "validator"}, path)
        validator = said.get("validator")
        if validator is not None and validator not in [entry.name for entry in self.validators]:
            known = ", ".join(entry.name for entry in self.validators) or "there are none"
            checker.wrong(f"{path}.validator", f"must be one of {SECTION}.{VALIDATORS} ({known})", validator)
        fields = {key: said[key] for key in POLICY
                  if key in said and checker.field(POLICY[key], said[key], f"{path}.{key}")}  # fmt: skip
        fields = {"position": position(pattern, self._last), **_as_stored(fields, POLICY)}
        self._last = fields["position"]
        self.policies.append(PolicyEntry(pattern.strip(), validator, fields))

    def _is_known(self, said: dict[str, Any], known: Any, path: str) -> bool:
        for key in sorted(said.keys() - set(known)):
            self._checker.wrong(child(path, key), f"is not known; there are {', '.join(sorted(known))}")
        return said.keys() <= set(known)

    def _keep(self, unknown: dict[str, Any]) -> None:
        if unknown and self._checker.holds_no_key(unknown, SECTION):
            self._document.kept[SECTION] = unknown
            question = meant(unknown, KNOWN)
            self._document.notes.append(f"{SECTION}: kept, but not known: {', '.join(unknown)}.{question}")


def _as_stored(fields: dict[str, Any], of: dict[str, models.Field]) -> dict[str, Any]:
    """A file may write 5 for 5.0; keys are secrets."""
    return {key: of[key].to_python(value) for key, value in fields.items()}
