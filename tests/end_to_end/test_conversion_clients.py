"""The official clients against upstreams of other dialects; and clients that leave while an answer is converted."""

import json

import anthropic
import openai
import pytest

from tests.end_to_end.answers import Gate, hang, json_answer, stream
from tests.end_to_end.configuration import CLIENT_KEY
from tests.end_to_end.exchanges import CHAT, COMPLETIONS, GENERATE, HELLO, MESSAGES, RESPONSES
from tests.end_to_end.pairs import CALLED, SAID, THOUGHT, TOLD, WHOLE, Pair, every_pair
from tests.end_to_end.test_client_gone import LeavingClient

SCHEMA = {"type": "object", "properties": {}}
NAMES = [name for name, _ in CALLED]
GIVEN = [json.loads(arguments) for _, arguments in CALLED]
both_ways = pytest.mark.parametrize("streaming", [False, True])


@pytest.fixture
def openai_sdk(proxy):
    http = openai.DefaultHttpxClient(verify=False)
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=CLIENT_KEY, max_retries=0, http_client=http) as client:
        yield client


@pytest.fixture
def anthropic_sdk(proxy):
    http = anthropic.DefaultHttpxClient(verify=False)
    with anthropic.Anthropic(base_url=proxy.url, api_key=CLIENT_KEY, max_retries=0, http_client=http) as client:
        yield client


@pytest.fixture
def told(upstream):
    def tell(exchange, streaming):
        dialect = exchange.dialect
        upstream.answer(stream(TOLD[dialect]) if streaming else json_answer(WHOLE[dialect]))
        return f"via-only-{dialect}"

    return tell


@both_ways
@pytest.mark.parametrize("exchange", [MESSAGES, RESPONSES], ids=str)
def test_openais_chat(openai_sdk, told, exchange, streaming):
    asked = {"model": told(exchange, streaming), "messages": HELLO}
    asked["tools"] = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in NAMES]
    if streaming:
        with openai_sdk.chat.completions.stream(**asked, stream_options={"include_usage": True}) as events:
            answer = events.get_final_completion()
    else:
        answer = openai_sdk.chat.completions.create(**asked)
    message = answer.choices[0].message
    assert (message.content, message.reasoning_content) == (SAID, THOUGHT)
    assert [call.function.name for call in message.tool_calls] == NAMES
    assert [json.loads(call.function.arguments) for call in message.tool_calls] == GIVEN
    assert answer.choices[0].finish_reason == "tool_calls"
    assert (answer.usage.prompt_tokens, answer.usage.prompt_tokens_details.cached_tokens) == (100, 60)


@both_ways
@pytest.mark.parametrize("exchange", [CHAT, RESPONSES], ids=str)
def test_anthropics_messages(anthropic_sdk, told, exchange, streaming):
    asked = {"model": told(exchange, streaming), "messages": HELLO, "max_tokens": 100}
    asked["tools"] = [{"name": name, "input_schema": SCHEMA} for name in NAMES]
    if streaming:
        with anthropic_sdk.messages.stream(**asked) as events:
            answer = events.get_final_message()
    else:
        answer = anthropic_sdk.messages.create(**asked)
    thinking, text, *calls = answer.content
    assert (thinking.thinking, text.text) == (THOUGHT, SAID)
    assert [(call.name, call.input) for call in calls] == list(zip(NAMES, GIVEN, strict=True))
    assert answer.stop_reason == "tool_use"
    assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens, answer.usage.output_tokens) == (40, 60, 20)


@both_ways
@pytest.mark.parametrize("exchange", [CHAT, MESSAGES], ids=str)
def test_openais_responses(openai_sdk, told, exchange, streaming):
    asked = {"model": told(exchange, streaming), "input": "Hello"}
    asked["tools"] = [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in NAMES]
    if streaming:
        with openai_sdk.responses.stream(**asked) as events:
            answer = events.get_final_response()
    else:
        answer = openai_sdk.responses.create(**asked)
    assert answer.output_text == SAID
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == list(zip(NAMES, GIVEN, strict=True))
    assert answer.status == "completed"
    assert (answer.usage.input_tokens, answer.usage.input_tokens_details.cached_tokens) == (100, 60)


@both_ways
@pytest.mark.parametrize("exchange", [MESSAGES, RESPONSES, GENERATE], ids=str)
def test_openais_completions(openai_sdk, upstream, exchange, streaming):
    upstream.answer(stream(*exchange.events) if streaming else json_answer(exchange.answer))
    asked = {"model": f"via-only-{exchange}", "prompt": "Hello", "stream": streaming}
    answer = openai_sdk.completions.create(**asked)
    chunks = list(answer) if streaming else [answer]
    assert "".join(chunk.choices[0].text for chunk in chunks) == "Hi there"


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (401, "authentication_error", openai.AuthenticationError),
        (429, "rate_limit_error", openai.RateLimitError),
        (529, "overloaded_error", openai.InternalServerError),
    ],
)
def test_an_error_is_the_right_exception_of_openais(openai_sdk, upstream, status, kind, error):
    """Row 5.3.4 of the wire reference."""
    upstream.answer(json_answer({"type": "error", "error": {"type": kind, "message": "Not now."}}, status))
    with pytest.raises(error, match=r"Not now\.") as caught:
        openai_sdk.chat.completions.create(model="via-only-messages", messages=HELLO)
    assert caught.value.status_code == (503 if status == 529 else status)
    assert caught.value.request_id == upstream.call.header("x-request-id")


