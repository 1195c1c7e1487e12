"""The built-in demo upstream: a small model server without a model, on loopback only.

`demo` tells which parameters it received, `demo-slow` does so at reading speed, and `demo-leaky` leaves a tool call in
its reasoning (in its text, where a dialect has no reasoning); those of `demo_trouble` fail, those of `demo_garbage`
write garbage.  It speaks chat, completions and messages over a real socket, so that a first try goes through everything
a real upstream goes through.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from proxysite.gateway import demo_garbage, demo_leak, demo_trouble
from proxysite.gateway.demo_garbage import GARBAGE, LOOP
from proxysite.gateway.demo_trouble import CUT, DEAD, FLAKY

LEAKY = "demo-leaky"
MODELS = {  # seconds between words
    "demo": 0.02,
    "demo-slow": 0.25,
    LEAKY: 0.01,
    FLAKY: 0.02,
    DEAD: 0.02,
    CUT: 0.05,
    LOOP: 0.005,
    GARBAGE: 0.01,
}

_NOT_PARAMETERS = frozenset({"model", "messages", "prompt", "system", "stream", "stream_options", "tools", "metadata"})


@dataclass(frozen=True)
class _Form:
    """How one dialect writes an answer: the frames before, for each word (of reasoning, where it has any), and after;
    and the whole answer."""

    opening: Callable[[str], list[bytes]]
    word: Callable[[str, str], bytes]
    thought: Callable[[str, str], bytes]
    closing: Callable[[str, int], list[bytes]]
    whole: Callable[[str, str, int, bool], dict[str, Any]]


class DemoServer:
    def __init__(self, runner: web.AppRunner, url: str) -> None:
        self._runner = runner
        self.url = url

    @classmethod
    async def start(cls) -> "DemoServer":
        """Listens on a free port of 127.0.0.1."""
        app = web.Application(client_max_size=2**30)
        app.router.add_get("/v1/models", _models)
        refusals = demo_trouble.Refusals()
        for path, form in _FORMS.items():
            app.router.add_post(f"/v1/{path}", _answering(path, form, refusals))
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        return cls(runner, f"http://{host}:{port}")

    async def stop(self) -> None:
        await self._runner.cleanup()


async def _models(request: web.Request) -> web.Response:
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "sampling-proxy-demo"} for name in MODELS]
    return web.json_response({"object": "list", "data": data})


def _answering(path: str, form: _Form, refusals: demo_trouble.Refusals) -> Callable[[web.Request], Any]:
    async def answer(request: web.Request) -> web.StreamResponse:
        content = await request.read()
        body = orjson.loads(content)
        model = body.get("model")
        if model not in MODELS:
            message = f"The demo has no model “{model}”, only {', '.join(MODELS)}."
            return web.json_response({"error": {"message": message, "type": "invalid_request_error"}}, status=404)
        if model == FLAKY and refusals.refuses(content):
            return web.json_response(demo_trouble.REFUSAL, status=429, headers=demo_trouble.RETRY_AFTER)
        if model == DEAD:
            return _broken(request, web.StreamResponse())
        leaks = model == LEAKY and not demo_leak.is_answered(body)
        words = demo_leak.pieces(demo_leak.thought(body)) if leaks else list(_words(_answer(model, body, path)))
        if body.get("stream") is not True:
            whole = web.json_response(form.whole(model, "".join(words), len(words), leaks))
            return await _half(request, whole) if model == CUT else whole
        return await _stream(request, form, model, words, form.thought if leaks else form.word)

    return answer


async def _stream(
    request: web.Request, form: _Form, model: str, words: list[str], said: Callable[[str, str], bytes]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream", "cache-control": "no-cache"})
    await response.prepare(request)
    try:
        for frame in form.opening(model):
            await response.write(frame)
        for word in demo_trouble.half(words) if model == CUT else words:
            await response.write(said(model, word))
            await asyncio.sleep(MODELS[model])
        if model == CUT:
            await response.write(b"data: ")  # an event that never comes to its end
            return _broken(request, response)
        for frame in form.closing(model, len(words)):
            await response.write(frame)
    except ConnectionResetError:
        pass  # nobody listens any more
    return response


async def _half(request: web.Request, whole: web.Response) -> web.StreamResponse:
    """Less than its content-length promises."""
    assert isinstance(whole.body, bytes)
    response = web.StreamResponse(headers={"content-type": "application/json", "content-length": str(len(whole.body))})
    await response.prepare(request)
    await response.write(whole.body[: len(whole.body) // 2])
    return _broken(request, response)


def _broken(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The connection ends here, whatever is left to say."""
    if request.transport:
        request.transport.close()
    return response


