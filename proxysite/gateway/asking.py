"""What a request asks for, read off its bytes: which endpoint it is for and which binding may serve it.  Pure."""

from dataclasses import dataclass
from typing import Any

import orjson

from proxysite.gateway.endpoints import Endpoint
from routing import resolve
from routing.dialects import Dialect
from routing.errors import BadRequest, BodyTooLarge, MethodNotAllowed
from routing.headers import value_of
from routing.snapshot import Binding, RoutingTable

MOST_TOOLS = 10_000
MOST_VALUES = 1_000_000  # a prompt of so many, or of so many commas, is larger than any model's context
_ROOMY = 4 * 2**20  # bytes of a body that has room for more values than are read in no time
_STEP = 2**20

LONGEST_NAME = 1000  # of a model, in characters: names are remembered, so that long ones would fill the memory

# What is made anew for each request is not frozen, although nobody changes it: that costs three times as much to make.


@dataclass(slots=True, kw_only=True)
class Asked:
    """A request as the client sent it.  `path` is canonical, `versioned` says that the client wrote `/v1` itself.

    `encoded_path` is the path with the client's percent signs, blank if there were none.
    """

    method: str
    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    request_id: str
    versioned: bool = False
    encoded_path: str = ""


@dataclass(slots=True, kw_only=True)
class Route:
    """What a request resolved to: the binding whose targets may serve it.

    `endpoint` None: a path that is passed on as it is; `body` None: its body is nothing that we read.  `dialect` is the
    client's.
    """

    endpoint: Endpoint | None
    dialect: Dialect
    binding: Binding
    model: str | None
    body: dict[str, Any] | None

    @property
    def generates(self) -> bool:
        return self.endpoint is not None and self.endpoint.generates

    @property
    def streams(self) -> bool:
        return self.generates and self.body is not None and self.body.get("stream") is True


def find_route(asked: Asked, endpoint: Endpoint | None, dialect: Dialect, routing: RoutingTable) -> Route:
    """Reads the request as far as it must be read to know where it goes; `dialect` is the client's.

    Raises a ProxyError that says what is wrong with the request or the configuration.
    """
    if endpoint:
        refuse_method(asked.method, endpoint)
        body = parsed(asked.body)
        _refuse_crowds(body)
        model = model_in(body)
        binding = resolve.binding_for(model, routing)
        return Route(endpoint=endpoint, dialect=endpoint.speaks, binding=binding, model=model, body=body)
    readable = _object_or_none(asked)
    named = readable.get("model") if readable else None
    model = named if isinstance(named, str) and len(named) <= LONGEST_NAME else None
    binding = resolve.binding_of_path(asked.path, model, routing)
    return Route(endpoint=None, dialect=dialect, binding=binding, model=model, body=readable)


def parsed(body: bytes) -> dict[str, Any]:
    """The JSON object of a request.  Raises BadRequest with the place of the mistake, or BodyTooLarge."""
    if not body.strip():
        raise BadRequest("The request has no body; send a JSON object.")
    if len(body) > _ROOMY and _is_crowded(body):
        raise BodyTooLarge(f"The request body has more than {MOST_VALUES:,} values.")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise BadRequest(f"The request body is not valid JSON: {problem}.") from None
    if not isinstance(value, dict):
        raise BadRequest("The request body must be a JSON object.")
    return value


def _is_crowded(body: bytes) -> bool:
    """By the commas, although they may stand in a text as well.  Images have none."""
    commas = 0
    for start in range(0, len(body), _STEP):
        commas += body.count(b",", start, start + _STEP)
        if commas > MOST_VALUES:
            return True
    return False


def _refuse_crowds(body: dict[str, Any]) -> None:
    tools = body.get("tools")
    if isinstance(tools, list) and len(tools) > MOST_TOOLS:
        raise BodyTooLarge(f"“tools” has {len(tools):,} entries; at most {MOST_TOOLS:,} are taken.")


def model_in(body: dict[str, Any]) -> str | None:
    """The model a request names, None if it names none.  Raises BadRequest when it is not a name."""
    model = body.get("model")
    if model is None or model == "":
        return None
    if not isinstance(model, str):
        raise BadRequest("“model” must be a text.")
    if len(model) > LONGEST_NAME:
        raise BadRequest(f"“model” must not have more than {LONGEST_NAME} characters.")
    return model


def too_deep() -> BadRequest:
    return BadRequest("The request body is nested too deeply.")


def refuse_method(method: str, endpoint: Endpoint) -> None:
    if method not in endpoint.methods:
        raise MethodNotAllowed(
            f"{method} is not allowed on /v1/{endpoint.path}; use {' or '.join(endpoint.methods)}.",
            headers=(("allow", ", ".join(endpoint.methods)),),
        )


def _object_or_none(asked: Asked) -> dict[str, Any] | None:
    """The JSON object in a body, if that is what it is; anything else (audio, forms, nothing) passes untouched."""
    content_type = value_of(asked.headers, "content-type").lower()
    if not asked.body or (content_type and "json" not in content_type):
        return None
    try:
        value = orjson.loads(asked.body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
