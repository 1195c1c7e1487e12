"""A request costs no query, no thread and no file: the application is driven in this process and watched."""

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db.backends.utils import CursorWrapper

from proxysite.gateway import engine as engine_module
from proxysite.gateway import recorder as recorder_module
from routing.models import BindingTarget, ModelBinding, Upstream
from sampling.models import SamplingPreset, SamplingRule
from tests.end_to_end.answers import json_answer, stream
from tests.end_to_end.configuration import ALL_DIALECTS
from tests.end_to_end.exchanges import ALL, STREAMED

NOT_NOW = 3600.0
_watching: list[list[str]] = []


def _audit(event, arguments):
    """Audit hooks cannot be taken out again, so this one only notes while somebody watches."""
    if _watching and event == "open":
        _watching[-1].append(f"open {arguments[0]}")


sys.addaudithook(_audit)


@pytest.fixture
def costs(monkeypatch):
    """A context that gives a list of what left the event loop meanwhile; the loop's own background work is put off."""
    monkeypatch.setattr(engine_module, "POLL_SECONDS", NOT_NOW)
    monkeypatch.setattr(recorder_module, "SOON", NOT_NOW)

    def noting(what, function):
        def note(self, *args, **kwargs):
            if _watching:
                _watching[-1].append(f"{what} {args[0]}")
            return function(self, *args, **kwargs)

        return note

    monkeypatch.setattr(CursorWrapper, "execute", noting("query", CursorWrapper.execute))
    monkeypatch.setattr(CursorWrapper, "executemany", noting("query", CursorWrapper.executemany))
    monkeypatch.setattr(ThreadPoolExecutor, "submit", noting("thread", ThreadPoolExecutor.submit))

    @contextmanager
    def watch():
        noted: list[str] = []
        _watching.append(noted)
        try:
            yield noted
        finally:
            _watching.pop()

    return watch


@pytest.fixture
def rows(transactional_db, upstream):
    main = Upstream.objects.create(name="main", base_url=f"{upstream.url}/main", kind="vllm", **ALL_DIALECTS)
    binding = ModelBinding.objects.create(pattern="*")
    BindingTarget.objects.create(binding=binding, upstream=main, upstream_model="Their-Name")
    preset = SamplingPreset.objects.create(name="warm", parameters={"temperature": 0.7})
    SamplingRule.objects.create(preset=preset, model_pattern="pl*")


async def _call(application, method, path, body=b"", headers=()):
    """One request through the ASGI application; returns the messages it sent."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"test"), (b"content-type", b"application/json"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    over = asyncio.Event()
    requests = iter([{"type": "http.request", "body": body, "more_body": False}])
    sent = []

    async def receive():
        if message := next(requests, None):
            return message
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await application(scope, receive, send)
    over.set()
    return sent


def _noted(costs, *requests):
    """What ten rounds of these requests cost, after one that warms everything up."""
    from proxysite.asgi import Application

    async def scenario():
        application = Application(engine_module.Engine())
        await application.engine.start()
        try:
            for request in requests:
                await _call(application, *request)
            with costs() as noted:
                for _ in range(10):
                    for request in requests:
                        sent = await _call(application, *request)
                        assert sent[0]["status"] == 200, sent
            return list(noted), sent
        finally:
            await application.engine.stop()

    return asyncio.run(scenario())


def _post(exchange, **more):
    headers = tuple((name.encode(), value.encode()) for name, value in exchange.headers.items())
    return "POST", exchange.client_path, json.dumps(exchange.body(**more)).encode(), headers


@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_whole_answer(rows, costs, upstream, exchange):
    upstream.answer(json_answer(exchange.answer))
    noted, sent = _noted(costs, _post(exchange))
    assert noted == []
    assert json.loads(sent[1]["body"])


@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_a_stream(rows, costs, upstream, exchange):
    upstream.answer(stream(*exchange.events))
    noted, sent = _noted(costs, _post(exchange, stream=True))
    assert noted == []
    assert len(sent) > 2


def test_any_other_path(rows, costs, upstream):
    upstream.answer(json_answer({}))
    assert _noted(costs, ("GET", "/v1/something"), ("POST", "/v1/rerank", b'{"model": "plain"}'))[0] == []


def test_health_and_status(rows, costs, upstream):
    assert _noted(costs, ("GET", "/health"), ("GET", "/"), ("HEAD", "/"))[0] == []


def test_the_watch_sees_a_query_a_thread_and_a_file(rows, costs, tmp_path):
    """The tests above would notice."""
    (tmp_path / "file").write_text("")

    async def hop():
        await asyncio.to_thread(Upstream.objects.count)
        (tmp_path / "file").read_text()

    with costs() as noted:
        asyncio.run(hop())
    assert {note.split()[0] for note in noted} == {"query", "thread", "open"}
