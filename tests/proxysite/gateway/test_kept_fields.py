"""Good answers between two sides of one dialect leave with every field they came with, whoever looks into them."""

from dataclasses import replace

import orjson
import pytest

from routing.dialects import Dialect
from routing.kinds import Kind
from tests.proxysite.gateway import judged
from tests.proxysite.gateway.in_process import JSON, SSE, Client, Upstream, settled
from tests.proxysite.gateway.judged import AT_ONCE, GOOD
from tests.routing.dialects.transcripts import frame
from tests.snapshots import an_upstream, bound, routing_of

TOOL = {"type": "object", "properties": {"path": {"type": "string"}}}
TOKENS = [GOOD[at : at + 5] for at in range(0, len(GOOD), 5)]
LOGPROB = {"token": "x", "logprob": -0.5, "bytes": [120], "top_logprobs": []}


def chat_chunk(delta, finish=None, choice=None, **more):
    head = {"id": "gen-7", "provider": "Chutes", "object": "chat.completion.chunk", "created": 7, "model": "theirs"}
    said = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish, "token_ids": [5], **(choice or {})}
    return {**head, "choices": [said], "system_fingerprint": "fp", "service_tier": "default", **more}


def chat_call(index, **call):
    return chat_chunk({"tool_calls": [{"index": index, **call}], "vendor": 1})


CHAT_STREAM = (
    b": PROCESSING\n\n",
    frame(chat_chunk({"role": "assistant", "content": ""}, prompt_token_ids=[1, 2], obfuscation="q")),
    frame(chat_chunk({"content": ""}, prompt_progress={"total": 9, "processed": 5})),
    frame(chat_chunk({"reasoning": "Hm. ", "reasoning_details": [{"type": "reasoning.text", "text": "Hm. "}]})),
    *(frame(chat_chunk({"content": text})) for text in TOKENS),
    *(frame(chat_chunk({"content": "odd "}, usage={"completion_tokens": count})) for count in range(3)),
    frame(chat_chunk({"content": "end."}, choice={"logprobs": {"content": [LOGPROB], "refusal": None}})),
    frame(
        chat_chunk({"content": "", "annotations": [{"type": "file", "file": {"hash": "1"}}]}, citations=["http://a"])
    ),
    frame(chat_call(0, id="call_1", type="function", function={"name": "read", "arguments": ""})),
    frame(chat_call(0, function={"arguments": '{"path":"a'})),
    frame(chat_call(0, function={"arguments": 'b"}'})),
    frame(chat_call(1, id="call_2", type="function", function={"name": "read", "arguments": '{"path":"b"}'})),
    frame(chat_chunk({}, "tool_calls", choice={"native_finish_reason": "eos", "stop_reason": 7})),
    frame(
        {**chat_chunk({}), "choices": [], "usage": {"prompt_tokens": 9, "cost": 0.1}, "timings": {"predicted_ms": 4}}
    ),
    b"data: [DONE]\n\n",
)
CHAT_WHOLE = {
    **chat_chunk({}),
    "choices": [{"index": 0, "message": {"role": "assistant", "content": GOOD, "vendor": 1}, "finish_reason": "stop"}],
    "timings": {"predicted_ms": 4},
}


def typed(kind, **more):
    return frame({"type": kind, **more}, kind)


def block(index, start, *deltas):
    """The frames of a content block."""
    return (
        typed("content_block_start", index=index, content_block=start),
        *(typed("content_block_delta", index=index, delta=delta) for delta in deltas),
        typed("content_block_stop", index=index, vendor=1),
    )


def text_delta(text):
    return {"type": "text_delta", "text": text}


