"""What the proxy says of itself: configuration in force and live numbers, without secrets."""

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from django.utils import timezone

from proxysite.gateway.alarms import Alarm, Alarms
from proxysite.live import LiveConfig
from routing.admission.gatekeeper import Gatekeeper
from routing.admission.targets import Targets
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
class UpstreamLine:
    """`seconds_left`: until it is tried again, or asked again whether its model is loaded."""

    name: str
    health: str
    running: int
    seconds_left: float


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
    left: dict[str, float] = {}
    for target in numbers.targets.state(now):
        left[target.upstream] = max(target.seconds_left, left.get(target.upstream, 0.0))
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
            UpstreamLine(
                name=upstream.name,
                health=numbers.targets.health(upstream.name, now).value,
                running=numbers.gatekeeper.busy(upstream.name),
                seconds_left=round(left.get(upstream.name, 0.0), 1),
            )
            for upstream in config.routing.upstreams
        ),
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
            }
            for upstream, line in zip(config.routing.upstreams, live.upstreams, strict=True)
        ],
        "bindings": [
            {
                "pattern": binding.pattern,
                "targets": [
                    {"upstream": target.upstream.name, "model": target.model or None} for target in binding.targets
                ],
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
    """Those of validators that are still asked."""
    asked = {policy.validator.name for policy in config.validation.policies if policy.validator}
    return tuple(alarm for alarm in numbers.alarms.standing(timezone.now()) if alarm.what in asked)


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
    if config.routing.catch_all:
        return config.routing.catch_all.first_choices[0].upstream.base_url
    return ", ".join(upstream.base_url for upstream in config.routing.upstreams)
