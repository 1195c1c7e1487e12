"""What the proxy says of itself: configuration in force and live numbers, without secrets."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from django.utils import timezone

from proxysite.gateway.alarms import Alarm, Alarms, StoredKey, What
from proxysite.live import LiveConfig
from routing.admission.gatekeeper import Gatekeeper
from routing.admission.targets import Health, Targets, TargetState
from routing.matching import fold, is_glob, without_context_marker
from routing.snapshot import Binding, Target
from validation.snapshot import Policy


class Numbers(Protocol):
    """The engine, as far as its numbers go."""

    running: int
    recorder: Any
    gatekeeper: Gatekeeper
    targets: Targets
    alarms: Alarms


@dataclass(frozen=True, slots=True)
class LimitLine:
    scope: str
    name: str
    limit: int
    used: int
    queued: int


@dataclass(frozen=True, slots=True)
class PauseLine:
    model: str
    seconds_left: float


@dataclass(frozen=True, slots=True)
class TargetLine:
    """A model at an upstream.  `seconds_left`: until it is probed, or asked whether it is loaded.

    `model` is as it is sent; blank: whatever the client asks for, of which those that are ill have a line of their own.
    """

    model: str
    patterns: tuple[str, ...]  # of the bindings that lead there
    health: Health
    failures: int  # in a row
    seconds_left: float


@dataclass(frozen=True, slots=True)
class UpstreamLine:
    """`health` is the worst of its targets'."""

    name: str
    health: Health
    running: int
    seconds_left: float
    targets: tuple[TargetLine, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """One moment.  `running` are requests on their way that do not wait in a queue, `queued` those that do."""

    running: int
    queued: int
    requests_per_minute: int
    failed_per_minute: int
    limits: tuple[LimitLine, ...]
    pauses: tuple[PauseLine, ...]
    upstreams: tuple[UpstreamLine, ...]


def status(config: LiveConfig, numbers: Numbers, *, less: int = 0) -> Status:
    """On the event loop that serves.  `less`: requests that only ask for this."""
    admission, now = numbers.gatekeeper.state(), asyncio.get_running_loop().time()
    requests, failed = numbers.recorder.rates.per_minute(time.monotonic())
    patterns = _patterns(config, _ill(numbers, now))
    return Status(
        running=max(0, numbers.running - less - admission.slots.queued),
        queued=admission.slots.queued,
        requests_per_minute=requests,
        failed_per_minute=failed,
        limits=tuple(
            LimitLine(line.limit.scope.value, line.limit.name, line.limit.limit, line.used, line.queued)
            for line in admission.slots.limits
        ),
        pauses=tuple(PauseLine(pause.model, round(pause.seconds_left, 1)) for pause in admission.pauses),
        upstreams=tuple(
            _upstream_line(upstream.name, patterns.get(upstream.name, {}), numbers, now)
            for upstream in config.routing.upstreams
        ),
    )


_MOST_SHOWN = 20  # ill models of one upstream that no binding names: clients make names up


def _patterns(config: LiveConfig, ill: Iterable[TargetState]) -> dict[str, dict[str, list[str]]]:
    """By upstream and by the model's name there: the bindings that lead to it.  All spellings of a name are one.

    Models that are `ill` are among them also where only a glob leads to them.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for binding in config.routing.bindings:
        for target in binding.targets:
            models = found.setdefault(target.upstream.name, {})
            models.setdefault(_spelled(_sent(binding, target), models), []).append(binding.pattern)
    for state in ill:
        models, binding_of_it = found.get(state.upstream, {}), config.routing.binding(state.model)
        if binding_of_it and "" in models and _spelled(state.model, models) not in models:
            models[state.model] = [binding_of_it.pattern]
    return found


def _sent(binding: Binding, target: Target) -> str:
    """The name that a target is sent, blank if requests decide."""
    if target.model:
        return "" if target.picks else target.model
    return "" if is_glob(binding.pattern) else without_context_marker(binding.pattern)


def _spelled(name: str, models: Iterable[str]) -> str:
    """As it is spelled already."""
    return next((known for known in models if fold(known) == fold(name)), name)


def _ill(numbers: Numbers, now: float) -> list[TargetState]:
    """Models that are not well, the latest of each upstream."""
    shown, left = [], Counter[str]()
    for state in reversed(numbers.targets.state(now)):
        if state.model and state.health is not Health.WELL and left[state.upstream] < _MOST_SHOWN:
            left[state.upstream] += 1
            shown.append(state)
    return shown[::-1]


def _upstream_line(name: str, models: Mapping[str, list[str]], numbers: Numbers, now: float) -> UpstreamLine:
    states = [(numbers.targets.state_of(name, model, now), patterns) for model, patterns in models.items()]
    targets = tuple(
        TargetLine(state.model, tuple(patterns), state.health, state.failures, round(state.seconds_left, 1))
        for state, patterns in states
    )
    return UpstreamLine(
        name=name,
        health=numbers.targets.health(name, now),
        running=numbers.gatekeeper.busy(name),
        seconds_left=max((line.seconds_left for line in targets), default=0.0),
        targets=targets,
    )


def report(config: LiveConfig, numbers: Numbers) -> dict[str, Any]:
    """The JSON of `GET /`, and what the status page shows."""
    live = status(config, numbers, less=1)  # the request that asks
    return {
        "status": "ok",
        "message": "Sampling Proxy is running",
        "revision": config.revision,
        "running": live.running,
        "queued": live.queued,
        "requests_per_minute": live.requests_per_minute,
        "failed_per_minute": live.failed_per_minute,
        "limits": [asdict(line) for line in live.limits],
        "pauses": [asdict(line) for line in live.pauses],
        "records_waiting": numbers.recorder.waiting,
        "records_dropped": numbers.recorder.dropped,
        "upstreams": [
            {
                "name": upstream.name,
                "base_url": upstream.base_url,
                "kind": upstream.kind.value,
                "dialects": sorted(upstream.dialects),
                "health": line.health,
                "running": line.running,
                "seconds_left": line.seconds_left,
                "targets": [
                    {
                        "model": target.model or None,
                        "bindings": target.patterns,
                        "health": target.health,
                        "failures": target.failures,
                        "seconds_left": target.seconds_left,
                    }
                    for target in line.targets
                ],
            }
            for upstream, line in zip(config.routing.upstreams, live.upstreams, strict=True)
        ],
        "bindings": [
            {
                "pattern": binding.pattern,
                "targets": [
                    {"upstream": target.upstream.name, "model": target.model or None} for target in binding.targets
                ],
                **({} if binding.targets else {"why_unusable": binding.why_unusable}),
            }
            for binding in config.routing.bindings
        ],
        "rules": [
            {
                "layer": rule.layer.value,
                "model_pattern": rule.pattern,
                "applies_to": rule.applies_to or "all",
                "preset": rule.preset,
                "parameters": rule.parameters,
            }
            for rule in config.sampling.rules
        ],
        "validation": [_policy(policy) for policy in config.validation.policies],
        "alarms": [alarm.text for alarm in alarms(config, numbers)],
        "problems": [str(problem) for problem in config.problems],
    }


def alarms(config: LiveConfig, numbers: Numbers) -> tuple[Alarm, ...]:
    """Those of validators that are still asked, and of keys that are still stored."""
    used: set[What] = {policy.validator.name for policy in config.validation.policies if policy.validator}
    used |= {StoredKey(upstream.name, upstream.key) for upstream in config.routing.upstreams if upstream.key}
    return tuple(alarm for alarm in numbers.alarms.standing(timezone.now()) if alarm.what in used)


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "model_pattern": policy.model_pattern,
        "builtin": bool(policy.detectors),
        "validator": policy.validator.name if policy.validator else None,
        "delivery": policy.delivery.value,
        "max_retries": policy.max_retries,
        "on_exhausted": policy.on_exhausted.value,
    }


def target(config: LiveConfig) -> str:
    """Where most requests go: the catch-all's first upstream, else the only one, else all of them."""
    if config.routing.catch_all and config.routing.catch_all.targets:
        return config.routing.catch_all.first_choices[0].upstream.base_url
    return ", ".join(upstream.base_url for upstream in config.routing.upstreams)
