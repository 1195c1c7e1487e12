import atexit

import httpx
import pytest
from django.conf import settings

from proxysite import live
from proxysite.gateway import tasks
from proxysite.gateway.engine import Engine
from proxysite.gateway.handler import ProxyHandler
from proxysite.gateway.models_list import ModelsList
from proxysite.live import LiveConfig
from routing.upstream import Upstreams
from tests.snapshots import bound, routing_of


@pytest.fixture
def made_engine():
    """Makes engines, and leaves nothing of them to the end of the process."""
    engines = []

    def make(upstream=None):
        engine = Engine()
        if upstream:
            engine.upstreams = Upstreams(httpx.MockTransport(upstream))
            engine.models = ModelsList(engine.upstreams, 30)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.recorder._queue.clear()
        atexit.unregister(engine.recorder._write_rest)
        engine.database.shutdown()


@pytest.fixture
def in_force(monkeypatch):
    """Puts a configuration in force without any row."""

    def put(routing, **more):
        monkeypatch.setattr(live, "_current", LiveConfig(routing=routing, **more))

    return put


@pytest.fixture
def proxy(made_engine, in_force):
    """The proxy as an application in front of one upstream, with every model bound to it and no database at hand."""

    def make(upstream, routing=None, **more):
        in_force(routing or routing_of(bound("*")), **more)
        engine = made_engine(upstream)
        engine.is_started = True
        return ProxyHandler(engine)

    return make


@pytest.fixture
def pinging(monkeypatch):
    """Clients that wait are sent signs of life all the time."""
    monkeypatch.setitem(settings.ENV.values, "KEEPALIVE_SECONDS", 1e-9)


@pytest.fixture
def nothing_left():
    """Asserts at the end of a request that it has left nothing behind but its record, and returns that record."""

    def check(handler, upstream):
        assert upstream.is_closed
        assert handler.engine.running == 0
        assert not [task for task in tasks._running if not task.done()]
        assert handler.engine.recorder.waiting == 1
        return handler.engine.recorder._queue[0]

    return check
