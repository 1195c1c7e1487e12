"""A certificate that nobody vouches for is refused, unless the upstream's row says that any will do."""

import pytest

from tests.end_to_end.answers import json_answer
from tests.end_to_end.exchanges import CHAT
from tests.end_to_end.shapes import assert_is_error


@pytest.fixture
def post(client, tls_upstream):
    tls_upstream.reset()
    tls_upstream.answer(json_answer(CHAT.answer))
    yield lambda model: client.post("/v1/chat/completions", json=CHAT.body(model))
    tls_upstream.wait_until_idle()


def test_an_unknown_certificate_is_a_502_that_says_so(post, tls_upstream):
    message = assert_is_error(post("via-tls"), "chat", 502)
    assert "TLS" in message
    assert "certificate" in message
    assert tls_upstream.calls == []


@pytest.mark.parametrize("model", ["via-tls-unverified", "via-tls-unverified-http2"])
def test_any_certificate_will_do_when_the_row_says_so(post, tls_upstream, model):
    assert post(model).json() == CHAT.answer
    assert tls_upstream.call.path == f"/{model.removeprefix('via-')}/v1/chat/completions"
