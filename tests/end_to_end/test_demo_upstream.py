"""The built-in demo upstream: something to see without any model server."""

import json
import socket

import pytest

from tests.end_to_end.configuration import ALL_DIALECTS
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT, COMPLETIONS, MESSAGES
from tests.end_to_end.shapes import assert_ends_with_error, assert_is_error, events_of

CONFIG = {
    "upstreams": [
        {"name": "demo", "base_url": "demo:", "kind": "llamacpp", "base_retry_delay": 0.0, **ALL_DIALECTS},
        {"name": "bare", "base_url": "demo:", "tool_call_repair": "off", **ALL_DIALECTS},
        {"name": "once", "base_url": "demo:", "max_retries": 0, **ALL_DIALECTS},
    ],
    "model_upstream_binding": {
        "demo*": "demo",
        "bare": {"upstream": "bare", "model": "demo-leaky"},
        "refused": {"upstream": "once", "model": "demo-flaky"},
        "saved": [
            {"upstream": "once", "model": "demo-dead", "priority": 0},
            {"upstream": "demo", "model": "demo", "priority": 1},
        ],
    },
    "model_sampling_params": {"demo": {"temperature": 0.6}},
    "validation": {"per_model": {"demo-loop": {}, "demo-garbage": {"on_exhausted": "message"}}},
}


@pytest.fixture(scope="module")
def showing(new_installation):
    installation = new_installation(DEMO_UPSTREAM="true")
    with installation.serve("--config", installation.write("demo.json", CONFIG)) as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture
def client(showing):
    with client_of(showing) as client:
        yield client
    showing.wait_until_idle()


def _text(events):
    return "".join(payload["choices"][0]["delta"].get("content") or "" for _, payload in events if payload != "[DONE]")


def test_demo_tells_the_parameters_that_reached_it(client):
    answer = client.post("/v1/chat/completions", json=CHAT.body("demo", top_p=0.9)).json()
    said = answer["choices"][0]["message"]["content"]
    assert "temperature = 0.6" in said
    assert "top_p = 0.9" in said


def test_demo_streams(client):
    answer = client.post("/v1/chat/completions", json=CHAT.body("demo", stream=True))
    events = events_of(answer.content)
    assert len(events) > 5
    assert events[-1] == ("", "[DONE]")
    assert "temperature = 0.6" in _text(events)


def test_demo_speaks_messages_too(client):
    answer = client.post("/v1/messages", json=MESSAGES.body("demo"), headers=MESSAGES.headers)
    assert "temperature = 0.6" in answer.json()["content"][0]["text"]


def test_demo_slow_comes_word_by_word_and_may_be_left(client, showing):
    with client.stream("POST", "/v1/chat/completions", json=CHAT.body("demo-slow", stream=True)) as answer:
        words = [json.loads(line[6:]) for line, _ in zip(answer.iter_lines(), range(3), strict=False) if line]
    assert words
    showing.wait_until_idle()


def test_demo_flaky_refuses_once_and_answers_when_it_is_tried_again(client, showing):
    answer = client.post("/v1/chat/completions", json=CHAT.body("demo-flaky", stream=True))
    assert "Hello from the demo" in _text(events_of(answer.content))
    record = showing.record(answer)
    assert record["attempts"] == 2
    assert "answered 429" in str(record["warnings"])


def test_a_client_that_meets_the_refusal_itself_is_told_when_to_come_again(client):
    answer = client.post("/v1/messages", json=MESSAGES.body("refused"), headers=MESSAGES.headers)
    assert answer.status_code == 429
    assert answer.json()["error"]["type"] == "rate_limit_error"
    assert answer.headers["retry-after"] == "1"
    again = client.post("/v1/messages", json=MESSAGES.body("refused"), headers=MESSAGES.headers)
    assert again.status_code == 200


WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = {
    "chat": [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}],
    "messages": [{"name": "get_weather", "input_schema": WEATHER}],
}


@pytest.mark.parametrize("exchange", [CHAT, MESSAGES], ids=str)
@pytest.mark.parametrize("stream", [False, True])
def test_demo_leaky_leaks_a_call_which_arrives_as_one(client, showing, exchange, stream):
    body = exchange.body("demo-leaky", stream=stream, tools=TOOLS[exchange.dialect])
    answer = client.post(exchange.client_path, json=body, headers=exchange.headers)
    assert "tool_call_begin" not in answer.text
    assert "get_weather" in answer.text
    (call,) = [repair for repair in showing.record(answer)["repairs"] if repair["kind"] == "call"]
    assert (call["family"], call["after"]) == ("kimi", 'get_weather({"city":"demo"})')


