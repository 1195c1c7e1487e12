"""The face of this package: any client dialect to any upstream dialect.

`convert_request` makes the body for the upstream and an `Exchange`, which knows what the answer's conversion needs to
know.  A streamed answer goes through a `StreamConverter` (`streaming`), a whole one through `convert_response`, an
error before the first byte through `convert_error`.  Nothing here is asked when client and upstream speak the same
dialect and nobody wants to look inside: then bytes pass as they are.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from routing.dialects import Dialect, tokens, upstream_errors
from routing.dialects.answer import Answer
from routing.dialects.capabilities import Capabilities
from routing.dialects.chat import parse as chat_parse
from routing.dialects.chat import render as chat_render
from routing.dialects.chat import writer as chat_writer
from routing.dialects.completions import again as completions_again
from routing.dialects.completions import parse as completions_parse
from routing.dialects.completions import writer as completions_writer
from routing.dialects.events import Event, Transform, UpstreamError
from routing.dialects.exchange import Exchange
from routing.dialects.generate import again as generate_again
from routing.dialects.generate import render as generate_render
from routing.dialects.json import object_of
from routing.dialects.messages import parse as messages_parse
from routing.dialects.messages import render as messages_render
from routing.dialects.messages import writer as messages_writer
from routing.dialects.prepare import Renamed, prepare
from routing.dialects.request import Request
from routing.dialects.responses import parse as responses_parse
from routing.dialects.responses import render as responses_render
from routing.dialects.responses import whole as responses_whole
from routing.dialects.sse import SseParser
from routing.dialects.streaming import READERS, begins_a_stream, whole_events
from routing.errors import BadRequest, DialectNotSpoken

PATHS: Mapping[Dialect, str] = {
    Dialect.CHAT: "chat/completions",
    Dialect.COMPLETIONS: "completions",
    Dialect.RESPONSES: "responses",
    Dialect.MESSAGES: "messages",
    Dialect.GENERATE: "generate",
}

_PARSE: Mapping[Dialect, Callable[[Mapping[str, Any]], Request]] = {
    Dialect.CHAT: chat_parse.parse,
    Dialect.COMPLETIONS: completions_parse.parse,
    Dialect.RESPONSES: responses_parse.parse,
    Dialect.MESSAGES: messages_parse.parse,
}
_RENDER: Mapping[Dialect, Callable[[Request, Capabilities], dict[str, Any]]] = {
    Dialect.CHAT: chat_render.render,
    Dialect.RESPONSES: responses_render.render,
    Dialect.MESSAGES: messages_render.render,
    Dialect.GENERATE: generate_render.render,
}
_AGAIN: Mapping[Dialect, Callable[[Answer, dict[str, Any]], dict[str, Any]]] = {
    Dialect.COMPLETIONS: completions_again.whole,
    Dialect.GENERATE: generate_again.whole,
}
_BODY: Mapping[Dialect, Callable[[Answer], dict[str, Any]]] = {
    Dialect.CHAT: chat_writer.body,
    Dialect.COMPLETIONS: completions_writer.body,
    Dialect.RESPONSES: responses_whole.body,
    Dialect.MESSAGES: messages_writer.body,
    Dialect.GENERATE: partial(generate_again.whole, body={}),
}


def choose(client: Dialect, upstream: Collection[Dialect]) -> Dialect:
    """The dialect to speak with an upstream: the client's own, else the first that it can be converted to."""
    order: tuple[Dialect, ...] = (client,)
    if client is Dialect.COMPLETIONS:
        order += (Dialect.GENERATE,)  # a prompt stays a prompt there
    if client is not Dialect.GENERATE:
        order += (Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES)
    for dialect in order:
        if dialect in upstream:
            return dialect
    spoken = ", ".join(sorted(upstream)) or "none"
    raise DialectNotSpoken(f"A {client} request cannot be sent to this upstream. It speaks: {spoken}.")


@dataclass(frozen=True, slots=True)
class Conversion:
    body: dict[str, Any]
    path: str  # canonical: without /v1
    warnings: list[str]
    exchange: Exchange
    betas: tuple[str, ...] = ()  # what the body needs in Anthropic's header of that name


