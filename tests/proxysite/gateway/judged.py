"""Answers that are judged, for tests inside one event loop: policies, what an upstream says, and how it is served."""

import orjson

from routing.dialects import Dialect
from routing.kinds import Kind
from tests.proxysite.gateway.in_process import Client, Upstream, settled
from tests.routing.dialects.transcripts import frame
from tests.snapshots import an_upstream, bound, routing_of
from validation.snapshot import Delivery, Policy, ValidationTable

GOOD = "".join(f"On day {day} the keeper of lamp {day * 7} wrote to harbour {day * 3}. " for day in range(1, 8))
LONG_GOOD = "".join(f"In year {year} the keeper of mill {year * 7} sold {year * 3} sacks. " for year in range(1, 30))
LOOP = "Wait, let me check the file once more. "
CHAT_ONLY = an_upstream(dialects=frozenset({Dialect.CHAT}), kind=Kind.VLLM)
ROUTING = routing_of(bound("*", CHAT_ONLY))


def judging(**fields):
    """A table of one policy, for every model; by it a client has nothing of an answer before that is judged."""
    fields = {
        "detectors": frozenset({"repetition", "empty"}),
        "retry_base_delay_seconds": 0.0,
        "delivery": Delivery.BUFFER,
        **fields,
    }
    return ValidationTable(policies=(Policy(model_pattern="*", **fields),))


def chunk(delta, finish=None):
    head = {"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "theirs"}
    return frame({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def says(text, field="content", size=40):
    """The chunks of a text, without an end."""
    pieces = (text[at : at + size] for at in range(0, len(text), size))
    return (chunk({"role": "assistant", "content": ""}), *(chunk({field: piece}) for piece in pieces))


def completion(text, finish=None):
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
    return frame({"id": "c", "object": "text_completion", "choices": [choice]})


def completes(text, size=40):
    return tuple(completion(text[at : at + size]) for at in range(0, len(text), size))


AT_ONCE = {"delivery": Delivery.HOLD_BACK}
END = (chunk({}, "stop"), frame(b"[DONE]"))


def answers(text):
    return (*says(text), *END)


def whole(text):
    return (orjson.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}),)


def asking(path="messages", stream=True, headers=None, **more):
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}], "stream": stream}
    return Client(f"/v1/{path}", {**body, **more}, headers={"host": "proxy.example", **(headers or {})})


async def served(proxy, nothing_left, client, upstream, routing=ROUTING, asks=None, **policy):
    """Serves one request; returns its record and its failures when nothing else is left of it."""
    handler = proxy(upstream, routing, validation=judging(**policy))
    handler.engine.validator = asks
    await handler(client.scope, client.receive, client.send)
    await settled()
    assert client.is_complete
    return nothing_left(handler, upstream), list(handler.engine.recorder._failures)


def bodies(upstream):
    return [orjson.loads(request.content) for request in upstream.requests]


class Watching(Upstream):
    """Remembers whether all answers before were closed when a request came."""

    closed = ()

    async def __call__(self, request):
        self.closed = [*self.closed, self.is_closed]
        return await super().__call__(request)


MESSAGES_ANSWER = (
    frame({"type": "message_start", "message": {"usage": {"input_tokens": 10, "output_tokens": 1}}}),
    frame({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    frame({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}),
    frame({"type": "content_block_stop", "index": 0}),
    frame({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}),
    frame({"type": "message_stop"}),
)


REST = "And in the end they all were glad. "

# Breaks

RESET = OSError("reset")
PERSISTENT = an_upstream(
    "persistent", dialects=frozenset({Dialect.CHAT}), kind=Kind.VLLM, max_retries=1, base_retry_delay=0.0
)
ROUTED = routing_of(bound("*", PERSISTENT))
ERROR = frame({"error": {"message": "The engine died.", "code": 500}})
