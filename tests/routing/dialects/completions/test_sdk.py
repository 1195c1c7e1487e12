"""The official SDK reads what we write, without a server between."""

from collections.abc import Iterator

import httpx
import openai
import orjson
import pytest

from routing.dialects.conversion import convert_error, convert_response
from tests.routing.dialects.support import CHAT, COMPLETIONS, GENERATE, exchange, frames_of, streamed

META = {"id": "g1", "prompt_tokens": 5, "completion_tokens": 2}
STREAM = frames_of(
    {"text": "Hel", "meta_info": {**META, "finish_reason": None}},
    {"text": "Hello", "meta_info": {**META, "finish_reason": {"type": "length", "length": 2}}},
    "[DONE]",
)
BROKEN = frames_of({"text": "Hel", "meta_info": META}, {"error": {"message": "CUDA out of memory"}}, "[DONE]")


def client(content: bytes, kind: str = "application/json", status: int = 200) -> openai.OpenAI:
    answer = httpx.MockTransport(
        lambda request: httpx.Response(status, content=content, headers={"content-type": kind})
    )
    http = httpx.Client(transport=answer)
    return openai.OpenAI(api_key="none", base_url="http://proxy/v1", http_client=http, max_retries=0)


def chunks(data: bytes) -> Iterator[openai.types.Completion]:
    stream = streamed(data, exchange(COMPLETIONS, GENERATE, include_usage=True))
    with client(stream, "text/event-stream") as sdk:
        yield from sdk.completions.create(model="m", prompt="Once", stream=True)


def test_it_reads_a_stream():
    *told, usage = chunks(STREAM)
    assert "".join(chunk.choices[0].text for chunk in told) == "Hello"
    assert told[-1].choices[0].finish_reason == "length"
    assert usage.usage.total_tokens == 7


def test_it_reads_a_whole_answer():
    body = {"text": "Hello", "meta_info": {**META, "finish_reason": {"type": "stop", "matched": 2}}}
    answer = convert_response(orjson.dumps(body), exchange(COMPLETIONS, GENERATE)).body
    with client(orjson.dumps(answer)) as sdk:
        found = sdk.completions.create(model="m", prompt="Once")
    assert (found.choices[0].text, found.choices[0].finish_reason, found.usage.total_tokens) == ("Hello", "stop", 7)


def test_4_8_it_raises_what_breaks_a_stream():
    with pytest.raises(openai.APIError, match="CUDA out of memory"):
        list(chunks(BROKEN))


def test_5_1_it_raises_an_error_with_its_status():
    failed = convert_error(529, b'{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}', COMPLETIONS)
    with client(orjson.dumps(failed.body), status=failed.status) as sdk, pytest.raises(openai.APIStatusError) as raised:
        sdk.completions.create(model="m", prompt="Once")
    assert (raised.value.status_code, raised.value.body["message"]) == (503, "Busy")


def test_8_82_it_raises_the_error_of_a_chat_upstream():
    data = frames_of({"error": {"message": "Nothing works", "code": 500}})
    stream = streamed(data, exchange(COMPLETIONS, CHAT))
    with client(stream, "text/event-stream") as sdk, pytest.raises(openai.APIError, match="Nothing works"):
        list(sdk.completions.create(model="m", prompt="Once", stream=True))
