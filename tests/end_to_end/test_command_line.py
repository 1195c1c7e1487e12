"""`manage.py serve`: what its options lay over the stored configuration, and `--config` that is exactly a file."""

import pytest

from tests.end_to_end.answers import json_answer
from tests.end_to_end.configuration import upstream as entry
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import ALL, CHAT
from tests.end_to_end.proxy import Installation
from tests.end_to_end.shapes import assert_is_error


@pytest.fixture(scope="module")
def overridden(new_installation, scripted_upstream, refused_url):
    """Everything stored is wrong, and the command line puts it right."""
    url = scripted_upstream.url
    installation = new_installation()
    stored = [entry("first", refused_url), entry("second", refused_url)]
    config = {
        "upstreams": stored,
        "model_upstream_binding": {"old-*": "first"},
        "default_sampling_params": {"temperature": 0.1},
        "enforced_sampling_params": {"top_k": 10},
    }
    options = [
        *("--config", installation.write("mine.json", config)),
        *("--target-base-url", f"first={url}/one/v1", "--target-base-url", f"second={url}/two"),
        *("--model-bindings", '{"glm-*": "first", "kimi": {"upstream": "second", "model": "Kimi-K2"}}'),
        *("--enforce-params", '{"top_k": 30, "chat_template_kwargs": {"thinking": false}}'),
        *("--base-path", "/ai", "--debug-logs", "--override-logs"),
    ]
    with installation.serve(*options) as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture
def client(overridden, upstream):
    overridden.mark_log()
    with client_of(overridden) as client:
        yield client
    overridden.wait_until_idle()


@pytest.fixture
def post(client, upstream):
    def send(model, path="/v1/chat/completions", **fields):
        upstream.answer(json_answer(CHAT.answer))
        return client.post(path, json=CHAT.body(model, **fields))

    return send


def test_target_base_url_moves_an_upstream(post, upstream):
    assert post("glm-5").status_code == 200
    assert upstream.call.target == "/one/v1/chat/completions"


def test_model_bindings_replace_the_stored_ones(post, upstream):
    assert post("kimi").status_code == 200
    assert upstream.call.target == "/two/v1/chat/completions"
    assert upstream.call.json()["model"] == "Kimi-K2"


@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_model_that_nothing_matches_is_refused_with_the_patterns_there_are(client, upstream, exchange):
    """Case 104 of the wire reference, which says 404: the design's 400 stands (docs/decisions.md)."""
    answer = client.post(exchange.client_path, json=exchange.body("old-model"), headers=exchange.headers)
    message = assert_is_error(answer, exchange.dialect, 400)
    assert "old-model" in message
    assert "glm-*" in message
    assert "kimi" in message
    assert upstream.calls == []


@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_missing_model_is_refused_when_nothing_catches_all(client, exchange):
    answer = client.post(exchange.client_path, json=exchange.request, headers=exchange.headers)
    assert "model" in assert_is_error(answer, exchange.dialect, 400)


def test_an_unknown_path_is_not_found_when_nothing_catches_all(client, upstream):
    assert "new/thing" in assert_is_error(client.get("/v1/new/thing"), "chat", 404)
    assert_is_error(client.get("/v1/new/thing", headers={"anthropic-version": "2023-06-01"}), "messages", 404)
    assert upstream.calls == []


def test_enforce_params_win_over_everything(post, upstream):
    post("glm-5", top_k=1, temperature=0.9, chat_template_kwargs={"thinking": True, "x": 1})
    body = upstream.call.json()
    assert (body["top_k"], body["temperature"]) == (30, 0.9)
    assert body["chat_template_kwargs"] == {"thinking": False, "x": 1}


def test_stored_rules_still_apply_below(post, upstream):
    post("glm-5")
    assert upstream.call.json()["temperature"] == 0.1


@pytest.mark.parametrize("path", ["/ai/v1/chat/completions", "/ai/chat/completions", "/chat/completions"])
def test_base_path(post, path):
    assert post("glm-5", path).status_code == 200


def test_override_logs_and_debug_logs(post, overridden, upstream):
    post("glm-5")
    log = overridden.log_since_mark()
    assert "top_k" in log
    assert "/one/v1/chat/completions" in log


def test_the_start_says_where_it_listens(overridden):
    assert f"127.0.0.1:{overridden.port}" in overridden.log()


def test_a_port_that_is_taken_ends_the_start_with_one_sentence(overridden, new_installation):
    start = new_installation().manage("serve", "--port", str(overridden.port), ok=False)
    assert start.returncode == 1
    assert f"127.0.0.1:{overridden.port} is taken" in start.stderr
    assert "Errno" not in start.stdout + start.stderr


def test_config_is_exactly_that_file(new_installation, configured, scripted_upstream):
    """What was stored before is gone, and nothing of a sample or of the demo is there."""
    installation = new_installation(configured, DEMO_UPSTREAM="")
    config = {"upstreams": [entry("only", scripted_upstream.url)], "model_upstream_binding": {"mine": "only"}}
    with installation.serve("--config", installation.write("mine.json", config)) as proxy:
        status = proxy.status()
        assert [upstream["name"] for upstream in status["upstreams"]] == ["only"]
        assert [binding["pattern"] for binding in status["bindings"]] == ["mine"]
        assert status["rules"] == []
    proxy.assert_no_complaints()


def test_a_config_of_the_first_generation_is_taken_as_it_is(new_installation, scripted_upstream, upstream):
    installation = new_installation()
    config = {
        "server": {"target_host": "127.0.0.1", "target_port": str(scripted_upstream.port), "timeout_seconds": 1200.0},
        "logging": {"enable_debug_logs": False, "enable_override_logs": False},
        "default_sampling_params": {"temperature": 0.7, "top_p": None},
        "model_sampling_params": {"GLM-5": {"top_k": 40}},
        "enforced_sampling_params": {},
    }
    with installation.serve("--config", installation.write("mine.json", config)) as proxy, client_of(proxy) as client:
        upstream.answer(json_answer(CHAT.answer))
        assert client.post("/v1/chat/completions", json=CHAT.body("glm-5")).status_code == 200
    assert upstream.call.target == "/v1/chat/completions"
    assert upstream.call.json() == {**CHAT.body("glm-5"), "temperature": 0.7, "top_k": 40}
    proxy.assert_no_complaints()


def test_an_option_that_makes_no_sense_stops_the_start_and_is_named(new_installation):
    """tests/proxysite/test_serve_refusals.py has the others."""
    done = new_installation().manage("serve", "--port", "0", "--model-bindings", '{"a": "nobody"}', ok=False)
    assert done.returncode != 0
    assert "nobody" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_not_migrated_stops_the_start_and_the_way_out_is_told(tmp_path):
    done = Installation(tmp_path).manage("serve", "--port", "0", ok=False)
    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr
