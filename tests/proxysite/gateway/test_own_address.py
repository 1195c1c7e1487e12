"""An upstream whose URL is the proxy's own: the request comes back, and is not sent round and round."""

import httpx
import pytest

from tests.proxysite.gateway.in_process import Client
from tests.snapshots import an_upstream, bound, routing_of


class Itself:
    """Hands each request that is sent upstream to the proxy again."""

    def __init__(self):
        self.asked = 0
        self.handler = None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        client = Client(request.url.path, request.content, headers=headers)
        await self.handler(client.scope, client.receive, client.send)
        return httpx.Response(client.status, headers=client.headers, content=client.body)


@pytest.fixture
def itself(proxy):
    upstream = Itself()
    upstream.handler = proxy(upstream, routing_of(bound("*", an_upstream("mirror"))))
    return upstream


async def serve(itself, path, body, **more):
    client = Client(path, body, **more)
    await itself.handler(client.scope, client.receive, client.send)
    return client


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/something/else"])
async def test_is_asked_once_and_the_client_is_told_which_upstream_it_is(itself, path):
    client = await serve(itself, path, {"model": "m", "messages": []})
    assert (itself.asked, client.status) == (1, 508)
    assert "“mirror”" in client.json()["error"]["message"]
    assert itself.handler.engine.running == 0


async def test_a_client_may_send_the_id_of_an_earlier_request(proxy, itself):
    first = await serve(itself, "/v1/something", {"model": "m"})
    again = await serve(itself, "/health", None, headers={"x-request-id": first.headers["x-request-id"]})
    assert again.status == 200
