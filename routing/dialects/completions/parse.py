"""The body of a Completions request to the neutral request: one prompt, which becomes the user's message."""

from collections.abc import Mapping
from typing import Any

from routing.dialects import reading
from routing.dialects.chat.parse import one_answer
from routing.dialects.request import Request, Role, Text, Turn
from routing.errors import BadRequest

DEFAULT_MAX_TOKENS = 16

_READ = frozenset(
    {"model", "prompt", "suffix", "echo", "best_of", "n", "max_tokens", "stop", "stream", "stream_options", "user"}
)


def parse(body: Mapping[str, Any]) -> Request:
    request = Request(model=reading.text(body.get("model"), "model"))
    request.turns.append(Turn(Role.USER, [Text(_prompt(body.get("prompt")))]))
    for name in ("suffix", "echo"):
        if body.get(name):
            raise BadRequest(f"{name} cannot be converted for this upstream, which holds conversations.")
    if body.get("best_of") not in (None, 1):
        raise BadRequest("best_of must be 1: this upstream gives one answer to a request.")
    one_answer(body)
    limit = reading.whole(body.get("max_tokens"), "max_tokens")
    request.max_tokens = limit or DEFAULT_MAX_TOKENS
    request.stop, warned = reading.stops(body.get("stop"), "stop")
    request.warnings += warned
    request.stream = body.get("stream") is True
    options = reading.mapping(body.get("stream_options"), "stream_options")
    request.include_usage = options.get("include_usage") is True
    request.user = reading.text(body.get("user"), "user")
    logprobs = body.get("logprobs")
    if logprobs is not None:
        request.warn("logprobs were left out: their form differs between completions and this upstream's dialect.")
    for name, value in body.items():
        if name not in _READ and name != "logprobs" and value is not None:
            request.sampling[name] = value
    return request


def _prompt(prompt: Any) -> str:
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        prompt = prompt[0]
    if not isinstance(prompt, str) or not prompt:
        raise BadRequest("prompt must be one text: lists of prompts and token numbers cannot be converted.")
    return prompt
