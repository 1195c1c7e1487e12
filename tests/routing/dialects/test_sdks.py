"""What we write, read by the official clients' own types."""

import anthropic
import httpx
import httpx2
import openai
import pytest

from tests.routing.dialects.support import CHAT, MESSAGES, RESPONSES, exchange, streamed, transcript

FAMILIES = ["openai", "vllm_old", "vllm_new", "ollama", "zai", "kimi", "deepseek"]
UPSTREAMS = dict.fromkeys(FAMILIES, CHAT) | {"anthropic": MESSAGES, "responses": RESPONSES}
PROMPT = [{"role": "user", "content": "hi"}]
every_family = pytest.mark.parametrize("name", [*UPSTREAMS])


def serving(name: str, client):
    """A client of HTTP that answers with the transcript; Anthropic's SDK has a library of its own for that."""
    known = frozenset({"weather", "clock"})
    of = exchange(client, UPSTREAMS[name], include_usage=True, known_tools=known)
    stream = streamed(transcript(name), of)
    return answering(stream, client)


def answering(stream: bytes, client):
    library = httpx2 if client is MESSAGES else httpx
    headers = {"content-type": "text/event-stream"}
    answer = library.MockTransport(lambda _: library.Response(200, headers=headers, content=stream))
    return library.Client(transport=answer)


@every_family
def test_anthropics_client_accumulates_the_message(name):
    with (
        serving(name, MESSAGES) as http,
        anthropic.Anthropic(api_key="k", http_client=http).messages.stream(
            model="asked", max_tokens=9, messages=PROMPT
        ) as stream,
    ):
        message = stream.get_final_message()
    assert message.stop_reason == "tool_use"
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [(block.name, block.input) for block in calls] == [
        ("weather", {"city": "Zürich"}),
        ("clock", {"zone": "UTC"}),
    ]
    assert message.usage.output_tokens > 0


@every_family
def test_openais_client_accumulates_the_completion(name):
    with (
        serving(name, CHAT) as http,
        openai.OpenAI(api_key="k", http_client=http).chat.completions.stream(model="asked", messages=PROMPT) as stream,
    ):
        completion = stream.get_final_completion()
    (choice,) = completion.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Ich schaue nach …"
    names = [(called.function.name, called.function.arguments.replace(" ", "")) for called in choice.message.tool_calls]
    assert names == [("weather", '{"city":"Zürich"}'), ("clock", '{"zone":"UTC"}')]
    assert completion.usage.completion_tokens > 0


@every_family
def test_openais_client_accumulates_the_response(name):
    with (
        serving(name, RESPONSES) as http,
        openai.OpenAI(api_key="k", http_client=http).responses.stream(model="asked", input="hi") as stream,
    ):
        response = stream.get_final_response()
    assert response.output_text == "Ich schaue nach …"
    assert [item.name for item in response.output if item.type == "function_call"] == ["weather", "clock"]
    assert response.usage.output_tokens > 0


def test_clients_raise_on_our_errors():
    broken = b'data: {"error":{"message":"busy","type":"overloaded_error"}}\n\n'

    def http(client):
        return answering(streamed(broken, exchange(client, CHAT)), client)

    with http(CHAT) as transport, pytest.raises(openai.APIError, match="busy"):
        list(
            openai.OpenAI(api_key="k", http_client=transport).chat.completions.create(
                model="m", messages=PROMPT, stream=True
            )
        )
    with http(MESSAGES) as transport, pytest.raises(anthropic.APIStatusError, match="busy"):
        list(
            anthropic.Anthropic(api_key="k", http_client=transport).messages.create(
                model="m", max_tokens=9, messages=PROMPT, stream=True
            )
        )
