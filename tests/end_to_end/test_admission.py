"""Limits and pauses as a config.json sets them and the admin changes them, over real sockets."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.end_to_end.answers import Gate, json_answer
from tests.end_to_end.configuration import upstream as upstream_entry
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT, MESSAGES, RESPONSES
from tests.end_to_end.proxy import PASSWORD, eventually
from tests.end_to_end.shapes import assert_is_error

DIALECTS = pytest.mark.parametrize("exchange", [CHAT, MESSAGES, RESPONSES], ids=str)


@pytest.fixture(scope="module")
def limiting(new_installation, scripted_upstream):
    installation = new_installation()
    config = installation.write(
        "config.json",
        {
            "upstreams": [
                upstream_entry("main", scripted_upstream.url),
                upstream_entry("other", scripted_upstream.url),
            ],
            "model_upstream_binding": {"elsewhere": "other", "*": "main"},
            "parallel_limits": {
                "GLM-5": 2,
                "full-*": {"limit": 1, "queue_size": 1},
                "hasty": {"limit": 1, "queue_timeout_seconds": 0.1},
                "changed": 1,
                "of the other one": {"upstream": "other", "limit": 7},
                "global": 50,
            },
            "throttle": {"per_model": {"Paced": {"start_pause_seconds": 1000, "end_pause_seconds": 0}}},
        },
    )
    with installation.serve("--config", config) as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture
def proxy(limiting, upstream):
    limiting.mark_log()
    yield limiting
    upstream.wait_until_idle()
    limiting.wait_until_idle()


@pytest.fixture
def asked(proxy):
    """Sends a request from a thread of its own; what it returns has the answer as its result."""
    with ThreadPoolExecutor(8) as threads:

        def send(exchange, model):
            def post():
                with client_of(proxy) as client:
                    body = exchange.body(model)
                    return client.post(exchange.client_path, json=body, headers=exchange.headers)

            return threads.submit(post)

        yield send


def held(upstream, exchange, number):
    """So many answers that wait for their gates, and then any number that do not."""
    gates = [Gate() for _ in range(number)]
    upstream.answer(*(json_answer(exchange.answer).held(gate) for gate in gates), json_answer(exchange.answer))
    return gates


def limit_of(proxy, name):
    return next(limit for limit in proxy.status()["limits"] if limit["name"] == name)


def waits(proxy, name, number=1):
    eventually(lambda: limit_of(proxy, name)["queued"] == number, f"{number} that queue for {name}")


def slots(proxy):
    """What the log says of the model's slots, without its times."""
    lines = re.findall(r"gatekeeper req_\w+ (.*)", proxy.log_since_mark())
    return [told for line in lines for told in line.split("; ") if "lobal" not in told]


def test_the_log_tells_of_every_slot_in_the_words_people_know(proxy, upstream, asked):
    one, two = held(upstream, CHAT, 2)
    first = asked(CHAT, "glm-5")
    upstream.wait_for_call(1)
    second = asked(CHAT, "GLM-5")
    upstream.wait_for_call(2)
    third = asked(CHAT, "Glm-5")
    waits(proxy, "GLM-5", 1)
    fourth = asked(CHAT, "glm-5")
    waits(proxy, "GLM-5", 2)
    assert slots(proxy) == [
        "Slot acquired GLM-5, used: 1/2",
        "Slot acquired GLM-5, used: 2/2",
        "Queueing for GLM-5, 1 requests waiting (limit: 2)",
        "Queueing for GLM-5, 2 requests waiting (limit: 2)",
    ]
    one.open()
    two.open()
    answers = [each.result() for each in (first, second, third, fourth)]
    assert [answer.status_code for answer in answers] == [200] * 4
    eventually(lambda: slots(proxy).count("Slot released GLM-5, used: 0/2") == 1, "the last slot to be free")
    assert slots(proxy)[4:6] == ["Slot released GLM-5, used: 1/2", "Slot acquired GLM-5, used: 2/2"]
    for answer in answers:
        mine = f"{answer.headers['x-request-id']} Slot "
        assert proxy.log_since_mark().count(f"{mine}acquired GLM-5") == 1
        assert proxy.log_since_mark().count(f"{mine}released GLM-5") == 1


