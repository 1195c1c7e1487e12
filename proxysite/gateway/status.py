"""What the proxy says of itself: configuration in force and live numbers, without secrets."""

from typing import Any, Protocol

from proxysite.live import LiveConfig


class Numbers(Protocol):
    running: int
    recorder: Any


def report(config: LiveConfig, numbers: Numbers) -> dict[str, Any]:
    """The JSON of `GET /`, and what the status page shows."""
    return {
        "status": "ok",
        "message": "Sampling Proxy is running",
        "revision": config.revision,
        "running": numbers.running - 1,  # less the request that asks
        "records_waiting": numbers.recorder.waiting,
        "records_dropped": numbers.recorder.dropped,
        "upstreams": [
            {
                "name": upstream.name,
                "base_url": upstream.base_url,
                "kind": upstream.kind.value,
                "dialects": sorted(upstream.dialects),
            }
            for upstream in config.routing.upstreams
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
        "problems": [str(problem) for problem in config.problems],
    }


def target(config: LiveConfig) -> str:
    """Where most requests go: the catch-all's first upstream, else the only one, else all of them."""
    if config.routing.catch_all:
        return config.routing.catch_all.first_choices[0].upstream.base_url
    return ", ".join(upstream.base_url for upstream in config.routing.upstreams)
