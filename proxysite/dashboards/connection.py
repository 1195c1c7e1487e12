"""“Test connection” of an upstream: asks it for its models, as the proxy itself does, and says what came of it."""

import asyncio

from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError

from proxysite import live
from proxysite.gateway.models_list import WAIT_SECONDS, Entry, fetch
from routing import kinds
from routing.address import DEMO
from routing.errors import ProxyError
from routing.kinds import Kind
from routing.loading import upstream_of
from routing.models import Upstream
from routing.snapshot import CredentialMode
from routing.snapshot import Upstream as UpstreamSnapshot
from routing.upstream import Upstreams

SHOWN = 5  # names of models in the sentence


def tested(row: Upstream) -> tuple[bool, str]:
    """Whether it works, and a sentence for the person who asked.  What it says of its kind is remembered."""
    if row.base_url == DEMO:
        return True, "The demo is part of the proxy: there is no connection that could fail."
    try:
        upstream = upstream_of(row)
        entries = async_to_sync(_models)(upstream)
    except ValidationError as problem:
        return False, " ".join(problem.messages)
    except ProxyError as problem:
        return False, problem.message
    except TimeoutError:
        return False, f"{row.name} did not list its models within {WAIT_SECONDS:g} s."
    except ValueError as problem:
        return False, f"{row.name} can be reached, but did not list its models: {problem}.{_about_keys(upstream)}"
    _learn_kind(upstream, entries)
    return True, f"{row.name} answers. {_listed(entries)}"


async def _models(upstream: UpstreamSnapshot) -> list[Entry]:
    upstreams = Upstreams()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return await fetch(upstreams, upstream, [])
    finally:
        await upstreams.aclose()


def _learn_kind(upstream: UpstreamSnapshot, entries: list[Entry]) -> None:
    kind = kinds.by_models(entries)
    if upstream.kind is Kind.AUTO and kind is not Kind.AUTO:
        live.learn_kind(upstream.name, kind)
        live.reload()


def _about_keys(upstream: UpstreamSnapshot) -> str:
    if upstream.credential_mode is CredentialMode.FORWARD:
        return " This test sends no key, because the clients send their own."
    return ""


def _listed(entries: list[Entry]) -> str:
    names = [entry["id"] for entry in entries]
    if not names:
        return "It lists no models."
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"It has {len(names)} model{'' if len(names) == 1 else 's'}: {', '.join(names[:SHOWN])}{more}."
