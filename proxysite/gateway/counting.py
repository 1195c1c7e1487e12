"""How many tokens a request is, without generating any: asked of the upstream where it can count, else estimated here.

Claude Code asks dozens of times at its start, so a count never fails for an upstream's sake, and only one that is
refused leaves a record.
"""

import asyncio
import logging
from typing import Any

import orjson

from proxysite.gateway import pipeline
from proxysite.gateway.asking import model_in, parsed, refuse_method, too_deep
from proxysite.gateway.endpoints import Endpoint
from proxysite.gateway.handler import ProxyRequest
from proxysite.gateway.responses import Relayed, Streamed, Whole, json_answer
from routing import address, headers, resolve
from routing.dialects import Dialect, capabilities, conversion, tokens
from routing.dialects.json import object_of
from routing.errors import DialectNotSpoken, ProxyError
from routing.kinds import Kind
from routing.snapshot import Target

log = logging.getLogger(__name__)

WAIT_SECONDS = 5.0

_CLIENTS_FAULT = frozenset({400, 401, 403, 413, 422})  # what an estimate would only hide


async def count(request: ProxyRequest, endpoint: Endpoint) -> Relayed:
    """Answers `messages/count_tokens` and `responses/input_tokens`.  Raises ProxyError for a request that is wrong."""
    request.exchange.is_recorded = False
    try:
        return await _counted(request, endpoint)
    except RecursionError:
        request.exchange.is_recorded = True
        raise too_deep() from None
    except ProxyError:
        request.exchange.is_recorded = True
        raise


async def _counted(request: ProxyRequest, endpoint: Endpoint) -> Relayed:
    refuse_method(request.method, endpoint)
    body = parsed(request.content)
    model = model_in(body)
    binding = resolve.binding_for(model, request.engine.config().routing)
    if binding.picks:
        binding = await request.engine.models.picked(binding, model or "", request.scope["headers"])
    target = binding.first_choices[0]
    if endpoint.speaks in target.upstream.dialects and (answer := await _asked_upstream(request, endpoint)):
        return answer
    number = await _tokenized(request, body, endpoint.speaks, target)
    if number is None:
        ratio = request.engine.calibration.now.ratio(target.sent_model or model or "")
        number = tokens.estimate(conversion.parse(body, endpoint.speaks), ratio)
    return json_answer(tokens.count_body(number, endpoint.speaks))


async def _asked_upstream(request: ProxyRequest, endpoint: Endpoint) -> Relayed | None:
    """The upstream's own count, None if it cannot say."""
    exchange = request.exchange
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            answer = await pipeline.serve(request, endpoint)
    except (ProxyError, TimeoutError) as problem:
        if isinstance(problem, ProxyError) and not _is_upstreams(problem):
            raise
        log.info("%s: the upstream gave no count: %s", exchange.request_id, problem or "no answer in time")
        return None
    if answer.status_code in _CLIENTS_FAULT:
        exchange.is_recorded = True
        return answer
    if isinstance(answer, Whole) and answer.status_code == 200 and _is_count(answer.body):
        return answer
    if isinstance(answer, Streamed):
        await answer.aclose()
    exchange.outcome, exchange.error = "ok", ""
    return None


def _is_upstreams(problem: ProxyError) -> bool:
    """Another target of the binding may have been drawn than was looked at, and that one may speak other dialects."""
    return problem.outcome == "upstream_error" or isinstance(problem, DialectNotSpoken)


def _is_count(body: bytes) -> bool:
    """Some servers say 200 to paths that they do not have."""
    answer = object_of(body)
    return answer is not None and isinstance(answer.get("input_tokens"), int)


async def _tokenized(request: ProxyRequest, body: dict[str, Any], client: Dialect, target: Target) -> int | None:
    """The count of a server that shows its tokenizer (vLLM, llama.cpp), None of any other and when it fails."""
    kind = target.upstream.kind
    if kind not in _TOKENIZERS or Dialect.CHAT not in target.upstream.dialects:
        return None
    model = target.sent_model or str(body.get("model") or "")
    wanted = capabilities.of_upstream(target.upstream, model, Dialect.CHAT)
    chat = conversion.convert_request(body, client, Dialect.CHAT, wanted).body
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return await _TOKENIZERS[kind](request, target, chat)
    except (ProxyError, TimeoutError, ValueError, KeyError, TypeError) as problem:
        log.info("The tokenizer of %s gave no count: %s", target.upstream.name, problem)
        return None


async def _by_vllm(request: ProxyRequest, target: Target, chat: dict[str, Any]) -> int:
    said = {key: chat[key] for key in ("model", "messages", "tools", "chat_template_kwargs") if key in chat}
    return int((await _post(request, target, "tokenize", said))["count"])


async def _by_llamacpp(request: ProxyRequest, target: Target, chat: dict[str, Any]) -> int:
    said = {key: chat[key] for key in ("messages", "tools", "chat_template_kwargs") if key in chat}
    prompt = (await _post(request, target, "apply-template", said))["prompt"]
    return len((await _post(request, target, "tokenize", {"content": prompt, "add_special": True}))["tokens"])


_TOKENIZERS = {Kind.VLLM: _by_vllm, Kind.LLAMACPP: _by_llamacpp}


async def _post(request: ProxyRequest, target: Target, path: str, body: dict[str, Any]) -> Any:
    upstream = target.upstream
    sent = headers.to_upstream(
        request.scope["headers"], upstream, Dialect.CHAT, request.exchange.request_id, converted=True
    )
    url = address.upstream_url(upstream.base_url, path)
    answer = await request.engine.upstreams.send(upstream, "POST", url, sent, orjson.dumps(body))
    try:
        if answer.status != 200:
            raise ValueError(f"/{path} answered {answer.status}")
        return orjson.loads(await answer.read())
    finally:
        await answer.aclose()
