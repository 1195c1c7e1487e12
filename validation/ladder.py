"""What a retry changes: the same request would often run into the same loop again.

Each retry climbs one rung of the policy's ladder.  Rungs that the upstream does not know, or that are at their top
already, are left out.  Penalties are never raised where a request has tools: they break exact repeats, which is what
arguments and code are made of.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from routing.dialects import Dialect
from routing.dialects.capabilities import Capabilities, ThinkingForm, accepts
from routing.kinds import Kind
from validation.snapshot import Rung

HIGHEST_REPETITION_PENALTY = 1.3
HIGHEST_FREQUENCY_PENALTY = 1.0
_PENALTY_DIALECTS = frozenset({Dialect.CHAT, Dialect.COMPLETIONS, Dialect.GENERATE})
_REPETITION_KINDS = frozenset({Kind.LLAMACPP, Kind.VLLM, Kind.SGLANG, Kind.LMSTUDIO, Kind.OLLAMA, Kind.VENICE})

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A retry: what it changes, the body to send, and the changed fields for whoever reads the record."""

    rung: Rung
    body: dict[str, Any]
    changed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """The request that led to garbage, as it went to the upstream."""

    body: Body
    dialect: Dialect
    of: Capabilities

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Where sampling parameters stand."""
        if self.dialect is not Dialect.GENERATE:
            return self.body
        nested = self.body.get("sampling_params")
        return nested if isinstance(nested, Mapping) else {}

    def number(self, name: str) -> float | None:
        value = self.parameters.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def with_parameters(self, changed: Mapping[str, Any]) -> dict[str, Any]:
        merged = {**self.parameters, **changed}
        return {**self.body, "sampling_params": merged} if self.dialect is Dialect.GENERATE else merged


def climb(sent: Sent, ladder: Sequence[Rung], retry: int, *, seed: int, others: bool) -> Step:
    """The step for a retry, counted from 1.  `others`: another target could take the request.

    A ladder that has no further rung is stood on: its last one is tried again, with another seed.
    """
    steps = [step for rung in ladder if (step := _step(sent, rung, seed, others))]
    if not steps:
        return Step(Rung.SAME, dict(sent.body), {})
    if retry <= len(steps):
        return steps[retry - 1]
    last = steps[-1]
    again = _seed(Sent(last.body, sent.dialect, sent.of), seed) or {}
    return Step(last.rung, Sent(last.body, sent.dialect, sent.of).with_parameters(again), {**last.changed, **again})


def _step(sent: Sent, rung: Rung, seed: int, others: bool) -> Step | None:
    if rung is Rung.SAME or (rung is Rung.NEXT_TARGET and others):
        return Step(rung, dict(sent.body), {})
    changes = partial(_seed, seed=seed) if rung is Rung.SEED else _CHANGES.get(rung)
    changed = changes(sent) if changes else None
    return Step(rung, sent.with_parameters(changed), changed) if changed else None


def _seed(sent: Sent, seed: int) -> dict[str, Any] | None:
    name = sent.of.aliases.get("seed", "seed")
    return {name: seed} if sent.dialect in _PENALTY_DIALECTS and accepts(name, sent.of) else None


def _penalty(sent: Sent) -> dict[str, Any] | None:
    """A repetition penalty where the server knows it, else a frequency penalty where the dialect has one."""
    if sent.dialect not in _PENALTY_DIALECTS or sent.of.kind is Kind.ZAI or sent.body.get("tools"):
        return None
    if sent.of.kind in _REPETITION_KINDS or sent.dialect is Dialect.GENERATE:
        name = sent.of.aliases.get("repetition_penalty", "repetition_penalty")
        return _raised(name, sent.number(name), 1.0, 0.1, HIGHEST_REPETITION_PENALTY)
    if not accepts("frequency_penalty", sent.of):
        return None
    return _raised("frequency_penalty", sent.number("frequency_penalty"), 0.0, 0.4, HIGHEST_FREQUENCY_PENALTY)


def _dry(sent: Sent) -> dict[str, Any] | None:
    known = sent.of.kind is Kind.LLAMACPP and sent.dialect in (Dialect.CHAT, Dialect.COMPLETIONS)
    if not known or sent.body.get("tools") or (sent.number("dry_multiplier") or 0) >= 0.8:
        return None
    return {"dry_multiplier": 0.8, "dry_base": 1.75, "dry_allowed_length": 2}


def _temperature(sent: Sent) -> dict[str, Any] | None:
    """Greedy and cool sampling is what loops most; above 1.0 other garbage begins."""
    if not accepts("temperature", sent.of):
        return None
    now = sent.number("temperature")
    new = 1.0 if now is None else round(min(max(now + 0.3, 0.7), 1.0), 2)
    if now is not None and new <= now:
        return None
    changed: dict[str, Any] = {"temperature": new}
    top_p = sent.number("top_p")
    if top_p is not None and top_p < 0.95 and sent.of.both_temperature_and_top_p:
        changed["top_p"] = 0.95
    return changed


def _no_thinking(sent: Sent) -> dict[str, Any] | None:
    of = sent.of
    if not of.can_disable_thinking:
        return None
    if sent.dialect is Dialect.CHAT and of.thinking is ThinkingForm.TEMPLATE and of.thinking_switch:
        kept = sent.body.get("chat_template_kwargs")
        return {"chat_template_kwargs": {**(kept if isinstance(kept, Mapping) else {}), of.thinking_switch: False}}
    if of.thinking is ThinkingForm.SWITCH or sent.dialect is Dialect.MESSAGES:
        return None if sent.body.get("thinking") == {"type": "disabled"} else {"thinking": {"type": "disabled"}}
    return None


def _raised(name: str, now: float | None, off: float, by: float, highest: float) -> dict[str, Any] | None:
    new = round(min((off if now is None else max(now, off)) + by, highest), 2)
    return None if now is not None and new <= now else {name: new}


_CHANGES: Mapping[Rung, Callable[[Sent], dict[str, Any] | None]] = {
    Rung.PENALTY: _penalty,
    Rung.DRY: _dry,
    Rung.TEMPERATURE: _temperature,
    Rung.NO_THINKING: _no_thinking,
}