@pytest.mark.parametrize(
    ("status", "error"), [(401, anthropic.AuthenticationError), (429, anthropic.RateLimitError), (400, None)]
)
def test_an_error_is_the_right_exception_of_anthropics(anthropic_sdk, upstream, status, error):
    """Row 5.3.4 of the wire reference."""
    upstream.answer(json_answer({"error": {"message": "Not now.", "type": "x", "code": status}}, status))
    with pytest.raises(error or anthropic.BadRequestError, match=r"Not now\.") as caught:
        anthropic_sdk.messages.create(model="via-only-chat", messages=HELLO, max_tokens=9)
    assert caught.value.request_id == upstream.call.header("x-request-id")


def test_a_stream_that_breaks_off_raises_in_both(openai_sdk, anthropic_sdk, upstream):
    """Row 5.3.5 of the wire reference."""
    upstream.answer(stream(*MESSAGES.events[:3]), stream(*CHAT.events[:2]))
    with pytest.raises(openai.APIError, match="broke off"):
        list(openai_sdk.chat.completions.create(model="via-only-messages", messages=HELLO, stream=True))
    with pytest.raises(anthropic.APIStatusError, match="broke off"):
        list(anthropic_sdk.messages.create(model="via-only-chat", messages=HELLO, max_tokens=9, stream=True))


def test_a_quota_that_is_used_up_is_tried_once(proxy, upstream):
    body = {"error": {"message": "No money left.", "type": "insufficient_quota", "code": "insufficient_quota"}}
    upstream.answer(json_answer(body, 429))
    with (
        anthropic.Anthropic(base_url=proxy.url, api_key=CLIENT_KEY, max_retries=2) as sdk,
        pytest.raises(anthropic.RateLimitError),
    ):
        sdk.messages.create(model="via-only-chat", messages=HELLO, max_tokens=9)
    assert len(upstream.calls) == 1


# Clients that leave


@pytest.fixture
def leaving(proxy):
    made = []

    def start(pair, **more):
        made.append(LeavingClient(proxy.port, pair.client, model=pair.model, **more))
        return made[-1]

    yield start
    for client in made:
        client.leave()


@both_ways
@pytest.mark.parametrize("pair", [Pair(MESSAGES, CHAT), Pair(CHAT, MESSAGES)], ids=str)
def test_a_client_that_leaves_while_it_waits_stops_the_upstream(proxy, upstream, leaving, pair, streaming):
    upstream.answer(hang(Gate()))
    client = leaving(pair, stream=streaming)
    call = upstream.wait_for_call()
    client.leave()
    call.wait_until_closed()
    assert proxy.installation.record(call.header("x-request-id"))["outcome"] == "client_gone"


@both_ways
def test_a_client_that_leaves_before_the_first_event_stops_the_upstream(upstream, leaving, streaming):
    """The upstream's answer has begun, but with nothing that the client can be told."""
    upstream.answer(stream(b": starting\n\n", Gate()))
    client = leaving(Pair(MESSAGES, CHAT), stream=streaming)
    call = upstream.wait_for_call()
    client.leave()
    call.wait_until_closed()


@every_pair
def test_a_client_that_leaves_in_the_middle_stops_the_upstream(upstream, leaving, pair):
    upstream.answer(stream(*pair.upstream.events[: len(pair.upstream.events) // 2 + 1], Gate()))
    client = leaving(pair, stream=True)
    client.read_until(b"Hi")
    client.leave()
    upstream.call.wait_until_closed()


@pytest.mark.parametrize(
    "pair", [Pair(MESSAGES, CHAT), Pair(RESPONSES, MESSAGES), Pair(COMPLETIONS, RESPONSES)], ids=str
)
def test_a_client_that_leaves_when_it_has_everything_is_not_called_gone(proxy, upstream, leaving, pair):
    upstream.answer(stream(*pair.upstream.events, Gate()))
    client = leaving(pair, stream=True)
    client.read_until(
        {"messages": b"message_stop", "responses": b"response.completed"}.get(f"{pair.client}", b"[DONE]")
    )
    client.leave()
    upstream.call.wait_until_closed()
    assert proxy.installation.record(upstream.call.header("x-request-id"))["outcome"] == "ok"
