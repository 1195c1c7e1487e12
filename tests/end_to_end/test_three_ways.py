"""Each of the three ways to serve hands a stream on as it comes, and shows what happens meanwhile."""

import re

import httpx
import pytest

from tests.end_to_end.answers import Gate, stream
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT, STREAMED
from tests.end_to_end.proxy import PASSWORD, eventually


@pytest.fixture(scope="module", params=["serve", "runserver", "daphne"])
def any_server(request, new_installation, configured):
    with getattr(new_installation(configured), request.param)() as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture
def client(any_server, upstream):
    with client_of(any_server) as client:
        yield client
    upstream.wait_until_idle()
    any_server.wait_until_idle()


@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_the_first_event_arrives_before_the_upstream_has_sent_the_last(client, upstream, exchange):
    first, *rest = exchange.events
    held_back = Gate()
    upstream.answer(stream(first, held_back, *rest))
    request = exchange.body(stream=True)
    with client.stream("POST", exchange.client_path, json=request, headers=exchange.headers) as answer:
        chunks = answer.iter_raw()
        assert next(chunks) == first
        held_back.open()
        assert first + b"".join(chunks) == exchange.stream


def test_an_upstream_is_left_at_once_when_the_client_leaves(client, upstream):
    upstream.answer(stream(CHAT.events[0], Gate()))
    with client.stream("POST", "/v1/chat/completions", json=CHAT.body(stream=True)) as answer:
        assert next(answer.iter_raw()) == CHAT.events[0]
    upstream.call.wait_until_closed()


def test_the_admin_is_there_beside_the_proxy(any_server):
    answer = httpx.get(f"{any_server.url}/admin/login/", trust_env=False)
    assert answer.status_code == 200
    assert "csrfmiddlewaretoken" in answer.text


@pytest.fixture(scope="module")
def admin(any_server):
    with httpx.Client(base_url=any_server.url, trust_env=False, follow_redirects=True) as browser:
        form = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": _token(browser.get("/admin/login/"))}
        assert 'id="overview"' in browser.post("/admin/login/?next=/admin/", data=form).text
        yield browser


def test_the_overview_shows_a_request_while_it_runs_and_no_more_when_it_has_ended(client, upstream, admin):
    upstream.answer(stream(CHAT.events[0], Gate()))
    assert _running(admin) == 0
    with client.stream("POST", "/v1/chat/completions", json=CHAT.body("one-at-a-time", stream=True)) as answer:
        chunks = answer.iter_raw()
        assert next(chunks) == CHAT.events[0]
        assert _running(admin) == 1
        assert "1/1" in admin.get("/admin/now/").text
    eventually(lambda: _running(admin) == 0, "a request that has ended")


def test_the_health_of_a_target_is_shown_and_reset(client, admin):
    for _ in range(3):
        assert client.post("/v1/chat/completions", json=CHAT.body("via-refused")).status_code == 502
    shown = admin.get("/admin/now/")
    assert "cooling down" in shown.text
    assert admin.post("/admin/health/refused/", data={"csrfmiddlewaretoken": "no"}).status_code == 403
    done = admin.post("/admin/health/refused/", data={"csrfmiddlewaretoken": _token(shown), "from_overview": "yes"})
    assert "refused counts as healthy again" in done.text
    assert "cooling down" not in admin.get("/admin/now/").text


def _running(admin):
    return int(re.search(r'<b class="sp-number">(\d+)</b> running', admin.get("/admin/now/").text)[1])


def _token(page):
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
