"""The official Anthropic client works through the proxy, blocking and async, and never retries without reason."""

import base64

import anthropic
import pytest

from tests.end_to_end.answers import End, Gate, json_answer, stream
from tests.end_to_end.configuration import CLIENT_KEY
from tests.end_to_end.exchanges import HELLO, MESSAGES, typed

TOOL = {"name": "look_up", "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}}}
IMAGE = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"\x89PNG").decode()}


@pytest.fixture
def sdk(proxy):
    http = anthropic.DefaultHttpxClient(verify=False)
    with anthropic.Anthropic(base_url=proxy.url, api_key=CLIENT_KEY, max_retries=0, http_client=http) as client:
        yield client


@pytest.fixture
async def async_sdk(proxy):
    http = anthropic.DefaultAsyncHttpxClient(verify=False)
    async with anthropic.AsyncAnthropic(
        base_url=proxy.url, api_key=CLIENT_KEY, max_retries=0, http_client=http
    ) as client:
        yield client


def _create(sdk, model="plain", **more):
    return sdk.messages.create(model=model, max_tokens=100, messages=HELLO, **more)


def test_messages(sdk, upstream):
    upstream.answer(json_answer(MESSAGES.answer))
    answer = _create(sdk, system="Be brief.")
    assert answer.content[0].text == "Hi there"
    assert answer.stop_reason == "end_turn"
    assert upstream.call.json() == {**MESSAGES.body(), "system": "Be brief."}
    assert any(CLIENT_KEY in value for _, value in upstream.call.headers)


def test_the_stream_helper(sdk, upstream):
    upstream.answer(stream(*MESSAGES.events))
    with sdk.messages.stream(model="renamed", max_tokens=100, messages=HELLO) as events:
        assert "".join(events.text_stream) == "Hi there"
        final = events.get_final_message()
    assert (final.model, final.stop_reason) == ("renamed", "end_turn")


def test_a_tool_call_in_a_stream(sdk, upstream):
    block = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": part} for part in ("", '{"q": ', '"ä"}')]
    upstream.answer(
        stream(
            MESSAGES.events[0].partition(b"\n\n")[0] + b"\n\n",  # message_start alone
            typed({"type": "content_block_start", "index": 0, "content_block": block}),
            *(typed({"type": "content_block_delta", "index": 0, "delta": delta}) for delta in deltas),
            *MESSAGES.events[-3:],
        )
    )
    with sdk.messages.stream(model="plain", max_tokens=100, messages=HELLO, tools=[TOOL]) as events:
        assert events.get_final_message().content[0].input == {"q": "ä"}


def test_tools_and_images_reach_the_upstream_as_they_are(sdk, upstream):
    content = [{"type": "image", "source": IMAGE}, {"type": "text", "text": "What is this?"}]
    messages = [{"role": "user", "content": content}]
    upstream.answer(json_answer(MESSAGES.answer))
    sdk.messages.create(model="plain", max_tokens=100, messages=messages, tools=[TOOL], tool_choice={"type": "any"})
    body = upstream.call.json()
    assert (body["messages"], body["tools"], body["tool_choice"]) == (messages, [TOOL], {"type": "any"})


def test_models(sdk, upstream):
    assert "plain" in [model.id for model in sdk.models.list()]
    assert sdk.models.retrieve("plain").id == "plain"


def test_the_request_id_is_where_the_client_looks_for_it(sdk, upstream):
    upstream.answer(json_answer(MESSAGES.answer))
    assert _create(sdk)._request_id == upstream.call.header("x-request-id")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (404, anthropic.NotFoundError),
        (429, anthropic.RateLimitError),
        (529, anthropic.APIStatusError),
    ],
)
def test_an_upstreams_error_is_the_right_exception(sdk, upstream, status, error):
    upstream.answer(json_answer({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, status))
    with pytest.raises(error, match="no") as caught:
        _create(sdk)
    assert caught.value.status_code == status


def test_an_upstream_that_is_away_is_a_502(sdk):
    with pytest.raises(anthropic.APIStatusError, match="refused") as caught:
        _create(sdk, "via-refused")
    assert caught.value.status_code == 502
    assert caught.value.request_id


def test_a_stream_that_breaks_off_raises(sdk, upstream):
    upstream.answer(stream(*MESSAGES.events[:3], end=End.CUT))
    with pytest.raises(anthropic.APIStatusError, match="main"):
        list(_create(sdk, stream=True))


def test_a_mistake_of_the_clients_is_not_tried_again(proxy, upstream):
    upstream.answer(json_answer({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, 400))
    with anthropic.Anthropic(base_url=proxy.url, api_key=CLIENT_KEY) as sdk, pytest.raises(anthropic.BadRequestError):
        _create(sdk)
    assert len(upstream.calls) == 1


async def test_the_async_client(async_sdk, upstream):
    upstream.answer(json_answer(MESSAGES.answer), stream(*MESSAGES.events))
    answer = await async_sdk.messages.create(model="plain", max_tokens=100, messages=HELLO)
    assert answer.content[0].text == "Hi there"
    async with async_sdk.messages.stream(model="plain", max_tokens=100, messages=HELLO) as events:
        assert "".join([text async for text in events.text_stream]) == "Hi there"
    assert [model.id async for model in async_sdk.models.list()]


async def test_the_async_client_may_leave_a_stream(async_sdk, upstream):
    upstream.answer(stream(*MESSAGES.events[:3], Gate()))
    async with async_sdk.messages.stream(model="plain", max_tokens=100, messages=HELLO) as events:
        async for _ in events.text_stream:
            break
    upstream.call.wait_until_closed()
