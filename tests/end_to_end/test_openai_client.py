"""The official OpenAI client works through the proxy, blocking and async, and never retries without reason."""

import base64

import openai
import pytest

from tests.end_to_end.answers import End, event, hang_up, json_answer, stream
from tests.end_to_end.configuration import CLIENT_KEY
from tests.end_to_end.exchanges import CHAT, COMPLETIONS, EMBEDDINGS, HELLO, RESPONSES, chat_chunk

PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": ""}}


@pytest.fixture
def sdk(proxy):
    http = openai.DefaultHttpxClient(verify=False)
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=CLIENT_KEY, max_retries=0, http_client=http) as client:
        yield client


@pytest.fixture
async def async_sdk(proxy):
    http = openai.DefaultAsyncHttpxClient(verify=False)
    async with openai.AsyncOpenAI(
        base_url=f"{proxy.url}/v1", api_key=CLIENT_KEY, max_retries=0, http_client=http
    ) as client:
        yield client


def test_chat(sdk, upstream):
    upstream.answer(json_answer(CHAT.answer))
    answer = sdk.chat.completions.create(model="plain", messages=HELLO, temperature=0.5)
    assert answer.choices[0].message.content == "Hi there"
    assert answer.usage.total_tokens == 5
    assert upstream.call.json() == {"model": "plain", "messages": HELLO, "temperature": 0.5}
    assert upstream.call.header("authorization") == f"Bearer {CLIENT_KEY}"


def test_chat_stream(sdk, upstream):
    upstream.answer(stream(*CHAT.events))
    chunks = sdk.chat.completions.create(model="renamed", messages=HELLO, stream=True)
    chunks = list(chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hi there"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.model for chunk in chunks} == {"renamed"}


def test_the_stream_helper_with_a_tool_call(sdk, upstream):
    pieces = [{"role": "assistant", "content": None, "tool_calls": [CALL]}]
    pieces += [{"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in ('{"q":', ' "ä"}')]
    upstream.answer(
        stream(*(event(chat_chunk(delta)) for delta in pieces), event(chat_chunk({}, "tool_calls")), event("[DONE]"))
    )
    with sdk.chat.completions.stream(model="plain", messages=HELLO, tools=[TOOL]) as events:
        call = events.get_final_completion().choices[0].message.tool_calls[0]
    assert (call.id, call.function.name, call.function.arguments) == ("call_1", "look_up", '{"q": "ä"}')


def test_tools_and_images_reach_the_upstream_as_they_are(sdk, upstream):
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PNG}}]
    messages = [{"role": "user", "content": content}]
    upstream.answer(json_answer(CHAT.answer))
    sdk.chat.completions.create(model="plain", messages=messages, tools=[TOOL], tool_choice="required")
    assert upstream.call.json() == {"model": "plain", "messages": messages, "tools": [TOOL], "tool_choice": "required"}


def test_completions(sdk, upstream):
    upstream.answer(json_answer(COMPLETIONS.answer))
    assert sdk.completions.create(model="plain", prompt="Hello").choices[0].text == "Hi there"


def test_embeddings(sdk, upstream):
    upstream.answer(json_answer(EMBEDDINGS.answer))
    assert sdk.embeddings.create(model="plain", input="Hello").data[0].embedding == [0.25, -0.5]


def test_responses(sdk, upstream):
    upstream.answer(json_answer(RESPONSES.answer))
    assert sdk.responses.create(model="plain", input="Hello").output_text == "Hi there"


def test_responses_stream(sdk, upstream):
    upstream.answer(stream(*RESPONSES.events))
    with sdk.responses.stream(model="plain", input="Hello") as events:
        text = "".join(piece.delta for piece in events if piece.type == "response.output_text.delta")
        assert text == "Hi there"
        assert events.get_final_response().status == "completed"


def test_models(sdk, upstream):
    assert "plain" in [model.id for model in sdk.models.list()]
    assert sdk.models.retrieve("org/with-slash").id == "org/with-slash"


def test_the_request_id_is_where_the_client_looks_for_it(sdk, upstream):
    upstream.answer(json_answer(CHAT.answer))
    answer = sdk.chat.completions.create(model="plain", messages=HELLO)
    assert answer._request_id == upstream.call.header("x-request-id")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
def test_an_upstreams_error_is_the_right_exception(sdk, upstream, status, error):
    upstream.answer(json_answer({"error": {"message": "no", "type": "t", "param": None, "code": "c"}}, status))
    with pytest.raises(error) as caught:
        sdk.chat.completions.create(model="plain", messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (status, "c")


def test_an_upstream_that_is_away_is_a_502(sdk):
    with pytest.raises(openai.APIStatusError, match="refused") as caught:
        sdk.chat.completions.create(model="via-refused", messages=HELLO)
    assert caught.value.status_code == 502
    assert caught.value.request_id


def test_a_stream_that_breaks_off_raises(sdk, upstream):
    upstream.answer(stream(CHAT.events[1], end=End.CUT))
    with pytest.raises(openai.APIError, match="main"):
        list(sdk.chat.completions.create(model="plain", messages=HELLO, stream=True))


def test_a_responses_stream_that_breaks_off_ends_as_failed(sdk, upstream):
    upstream.answer(stream(*RESPONSES.events[:4], end=End.CUT))
    events = list(sdk.responses.create(model="plain", input="Hello", stream=True))
    assert events[-1].type == "response.failed"
    assert "main" in events[-1].response.error.message


def test_a_mistake_of_the_clients_is_not_tried_again(proxy, upstream):
    upstream.answer(json_answer({"error": {"message": "no"}}, 400))
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=CLIENT_KEY) as sdk, pytest.raises(openai.BadRequestError):
        sdk.chat.completions.create(model="plain", messages=HELLO)
    assert len(upstream.calls) == 1


def test_a_failure_is_tried_again_by_the_client_alone(proxy, upstream):
    """The proxy does not multiply the client's attempts: this upstream is configured without retries."""
    upstream.answer(hang_up(), json_answer(CHAT.answer))
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=CLIENT_KEY, max_retries=1) as sdk:
        assert sdk.chat.completions.create(model="plain", messages=HELLO).choices[0].message.content == "Hi there"
    assert len(upstream.calls) == 2


async def test_the_async_client(async_sdk, upstream):
    upstream.answer(
        json_answer(CHAT.answer), stream(*CHAT.events), json_answer(EMBEDDINGS.answer), json_answer(RESPONSES.answer)
    )
    answer = await async_sdk.chat.completions.create(model="plain", messages=HELLO)
    assert answer.choices[0].message.content == "Hi there"
    chunks = await async_sdk.chat.completions.create(model="plain", messages=HELLO, stream=True)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in chunks]) == "Hi there"
    assert (await async_sdk.embeddings.create(model="plain", input="Hello")).data
    assert (await async_sdk.responses.create(model="plain", input="Hello")).output_text == "Hi there"
    assert [model.id async for model in async_sdk.models.list()]


async def test_the_async_client_may_leave_a_stream(async_sdk, upstream):
    from tests.end_to_end.answers import Gate

    upstream.answer(stream(CHAT.events[1], Gate()))
    chunks = await async_sdk.chat.completions.create(model="plain", messages=HELLO, stream=True)
    async for _ in chunks:
        break
    await chunks.close()
    upstream.call.wait_until_closed()
