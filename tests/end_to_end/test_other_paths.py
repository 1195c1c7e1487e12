"""Answers on paths the proxy does not know: of any kind, as they come, and never passed off as whole when cut."""

import httpx
import pytest

from tests.end_to_end.answers import End, Framing, Gate, body_answer, event, json_answer, stream

LINES = (b'{"message":{"content":"Hi"},"done":false}\n', b'{"message":{"content":""},"done":true}\n')


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "text/event-stream", "audio/mpeg", "text/plain"])
def test_a_stream_of_any_kind_is_handed_on_as_it_comes(client, upstream, content_type):
    rest = Gate()
    first, second = LINES if content_type != "text/event-stream" else (event({"n": 1}), event({"n": 2}))
    upstream.answer(body_answer(b"", content_type=content_type).framed(Framing.CHUNKED).saying(first, rest, second))
    with client.stream("POST", "/api/chat", json={"model": "plain"}) as answer:
        chunks = answer.iter_raw()
        assert next(chunks) == first
        rest.open()
        assert b"".join(chunks) == second
    assert answer.headers["content-type"] == content_type


def test_7_4_llama_cpps_own_stream_ends_without_done(client, proxy, upstream):
    said = event({"index": 0, "content": "Hi", "stop": False})
    last = event({"index": 0, "content": "", "stop": True, "stop_type": "eos", "tokens_predicted": 1})
    upstream.answer(stream(said, last))
    answer = client.post("/completion", json={"model": "plain", "prompt": "Hello", "stream": True})
    assert answer.content == said + last
    assert upstream.call.target == "/main/completion"
    assert proxy.record(answer)["outcome"] == "ok"


@pytest.mark.parametrize("path", ["/api/v1/chat", "/llm/api/v1/models/load", "/api/v0/chat/completions"])
def test_lm_studios_own_paths_reach_it_as_they_came(client, upstream, path):
    upstream.answer(json_answer({"output": []}))
    body = {"model": "plain", "input": "Hello"}
    assert client.post(f"{path}?x=1", json=body).json() == {"output": []}
    assert upstream.call.target == f"/main{path.removeprefix('/llm')}?x=1"
    assert upstream.call.json() == body


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_none(client, upstream, status):
    upstream.answer(body_answer(b"", status, "text/plain"))
    answer = client.get("/v1/files/1")
    assert answer.status_code == status
    assert answer.content == b""
    assert client.get("/health").status_code == 200  # and the connection is fine


@pytest.mark.parametrize("framing", [Framing.LENGTH, Framing.CHUNKED])
@pytest.mark.parametrize("end", [End.CUT, End.RESET])
def test_bytes_that_break_off_look_broken_to_the_client_too(client, proxy, upstream, end, framing):
    arrived = Gate()
    audio = body_answer(b"", content_type="audio/mpeg").saying(b"half", arrived)
    upstream.answer(audio.framed(framing).ending(end))
    with client.stream("GET", "/v1/files/1/content") as answer:
        chunks = answer.iter_raw()
        assert next(chunks) == b"half"
        arrived.open()
        with pytest.raises(httpx.RemoteProtocolError):
            next(chunks)
    assert proxy.record(answer)["outcome"] == "cut"


def test_a_length_that_was_announced_is_announced_on(client, upstream):
    upstream.answer(body_answer(b"12345", content_type="audio/mpeg"))
    assert client.get("/v1/files/1/content").headers["content-length"] == "5"


@pytest.mark.parametrize("end", [End.CUT, End.RESET])
def test_a_json_answer_that_breaks_off_is_a_502(client, upstream, end):
    upstream.answer(json_answer({"data": []}).ending(end))
    assert client.get("/v1/files").status_code == 502


def test_events_that_break_off_end_with_an_error_event(client, upstream):
    upstream.answer(stream(event({"n": 1}), end=End.CUT))
    answer = client.post("/v1/agents/run", json={"model": "plain"})
    assert answer.content.startswith(event({"n": 1}))
    assert b'"error"' in answer.content


def test_headers_that_come_twice_arrive_twice(client, upstream):
    upstream.answer(json_answer({}).with_headers(("link", "<a>"), ("link", "<b>")))
    assert client.get("/v1/files").headers.get_list("link") == ["<a>", "<b>"]


def test_a_client_that_leaves_stops_the_upstream(client, upstream):
    upstream.answer(body_answer(b"", content_type="audio/mpeg").framed(Framing.CHUNKED).saying(b"half", Gate()))
    with client.stream("GET", "/v1/files/1/content") as answer:
        assert next(answer.iter_raw()) == b"half"
    upstream.call.wait_until_closed()
