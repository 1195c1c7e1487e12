import asyncio
from types import SimpleNamespace

import pytest
from django.db import connection

from proxysite import live
from proxysite.asgi import Application
from proxysite.gateway import engine as engine_module
from proxysite.gateway import tasks
from proxysite.gateway.exchange import Exchange
from routing.dialects import Dialect
from routing.models import ConfigRevision, RequestRecord, Upstream
from tests.proxysite.gateway.in_process import Client, Gate, settled, until
from tests.proxysite.gateway.in_process import Upstream as Scripted
from tests.routing.dialects.transcripts import CHAT, TRANSCRIPTS
from tests.rows import make_binding, make_rule, make_upstream

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No pauses, and no collecting of all of Django's garbage at every start."""
    monkeypatch.setattr(engine_module, "POLL_SECONDS", 0)
    monkeypatch.setattr(engine_module, "gc", SimpleNamespace(collect=lambda: None, freeze=lambda: None))


async def elsewhere(function):
    """As another thread with a connection of its own would do it."""

    def run():
        try:
            return function()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


def an_exchange():
    exchange = Exchange("POST", "/")
    exchange.ended()
    return exchange


class TestStarting:
    async def test_loads_the_configuration_and_the_demo(self, made_engine):
        engine = made_engine()
        await engine.start()
        assert engine.is_started
        assert engine.config() is live.current()
        assert engine.upstreams.demo_url.startswith("http://127.0.0.1:")
        await engine.stop()

    async def test_together_happens_once(self, made_engine, monkeypatch):
        loads = []
        load = live.reload
        monkeypatch.setattr(live, "reload", lambda: loads.append(1) or load())
        engine = made_engine()
        await asyncio.gather(*(engine.start() for _ in range(5)))
        await engine.start()
        assert len(loads) == 1
        assert len(engine._tasks) == 2
        await engine.stop()

    async def test_that_failed_leaves_nothing_and_may_be_tried_again(self, made_engine, monkeypatch):
        engine = made_engine()
        with monkeypatch.context() as broken:
            broken.setattr(live, "reload", lambda: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await engine.start()
        assert not engine.is_started
        assert engine._demo is None
        await engine.start()
        await engine.stop()


class TestStopping:
    async def test_writes_what_is_still_to_be_written(self, made_engine):
        engine = made_engine()
        await engine.start()
        for _ in range(5):
            engine.recorder.add(an_exchange())
        await engine.stop()
        assert engine.recorder.waiting == 0
        assert await elsewhere(RequestRecord.objects.count) == 5

    async def test_leaves_no_task(self, made_engine):
        engine = made_engine()
        await engine.start()
        await engine.stop()
        await settled()
        assert not tasks._running

    async def test_what_never_started_is_nothing(self, made_engine):
        await made_engine().stop()

    async def test_twice_and_starting_again_works(self, made_engine):
        engine = made_engine()
        for _ in range(2):
            await engine.start()
            await engine.stop()
            await engine.stop()
        assert not engine.is_started

    async def test_while_a_request_runs_loses_no_record(self, made_engine, monkeypatch):
        await elsewhere(lambda: make_binding("*", make_upstream()))
        gate = Gate()
        application = Application(engine := made_engine(Scripted((*CHAT[:2], gate, *CHAT[2:]))))
        await engine.start()
        client = Client("/v1/chat/completions", {"model": "m", "stream": True})
        serving = asyncio.get_running_loop().create_task(application(client.scope, client.receive, client.send))
        await until(lambda: len(client.sent) == 2)  # the answer's start and its first words
        await engine.stop()
        gate.set()
        await serving
        assert (client.is_complete, engine.running, engine.recorder.waiting) == (True, 0, 1)


class TestAnotherProcess:
    async def test_that_saves_a_change_is_noticed(self, made_engine):
        engine = made_engine()
        await engine.start()

        def save():
            Upstream.objects.bulk_create([Upstream(name="theirs", base_url="http://theirs")])
            ConfigRevision.objects.update_or_create(pk=1, defaults={"number": 77})

        await elsewhere(save)
        await until(lambda: engine.config().revision == 77)
        assert [upstream.name for upstream in engine.config().routing.upstreams] == ["theirs"]
        await engine.stop()

    async def test_that_cannot_be_asked_now_is_asked_again(self, made_engine, monkeypatch, caplog):
        engine = made_engine()
        await engine.start()
        with monkeypatch.context() as broken:
            broken.setattr(ConfigRevision, "current", classmethod(lambda cls: 1 / 0))
            await until(lambda: "could not be read" in caplog.text)
        await elsewhere(lambda: ConfigRevision.objects.update_or_create(pk=1, defaults={"number": 5}))
        await until(lambda: engine.config().revision == 5)
        await engine.stop()


class TestTheApplication:
    async def test_starts_and_stops_the_engine_with_the_server(self, made_engine):
        engine = made_engine()
        messages = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]
        sent = []

        async def receive():
            return messages.pop()

        async def send(message):
            sent.append((message["type"], engine.is_started))

        await Application(engine)({"type": "lifespan"}, receive, send)
        assert sent == [("lifespan.startup.complete", True), ("lifespan.shutdown.complete", False)]

    async def test_starts_the_engine_with_the_first_request_where_servers_do_not_tell(self, made_engine):
        engine = made_engine()
        client = Client("/health")
        await Application(engine)(client.scope, client.receive, client.send)
        assert client.json()["status"] == "healthy"
        assert engine.is_started
        await engine.stop()

    @pytest.mark.parametrize(
        ("dialect", "path"),
        [
            (Dialect.CHAT, "/v1/chat/completions"),
            (Dialect.MESSAGES, "/v1/messages"),
            (Dialect.RESPONSES, "/v1/responses"),
            (None, "/v1/rerank"),
            (None, "/health"),
            (None, "/"),
            (None, "/v1/models"),
        ],
    )
    async def test_asks_the_database_nothing_on_a_request(self, made_engine, monkeypatch, dialect, path):
        def configure():
            row = make_upstream(supports_anthropic=True, supports_responses=True, kind="other")
            make_binding("*", row)
            make_rule({"temperature": 0.5})

        await elsewhere(configure)
        engine = made_engine(Scripted(TRANSCRIPTS[dialect or Dialect.CHAT]))
        await engine.start()
        for task in engine._tasks:
            task.cancel()  # the writer and the watch ask the database, in their own time
        await asyncio.wait(engine._tasks)
        asked = []

        def note(*args, **kwargs):
            asked.append(args)
            raise AssertionError("the hot path asked the database")

        with monkeypatch.context() as blocked:
            blocked.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", note)
            blocked.setattr("django.db.backends.base.base.BaseDatabaseWrapper.ensure_connection", note)
            blocked.setattr(engine, "_in_database_thread", note)
            body = {"model": "m", "stream": True} if dialect or path == "/v1/rerank" else None
            client = Client(path, body)
            await Application(engine)(client.scope, client.receive, client.send)
        assert (client.status, asked) == (200, [])
        await engine.stop()