def parse(body: Any, client: Dialect) -> Request:
    """The neutral request of a body; BadRequest when it makes no sense."""
    if not isinstance(body, Mapping):
        raise BadRequest("The request body must be a JSON object.")
    return _PARSE[client](body)


def convert_request(
    body: Mapping[str, Any],
    client: Dialect,
    upstream: Dialect,
    capabilities: Capabilities,
    *,
    request_id: str = "0",
    created: int = 0,
    token_ratio: float = 1.0,
) -> Conversion:
    """The body to send.  `capabilities.model` is the upstream's name of the model; `body` is not changed.

    `created` is in seconds; `token_ratio` calibrates the estimate of prompt tokens (see `tokens`).
    """
    request = parse(body, client)
    model = request.model
    estimate = tokens.estimate(request, token_ratio)
    renamed = prepare(request, capabilities)
    request.model = capabilities.model or request.model
    rendered = _RENDER[upstream](request, capabilities)
    exchange = Exchange(
        client=client,
        upstream=upstream,
        model=model,
        request_id=request_id,
        created=created,
        include_usage=request.include_usage,
        stops=frozenset(request.stop),
        prompt_estimate=estimate,
        echo=responses_parse.echo(body) if client is Dialect.RESPONSES else {},
        **_renamed(renamed, request),
    )
    return Conversion(rendered, PATHS[upstream], request.warnings, exchange, tuple(request.betas))


def _renamed(renamed: Renamed, request: Request) -> dict[str, Any]:
    return {
        "names": renamed.names,
        "wrapped": frozenset(renamed.wrapped),
        "namespaces": renamed.namespaces,
        "search": renamed.search,
        "known_tools": frozenset(tool.name for tool in request.functions()),
    }


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """`body` in the client's dialect; `failure` when the upstream's 200 was none (then `body` is the error's)."""

    body: dict[str, Any]
    warnings: list[str]
    failure: UpstreamError | None = None


def convert_response(data: bytes, exchange: Exchange, transforms: Sequence[Transform] = ()) -> WholeAnswer:
    """A whole answer; one that comes as a stream although none was asked for is put together."""
    found, warnings = read_whole(data, exchange, transforms)
    return write_whole(found, exchange, warnings, data)


def read_whole(data: bytes, exchange: Exchange, transforms: Sequence[Transform] = ()) -> tuple[list[Event], list[str]]:
    """The events that the transforms let go on, and warnings."""
    reader = READERS[exchange.upstream](exchange)
    if begins_a_stream(data):
        sse = SseParser()
        frames = sse.feed(data) + sse.close()
        found = [event for frame in frames for event in reader.feed(frame)] + reader.close()
    else:
        found = whole_events(data, reader)
    for transform in transforms:
        found = [passed for event in found for passed in transform.feed(event)] + transform.close()
    return found, reader.warnings


def write_whole(found: list[Event], exchange: Exchange, warnings: list[str], data: bytes = b"") -> WholeAnswer:
    """`data` is the answer as it came: bare text is written into that, so that nothing is lost of what stands there."""
    answer = Answer(exchange)
    answer.feed(found)
    answer.close()
    if answer.error is not None:
        error = upstream_errors.body_for(answer.error, exchange.client, exchange.request_id)
        return WholeAnswer(error, warnings, answer.error)
    came = object_of(data) if exchange.is_bare else None
    rendered = _AGAIN[exchange.client](answer, came) if came else _BODY[exchange.client](answer)
    return WholeAnswer(rendered, warnings + answer.warnings)


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    status: int
    body: dict[str, Any]
    headers: tuple[tuple[str, str], ...]  # beside those of the upstream that are passed on anyway


def convert_error(status: int, data: bytes, client: Dialect, request_id: str = "") -> ErrorAnswer:
    """An upstream's error answer in the client's dialect, with the status that makes SDKs do the right thing."""
    return error_answer(upstream_errors.of_text(data, status), client, request_id)


def error_answer(error: UpstreamError, client: Dialect, request_id: str = "") -> ErrorAnswer:
    headers = (("x-should-retry", "false"),) if upstream_errors.is_permanent(error) else ()
    body = upstream_errors.body_for(error, client, request_id)
    return ErrorAnswer(upstream_errors.status_for(error, client), body, headers)
