"""Conversations there and back again keep everything that both dialects can say."""

import itertools

import orjson
from hypothesis import given
from hypothesis import strategies as st

from routing.dialects import Dialect
from routing.dialects.capabilities import Capabilities
from routing.dialects.conversion import convert_request
from tests.routing.dialects.support import CHAT, MESSAGES

# An upstream that takes everything and changes nothing, in both dialects.
OPEN = Capabilities(
    flat_text=False,
    documents=True,
    tool_result_images=True,
    strict_tools=True,
    custom_tools=True,
    strip_billing_header=False,
    default_max_tokens=1,
)

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(str.strip)
NAMES = st.sampled_from(["read", "write", "mcp__list-files"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=3)
IMAGES = st.sampled_from(["iVBO", "AAAA"])


def text(said: str) -> dict:
    return {"type": "text", "text": said}


def image(data: str) -> dict:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def content(blocks: list[dict]):
    """As our renderer writes it: a lone text is not a list."""
    return blocks[0]["text"] if len(blocks) == 1 and blocks[0]["type"] == "text" else blocks


@st.composite
def anthropic_conversations(draw) -> dict:
    """User and assistant in turn, each call answered in the turn after it."""
    messages, waiting, number = [], [], 0
    for _ in range(draw(st.integers(1, 4))):
        results = [
            {"type": "tool_result", "tool_use_id": id, "content": draw(WORDS)}
            if draw(st.booleans())
            else {"type": "tool_result", "tool_use_id": id}
            for id in waiting
        ]
        asked = [text(draw(WORDS)), *(image(data) for data in draw(st.lists(IMAGES, max_size=2)))]
        blocks = results + (asked if draw(st.booleans()) or not results else [])
        messages.append({"role": "user", "content": content(blocks)})
        waiting = [f"toolu_{number + offset}" for offset in range(draw(st.integers(0, 3)))]
        number += len(waiting)
        calls = [{"type": "tool_use", "id": id, "name": draw(NAMES), "input": draw(OBJECTS)} for id in waiting]
        said = [text(draw(WORDS))] if draw(st.booleans()) or not calls else []
        messages.append({"role": "assistant", "content": content(said + calls)})
    ended = [{"type": "tool_result", "tool_use_id": id, "content": "end"} for id in waiting]
    messages.append({"role": "user", "content": content([*ended, text("end")])})
    tools = [{"name": name, "input_schema": {"type": "object", "properties": {}}} for name in draw(st.sets(NAMES))]
    body = {"model": "m", "max_tokens": draw(st.integers(1, 99)), "messages": messages}
    choice = draw(st.sampled_from([None, {"type": "auto"}, {"type": "any"}, {"type": "none"}]))
    if tools:
        body["tools"] = tools
        if choice is not None:
            body["tool_choice"] = choice
    if draw(st.booleans()):
        body["system"] = draw(WORDS)
    if draw(st.booleans()):
        body["stop_sequences"] = draw(st.lists(WORDS, min_size=1, max_size=3))
    for name in draw(st.sets(st.sampled_from(["temperature", "top_p", "top_k"]))):
        body[name] = 1
    return body


def through(body: dict, *dialects: Dialect) -> dict:
    for client, upstream in itertools.pairwise(dialects):
        conversion = convert_request(body, client, upstream, OPEN)
        assert conversion.warnings == []
        body = orjson.loads(orjson.dumps(conversion.body))
    return body


@given(anthropic_conversations())
def test_messages_to_chat_and_back(body):
    assert through(body, MESSAGES, CHAT, MESSAGES) == body


@given(anthropic_conversations())
def test_chat_to_messages_and_back(body):
    """Any conversation of messages is one of chat; from there and back again nothing changes any more."""
    there = through(body, MESSAGES, CHAT)
    assert through(there, CHAT, MESSAGES, CHAT) == there


@given(anthropic_conversations())
def test_the_rules_of_order_hold_on_both_sides(body):
    waiting: list[str] = []
    for message in through(body, MESSAGES, CHAT)["messages"]:
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
        else:
            assert waiting == []
        waiting += [call["id"] for call in message.get("tool_calls", ())]
    assert waiting == []