@DIALECTS
def test_who_finds_the_queue_full_is_told_to_come_again(proxy, upstream, asked, exchange):
    (gate,) = held(upstream, exchange, 1)
    model = f"full-{exchange.dialect}"
    first = asked(exchange, model)
    upstream.wait_for_call(1)
    second = asked(exchange, model)
    waits(proxy, "full-*")
    refused = asked(exchange, model).result()
    assert "full-*" in assert_is_error(refused, exchange.dialect, 429)
    assert int(refused.headers["retry-after"]) > 0
    gate.open()
    assert [first.result().status_code, second.result().status_code] == [200, 200]


@DIALECTS
def test_who_waits_too_long_is_told_to_come_again(proxy, upstream, asked, exchange):
    (gate,) = held(upstream, exchange, 1)
    first = asked(exchange, "hasty")
    upstream.wait_for_call(1)
    refused = asked(exchange, "HASTY").result()
    assert "hasty" in assert_is_error(refused, exchange.dialect, 503)
    assert int(refused.headers["retry-after"]) > 0
    gate.open()
    assert first.result().status_code == 200
    assert len(upstream.calls) == 1


def test_a_pause_delays_the_next_request_and_says_for_how_long(proxy, upstream, asked):
    held(upstream, CHAT, 0)
    assert asked(CHAT, "paced").result().status_code == 200
    (pause,) = proxy.status()["pauses"]
    assert pause["model"].lower() == "paced"
    assert 0 < pause["seconds_left"] <= 1000
    with client_of(proxy) as client, client.stream("POST", "/v1/chat/completions", json=CHAT.body("other")):
        pass  # another model does not wait
    assert len(upstream.calls) == 2


def test_counting_tokens_and_listing_models_take_no_slot(proxy, upstream, asked):
    (gate,) = held(upstream, MESSAGES, 1)
    first = asked(MESSAGES, "changed")
    upstream.wait_for_call(1)
    with client_of(proxy) as client:
        counted = client.post("/v1/messages/count_tokens", json=MESSAGES.body("changed"), headers=MESSAGES.headers)
        assert counted.status_code == 200
        assert client.get("/v1/models").status_code == 200
    gate.open()
    assert first.result().status_code == 200


@pytest.fixture
def admin(proxy):
    with httpx.Client(base_url=proxy.url, trust_env=False, follow_redirects=True, timeout=30) as browser:
        form = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": _token(browser.get("/admin/login/"))}
        browser.post("/admin/login/?next=/admin/", data=form)
        yield browser


def change(proxy, admin, name, limit):
    (row,) = proxy.installation.rows("SELECT id FROM routing_parallellimit WHERE model_pattern = ?", name)
    page = f"/admin/routing/parallellimit/{row['id']}/change/"
    form = {"scope": "model", "model_pattern": name, "limit": limit, "position": 100, "enabled": "on"}
    answer = admin.post(page, data={**form, "csrfmiddlewaretoken": _token(admin.get(page))})
    assert "was changed successfully" in answer.text


def test_a_limit_that_is_changed_in_the_admin_counts_at_once_and_drops_nobody(proxy, upstream, asked, admin):
    gates = held(upstream, CHAT, 3)
    requests = [asked(CHAT, "changed")]
    upstream.wait_for_call(1)
    requests += [asked(CHAT, "changed"), asked(CHAT, "changed")]
    waits(proxy, "changed", 2)
    change(proxy, admin, "changed", 3)
    upstream.wait_for_call(3)  # those who waited go at once
    change(proxy, admin, "changed", 1)  # below what runs: nobody is dropped, and nobody starts before two have ended
    requests.append(asked(CHAT, "changed"))
    waits(proxy, "changed", 1)
    assert (limit_of(proxy, "changed")["used"], limit_of(proxy, "changed")["limit"]) == (3, 1)
    for gate in gates:
        gate.open()
    assert [each.result().status_code for each in requests] == [200] * 4
    eventually(lambda: limit_of(proxy, "changed")["used"] == 0, "every slot to be free")


def _token(page):
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
