"""An upstream is killed under two hundred streams: everybody is told or answered by another, and it may come back."""

import asyncio

import httpx
import pytest

from tests.end_to_end.configuration import only
from tests.end_to_end.configuration import upstream as entry
from tests.end_to_end.exchanges import CHAT, MESSAGES, RESPONSES
from tests.end_to_end.mortal import LONELY, SILENT, TALKING, mortal, whole
from tests.end_to_end.proxy import FOR_A_MOMENT, eventually, free_port
from tests.end_to_end.shapes import assert_ends_with_error, assert_is_error
from tests.end_to_end.upstream import ScriptedUpstream

EXCHANGES = (CHAT, MESSAGES, RESPONSES)
# Behind the first word; before it, with another target and without
READERS, CONVERTED, WAITERS, LONERS = 105, 35, 30, 30


@pytest.fixture(scope="module")
def scripted_upstream():
    """One to which no other proxy has connections."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def installation(new_installation):
    return new_installation()


@pytest.fixture(scope="module")
def serving(installation, scripted_upstream, port):
    both = [{"upstream": "mortal", "priority": 0}, {"upstream": "other", "priority": 1}]
    converted = {"upstream": "mortal-messages", "model": TALKING}
    config = {
        "upstreams": [
            entry("mortal", f"http://127.0.0.1:{port}"),
            entry("mortal-messages", f"http://127.0.0.1:{port}", **only("anthropic")),
            entry("other", scripted_upstream.url),
        ],
        "model_upstream_binding": {"converted": converted, LONELY: "mortal", "*": both},
        "parallel_limits": {"global": 1000},
    }
    with installation.serve_watched(config) as proxy:
        yield proxy
    proxy.assert_no_complaints()


class Reader:
    """A streaming client, and all it has got."""

    def __init__(self, number, model):
        self.exchange = EXCHANGES[number % len(EXCHANGES)]
        self.model = model
        self.content = b""
        self.answer = None
        self.has_begun = asyncio.Event()

    async def read(self, client):
        body, headers = self.exchange.body(self.model, stream=True), self.exchange.headers
        async with client.stream("POST", self.exchange.client_path, json=body, headers=headers) as answer:
            async for chunk in answer.aiter_raw():
                self.content += chunk
                self.has_begun.set()
        self.answer = httpx.Response(answer.status_code, headers=answer.headers, content=self.content)


async def read_while_it_dies(proxy, upstream):
    readers = [Reader(number, TALKING) for number in range(READERS)]
    readers += [Reader(0, "converted") for _ in range(CONVERTED)]
    waiting = [Reader(number, SILENT) for number in range(WAITERS)]
    lonely = [Reader(number, LONELY) for number in range(LONERS)]
    limits = httpx.Limits(max_connections=None)
    client = httpx.AsyncClient(base_url=proxy.url, limits=limits, **FOR_A_MOMENT)
    async with client, asyncio.TaskGroup() as group:
        for reader in (*readers, *waiting, *lonely):
            group.create_task(reader.read(client))
        for reader in readers:
            await reader.has_begun.wait()
        everybody = READERS + CONVERTED + WAITERS + LONERS
        await asyncio.to_thread(eventually, lambda: proxy.status()["running"] == everybody, "all to be running")
        upstream.kill()
    return readers, waiting, lonely


def test_everybody_is_told_or_answered_by_another_and_it_may_come_back(proxy, installation, upstream, client, port):
    upstream.answer(whole)
    with mortal(port) as process:
        readers, waiting, lonely = asyncio.run(read_while_it_dies(proxy, process))
    for reader in readers:
        assert reader.content.startswith(reader.exchange.events[0]) or reader.model == "converted"
        assert b"Hi" in reader.content
        assert "mortal" in assert_ends_with_error(reader.content, reader.exchange.dialect)
    for reader in waiting:
        assert (reader.answer.status_code, reader.content) == (200, reader.exchange.stream)
    for reader in lonely:
        assert "mortal" in assert_is_error(reader.answer, reader.exchange.dialect, 502)
    expected = {
        ("cut", "mortal"): READERS,
        ("cut", "mortal-messages"): CONVERTED,
        ("ok", "other"): WAITERS,
        ("upstream_error", "mortal"): LONERS,
    }
    eventually(lambda: _outcomes(installation) == expected, f"the records to be {expected}")
    proxy.wait_until_idle()
    eventually(lambda: upstream.open_connections == 0, "no connection to an upstream")
    assert proxy.health("mortal") in ("cooling down", "half-open")
    with mortal(port):
        eventually(lambda: proxy.ill("mortal").get(TALKING) == "half-open", "the end of the cooldown")
        with client.stream("POST", CHAT.client_path, json=CHAT.body(TALKING, stream=True)) as answer:
            assert next(answer.iter_raw()) == CHAT.events[0]
            assert TALKING not in proxy.ill("mortal")
        assert proxy.record(answer)["upstream"] == "mortal"


def _outcomes(installation):
    query = "SELECT outcome, upstream, COUNT(*) AS number FROM routing_requestrecord GROUP BY outcome, upstream"
    return {(row["outcome"], row["upstream"]): row["number"] for row in installation.rows(query)}