def test_demo_leaky_leaks_where_nothing_is_mended(client, showing):
    answer = client.post("/v1/chat/completions", json=CHAT.body("bare", tools=TOOLS["chat"]))
    assert "<|tool_call_begin|>functions.get_weather:0" in answer.json()["choices"][0]["message"]["reasoning_content"]
    assert showing.record(answer)["repairs"] == []


def test_demo_leaky_answers_when_it_has_its_result(client):
    messages = [{"role": "user", "content": "Hi"}, {"role": "tool", "tool_call_id": "a", "content": "sunny"}]
    body = CHAT.body("demo-leaky", tools=TOOLS["chat"]) | {"messages": messages}
    answer = client.post("/v1/chat/completions", json=body).json()
    assert "Hello from the demo" in answer["choices"][0]["message"]["content"]


@pytest.mark.parametrize("stream", [False, True])
def test_demo_dead_never_answers(client, showing, stream):
    answer = client.post("/v1/chat/completions", json=CHAT.body("demo-dead", stream=stream))
    assert "“demo”" in assert_is_error(answer, "chat", 502)
    assert showing.record(answer)["attempts"] == 3


def test_another_target_answers_for_demo_dead(client, showing):
    answer = client.post("/v1/chat/completions", json=CHAT.body("saved"))
    assert "Hello from the demo" in answer.json()["choices"][0]["message"]["content"]
    assert showing.record(answer)["upstream"] == "demo"


@pytest.mark.parametrize("exchange", [CHAT, MESSAGES], ids=str)
def test_demo_cut_ends_in_an_error_event_after_half_an_answer(client, showing, exchange):
    answer = client.post(exchange.client_path, json=exchange.body("demo-cut", stream=True), headers=exchange.headers)
    assert b"Hello " in answer.content
    assert_ends_with_error(answer.content, exchange.dialect)
    assert showing.record(answer)["outcome"] == "cut"


def test_half_a_whole_answer_of_demo_cut_is_none(client):
    answer = client.post("/v1/chat/completions", json=CHAT.body("demo-cut"))
    assert_is_error(answer, "chat", 502)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("exchange", [CHAT, COMPLETIONS, MESSAGES], ids=str)
def test_demo_loop_is_caught_and_goes_on_with_something_changed(client, showing, exchange, stream):
    body = exchange.body("demo-loop", stream=stream)
    answer = client.post(exchange.client_path, json=body, headers=exchange.headers)
    assert answer.status_code == 200
    assert "ships" in answer.text
    assert [answer.text.count(word) for word in ("lighthouse", "lamp", "thinks")] == [1, 1, 1]
    assert showing.record(answer)["attempts"] == 2


def test_demo_garbage_ends_in_an_explanation(client):
    answer = client.post("/v1/chat/completions", json=CHAT.body("demo-garbage"))
    said = answer.json()["choices"][0]["message"]["content"]
    assert said.startswith("The model's answer was stopped because it had become garbage: letters of cyrillic")


def test_all_are_listed(client):
    names = [entry["id"] for entry in client.get("/v1/models").json()["data"]]
    assert {
        "demo",
        "demo-slow",
        "demo-flaky",
        "demo-dead",
        "demo-loop",
        "demo-garbage",
        "demo-cut",
        "demo-leaky",
    } <= set(names)


def test_it_listens_on_loopback_only(showing):
    """Every listening socket of the process is 127.0.0.1's; a connection from another address is refused."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; tells which address leads outside
        except OSError:
            pytest.skip("this machine has no address but loopback")
        outside = probe.getsockname()[0]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((outside, showing.port), timeout=5)


def test_it_is_off_when_the_setting_says_so(new_installation):
    installation = new_installation(DEMO_UPSTREAM="false")
    with installation.serve("--config", installation.write("demo.json", CONFIG)) as proxy, client_of(proxy) as client:
        answer = client.post("/v1/chat/completions", json=CHAT.body("demo"))
        assert "DEMO_UPSTREAM" in assert_is_error(answer, "chat", 502)
    proxy.assert_no_complaints()