def _words(text: str) -> Iterator[str]:
    for word in text.rstrip(" ").split(" "):
        yield word + " "


def _answer(model: str, body: dict[str, Any], path: str) -> str:
    """The parameters as they arrived here, after all rules; or garbage."""
    if model == LOOP:
        return demo_garbage.loop(body, has_penalties=path != "messages")
    if model == GARBAGE:
        return demo_garbage.salad()
    parameters = {name: value for name, value in body.items() if name not in _NOT_PARAMETERS}
    told = ", ".join(f"{name} = {orjson.dumps(value).decode()}" for name, value in sorted(parameters.items()))
    return f"Hello from the demo upstream! This request reached me with {told or 'no sampling parameters at all'}."


def _chat_chunk(model: str, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-demo",
        "object": "chat.completion.chunk",
        "created": _now(),
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def _now() -> int:
    return int(datetime.now(UTC).timestamp())


def _data(payload: Any) -> bytes:
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def _event(payload: dict[str, Any]) -> bytes:
    return b"event: " + payload["type"].encode() + b"\n" + _data(payload)


def _openai_usage(count: int) -> dict[str, int]:
    return {"prompt_tokens": 10, "completion_tokens": count, "total_tokens": 10 + count}


def _completion(model: str, text: str, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
    return {"id": "cmpl-demo", "object": "text_completion", "created": 0, "model": model, "choices": [choice]}


def _message(model: str, content: list[Any], count: int, stop: str | None) -> dict[str, Any]:
    return {
        "id": "msg_demo",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": count},
    }


def _text_delta(word: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}


def _chat_message(text: str, leaks: bool) -> dict[str, Any]:
    said = {"content": None, "reasoning_content": text} if leaks else {"content": text}
    return {"role": "assistant", **said}


_FORMS: dict[str, _Form] = {
    "chat/completions": _Form(
        opening=lambda model: [_data(_chat_chunk(model, {"role": "assistant", "content": ""}))],
        word=lambda model, word: _data(_chat_chunk(model, {"content": word})),
        thought=lambda model, word: _data(_chat_chunk(model, {"reasoning_content": word})),
        closing=lambda model, count: [
            _data({**_chat_chunk(model, {}, "stop"), "usage": _openai_usage(count)}),
            b"data: [DONE]\n\n",
        ],
        whole=lambda model, text, count, leaks: {
            "id": "chatcmpl-demo",
            "object": "chat.completion",
            "created": _now(),
            "model": model,
            "choices": [{"index": 0, "message": _chat_message(text, leaks), "finish_reason": "stop"}],
            "usage": _openai_usage(count),
        },
    ),
    "completions": _Form(
        opening=lambda model: [],
        word=lambda model, word: _data(_completion(model, word)),
        thought=lambda model, word: _data(_completion(model, word)),
        closing=lambda model, count: [
            _data({**_completion(model, "", "stop"), "usage": _openai_usage(count)}),
            b"data: [DONE]\n\n",
        ],
        whole=lambda model, text, count, leaks: {**_completion(model, text, "stop"), "usage": _openai_usage(count)},
    ),
    "messages": _Form(
        opening=lambda model: [
            _event({"type": "message_start", "message": _message(model, [], 0, None)}),
            _event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ],
        word=lambda model, word: _event(_text_delta(word)),
        thought=lambda model, word: _event(_text_delta(word)),
        closing=lambda model, count: [
            _event({"type": "content_block_stop", "index": 0}),
            _event(
                {
                    "type": "message_delta",
                    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                    "usage": {"output_tokens": count},
                }
            ),
            _event({"type": "message_stop"}),
        ],
        whole=lambda model, text, count, leaks: _message(model, [{"type": "text", "text": text}], count, "end_turn"),
    ),
}
