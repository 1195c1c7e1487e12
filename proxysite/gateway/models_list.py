"""The list of models: what all enabled upstreams offer and what the bindings name, merged and kept for a while."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import connection

from proxysite import live
from proxysite.gateway import tasks
from proxysite.live import LiveConfig
from routing import address, headers, kinds
from routing.dialects import Dialect
from routing.errors import AnswerTooLarge, ProxyError
from routing.kinds import Kind
from routing.matching import fold, is_glob, pick, remembered
from routing.snapshot import Binding, RoutingTable, Upstream
from routing.upstream import Upstreams, joined

log = logging.getLogger(__name__)

WAIT_SECONDS = 5.0  # an upstream that takes longer is left out this time
LIMIT = 8 * 2**20  # bytes of one upstream's list
REST_SECONDS = 5.0  # one that could not be asked is not asked again for so long

Entry = dict[str, Any]
Key = tuple[str, str]  # an upstream's name and its base URL


class ModelsList:
    """Asks upstreams at most every `seconds`; one that does not answer keeps its last list."""

    def __init__(self, upstreams: Upstreams, seconds: float) -> None:
        self._upstreams = upstreams
        self._seconds = seconds
        self._lists: dict[Key, list[Entry]] = {}
        self._ask_again_at: dict[Key, float] = {}
        self._asking: dict[Key, asyncio.Task[None]] = {}
        self._picked = remembered(self._pick)  # until a list is new: some have hundreds of names

    async def merged(self, config: LiveConfig, client_headers: headers.Headers) -> list[Entry]:
        """Every model once, upstreams in order, then names that only bindings know.  Never raises.

        What a binding holds that leads nowhere now is left out: who asks for it is refused.
        """
        upstreams = config.routing.upstreams
        await asyncio.gather(*(self._refreshed(upstream, client_headers) for upstream in upstreams))
        entries: dict[str, Entry] = {}
        for upstream in upstreams:
            for entry in self._lists.get(_key(upstream), ()):
                entries.setdefault(fold(entry["id"]), entry)
        for binding in config.routing.bindings:
            if binding.targets and not is_glob(binding.pattern):
                entries.setdefault(
                    fold(binding.pattern), _bound_entry(binding.pattern, binding.targets[0].model, entries)
                )
        return [entry for entry in entries.values() if _is_served(entry["id"], config.routing)]

    async def picked(self, binding: Binding, model: str, client_headers: headers.Headers) -> Binding:
        """The binding with a model of the upstream's for each target that names a glob; never raises.

        Waits for a list that was never asked for; one that is old does while it is asked for anew.
        """
        for target in binding.targets:
            if target.picks:
                is_known = _key(target.upstream) in self._lists
                await self._refreshed(target.upstream, client_headers, waits=not is_known)
        return self.picked_of_known(binding, model)

    def picked_of_known(self, binding: Binding, model: str) -> Binding:
        """The same of the lists that are there, without asking anyone."""
        targets = tuple(
            replace(target, picked=self._picked(_key(target.upstream), target.model, model)) if target.picks else target
            for target in binding.targets
        )
        return replace(binding, targets=targets)

    def _pick(self, key: Key, glob: str, wanted: str) -> str:
        return pick(glob, wanted, (entry["id"] for entry in self._lists.get(key, ())))

    async def aclose(self) -> None:
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _refreshed(self, upstream: Upstream, client_headers: headers.Headers, *, waits: bool = True) -> None:
        """One question at a time to each upstream, shared by all who wait; a client that leaves does not stop it."""
        key = _key(upstream)
        if time.monotonic() < self._ask_again_at.get(key, 0.0):
            return
        if key not in self._asking:
            self._asking[key] = tasks.spawn(self._ask(upstream, client_headers), name=f"models of {upstream.name}")
        if waits:
            await asyncio.wait([self._asking[key]])

    async def _ask(self, upstream: Upstream, client_headers: headers.Headers) -> None:
        key = _key(upstream)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                self._lists[key] = await fetch(self._upstreams, upstream, client_headers)
            self._picked.cache_clear()
            self._ask_again_at[key] = time.monotonic() + self._seconds
            if upstream.kind is Kind.AUTO:
                await _learn_kind(upstream, self._lists[key])
        except (ProxyError, TimeoutError) as problem:
            self._ask_again_at[key] = time.monotonic() + REST_SECONDS
            log.info("The models of %s could not be listed: %s", upstream.name, str(problem) or "no answer in time")
        except ValueError as problem:  # no rest: it refused this client's key perhaps, and will take the next one's
            log.info("The models of %s could not be listed: %s", upstream.name, problem)
        finally:
            self._asking.pop(key, None)


async def fetch(upstreams: Upstreams, upstream: Upstream, client_headers: headers.Headers) -> list[Entry]:
    """An upstream's models.  Raises ProxyError when it cannot be asked, ValueError when it answers something else."""
    dialect = Dialect.CHAT if Dialect.CHAT in upstream.dialects else next(iter(upstream.dialects))
    sent = headers.to_upstream(_identification(client_headers), upstream, dialect, "models")
    answer = await upstreams.send(upstream, "GET", address.upstream_url(upstream.base_url, "models"), sent, b"")
    try:
        if answer.status != 200:
            raise ValueError(f"it answered {answer.status}")
        parsed = orjson.loads(await joined(answer.chunks(), LIMIT))
    except AnswerTooLarge:
        raise ValueError(f"its list is larger than {LIMIT / 2**20:g} MiB") from None
    finally:
        await answer.aclose()
    found = parsed.get("data", parsed.get("models")) if isinstance(parsed, dict) else parsed
    if not isinstance(found, list):
        raise ValueError("it answered no list")
    return [entry for raw in found if (entry := _entry(raw, upstream))]


