"""What is decided about a request before anything is sent: bytes and configuration in, `Plan` out.  Pure.

The request is read and routed already (`asking.py`).  For the target that is tried: sampling → conversion, where
dialects differ → the upstream's own adjustments → bytes.  Each further target gets a plan of its own, because its model
and its dialect may be others.  A body that nothing changes leaves as it came, byte for byte: so an upstream's prompt
cache sees what the client wrote.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from proxysite.gateway.again import RETRY, Again
from proxysite.gateway.asking import Asked, Route, too_deep
from proxysite.gateway.endpoints import Endpoint
from proxysite.gateway.repairs import Mending, mending_for
from routing import address, adjust, headers
from routing.dialects import Dialect, capabilities, conversion
from routing.dialects.capabilities import Capabilities
from routing.dialects.exchange import Exchange as Conversation
from routing.dialects.messages import replay
from routing.dialects.tokens import Calibration
from routing.errors import DialectNotSpoken
from routing.kinds import Kind
from routing.matching import without_context_marker
from routing.snapshot import Target, Upstream
from sampling.merge import ABSENT, Change, apply_layers
from sampling.snapshot import SamplingTable
from validation.ending import Guarded
from validation.repair.history import mend_history
from validation.repair.native_calls import MendedCall
from validation.repair.settings import RepairTable
from validation.snapshot import Rung

NO_RULES = RepairTable()

# What is made anew for each request is not frozen, although nobody changes it: that costs three times as much to make.


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """What a plan needs of the world: the time in epoch seconds, which converted answers bear, and what is known of the
    real size of estimated prompts."""

    now: int = 0
    calibration: Calibration = field(default_factory=Calibration)


@dataclass(slots=True, kw_only=True)
class Plan:
    """What will be sent where.  `echo` is the name that answers must call the model by, None to leave them alone;
    `conversation` is there when the answer must be written anew, and knows what that takes; `mending` is there when
    leaked calls in the answer are mended, and `mended` tells of those in the request's history; `content` is the body
    as it was before it became bytes."""

    target: Target
    dialect: Dialect | None
    method: str
    url: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    content: Mapping[str, Any] = field(default_factory=dict)
    streams: bool = False
    model_asked: str = ""
    model_sent: str = ""
    echo: str | None = None
    conversation: Conversation | None = None
    mending: Mending | None = None
    mended: tuple[MendedCall, ...] = ()
    guard: Guarded | None = None  # judges the answer, which has a conversation then
    said: str = ""  # what the client has of the answer, which goes on from there
    rung: Rung | None = None  # what this attempt changes, because the one before it gave garbage
    token_ratio: float = 1.0
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> str:
        """What this attempt changes behind a bad answer, in words."""
        if self.rung is None or self.rung is Rung.NEXT_TARGET:
            return f"the upstream “{self.upstream.name}”"
        changes = (str(change) for change in self.changes if change.origin.startswith(RETRY))
        return "; ".join(changes) or "nothing was changed"

    @property
    def upstream(self) -> Upstream:
        return self.target.upstream

    @property
    def is_converted(self) -> bool:
        """Client and upstream speak different dialects; else a `conversation` only mends."""
        return self.conversation is not None and self.conversation.client is not self.conversation.upstream


@dataclass(slots=True)
class _Draft:
    """A body on its way through the steps, in the dialect it is in by now, and what they did to it."""

    body: dict[str, Any]
    dialect: Dialect
    path: str
    conversation: Conversation | None = None
    betas: tuple[str, ...] = ()
    token_ratio: float = 1.0
    mended: tuple[MendedCall, ...] = ()
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def plan_for(
    asked: Asked,
    route: Route,
    target: Target,
    sampling: SamplingTable,
    chance: Chance,
    repair: RepairTable = NO_RULES,
    again: Again | None = None,
) -> Plan:
    """The plan for one target of the route.  Raises a ProxyError when that target cannot take the request."""
    try:
        if route.endpoint:
            return _plan_endpoint(asked, route, route.endpoint, target, sampling, chance, repair, again)
        return _plan_passing(asked, route, target)
    except RecursionError:
        raise too_deep() from None


def _plan_endpoint(
    asked: Asked,
    route: Route,
    endpoint: Endpoint,
    target: Target,
    sampling: SamplingTable,
    chance: Chance,
    repair: RepairTable,
    again: Again | None,
) -> Plan:
    body, model = route.body or {}, route.model
    dialect = _upstream_dialect(endpoint, target.upstream)
    draft = _Draft(body, endpoint.speaks, endpoint.path)
    if endpoint.generates:
        # What an upstream of another dialect cannot be sent, the conversion leaves out itself, as Kind.VLLM takes all.
        kind = target.upstream.kind if dialect is endpoint.speaks else Kind.VLLM
        layers = sampling.layers(model or "", endpoint.speaks)
        draft.body, draft.changes, draft.warnings = apply_layers(body, layers, endpoint.speaks, kind)
        _mend_history(draft, model or "", repair)
    _strip_billing_header(draft, target.upstream)
    _strip_foreign_thinking(draft, target.upstream, asked.body)
    if dialect is not endpoint.speaks:
        _convert(draft, target, dialect, asked, chance)
    _rename_model(draft, target, body.get("model", ABSENT))
    rung = _change(draft, target, asked, again) if again else None
    _adjust(draft, target.upstream)
    sent = draft.body.get("model")
    mending = _mending(draft, endpoint, target.upstream, asked, model or "", chance, repair)
    return Plan(
        target=target,
        dialect=dialect,
        method=asked.method,
        url=_url(asked, target.upstream, None if draft.conversation is None else draft.path),
        headers=headers.to_upstream(
            asked.headers,
            target.upstream,
            dialect,
            asked.request_id,
            converted=draft.conversation is not None,
            betas=draft.betas,
        ),
        body=asked.body if draft.body is body else _written(draft.body),
        content=draft.body,
        streams=body.get("stream") is True,
        model_asked=model or "",
        model_sent=sent if isinstance(sent, str) else "",
        echo=model if model is not None and sent != model else None,
        conversation=_rewriting(draft, mending),
        mending=mending,
        mended=draft.mended,
        rung=rung,
        said=again.said if again else "",
        token_ratio=draft.token_ratio,
        changes=tuple(draft.changes),
        warnings=tuple(draft.warnings),
    )


def _plan_passing(asked: Asked, route: Route, target: Target) -> Plan:
    """Any other path: nothing is changed but the model's name and what the upstream itself wants changed."""
    body = route.body
    draft = _Draft({} if body is None else body, route.dialect, asked.path)
    if body is not None:
        if body.get("model") is not None:  # an endpoint we do not know may not have such a field at all
            _rename_model(draft, target, body["model"])
        _adjust(draft, target.upstream)
    sent = draft.body.get("model")
    return Plan(
        target=target,
        dialect=None,
        method=asked.method,
        url=_url(asked, target.upstream),
        headers=headers.to_upstream(asked.headers, target.upstream, route.dialect, asked.request_id),
        body=asked.body if body is None or draft.body is body else _written(draft.body),
        model_asked=route.model or "",
        model_sent=sent if isinstance(sent, str) else "",
        changes=tuple(draft.changes),
    )


