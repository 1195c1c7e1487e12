"""OpenAI's sealed reasoning survives the way through a Messages client: section 2.7 of the reference."""

import pytest

from routing.dialects import Dialect
from routing.dialects.capabilities import capabilities
from routing.dialects.conversion import convert_request
from routing.dialects.request import Reasoning
from routing.dialects.seals import of_signature, signature
from routing.kinds import Kind
from tests.routing.dialects.checkers import check_messages
from tests.routing.dialects.support import exchange, named, payloads, streamed, whole

SEALED = {"type": "reasoning", "id": "rs_9", "summary": [], "encrypted_content": "opaque=="}
SUMMARY = [{"type": "summary_text", "text": "hm"}]
SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "a", "annotations": []}],
}


def answered(*output):
    return {"id": "resp_1", "object": "response", "status": "completed", "output": list(output)}


def sent_back(content, upstream=Dialect.RESPONSES, kind=Kind.OPENAI, model="gpt-5"):
    turns = [("user", "hi"), ("assistant", content), ("user", "go")]
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": role, "content": said} for role, said in turns]}
    return convert_request(body, Dialect.MESSAGES, upstream, capabilities(kind, model, upstream)).body


@pytest.mark.parametrize("summary", [[], SUMMARY])
def test_2_7_a_messages_client_gives_openai_its_seal_back(summary):
    item = {**SEALED, "summary": summary}
    content = whole(answered(item, SAID), Dialect.MESSAGES, Dialect.RESPONSES)["content"]
    assert [block["type"] for block in content] == ["thinking", "text"]
    assert sent_back(content)["input"][1] == item


def test_2_7_a_streamed_seal_is_the_signature_of_its_thinking():
    item = {**SEALED, "summary": SUMMARY}
    stream = named(
        {"type": "response.output_item.added", "output_index": 0, "item": {**SEALED, "encrypted_content": None}},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "hm"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": answered(item, SAID)},
    )
    for size in (0, 1):
        out = streamed(stream, exchange(Dialect.MESSAGES, Dialect.RESPONSES), size)
        assert check_messages(out).parts == [("thinking", "hm"), ("text", "a")]
        signed = [event["delta"] for event in payloads(out) if event["type"] == "content_block_delta"][1]
        block = {"type": "thinking", "thinking": "hm", "signature": signed["signature"]}
        assert sent_back([block, {"type": "text", "text": "a"}])["input"][1] == item


def test_2_7_a_seal_of_openai_means_nothing_to_others():
    content = whole(answered({**SEALED, "summary": SUMMARY}, SAID), Dialect.MESSAGES, Dialect.RESPONSES)["content"]
    for kind in (Kind.OPENAI, Kind.VLLM):
        assert "opaque" not in str(sent_back(content, Dialect.CHAT, kind, "m"))


@pytest.mark.parametrize(
    "part", [Reasoning("hm", "genuine"), Reasoning("hm"), Reasoning("hm", encrypted="x", id="rs_1")]
)
def test_2_7_what_a_signature_carries_is_known_again(part):
    assert of_signature(part.text, signature(part, Dialect.RESPONSES)) == part
