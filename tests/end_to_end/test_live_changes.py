"""A change that another process saves is in force within a second, without a restart and without a hiccup."""

import threading

import pytest

from tests.end_to_end import configuration
from tests.end_to_end.answers import Gate, json_answer, stream
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT
from tests.end_to_end.proxy import eventually


@pytest.fixture(scope="module")
def changing(new_installation, configured):
    """A proxy of its own, whose configuration these tests change."""
    # Without signs of life in a stream: on a busy machine a command takes longer than a stream is left in silence.
    with new_installation(configured, KEEPALIVE_SECONDS="0").serve() as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture
def temperature(changing, upstream):
    """Asks through the proxy which temperature arrives upstream."""
    upstream.answer(json_answer(CHAT.answer))
    with client_of(changing) as client:

        def ask():
            answer = client.post("/v1/chat/completions", json=CHAT.body())
            return upstream.calls[-1].json().get("temperature") if answer.status_code == 200 else answer.status_code

        yield ask


def _config(upstream, refused_url, **sections):
    return {**configuration.config(upstream.url, refused_url), **sections}


def test_an_imported_change_is_in_force_without_a_restart(changing, temperature, upstream, refused_url):
    changing.installation.import_config(_config(upstream, refused_url, default_sampling_params={"temperature": 0.25}))
    eventually(lambda: temperature() == 0.25, "the new temperature")


def test_a_refused_import_changes_nothing(changing, temperature, upstream, refused_url):
    before = temperature()
    wrong = _config(upstream, refused_url, default_sampling_params={"temperature": "hot"})
    done = changing.installation.manage(
        "import_config", changing.installation.write("bad.json", wrong), "--replace", ok=False
    )
    assert done.returncode != 0
    assert "default_sampling_params.temperature" in done.stderr
    assert temperature() == before


def test_a_stream_that_runs_is_not_disturbed_by_a_change(changing, upstream, refused_url):
    rest = Gate()
    upstream.answer(stream(CHAT.events[0], rest, *CHAT.events[1:]))
    asked = CHAT.body(stream=True)
    try:
        with client_of(changing) as client, client.stream("POST", "/v1/chat/completions", json=asked) as answer:
            chunks = answer.iter_raw()
            received = next(chunks)
            changing.installation.import_config({"upstreams": [], "model_upstream_binding": {}})
            eventually(lambda: not changing.status()["upstreams"], "the change to be seen")
            rest.open()
            received += b"".join(chunks)
    finally:
        changing.installation.import_config(_config(upstream, refused_url))
        eventually(lambda: changing.status()["upstreams"], "the configuration to be back")
    assert received == CHAT.stream


def test_requests_during_changes_are_all_answered(changing, temperature, upstream, refused_url):
    done = threading.Event()
    answers = []

    def ask_on():
        while not done.is_set():
            answers.append(temperature())

    asking = threading.Thread(target=ask_on)
    asking.start()
    try:
        for value in (0.1, 0.2):
            changing.installation.import_config(
                _config(upstream, refused_url, default_sampling_params={"temperature": value})
            )
    finally:
        done.set()
        asking.join()
    assert set(answers) <= {None, 0.1, 0.2, 0.25}
