"""Short ways to convert things in tests."""

from pathlib import Path

import orjson

from routing.dialects import Dialect
from routing.dialects.capabilities import Capabilities, capabilities
from routing.dialects.conversion import Conversion, convert_request, convert_response
from routing.dialects.exchange import Exchange
from routing.dialects.streaming import StreamConverter
from routing.kinds import Kind

CHAT, MESSAGES, RESPONSES = Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES
COMPLETIONS, GENERATE = Dialect.COMPLETIONS, Dialect.GENERATE
TRANSCRIPTS = Path(__file__).parents[2] / "transcripts"

SONNET_45, OPUS_48 = "claude-sonnet-4-5", "claude-opus-4-8"


def transcript(name: str) -> bytes:
    return (TRANSCRIPTS / f"{name}.sse").read_bytes()


def converted(
    body: dict,
    client: Dialect,
    upstream: Dialect,
    kind: Kind = Kind.VLLM,
    model: str = "",
    version: str = "",
    of: Capabilities | None = None,
) -> Conversion:
    found = of or capabilities(kind, model, upstream, version)
    return convert_request(body, client, upstream, found, request_id="r1", created=1_700_000_000)


def a_to_c(kind: Kind = Kind.VLLM, model: str = "", **fields) -> Conversion:
    """A Messages request at a chat upstream."""
    body = {"model": "asked", "max_tokens": 100, "messages": [user("hi")], **fields}
    return converted(body, MESSAGES, CHAT, kind, model)


def c_to_a(model: str = SONNET_45, kind: Kind = Kind.ANTHROPIC, version: str = "", **fields) -> Conversion:
    """A chat request at a Messages upstream."""
    return converted({"model": "asked", "messages": [user("hi")], **fields}, CHAT, MESSAGES, kind, model, version)


def r_to_c(kind: Kind = Kind.VLLM, model: str = "", **fields) -> Conversion:
    return converted({"model": "asked", "input": "hi", **fields}, RESPONSES, CHAT, kind, model)


def user(content) -> dict:
    return {"role": "user", "content": content}


def assistant(content, **more) -> dict:
    return {"role": "assistant", "content": content, **more}


def text(content: str) -> dict:
    return {"type": "text", "text": content}


def tool_use(id: str, name: str = "f", **given) -> dict:
    return {"type": "tool_use", "id": id, "name": name, "input": given}


def tool_result(id: str, content=None, **more) -> dict:
    block = {"type": "tool_result", "tool_use_id": id, **more}
    return block if content is None else {**block, "content": content}


def call(id: str, name: str = "f", arguments: str = "{}") -> dict:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool_message(id: str, content: str = "done") -> dict:
    return {"role": "tool", "tool_call_id": id, "content": content}


def a_tool(name: str = "f", **more) -> dict:
    return {"name": name, "input_schema": {"type": "object", "properties": {"x": {"type": "integer"}}}, **more}


def c_tool(name: str = "f", **more) -> dict:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    return {"type": "function", "function": {"name": name, "parameters": schema, **more}}


def exchange(client: Dialect, upstream: Dialect, **more) -> Exchange:
    standard = {"model": "asked", "request_id": "r1", "created": 1_700_000_000, "prompt_estimate": 9}
    return Exchange(client=client, upstream=upstream, **{**standard, **more})


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def streamed(data: bytes, of: Exchange, size: int = 0) -> bytes:
    converter = StreamConverter(of)
    chunks = pieces(data, size) if size else [data]
    return b"".join(map(converter.feed, chunks)) + converter.close()


def whole(body: dict, client: Dialect, upstream: Dialect, **more) -> dict:
    return convert_response(orjson.dumps(body), exchange(client, upstream, **more)).body


def frames_of(*chunks: dict | str) -> bytes:
    """A chat stream: dictionaries as data, texts as they are."""
    return b"".join(b"data: " + (c.encode() if isinstance(c, str) else orjson.dumps(c)) + b"\n\n" for c in chunks)


def delta(finish: str | None = None, **fields) -> dict:
    return {"id": "chatcmpl-9", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def tool_delta(**entry) -> dict:
    return delta(tool_calls=[entry])


def named(*events: dict) -> bytes:
    """A stream of Messages or Responses."""
    return b"".join(b"event: " + e["type"].encode() + b"\ndata: " + orjson.dumps(e) + b"\n\n" for e in events)


def payloads(stream: bytes) -> list[dict]:
    """The data of every frame but [DONE]."""
    lines = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: ")]
    return [orjson.loads(line) for line in lines if line != b"[DONE]"]
