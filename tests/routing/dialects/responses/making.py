"""Short ways to make requests, frames and exchanges."""

from collections.abc import Iterable
from typing import Any

import orjson

from routing.dialects import Dialect
from routing.dialects.answer import Answer
from routing.dialects.capabilities import Capabilities, capabilities
from routing.dialects.chat.parse import parse as parse_chat
from routing.dialects.chat.render import render as render_chat
from routing.dialects.events import Event
from routing.dialects.exchange import Exchange
from routing.dialects.messages.parse import parse as parse_messages
from routing.dialects.messages.render import render as render_messages
from routing.dialects.prepare import Renamed, prepare
from routing.dialects.request import Request
from routing.dialects.responses import parse as responses_parse
from routing.dialects.responses.reader import ResponsesReader
from routing.dialects.responses.render import render as render_responses
from routing.dialects.responses.whole import body
from routing.dialects.responses.writer import ResponsesWriter
from routing.dialects.sse import SseParser
from routing.kinds import Kind

PNG = "data:image/png;base64,AAAA"


def parsed(**fields: Any) -> Request:
    return responses_parse.parse({"model": "m", "input": "hi", **fields})


def read(*items: Any) -> Request:
    return parsed(input=list(items))


def to_chat(of: Capabilities | None = None, **fields: Any) -> tuple[dict, Request, Renamed]:
    request = parsed(**fields)
    of = of or capabilities(Kind.VLLM, "", Dialect.CHAT)
    renamed = prepare(request, of)
    return render_chat(request, of), request, renamed


def to_messages(model: str = "claude-sonnet-4-5", **fields: Any) -> dict:
    request = parsed(**fields)
    of = capabilities(Kind.ANTHROPIC, model, Dialect.MESSAGES)
    prepare(request, of)
    return render_messages(request, of)


def from_chat(kind: Kind = Kind.OPENAI, model: str = "gpt-4.1", **fields: Any) -> tuple[dict, Request]:
    return _to_responses(
        parse_chat({"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}), kind, model
    )


def from_messages(kind: Kind = Kind.OPENAI, model: str = "gpt-5", **fields: Any) -> tuple[dict, Request]:
    given = {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], **fields}
    return _to_responses(parse_messages(given), kind, model)


def _to_responses(request: Request, kind: Kind, model: str) -> tuple[dict, Request]:
    of = capabilities(kind, model, Dialect.RESPONSES)
    prepare(request, of)
    return render_responses(request, of), request


def exchange(client: Dialect = Dialect.RESPONSES, upstream: Dialect = Dialect.CHAT, **fields: Any) -> Exchange:
    standard = {"model": "asked", "request_id": "r1", "created": 1_700_000_000, "prompt_estimate": 9}
    return Exchange(client=client, upstream=upstream, **{**standard, **fields})


def frames(*payloads: dict) -> bytes:
    return b"".join(b"event: " + p["type"].encode() + b"\ndata: " + orjson.dumps(p) + b"\n\n" for p in payloads)


def events_in(chunks: Iterable[bytes], **fields: Any) -> list[Event]:
    """What a Responses upstream said, for any client."""
    parser, reader = SseParser(), ResponsesReader(exchange(Dialect.CHAT, Dialect.RESPONSES, **fields))
    found = [frame for chunk in chunks for frame in parser.feed(chunk)] + parser.close()
    return [event for frame in found for event in reader.feed(frame)] + reader.close()


def streamed(new: Iterable[Event], **fields: Any) -> bytes:
    writer = ResponsesWriter(exchange(**fields))
    return b"".join(writer.feed([event]) for event in new) + writer.close()


def whole(new: Iterable[Event], **fields: Any) -> dict:
    answer = Answer(exchange(**fields))
    answer.feed(list(new))
    answer.close()
    return body(answer)


def call(call_id: str, name: str = "f", arguments: Any = "{}", **more: Any) -> dict:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **more}


def output(id: str, said: Any = "done") -> dict:
    return {"type": "function_call_output", "call_id": id, "output": said}


def said(role: str, content: Any) -> dict:
    return {"role": role, "content": content}


def function(name: str = "f", **more: Any) -> dict:
    return {"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}, **more}
