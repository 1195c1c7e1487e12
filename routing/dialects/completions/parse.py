"""The body of a Completions request to the neutral request: one prompt, which becomes the user's message."""

from collections.abc import Mapping
from typing import Any

from routing.dialects import reading
from routing.dialects.chat.parse import OPENAI_ONLY, one_answer, response_format
from routing.dialects.request import Request, Role, Text, Turn
from routing.errors import BadRequest

DEFAULT_MAX_TOKENS = 16  # this dialect's own: a client that says nothing counts on a short answer

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "n_predict")
_REFUSED = ("suffix", "echo", "prompt_embeds")  # leaving them out would change what was asked
_LEFT_OUT = ("prompt_logprobs",)  # of the prompt, which no other dialect repeats
_READ = frozenset(
    {
        "model",
        "prompt",
        "n",
        "best_of",
        "stop",
        "stream",
        "stream_options",
        "response_format",
        "user",
        "safety_identifier",
        *_LIMITS,
        *_REFUSED,
        *_LEFT_OUT,
        "logprobs",
    }
)


def parse(body: Mapping[str, Any]) -> Request:
    _refuse(body)
    request = Request(model=reading.text(body.get("model"), "model"))
    request.turns.append(Turn(Role.USER, [Text(_prompt(body.get("prompt")))]))
    request.max_tokens = _max_tokens(body, request)
    request.stop, warned = reading.stops(body.get("stop"), "stop")
    request.warnings += warned
    request.stream = body.get("stream") is True
    options = reading.mapping(body.get("stream_options"), "stream_options")
    request.include_usage = options.get("include_usage") is True
    request.response_format = response_format(body.get("response_format"))
    request.user = str(body.get("user") or body.get("safety_identifier") or "")
    _logprobs(body.get("logprobs"), request)
    for name in _LEFT_OUT:
        if body.get(name) is not None and body[name] is not False:
            request.warn(f"{name} was left out: its form differs between completions and this upstream's dialect.")
    for name, value in body.items():
        if name not in _READ and value is not None:
            (request.openai if name in OPENAI_ONLY else request.sampling)[name] = value
    return request


def _logprobs(wanted: Any, request: Request) -> None:
    """A number says how many tokens beside the chosen one, where others have a switch and a number."""
    if wanted is None or wanted is False:
        return
    request.sampling["logprobs"] = True
    if most := reading.whole(wanted if wanted is not True else 0, "logprobs"):
        request.sampling["top_logprobs"] = most


def _refuse(body: Mapping[str, Any]) -> None:
    for name in _REFUSED:
        if body.get(name):
            raise BadRequest(
                f"{name} cannot be converted for this upstream. Leave it out, or use one that speaks completions."
            )
    if body.get("best_of") not in (None, 1):
        raise BadRequest("best_of must be 1: this upstream gives one answer to a request.")
    one_answer(body)


def _prompt(prompt: Any) -> str:
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise BadRequest("prompt must be one text: several prompts, and tokens by their numbers, cannot be converted.")
    if not prompt:
        raise BadRequest("prompt is empty. Say what the model should continue.")
    return prompt


def _max_tokens(body: Mapping[str, Any], request: Request) -> int | None:
    """None is "as many as the upstream gives", which is what clients mean by a negative number."""
    given = next((name for name in _LIMITS if body.get(name) is not None), None)
    if given is None:
        return DEFAULT_MAX_TOKENS
    limit = reading.whole(body[given], given)
    if limit == 0:
        request.warn(f"{given} 0 was raised to 1: an answer of no tokens cannot be asked for.")
        return 1
    return limit
