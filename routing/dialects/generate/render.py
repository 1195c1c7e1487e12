"""A completion to the body of SGLang's /generate: the prompt as `text`, how to answer it in `sampling_params`."""

from typing import Any

from routing.dialects.capabilities import Capabilities
from routing.dialects.json import dumps_text
from routing.dialects.prepare import sampling
from routing.dialects.request import Request, ResponseFormat, Text
from routing.errors import BadRequest

_BESIDE = ("rid", "lora_path", "session_params", "custom_logit_processor", "priority")  # of SGLang's Completions too


def render(request: Request, of: Capabilities) -> dict[str, Any]:
    body: dict[str, Any] = {"text": _prompt(request)}
    beside = {name: value for name in _BESIDE if (value := request.sampling.pop(name, None)) is not None}
    if request.sampling.pop("logprobs", None):
        beside |= {"return_logprob": True, "return_text_in_logprobs": True}
        beside |= {"top_logprobs_num": request.sampling.pop("top_logprobs", None) or 0}
    parameters = {name: _spelled(name, value) for name, value in sampling(request, of).items()}
    if request.max_tokens is not None:
        parameters[of.max_tokens_field] = request.max_tokens
    if request.stop:
        parameters["stop"] = request.stop
    body["sampling_params"] = parameters | _format(request.response_format)
    if request.stream:
        body["stream"] = True
    return body | beside


def _prompt(request: Request) -> str:
    parts = [*request.system, *(part for turn in request.turns for part in turn.parts)]
    if not all(isinstance(part, Text) for part in parts):
        raise BadRequest("Only text can be sent to this upstream, which knows prompts and no messages.")
    return "\n".join(part.text for part in parts if isinstance(part, Text))


def _spelled(name: str, value: Any) -> Any:
    """A schema travels as a text."""
    return value if name != "json_schema" or isinstance(value, str) else dumps_text(value)


def _format(wanted: ResponseFormat | None) -> dict[str, Any]:
    if wanted is None or wanted.kind not in ("json_schema", "json_object"):
        return {}
    return {"json_schema": _spelled("json_schema", wanted.schema or {"type": "object"})}
