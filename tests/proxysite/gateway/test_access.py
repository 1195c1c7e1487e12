"""With `LOCAL_API_KEY` the proxy answers those who bring one of its keys, and hands the key to nobody."""

import pytest

from routing.secrets import Secret
from routing.snapshot import CredentialMode
from tests.proxysite.gateway.in_process import JSON, Client, Upstream
from tests.snapshots import an_upstream, bound, routing_of

KEY, OTHER, THEIRS = "the-local-key", "another-local-key", "sk-of-the-upstream"
BROUGHT = [
    {"authorization": f"Bearer {KEY}"},
    {"authorization": f"bearer  {OTHER}"},
    {"x-api-key": KEY},
    {"api-key": KEY},
]
MISSING = [
    {},
    {"authorization": ""},
    {"authorization": f"Bearer {KEY}x"},
    {"authorization": f"Basic {KEY}"},
    {"x-api-key": KEY.upper()},
    {"x-api-key": "schlüssel"},
    {"cookie": KEY},
]


@pytest.fixture
def upstream():
    return Upstream((b"{}",), JSON)


@pytest.fixture
def locked(proxy, upstream):
    mine = an_upstream("mine", credential_mode=CredentialMode.OWN, key=Secret("sk-mine"))
    handler = proxy(upstream, routing_of(bound("mine", mine), bound("*")))
    handler.engine.local_keys = [Secret(KEY), Secret(OTHER)]
    return handler


async def asked(handler, path="/v1/chat/completions", model="m", *, method="", **more):
    client = Client(path, {"model": model} if not method else None, method=method, **more)
    await handler(client.scope, client.receive, client.send)
    return client


@pytest.mark.parametrize("headers", BROUGHT)
async def test_who_brings_a_key_is_answered_and_the_key_goes_no_further(locked, upstream, headers):
    client = await asked(locked, headers=headers)
    assert client.status == 200
    assert not set(upstream.requests[0].headers) & {"authorization", "x-api-key", "api-key"}


@pytest.mark.parametrize("headers", MISSING)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/anything", "/v1/models", "/"])
async def test_who_brings_none_is_refused_and_nothing_is_sent(locked, upstream, headers, path):
    client = await asked(locked, path, headers=headers, method="GET" if path in ("/", "/v1/models") else "")
    assert (client.status, upstream.requests) == (401, [])
    assert client.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("headers", "told"),
    [({}, "The proxy wants a key of its own"), ({"x-api-key": THEIRS}, "The key that was sent is none of the proxy's")],
)
async def test_a_wrong_key_is_told_from_none_and_not_repeated(locked, headers, told):
    client = await asked(locked, headers=headers)
    assert told in client.json()["error"]["message"]
    assert THEIRS.encode() not in client.body


async def test_the_refusal_is_of_the_clients_dialect(locked):
    assert (await asked(locked, "/v1/messages")).json()["error"]["type"] == "authentication_error"
    assert (await asked(locked)).json()["error"]["code"] == "invalid_api_key"


async def test_a_client_may_bring_the_upstreams_key_in_the_other_header(locked, upstream):
    await asked(locked, headers={"x-api-key": KEY, "authorization": f"Bearer {THEIRS}"})
    assert upstream.requests[0].headers["authorization"] == f"Bearer {THEIRS}"
    assert "x-api-key" not in upstream.requests[0].headers


async def test_an_upstream_with_a_key_of_its_own_gets_that(locked, upstream):
    await asked(locked, model="mine", headers={"authorization": f"Bearer {KEY}"})
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-mine"


@pytest.mark.parametrize(("method", "path"), [("GET", "/health"), ("HEAD", "/health"), ("HEAD", "/")])
async def test_probes_need_no_key(locked, method, path):
    assert (await asked(locked, path, method=method)).status == 200


async def test_without_keys_the_proxy_is_open(proxy, upstream):
    assert (await asked(proxy(upstream))).status == 200