DOCUMENT = {"type": "page_location", "cited_text": "a", "document_index": 0, "start_page_number": 1}
MESSAGES_START = {
    "id": "theirs-7",
    "type": "message",
    "role": "assistant",
    "model": "theirs",
    "content": [],
    "stop_reason": None,
    "container": {"id": "box"},
    "usage": {"input_tokens": 10, "output_tokens": 1, "service_tier": "standard"},
}
MESSAGES_STREAM = (
    typed("message_start", message=MESSAGES_START),
    typed("ping"),
    *block(0, {"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "Hm. "}),
    typed("vendor_news", text="unknown"),
    *block(1, {"type": "text", "text": "", "citations": []}, *map(text_delta, TOKENS)),
    *block(
        2, {"type": "text", "text": ""}, {"type": "citations_delta", "citation": DOCUMENT}, *map(text_delta, TOKENS[:9])
    ),
    *block(3, {"type": "odd_block", "of": "a vendor"}),
    *block(
        4,
        {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}, "caller": {"type": "direct"}},
        {"type": "input_json_delta", "partial_json": ""},
        {"type": "input_json_delta", "partial_json": '{"path":'},
        {"type": "input_json_delta", "partial_json": '"a"}'},
    ),
    typed(
        "message_delta",
        delta={"stop_reason": "tool_use", "stop_sequence": None, "container": {"id": "box"}},
        usage={"output_tokens": 2, "server_tool_use": {"web_search_requests": 0}},
        context_management={"applied_edits": []},
    ),
    typed("message_stop", vendor={"timings": 4}),
)
MESSAGES_WHOLE = {
    **MESSAGES_START,
    "content": [{"type": "text", "text": GOOD, "citations": [DOCUMENT]}],
    "stop_reason": "end_turn",
    "context_management": {"applied_edits": []},
}

FUNCTION = {"type": "function", "function": {"name": "read", "parameters": TOOL}}
SENT = {
    Dialect.CHAT: ("chat/completions", {"tools": [FUNCTION], "messages": [{"role": "user", "content": "Hi"}]}),
    Dialect.MESSAGES: (
        "messages",
        {
            "tools": [{"name": "read", "input_schema": TOOL}],
            "messages": [{"role": "user", "content": "Hi"}],
            "max_tokens": 999,
        },
    ),
}
STREAMS = {Dialect.CHAT: CHAT_STREAM, Dialect.MESSAGES: MESSAGES_STREAM}
WHOLE = {Dialect.CHAT: CHAT_WHOLE, Dialect.MESSAGES: MESSAGES_WHOLE}

each_dialect = pytest.mark.parametrize("dialect", STREAMS)
however_looked_into = pytest.mark.parametrize(
    ("judged", "mended"), [(True, False), (False, True), (True, True)], ids=["judged", "mended", "both"]
)


@pytest.fixture
def body_of(proxy, nothing_left):
    """What a client gets of an answer that is looked into."""

    async def get(dialect, pieces, *, stream, judged, mended, **policy):
        path, body = SENT[dialect]
        client = Client(f"/v1/{path}", {"model": "m", "stream": stream, **body})
        upstream = Upstream(pieces, headers=SSE if stream else JSON)
        target = an_upstream(kind=Kind.VLLM, tool_call_repair="auto" if mended else "off")
        more = {"validation": validation(judged, **policy)}
        handler = proxy(upstream, routing_of(bound("*", target)), **more)
        await handler(client.scope, client.receive, client.send)
        await settled()
        record = nothing_left(handler, upstream)
        assert (record.outcome, record.warnings) == ("ok", ())
        return client.body

    return get


def validation(is_judged, **policy):
    table = judged.judging(**{**AT_ONCE, **policy})
    return table if is_judged else replace(table, policies=())


@each_dialect
@however_looked_into
class TestAGoodAnswer:
    async def test_that_streams_leaves_as_the_very_bytes_that_came(self, body_of, dialect, judged, mended):
        came = STREAMS[dialect]
        assert await body_of(dialect, came, stream=True, judged=judged, mended=mended) == b"".join(came)

    @pytest.mark.parametrize("size", [1, 1000])
    async def test_leaves_so_however_its_bytes_came(self, body_of, dialect, judged, mended, size):
        came = b"".join(STREAMS[dialect])
        pieces = tuple(came[at : at + size] for at in range(0, len(came), size))
        assert await body_of(dialect, pieces, stream=True, judged=judged, mended=mended) == came

    async def test_that_comes_whole_leaves_as_it_came(self, body_of, dialect, judged, mended):
        came = orjson.dumps(WHOLE[dialect])
        assert await body_of(dialect, (came,), stream=False, judged=judged, mended=mended) == came
