"""Each of the three ways to serve hands a stream on as it comes."""

import httpx
import pytest

from tests.end_to_end import configuration
from tests.end_to_end.answers import Gate, stream
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT, STREAMED


@pytest.fixture(scope="module", params=["serve", "runserver", "daphne"])
def any_server(request, new_installation, scripted_upstream, refused_url):
    config = configuration.config(scripted_upstream.url, refused_url)
    installation = new_installation()
    if request.param == "serve":
        proxy = installation.serve("--config", installation.write("mine.json", config))
    else:
        installation.import_config(config)
        proxy = getattr(installation, request.param)()
    with proxy:
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