def anthropic_list(entries: list[Entry]) -> dict[str, Any]:
    """The list as Anthropic's API writes it: one page, all there is."""
    data = [anthropic_entry(entry) for entry in entries]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return {"data": data, "has_more": False, **ends}


def anthropic_entry(entry: Entry) -> Entry:
    kept = {name: value for name, value in entry.items() if name not in ("object", "created", "owned_by")}
    return {"type": "model", "display_name": entry["id"], "created_at": _time_of_day(entry["created"]), **kept}


def _time_of_day(seconds: Any) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC).isoformat()


def _entry(raw: Any, upstream: Upstream) -> Entry | None:
    if not isinstance(raw, Mapping):
        return None
    name = raw.get("id") or raw.get("name")
    if not isinstance(name, str) or not name:
        return None
    return {"object": "model", "created": 0, "owned_by": upstream.name, **raw, "id": name}


def _is_served(name: str, routing: RoutingTable) -> bool:
    """Unless its binding has no usable target.  One that is bound by nobody is offered as its upstream offers it."""
    binding = routing.binding(name)
    return binding is None or bool(binding.targets)


def _bound_entry(name: str, upstream_model: str, entries: Mapping[str, Entry]) -> Entry:
    """A name that only a binding knows: what the upstream says of the model behind it holds for it as well."""
    behind = entries.get(fold(upstream_model), {})
    return {"object": "model", "created": 0, "owned_by": "sampling-proxy", **behind, "id": name}


def _identification(client_headers: headers.Headers) -> headers.Headers:
    wanted = (b"authorization", b"x-api-key", b"anthropic-version")
    return [header for header in client_headers if header[0] in wanted]


async def _learn_kind(upstream: Upstream, entries: list[Entry]) -> None:
    """What a server of kind auto says of itself in its list takes effect like a saved change."""
    kind = kinds.by_models(entries)
    if kind is not Kind.AUTO:
        live.learn_kind(upstream.name, kind)
        await asyncio.to_thread(_reload)


def _reload() -> None:
    """In a thread of its own, whose connection nobody would close."""
    try:
        live.reload()
    finally:
        connection.close()


def _key(upstream: Upstream) -> Key:
    return upstream.name, upstream.base_url
