"""Many streams at once: each gets its own events, and all get them."""

import asyncio

import httpx
import pytest

from tests.end_to_end.answers import Gate, event, stream
from tests.end_to_end.exchanges import CHAT, chat_chunk
from tests.end_to_end.proxy import FOR_A_MOMENT

MANY = 100


@pytest.fixture
def many(proxy):
    return httpx.AsyncClient(base_url=proxy.url, limits=httpx.Limits(max_connections=None), **FOR_A_MOMENT)


async def test_many_streams_at_once_do_not_mix(many, proxy, upstream):
    release = Gate()

    def script(request):
        own = event(chat_chunk({"content": request.json()["user"]}))
        return stream(own, release, *CHAT.events[1:])

    async def one(number, started):
        asked = CHAT.body(stream=True, user=f"user {number}")
        async with many.stream("POST", "/v1/chat/completions", json=asked) as answer:
            chunks = answer.aiter_raw()
            received = await anext(chunks)
            started.release()
            return received + b"".join([chunk async for chunk in chunks])

    upstream.answer(script)
    started = asyncio.Semaphore(0)
    async with many, asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number, started)) for number in range(MANY)]
        for _ in range(MANY):
            await started.acquire()
        assert (await asyncio.to_thread(proxy.status))["running"] == MANY
        release.open()
    expected = [event(chat_chunk({"content": f"user {number}"})) + b"".join(CHAT.events[1:]) for number in range(MANY)]
    assert [task.result() for task in tasks] == expected
