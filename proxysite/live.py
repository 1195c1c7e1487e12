"""The configuration in force: one immutable value, swapped by one assignment.

`current()` is what a request takes, once.  `reload()` makes a new value of the rows; a change in this process calls it
on commit, a change in another process is noticed by `proxysite.gateway.engine`, which polls the revision.  If the rows
cannot be read at all, the last good configuration serves on.
"""

import logging
import threading
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from proxysite import redaction
from proxysite.overrides import Overrides
from routing import loading as routing_loading
from routing.kinds import Kind
from routing.models import ConfigRevision
from routing.problems import Problem
from routing.secrets import Secret
from routing.snapshot import RoutingTable
from sampling import loading as sampling_loading
from sampling.snapshot import SamplingTable
from validation import loading as validation_loading
from validation.repair import FAMILIES
from validation.repair import settings as repair
from validation.snapshot import ValidationTable

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LiveConfig:
    revision: int = 0
    routing: RoutingTable = field(default_factory=RoutingTable)
    sampling: SamplingTable = field(default_factory=SamplingTable)
    validation: ValidationTable = field(default_factory=ValidationTable)
    problems: tuple[Problem, ...] = ()


_overrides = Overrides()
_current: LiveConfig | None = None
_detected_kinds: dict[str, Kind] = {}
_lock = threading.Lock()


def current() -> LiveConfig | None:
    """The configuration in force, or None before the first `reload()`.  No query, no lock."""
    return _current


def reload() -> LiveConfig:
    """Makes a new configuration of the rows and puts it in force.  Nine queries; call it off the event loop."""
    global _current
    with _lock:
        try:
            _current = _loaded()
        except Exception as problem:
            if _current is None:
                raise
            failed = (Problem("configuration", "database", f"could not be loaded: {problem}"),)
            if _current.problems != failed:  # the poller tries again every second, and says so once
                log.exception("The configuration could not be loaded; the last good one serves on.")
            _current = replace(_current, problems=failed)
        redaction.hide(_keys(_current))
        return _current


def _keys(config: LiveConfig) -> list[Secret]:
    keys = [upstream.key for upstream in config.routing.upstreams]
    keys += [policy.validator.key for policy in config.validation.policies if policy.validator]
    return [key for key in (*keys, *settings.ENV["LOCAL_API_KEY"]) if key]


def _loaded() -> LiveConfig:
    revision = ConfigRevision.current()  # read first: a change while we load makes the poller load again
    routing, routing_problems = routing_loading.load(_detected_kinds)
    sampling, sampling_problems = sampling_loading.load()
    validation, validation_problems = validation_loading.load()
    routing, sampling = _overrides.applied_to(routing, sampling)
    problems = (*routing_problems, *sampling_problems, *validation_problems, *unknown_families(routing))
    known = _current.problems if _current else ()
    for problem in problems:
        if problem not in known:
            log.warning("%s", problem)
    return LiveConfig(revision=revision, routing=routing, sampling=sampling, validation=validation, problems=problems)


def unknown_families(routing: RoutingTable) -> list[Problem]:
    """Of leaked calls: an upstream's row takes any names, for routing does not know which there are."""
    said = ((upstream.name, repair.problem(upstream.tool_call_repair, FAMILIES)) for upstream in routing.upstreams)
    return [Problem("upstream", name, f"tool_call_repair: {text}") for name, text in said if text]


def lay_over(overrides: Overrides) -> LiveConfig:
    """Lays what the command line says over the rows, now and in every load.  Raises BadSetting when it does not fit."""
    global _overrides, _current
    _overrides, _current = overrides, None  # no configuration made without it is to serve on
    return reload()


def learn_kind(upstream: str, kind: Kind) -> None:
    """What an upstream of kind auto said of itself.  Takes effect with the next `reload()`."""
    _detected_kinds[upstream] = kind


def detected_kind(upstream: str) -> Kind:
    return _detected_kinds.get(upstream, Kind.AUTO)


def on_change(**kwargs: Any) -> None:
    """A change is in force before its save returns; where nothing is in force yet (a command) nothing is done."""
    if _current is not None:
        reload()
