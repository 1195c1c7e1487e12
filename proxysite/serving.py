"""How the site's pages reach the engine, which lives in the same process and belongs to its event loop.

A page runs in a thread; what it asks is done on the loop.  Where another process serves (a command, a site of its own),
there is no engine here, and the answer is None or False.
"""

from typing import TYPE_CHECKING

from asgiref.sync import async_to_sync

from proxysite import live
from proxysite.gateway import status as gateway_status
from proxysite.gateway.alarms import Alarm
from proxysite.gateway.status import Status
from routing.snapshot import Binding

if TYPE_CHECKING:
    from proxysite.gateway.engine import Engine

_engine: "Engine | None" = None


def register(engine: "Engine") -> None:
    """What `proxysite.asgi` serves with."""
    global _engine
    _engine = engine


def status() -> Status | None:
    """From a page's thread."""
    engine = _engine
    if engine is None or not engine.is_started:
        return None

    async def on_the_loop() -> Status:
        return gateway_status.status(engine.config(), engine)

    return async_to_sync(on_the_loop)()


def alarms() -> tuple[Alarm, ...]:
    """What clients do not notice and a person should.  From any thread."""
    engine = _engine
    config = live.current()
    if engine is None or config is None or not engine.is_started:
        return ()
    return gateway_status.alarms(config, engine)


def picked(binding: Binding, model: str) -> Binding:
    """With the upstream's model for each target that names a glob, as far as it is known.  From any thread."""
    return _engine.models.picked_of_known(binding, model) if _engine else binding


def reset_health(upstream: str, model: str | None = None) -> bool:
    """Forgets what was learned of an upstream, or of one of its models.  From a page's thread."""
    engine = _engine
    if engine is None or not engine.is_started:
        return False

    async def on_the_loop() -> None:
        if model is None:
            engine.targets.reset(upstream)
        else:
            engine.targets.reset_model(upstream, model)

    async_to_sync(on_the_loop)()
    return True