def _upstream_dialect(endpoint: Endpoint, upstream: Upstream) -> Dialect:
    """The client's own if the upstream speaks it, else one that it can be converted to."""
    if endpoint.speaks in upstream.dialects:
        return endpoint.speaks
    if endpoint.generates:
        with suppress(DialectNotSpoken):  # said better below, where the upstream has a name
            return conversion.choose(endpoint.speaks, upstream.dialects)
    spoken = ", ".join(sorted(upstream.dialects))
    raise DialectNotSpoken(
        f"The upstream “{upstream.name}” does not speak {endpoint.speaks} (it speaks {spoken}). Call it in one of "
        "those, or switch the dialect on for it in the admin."
    )


def _convert(draft: _Draft, target: Target, dialect: Dialect, asked: Asked, chance: Chance) -> None:
    model = target.sent_model or str(draft.body.get("model") or "")
    draft.token_ratio = chance.calibration.ratio(model)
    converted = conversion.convert_request(
        draft.body,
        draft.dialect,
        dialect,
        _capabilities(draft, target, dialect, asked),
        request_id=asked.request_id,
        created=chance.now,
        token_ratio=draft.token_ratio,
    )
    draft.body, draft.path, draft.dialect = converted.body, converted.path, dialect
    draft.warnings += converted.warnings
    draft.conversation, draft.betas = converted.exchange, converted.betas


