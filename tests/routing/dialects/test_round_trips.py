"""Conversations there and back again keep everything that both dialects can say."""

import itertools
from dataclasses import replace

import orjson
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from routing.dialects import Dialect
from routing.dialects.capabilities import Capabilities, Prefill, ThinkingForm
from routing.dialects.conversion import convert_request
from tests.routing.dialects.support import CHAT, MESSAGES, RESPONSES

# An upstream that takes everything and changes nothing, in every dialect.
OPEN = Capabilities(
    openai_fields=frozenset({"service_tier", "metadata", "verbosity", "prompt_cache_key"}),
    flat_text=False,
    documents=True,
    tool_result_images=True,
    strict_tools=True,
    custom_tools=True,
    strip_billing_header=False,
    default_max_tokens=1,
    prefill=Prefill.CONTINUED,
    thinking=ThinkingForm.ADAPTIVE,
    reasoning_field="reasoning_content",
    user_field="user",
)
OF = {CHAT: OPEN, MESSAGES: OPEN, RESPONSES: replace(OPEN, max_tokens_field="max_output_tokens")}

CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])
WORDS = st.text(CHARACTERS, min_size=1, max_size=8).map(str.strip).filter(bool)
NAMES = st.sampled_from(["read", "write", "mcp__list-files"])
EFFORTS = st.sampled_from(["low", "medium", "high", "max"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
FORMATS = st.sampled_from(
    [{"type": "text"}, {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x/"}}]
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=3)
SCHEMAS = st.sampled_from(
    [
        {"type": "object", "properties": {}, "additionalProperties": False},
        {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"], "additionalProperties": False},
    ]
)


def text(said: str) -> dict:
    return {"type": "text", "text": said}


def source(kind: str, media_type: str, data: str, **more) -> dict:
    return {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}, **more}


IMAGES = st.sampled_from(
    [
        source("image", "image/png", "iVBO"),
        source("image", "image/jpeg", "AAAA"),
        {"type": "image", "source": {"type": "url", "url": "https://example.org/x.png"}},
    ]
)
DOCUMENTS = WORDS.map(lambda title: source("document", "application/pdf", "JVBE", title=title))


def content(blocks: list[dict]):
    """As our renderer writes it: a lone text is not a list."""
    return blocks[0]["text"] if len(blocks) == 1 and blocks[0]["type"] == "text" else blocks


@st.composite
def results(draw, id: str) -> dict:
    result = {"type": "tool_result", "tool_use_id": id}
    match draw(st.integers(0, 2)):
        case 0:
            return result
        case 1:
            return {**result, "content": draw(WORDS)}
    return {**result, "content": [text(draw(WORDS)), draw(IMAGES)]}


@st.composite
def turns(draw) -> list[dict]:
    """User and assistant in turn, each call answered in the turn after it; the last one may be begun already."""
    messages, waiting, number = [], [], 0
    for _ in range(draw(st.integers(1, 3))):
        answers = [draw(results(id)) for id in waiting]
        asked = [text(draw(WORDS)), *draw(st.lists(IMAGES | DOCUMENTS, max_size=2))]
        blocks = answers + (asked if draw(st.booleans()) or not answers else [])
        messages.append({"role": "user", "content": content(blocks)})
        waiting = [f"toolu_{number + offset}" for offset in range(draw(st.integers(0, 3)))]
        number += len(waiting)
        calls = [{"type": "tool_use", "id": id, "name": draw(NAMES), "input": draw(OBJECTS)} for id in waiting]
        said = [text(draw(WORDS))] if draw(st.booleans()) or not calls else []
        thought = draw(st.lists(WORDS, max_size=1))
        thinking = [{"type": "thinking", "thinking": hm, "signature": ""} for hm in thought]
        messages.append({"role": "assistant", "content": content(thinking + said + calls)})
    if waiting or draw(st.booleans()):
        ended = [{"type": "tool_result", "tool_use_id": id, "content": "end"} for id in waiting]
        messages.append({"role": "user", "content": content([*ended, text("end")])})
    return messages


@st.composite
def tools(draw) -> dict:
    """The tools, and the choice among them."""
    names = sorted(draw(st.sets(NAMES)))
    if not names:
        return {}
    listed = []
    for name in names:
        tool = {"name": name, "input_schema": draw(SCHEMAS)}
        if draw(st.booleans()):
            tool = {"name": name, "description": draw(WORDS), "input_schema": tool["input_schema"]}
        listed.append({**tool, "strict": True} if draw(st.booleans()) else tool)
    choices = [{"type": kind} for kind in ("auto", "any", "none")] + [{"type": "tool", "name": names[0]}]
    choice = draw(st.none() | st.sampled_from(choices))
    if choice is None:
        return {"tools": listed}
    if choice["type"] != "none" and draw(st.booleans()):
        choice = {**choice, "disable_parallel_tool_use": True}
    return {"tools": listed, "tool_choice": choice}


@st.composite
def anthropic_conversations(draw) -> dict:
    body = {"model": "m", "max_tokens": draw(st.integers(1, 99)), "messages": draw(turns()), **draw(tools())}
    optional = {
        "system": WORDS,
        "stop_sequences": st.lists(WORDS, min_size=1, max_size=3),
        "metadata": st.fixed_dictionaries({"user_id": WORDS}),
        "service_tier": st.sampled_from(["auto", "standard_only"]),
        "temperature": st.just(1),
        "top_p": st.just(1),
        "top_k": st.just(1),
        "stream": st.just(True),
    }
    for name in draw(st.sets(st.sampled_from(sorted(optional)))):
        body[name] = draw(optional[name])
    config = {}
    if draw(st.booleans()):
        config["effort"] = draw(EFFORTS)
        body["thinking"] = {"type": "adaptive"}
    if draw(st.booleans()):
        config["format"] = {"type": "json_schema", "schema": draw(SCHEMAS)}
    return {**body, "output_config": config} if config else body


def through(body: dict, *dialects: Dialect) -> dict:
    for client, upstream in itertools.pairwise(dialects):
        conversion = convert_request(body, client, upstream, OF[upstream])
        # Responses continue no turn that was begun, and have no stop sequences; both are said.
        unsaid = ("assistant turn", "stop sequence") if upstream is RESPONSES else ()
        assert [said for said in conversion.warnings if not any(word in said for word in unsaid)] == []
        body = orjson.loads(orjson.dumps(conversion.body))
    return body


@st.composite
def chat_conversations(draw) -> dict:
    """With what messages have no word for and responses do, and without what those leave out or put elsewhere."""
    body = through(draw(anthropic_conversations()), MESSAGES, CHAT)
    body.pop("stop", None)
    for tool in body.get("tools", ()):
        tool["function"].setdefault("strict", False)  # responses say it either way
    if draw(st.booleans()):
        free = {"name": "patch", "description": draw(WORDS), "format": draw(FORMATS)}
        body.setdefault("tools", []).append({"type": "custom", "custom": free})
        call = {"id": "c1", "type": "custom", "custom": {"name": "patch", "input": draw(WORDS)}}
        asked = {"role": "user", "content": draw(WORDS)}
        answered = {"role": "tool", "tool_call_id": "c1", "content": draw(WORDS)}
        body["messages"] += [asked, {"role": "assistant", "content": None, "tool_calls": [call]}, answered]
    if draw(st.booleans()):
        body["logprobs"], body["top_logprobs"] = True, draw(st.integers(1, 20))
    if draw(st.booleans()):
        named = {"name": "answer", "schema": draw(SCHEMAS), "strict": draw(st.booleans()), "description": draw(WORDS)}
        kinds = [{"type": "json_object"}, {"type": "json_schema", "json_schema": named}]
        body["response_format"] = draw(st.sampled_from(kinds))
    more = {"verbosity": st.sampled_from(["low", "high"]), "metadata": st.dictionaries(WORDS, WORDS, max_size=2)}
    for name in draw(st.sets(st.sampled_from(sorted(more)))):
        body[name] = draw(more[name])
    return body


@settings(max_examples=40, deadline=None)
@given(anthropic_conversations())
def test_messages_to_chat_and_back(body):
    assert through(body, MESSAGES, CHAT, MESSAGES) == body


@settings(max_examples=40, deadline=None)
@given(anthropic_conversations())
def test_chat_to_messages_and_back(body):
    """Any conversation of messages is one of chat; from there and back again nothing changes any more."""
    there = through(body, MESSAGES, CHAT)
    assert through(there, CHAT, MESSAGES, CHAT) == there


@settings(max_examples=40, deadline=None)
@given(chat_conversations())
def test_chat_to_responses_and_back(body):
    assert through(body, CHAT, RESPONSES, CHAT) == body


@settings(max_examples=40, deadline=None)
@given(chat_conversations())
def test_responses_to_chat_and_back(body):
    there = through(body, CHAT, RESPONSES)
    assert through(there, RESPONSES, CHAT, RESPONSES) == there


@settings(max_examples=40, deadline=None)
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


def calls_in(body: dict) -> list[int]:
    """How many calls each turn holds."""
    return [str(message["content"]).count("'tool_use'") for message in body["messages"]]


FEATURES = {
    "documents": lambda body: "'document'" in str(body["messages"]),
    "images": lambda body: "'base64'" in str(body["messages"]),
    "images by address": lambda body: "'url'" in str(body["messages"]),
    "images in results": lambda body: "'content': [{'type': 'text'" in str(body),
    "parallel calls": lambda body: max(calls_in(body)) > 1,
    "several rounds of calls": lambda body: sum(map(bool, calls_in(body))) > 1,
    "thinking": lambda body: "'thinking'" in str(body["messages"]),
    "prefill": lambda body: body["messages"][-1]["role"] == "assistant",
    "a format": lambda body: "format" in body.get("output_config", {}),
    "an effort": lambda body: "effort" in body.get("output_config", {}),
    "a chosen tool": lambda body: body.get("tool_choice", {}).get("type") == "tool",
    "one at a time": lambda body: "disable_parallel_tool_use" in body.get("tool_choice", {}),
    "strict tools": lambda body: "'strict'" in str(body.get("tools")),
    "the user": lambda body: "metadata" in body,
    "stop sequences": lambda body: "stop_sequences" in body,
}


@pytest.mark.parametrize("feature", FEATURES)
def test_the_conversations_are_rich(feature):
    """Errors in results are not among what chat can say, nor are signatures: `test_seals_in_messages`."""
    chosen = settings(max_examples=3000, database=None, phases=[Phase.generate], deadline=None)
    find(anthropic_conversations(), FEATURES[feature], settings=chosen)
