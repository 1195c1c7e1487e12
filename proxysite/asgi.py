"""The ASGI application: tells the proxy's paths from the site's, and starts and stops the engine.

The site (admin, static files) and its websockets take Django's and Channels' usual way; everything else is the proxy's
and takes the lean one (`proxysite.gateway.handler`).
"""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "proxysite.settings")

from django.core.asgi import get_asgi_application

site = get_asgi_application()  # before anything that needs the apps

from proxysite import serving
from proxysite.gateway.engine import Engine
from proxysite.gateway.handler import ProxyHandler
from proxysite.websockets import websockets

_SITE = ("/admin", "/static/", "/favicon.ico")


class Application:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.proxy = ProxyHandler(engine)
        serving.register(engine)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            if self._is_site(scope["path"]):
                await site(self._below_base_path(scope), receive, send)
            else:
                await self.proxy(scope, receive, send)
        elif scope["type"] == "websocket":
            await websockets(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    def _is_site(self, path: str) -> bool:
        path = path.removeprefix(self.engine.base_path)
        return path.startswith(_SITE) and (not path.startswith("/admin") or path[6:7] in ("", "/"))

    def _below_base_path(self, scope: dict[str, Any]) -> dict[str, Any]:
        base_path = self.engine.base_path
        if base_path and scope["path"].startswith(base_path + "/"):
            return {**scope, "root_path": base_path}
        return scope

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.engine.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.engine.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


application = Application(Engine())
