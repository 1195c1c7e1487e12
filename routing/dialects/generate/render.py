"""A completion to the body of SGLang's /generate: the prompt as `text`, everything else in `sampling_params`."""

from typing import Any

from routing.dialects.capabilities import Capabilities
from routing.dialects.chat.content import text_of
from routing.dialects.prepare import sampling
from routing.dialects.request import Request


def render(request: Request, of: Capabilities) -> dict[str, Any]:
    parameters: dict[str, Any] = sampling(request, of)
    if request.max_tokens is not None:
        parameters[of.max_tokens_field] = request.max_tokens
    if request.stop:
        parameters["stop"] = request.stop
    text = "\n".join(text_of(turn.parts) for turn in request.turns)
    streamed = {"stream": True} if request.stream else {}
    return {"text": text, "sampling_params": parameters, **streamed}
