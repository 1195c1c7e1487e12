"""The tools of these tests do what they say, so that a failure elsewhere is the proxy's."""

import socket

import httpx
import pytest

from tests.end_to_end.answers import End, Framing, Gate, garbage, gzipped, hang, json_answer, stream
from tests.end_to_end.upstream import ScriptedUpstream


@pytest.fixture
def direct(upstream: ScriptedUpstream):
    with httpx.Client(base_url=upstream.url, trust_env=False) as client:
        yield client


def test_it_notes_a_request_exactly_as_it_came(upstream, direct):
    upstream.answer(json_answer({}))
    direct.request("PATCH", "/a%2Fb?x=1&x=2", headers=[("X-One", "1"), ("x-one", "2")], content=b" {body} ")
    assert (upstream.call.method, upstream.call.target) == ("PATCH", "/a%2Fb?x=1&x=2")
    assert upstream.call.all("x-one") == ["1", "2"]
    assert upstream.call.body == b" {body} "


def test_it_reads_chunked_requests(upstream, direct):
    upstream.answer(json_answer({}))
    direct.post("/", content=iter([b"one", b"two"]))
    assert upstream.call.body == b"onetwo"


@pytest.mark.parametrize("framing", Framing)
def test_an_answer_arrives_whole_in_every_framing(upstream, direct, framing):
    upstream.answer(stream(b"one", b"two").framed(framing))
    assert direct.get("/").content == b"onetwo"


@pytest.mark.parametrize("framing", [Framing.LENGTH, Framing.CHUNKED])
@pytest.mark.parametrize("end", [End.CUT, End.RESET])
def test_an_answer_that_is_cut_looks_cut(upstream, direct, framing, end):
    upstream.answer(stream(b"one").framed(framing).ending(end))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        direct.get("/")


def test_nothing_passes_a_gate_until_it_is_opened(upstream, direct):
    gate = Gate()
    upstream.answer(stream(b"one", gate, b"two"))
    with direct.stream("GET", "/") as answer:
        chunks = answer.iter_raw()
        assert next(chunks) == b"one"
        gate.open()
        assert next(chunks) == b"two"


def test_it_tells_when_the_other_side_has_left(upstream):
    upstream.answer(hang(Gate()))
    with socket.create_connection(("127.0.0.1", upstream.port)) as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\n\r\n")
        call = upstream.wait_for_call()
    call.wait_until_closed()
    upstream.wait_until_idle()
    assert not call.answered


def test_it_can_answer_nonsense_and_compressed_answers(upstream, direct):
    upstream.answer(garbage(), gzipped({"a": 1}))
    with pytest.raises(httpx.RemoteProtocolError):
        direct.get("/")
    assert direct.get("/").json() == {"a": 1}
