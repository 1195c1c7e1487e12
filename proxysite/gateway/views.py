"""The proxy's endpoints as async views.  Each says what it is; `pipeline` does the work."""

import json
from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string

from proxysite.gateway import counting, pipeline
from proxysite.gateway import status as gateway_status
from proxysite.gateway.endpoints import Endpoint
from proxysite.gateway.handler import ProxyRequest
from proxysite.gateway.models_list import anthropic_entry, anthropic_list
from proxysite.gateway.responses import Relayed, json_answer, page
from routing.dialects import Dialect
from routing.errors import EndpointNotFound, MethodNotAllowed
from routing.matching import fold


async def endpoint(request: ProxyRequest, endpoint: Endpoint) -> Relayed:
    return await (counting.count if endpoint.counts else pipeline.serve)(request, endpoint)


async def passing(request: ProxyRequest, **kwargs: Any) -> Relayed:
    return await pipeline.serve(request, None)


async def status(request: ProxyRequest) -> Relayed:
    """JSON to programs, a small page to browsers; HEAD is a reachability probe of Claude Code."""
    if request.method not in ("GET", "HEAD"):
        return await pipeline.serve(request, None)
    request.exchange.is_recorded = False
    report = gateway_status.report(request.engine.config(), request.engine)
    if "text/html" not in request.header(b"accept"):
        return json_answer(report)
    rules = [{**rule, "parameters": json.dumps(rule["parameters"], ensure_ascii=False)} for rule in report["rules"]]
    shown = {"report": {**report, "rules": rules}, "address": request.site() or "http://127.0.0.1:8001"}
    html = render_to_string("proxysite/status.html", shown)
    return page(HttpResponse(html))


async def health(request: ProxyRequest) -> Relayed:
    if request.method not in ("GET", "HEAD"):
        return await pipeline.serve(request, None)
    request.exchange.is_recorded = False
    return json_answer({"status": "healthy", "target": gateway_status.target(request.engine.config())})


async def models(request: ProxyRequest) -> Relayed:
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("Use GET on /v1/models.", headers=(("allow", "GET, HEAD"),))
    request.exchange.is_recorded = False
    entries = await request.engine.models.merged(request.engine.config(), request.scope["headers"])
    if request.exchange.client_dialect is Dialect.MESSAGES:
        return json_answer(anthropic_list(entries))
    # Codex reads `models` alone, and adds what is there to the models it knows: nothing.
    return json_answer({"object": "list", "data": entries, "models": []})


async def model(request: ProxyRequest, name: str) -> Relayed:
    if request.method not in ("GET", "HEAD"):
        return await pipeline.serve(request, None)
    entries = await request.engine.models.merged(request.engine.config(), request.scope["headers"])
    for entry in entries:
        if fold(entry["id"]) == fold(name):
            messages = request.exchange.client_dialect is Dialect.MESSAGES
            return json_answer(anthropic_entry(entry) if messages else entry)
    raise EndpointNotFound(f"There is no model “{name[:200]}”; /v1/models lists those there are.")


async def telemetry(request: ProxyRequest, **kwargs: Any) -> Relayed:
    """Claude Code's event logging: answered here, forwarded nowhere."""
    request.exchange.is_recorded = False
    return json_answer({"status": "success", "message": "Events logged successfully"})
