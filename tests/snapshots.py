"""Configuration values for tests that need no rows: whatever a test does not care about has a value that works."""

from typing import Any

from routing.dialects import Dialect
from routing.kinds import Kind
from routing.snapshot import Binding, RoutingTable, Target, Upstream


def an_upstream(name: str = "local", **fields: Any) -> Upstream:
    given = {"base_url": "http://up", "kind": Kind.OTHER, "dialects": frozenset(Dialect), "max_retries": 0, **fields}
    return Upstream(name=name, **given)


def bound(pattern: str, *targets: Target | Upstream) -> Binding:
    made = (target if isinstance(target, Target) else Target(upstream=target) for target in targets or (an_upstream(),))
    return Binding(pattern=pattern, targets=tuple(made))


def unusable(pattern: str, *lacking: str) -> Binding:
    """Enabled, and nothing that it leads to can be asked."""
    return Binding(pattern=pattern, targets=(), lacking=lacking)


def routing_of(*bindings: Binding) -> RoutingTable:
    upstreams = dict.fromkeys(target.upstream for binding in bindings for target in binding.targets)
    return RoutingTable(upstreams=tuple(upstreams), bindings=bindings)
