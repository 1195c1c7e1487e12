"""What the command line of `manage.py serve` lays over the stored configuration, without writing it anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import ValidationError

from proxysite.environment import BadSetting
from routing import address
from routing.dialects import Dialect
from routing.kinds import by_url
from routing.matching import picks_models
from routing.snapshot import Binding, RoutingTable, Target, Upstream
from routing.validators import validate_base_url
from sampling import parameters
from sampling.snapshot import Layer, Rule, SamplingTable

ONLY = ""  # the key of a --target-base-url that names no upstream


@dataclass(frozen=True, kw_only=True)
class Overrides:
    base_urls: Mapping[str, str] = field(default_factory=dict)  # upstream name, or ONLY → base URL
    bindings: Mapping[str, Any] | None = None  # as model_upstream_binding of config.json
    enforced: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.base_urls or self.bindings is not None or self.enforced)

    def applied_to(self, routing: RoutingTable, sampling: SamplingTable) -> tuple[RoutingTable, SamplingTable]:
        """Raises BadSetting when the command line makes no sense, or names an upstream that does not exist."""
        if not self:
            return routing, sampling
        upstreams = self._upstreams(routing.upstreams)
        return (
            replace(
                routing,
                upstreams=tuple(upstreams.values()),
                bindings=self._bindings(routing, upstreams),
            ),
            SamplingTable(rules=(*self._enforced_rules(), *sampling.rules)),
        )

    def _upstreams(self, stored: tuple[Upstream, ...]) -> dict[str, Upstream]:
        upstreams = {upstream.name: upstream for upstream in stored}
        for name, base_url in self.base_urls.items():
            if name == ONLY and len(upstreams) > 1:
                raise BadSetting(
                    f"--target-base-url {base_url} must say which upstream it is for: name={base_url} with one of "
                    f"{', '.join(upstreams)}."
                )
            name = name or next(iter(upstreams), "default")
            upstreams[name] = _at(upstreams.get(name), name, base_url)
        return upstreams

    def _bindings(self, stored: RoutingTable, upstreams: Mapping[str, Upstream]) -> tuple[Binding, ...]:
        if self.bindings is not None:
            _must_be_object(self.bindings, "--model-bindings")
            return tuple(_binding(pattern, value, upstreams) for pattern, value in self.bindings.items())
        if len(upstreams) == 1 and not (stored.bindings and stored.upstreams):
            # The only one there is, or the only one that can be used: then it is the one that was typed just now.
            kept = (binding for binding in stored.bindings if binding.pattern != "*")
            return (*kept, Binding(pattern="*", targets=(Target(upstream=next(iter(upstreams.values()))),)))
        return tuple(
            replace(
                binding,
                targets=tuple(replace(target, upstream=upstreams[target.upstream.name]) for target in binding.targets),
            )
            for binding in stored.bindings
        )

    def _enforced_rules(self) -> list[Rule]:
        if not self.enforced:
            return []
        _must_be_object(self.enforced, "--enforce-params")
        for name, problem in parameters.problems(self.enforced):
            raise BadSetting(f"--enforce-params: {name} {problem}, got {self.enforced[name]!r}.")
        rule = Rule(layer=Layer.ENFORCED, pattern="*", preset="command line", parameters=self.enforced, above_all=True)
        return [rule]


def _at(stored: Upstream | None, name: str, base_url: str) -> Upstream:
    try:
        validate_base_url(base_url)
    except ValidationError as problem:
        raise BadSetting(f"--target-base-url {base_url}: {problem.message}") from None
    base_url = address.normal_base_url(base_url)
    if stored:
        known_by_url = stored.kind is by_url(stored.base_url)
        return replace(stored, base_url=base_url, kind=by_url(base_url) if known_by_url else stored.kind)
    dialects = frozenset({Dialect.CHAT, Dialect.COMPLETIONS, Dialect.GENERATE})
    return Upstream(name=name, base_url=base_url, kind=by_url(base_url), dialects=dialects)


def _must_be_object(value: Any, option: str) -> None:
    if not isinstance(value, Mapping):
        raise BadSetting(f"{option} must be a JSON object, got {value!r}.")


def _binding(pattern: str, value: Any, upstreams: Mapping[str, Upstream]) -> Binding:
    targets = tuple(_targets(value, upstreams))
    if not targets:
        raise BadSetting(f"--model-bindings names no upstream for {pattern}.")
    return Binding(pattern=pattern, targets=targets)


def _targets(value: Any, upstreams: Mapping[str, Upstream]) -> list[Target]:
    """A value of model_upstream_binding: a name, {"upstream", "model"}, or a list of such."""
    if isinstance(value, list):
        return [target for item in value for target in _targets(item, upstreams)]
    fields = {"upstream": value} if isinstance(value, str) else value
    name = fields.get("upstream") if isinstance(fields, dict) else fields
    if not isinstance(name, str) or name not in upstreams:
        raise BadSetting(f"--model-bindings names {name!r}, which is none of the upstreams: {', '.join(upstreams)}.")
    model, priority, weight = fields.get("model") or "", fields.get("priority", 0), fields.get("weight", 1)
    if not isinstance(model, str) or type(priority) is not int or type(weight) is not int or weight < 1:
        raise BadSetting(
            f"--model-bindings has a target of {name} that makes no sense: model must be a text, priority a whole "
            "number, weight a whole number from 1 up."
        )
    return [Target(upstream=upstreams[name], model=model, priority=priority, weight=weight, picks=picks_models(model))]