def _capabilities(draft: _Draft, target: Target, dialect: Dialect, asked: Asked) -> Capabilities:
    version = headers.value_of(asked.headers, "anthropic-version")
    model = target.sent_model or str(draft.body.get("model") or "")
    return capabilities.of_upstream(target.upstream, model, dialect, version)


def _change(draft: _Draft, target: Target, asked: Asked, again: Again) -> Rung | None:
    changed = again.changed(draft.body, target, _capabilities(draft, target, draft.dialect, asked), draft.dialect)
    draft.body = changed.body
    draft.changes += changed.changes
    return changed.rung


def _mend_history(draft: _Draft, model: str, repair: RepairTable) -> None:
    if repair.mends_history(model):
        mended = mend_history(draft.body, draft.dialect)
        draft.body, draft.mended = mended.body, mended.notes


def _mending(
    draft: _Draft,
    endpoint: Endpoint,
    upstream: Upstream,
    asked: Asked,
    model: str,
    chance: Chance,
    repair: RepairTable,
) -> Mending | None:
    if not endpoint.generates:
        return None
    return mending_for(
        repair,
        upstream,
        endpoint.speaks,
        draft.dialect,
        draft.body,
        draft.conversation,
        model=model,
        request_id=asked.request_id,
        created=chance.now,
    )


def _rewriting(draft: _Draft, mending: Mending | None) -> Conversation | None:
    """Chat is mended frame by frame; other dialects are read as if they were converted."""
    if draft.conversation is None and mending and draft.dialect is not Dialect.CHAT:
        return mending.conversation
    return draft.conversation


def _rename_model(draft: _Draft, target: Target, asked: Any) -> None:
    """`asked` is the client's name for it; a conversion has put the target's in its place already."""
    name = target.sent_model or (without_context_marker(asked) if isinstance(asked, str) else "")
    if name and asked != name:
        if draft.body.get("model") != name:
            draft.body = {**draft.body, "model": name}
        draft.changes.append(Change("model", asked, name, f"target at {target.upstream.name}"))


def _strip_billing_header(draft: _Draft, upstream: Upstream) -> None:
    if not upstream.strip_billing_header or draft.dialect is not Dialect.MESSAGES:
        return
    kept = adjust.without_billing_header(draft.body)
    if kept is not None:
        draft.body = {**draft.body, "system": kept}
        draft.changes.append(
            Change("system", "billing header block", "without it", f"upstream {upstream.name}: strip billing header")
        )


def _strip_foreign_thinking(draft: _Draft, upstream: Upstream, sent: bytes) -> None:
    """A conversation that another server began, and Anthropic goes on with."""
    if upstream.kind is not Kind.ANTHROPIC or draft.dialect is not Dialect.MESSAGES:
        return
    if not replay.may_hold_foreign_thinking(sent) or (found := replay.without_foreign_thinking(draft.body)) is None:
        return
    draft.body, warning = found
    draft.warnings += [warning] if warning else []
    draft.changes.append(
        Change("messages", "thinking of others", "without it", f"upstream {upstream.name}: only Anthropic's thinking")
    )


def _adjust(draft: _Draft, upstream: Upstream) -> None:
    before = draft.body
    draft.body, touched = adjust.adjusted(before, upstream, draft.path)
    draft.changes += [
        Change(name, before.get(name, ABSENT), draft.body.get(name, ABSENT), origin) for name, origin in touched
    ]


def _url(asked: Asked, upstream: Upstream, converted_path: str | None = None) -> str:
    """A client's query goes along, unless it was meant for an endpoint of another dialect."""
    if converted_path is not None:
        return address.upstream_url(upstream.base_url, converted_path)
    url = address.upstream_url(upstream.base_url, asked.path, versioned=asked.versioned, encoded=asked.encoded_path)
    return f"{url}?{asked.query.decode('latin-1')}" if asked.query else url


def _written(body: dict[str, Any]) -> bytes:
    """Raises BadRequest: JSON is read that is nested a thousand levels deep, and written to a quarter of that."""
    try:
        return orjson.dumps(body)
    except TypeError:
        raise too_deep() from None
