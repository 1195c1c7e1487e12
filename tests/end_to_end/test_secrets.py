"""A planted key, of the upstream or of the client, is nowhere but at the upstream it is for."""

import json

import pytest

from tests.end_to_end.answers import End, Gate, hang_up, json_answer, stream
from tests.end_to_end.configuration import CLIENT_KEY, OWN_KEY
from tests.end_to_end.configuration import upstream as entry
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT, MESSAGES
from tests.end_to_end.proxy import eventually

ENV_KEY = "sk-env-planted-1c9e7b5a3d"
PLANTED = (OWN_KEY, CLIENT_KEY, ENV_KEY)
BEARER = {"authorization": f"Bearer {CLIENT_KEY}"}
X_API_KEY = {"x-api-key": CLIENT_KEY}


def _echo_headers(request):
    """The worst an upstream can do: an error that repeats everything it was sent."""
    told = dict(request.headers)
    return json_answer({"error": {"message": f"bad request: {json.dumps(told)}", "headers": told}}, 400)


@pytest.fixture(scope="module")
def talkative(new_installation, scripted_upstream, refused_url):
    """A proxy that keeps and logs everything it can, after good and bad requests with every key."""
    own = {"credential_mode": "own", "api_key": OWN_KEY}
    config = {
        "upstreams": [
            entry("forwarding", scripted_upstream.url),
            entry("own", scripted_upstream.url, **own),
            entry("own-header", scripted_upstream.url, **own, key_style="header", key_header="X-Secret-Key"),
            entry("own-refused", refused_url, **own),
            entry("from-env", scripted_upstream.url, credential_mode="own", api_key="env:PLANTED_KEY"),
        ],
        "model_upstream_binding": {
            name: name for name in ("forwarding", "own", "own-header", "own-refused", "from-env")
        },
    }
    installation = new_installation(
        LOG_LEVEL="DEBUG",
        DEBUG_LOGS="true",
        OVERRIDE_LOGS="true",
        LOG_FILE="proxy.log",
        CAPTURE_BODIES="all",
        PLANTED_KEY=ENV_KEY,
    )
    imported = installation.write("config.json", config)
    with installation.serve("--config", imported) as proxy, client_of(proxy) as client:
        yield proxy, client


@pytest.fixture(scope="module")
def exchanged(talkative, scripted_upstream):
    """The client's answers to good and failing requests, and what arrived upstream meanwhile."""
    _, client = talkative
    upstream = scripted_upstream
    upstream.reset()
    got = []
    scripts = (
        _echo_headers,
        json_answer(CHAT.answer),
        hang_up(),
        hang_up(End.RESET),
        stream(CHAT.events[0], end=End.CUT),
    )
    for model in ("forwarding", "own", "own-header", "own-refused", "from-env"):
        for headers in (BEARER, X_API_KEY):
            for script in scripts:
                upstream.answer(script)
                got.append(client.post("/v1/chat/completions", json=CHAT.body(model, stream=True), headers=headers))
                got.append(client.post("/v1/messages", json=MESSAGES.body(model), headers=headers))
            got.append(client.post("/v1/chat/completions", content=b"{", headers=headers))
            got.append(client.post("/v1/chat/completions", json=CHAT.body("unbound"), headers=headers))
        got.append(client.get("/v1/models", headers=BEARER))
    for accept in ("application/json", "text/html"):
        got.append(client.get("/", headers={"accept": accept, **BEARER}))
    return got, list(upstream.requests)


@pytest.fixture
def answers(exchanged):
    return exchanged[0]


def _planted_in(text: str | bytes) -> list[str]:
    raw = text.encode() if isinstance(text, str) else text
    return [key for key in PLANTED if key.encode() in raw]


def test_the_upstreams_did_get_their_keys(exchanged):
    sent = {value for request in exchanged[1] for _, value in request.headers}
    assert {f"Bearer {OWN_KEY}", OWN_KEY, f"Bearer {ENV_KEY}", f"Bearer {CLIENT_KEY}", CLIENT_KEY} <= sent


def test_no_answer_tells_a_key_of_an_upstreams_own(answers):
    told = [
        answer.text for answer in answers if {OWN_KEY, ENV_KEY} & set(_planted_in(str(answer.headers) + answer.text))
    ]
    assert told == []


def test_no_log_record_or_export_holds_a_key(answers, talkative, upstream):
    proxy, client = talkative
    upstream.answer(json_answer(CHAT.answer))
    last = client.post("/v1/chat/completions", json=CHAT.body("own"), headers=BEARER)
    proxy.record(last)  # and so all records before it are written
    exported = proxy.installation.manage("export_config").stdout
    dumped = proxy.installation.manage("dumpdata", "routing", "sampling").stdout
    places = {"export_config": exported, "dumpdata": dumped}
    places |= {path.name: path.read_bytes() for path in proxy.installation.data_dir.iterdir() if path.is_file()}
    del places["config.json"]  # the file that was imported is the person's own
    assert {name: _planted_in(content) for name, content in places.items() if _planted_in(content)} == {}
    assert proxy.installation.rows("SELECT count(*) AS n FROM routing_requestrecord")[0]["n"] > len(
        [answer for answer in answers if answer.request.method == "POST"]
    )
    assert "env:PLANTED_KEY" in exported, "a reference to the environment is no key, and is kept"


def test_a_crash_tells_no_key(talkative, upstream):
    """A stream that the client leaves, and the upstream with it, logs no headers either."""
    proxy, client = talkative
    upstream.answer(stream(CHAT.events[0], Gate()))
    with client.stream("POST", "/v1/chat/completions", json=CHAT.body("own", stream=True), headers=BEARER) as answer:
        next(answer.iter_raw())
    upstream.call.wait_until_closed()
    eventually(lambda: proxy.status()["running"] == 0, "no request to be running")
    assert _planted_in(proxy.log()) == []


def test_the_files_with_keys_are_the_owners_alone(talkative):
    proxy, _ = talkative
    modes = {
        name: (proxy.installation.data_dir / name).stat().st_mode & 0o777 for name in ("secret_key", "encryption_key")
    }
    assert modes == {"secret_key": 0o600, "encryption_key": 0o600}
