"""Everything the serving process holds: connections, the record writer, the watch on the configuration.

Made with the application, started on first use inside the event loop that serves (uvicorn tells when by its lifespan,
daphne and runserver do not), stopped when the server stops.
"""

import asyncio
import gc
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.conf import settings
from django.db import connections

from proxysite import live
from proxysite.gateway import demo, tasks
from proxysite.gateway.alarms import Alarms
from proxysite.gateway.calibration import KeptCalibration
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.models_list import ModelsList
from proxysite.gateway.recorder import Recorder
from proxysite.gateway.validator import ValidatorModels
from proxysite.live import LiveConfig
from routing.admission.gatekeeper import Gatekeeper
from routing.admission.targets import Targets
from routing.models import ConfigRevision
from routing.secrets import Secret
from routing.upstream import Upstreams

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_SECONDS = 0.5


class Engine:
    def __init__(self) -> None:
        self.base_path: str = settings.ENV["BASE_PATH"]
        self.keepalive_seconds: float = settings.ENV["KEEPALIVE_SECONDS"]
        self.public_url: str = settings.ENV["PUBLIC_URL"]
        self.local_keys: list[Secret] = settings.ENV["LOCAL_API_KEY"]
        self.max_body_bytes: int = settings.ENV["MAX_BODY_MIB"] * 2**20
        self.client_timeout_seconds: float | None = settings.ENV["CLIENT_TIMEOUT_SECONDS"] or None
        self.is_started = False
        self.exchanges: dict[str, Exchange] = {}  # those on their way, by request id
        self.upstreams = Upstreams(largest_answer=settings.ENV["MAX_ANSWER_MIB"] * 2**20)
        self.gatekeeper = Gatekeeper()
        self.targets = Targets()
        self.alarms = Alarms()
        self.validator = ValidatorModels(self)
        self.models = ModelsList(self.upstreams, settings.ENV["MODELS_CACHE_SECONDS"])
        # One thread for the database, so that one connection is opened and nothing ever waits for another writer here.
        self.database = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self.calibration = KeptCalibration()
        self.recorder = Recorder(self.database, self.calibration)
        self._tasks: list[asyncio.Task[None]] = []
        self._demo: demo.DemoServer | None = None
        self._starting: asyncio.Lock | None = None

    @property
    def running(self) -> int:
        return len(self.exchanges)

    @property
    def keep_bytes(self) -> int:
        return self.recorder.keep_bytes

    def config(self) -> LiveConfig:
        """The configuration in force; limits and pauses that have changed take effect with it."""
        config = live.current()
        assert config is not None, "start() loads the configuration"
        self.gatekeeper.configure(config.routing.limits, config.routing.throttles)
        return config

    async def start(self) -> None:
        """Idempotent; whoever comes second waits for the first."""
        self._starting = self._starting or asyncio.Lock()
        async with self._starting:
            if self.is_started:
                return
            await self._in_database_thread(live.reload)
            await self._in_database_thread(self.calibration.load)
            if settings.ENV["DEMO_UPSTREAM"]:
                self._demo = await demo.DemoServer.start()
                self.upstreams.demo_url = self._demo.url
            self._tasks = [
                tasks.spawn(self.recorder.run(), name="recorder"),
                tasks.spawn(self._watch_configuration(), name="configuration watch"),
            ]
            # What is loaded by now stays: the collector need not walk through all of Django again and again.
            gc.collect()
            gc.freeze()
            self.is_started = True

    async def stop(self) -> None:
        """Writes what is still to be written and closes everything.  The engine can be started again."""
        if not self.is_started:
            return
        self.is_started = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.recorder.flush()
        await self.models.aclose()
        await self.upstreams.aclose()
        if self._demo:
            await self._demo.stop()
        await self._in_database_thread(connections.close_all)

    async def _watch_configuration(self) -> None:
        """A change that another process saved shows in the revision; ours is in force before its save returns.

        Asking for the configuration lets requests go that wait for a limit which has been raised.
        """
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                if await self._in_database_thread(ConfigRevision.current) != self.config().revision:
                    await self._in_database_thread(live.reload)
            except Exception:
                log.exception("The configuration's revision could not be read; trying again.")

    async def _in_database_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.database, function)
