"""The load generator against the scripted upstream: what it counts is complete, what is not it tells."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from benchmarks.load import Job, Outcome, http_request, once_each, sustained
from benchmarks.script import CHAT, CHAT_STREAM, MESSAGES_STREAM, Expectation
from benchmarks.upstream import Upstream


@asynccontextmanager
async def listening(factory) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def job(port: int, expected: Expectation, *, stream: bool, path: str = "/v1/chat/completions", model: str = "m") -> Job:
    return Job(port, http_request(port, path, orjson.dumps({"model": model, "stream": stream}), {}), expected)


@pytest.mark.parametrize(
    ("path", "stream", "expected"),
    [
        ("/v1/chat/completions", False, CHAT),
        ("/v1/chat/completions", True, CHAT_STREAM),
        ("/v1/messages", True, MESSAGES_STREAM),
    ],
)
async def test_whole_answers_are_counted(path, stream, expected):
    async with listening(Upstream) as port:
        asked = job(port, expected, stream=stream, path=path)
        outcome = await once_each(asked, count=3, ramp=0, patience=10)
    assert (outcome.complete, outcome.failures) == (3, Counter())


async def test_connections_ask_again_while_the_clock_runs():
    async with listening(Upstream) as port:
        outcome = await sustained(job(port, CHAT, stream=False), concurrency=2, warmup=0, seconds=0.1)
    assert outcome.complete > 2
    assert not outcome.failures


async def test_the_models_name_sets_the_number_of_tokens_and_their_pause():
    expected = Expectation(7, CHAT_STREAM.ending)
    async with listening(Upstream) as port:
        asked = job(port, expected, stream=True, model="bench-7x1")
        outcome = await once_each(asked, count=2, ramp=0, patience=10)
    assert outcome.complete == 2


async def test_missing_tokens_are_a_failure():
    async with listening(Upstream) as port:
        outcome = await once_each(job(port, Expectation(101, b"}"), stream=False), count=1, ramp=0, patience=10)
    assert outcome.failures == Counter({"100 of 101 tokens arrived": 1})


async def test_another_ending_is_a_failure():
    async with listening(Upstream) as port:
        asked = job(port, Expectation(100, b"data: [END]"), stream=True)
        outcome = await once_each(asked, count=1, ramp=0, patience=10)
    assert outcome.complete == 0
    assert "the answer ends with" in next(iter(outcome.failures))


async def test_an_error_answer_is_a_failure_with_its_text():
    async with listening(Upstream) as port:
        outcome = await once_each(job(port, CHAT, stream=False, path="/nowhere"), count=1, ramp=0, patience=10)
    assert outcome.failures == Counter({"status 404: {}": 1})


class HangsUp(asyncio.Protocol):
    """Answers with half a stream, then closes."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        self.transport.close()


async def test_a_stream_that_is_cut_is_a_failure():
    async with listening(HangsUp) as port:
        outcome = await once_each(job(port, CHAT_STREAM, stream=True), count=1, ramp=0, patience=10)
    assert outcome.failures == Counter({"the connection ended in the middle of a message": 1})


def test_a_percentile_is_a_latency_that_was_seen():
    outcome = Outcome(seconds=2.0, latencies=[0.4, 0.1, 0.2, 0.3])
    assert (outcome.percentile(0.5), outcome.percentile(0.99), outcome.rate) == (0.3, 0.4, 2.0)
    assert Outcome().percentile(0.5) == 0.0
