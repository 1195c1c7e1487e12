"""A streaming client that waits is sent signs of life in its dialect, and its stream stays valid whatever follows."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from routing.dialects.sse import KEEP_ALIVE, PING
from tests.end_to_end.answers import Gate, hang_up, json_answer, stream
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT, COMPLETIONS, MESSAGES, RESPONSES
from tests.end_to_end.proxy import eventually
from tests.end_to_end.shapes import assert_ends_with_error, events_of
from tests.end_to_end.test_conversion_errors import refusal
from tests.routing.dialects.checkers import check_chat, check_messages
from tests.routing.dialects.responses.checking import check as check_responses

CODEX = {"store": False}
BUSY = refusal(CHAT, 503, "No capacity", "unavailable_error")


@pytest.fixture(scope="module")
def restless(new_installation, configured):
    """A proxy that gives a sign of life in every twentieth of a second."""
    with new_installation(configured, KEEPALIVE_SECONDS="0.05").serve() as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture
def proxy(restless, upstream):
    restless.mark_log()
    yield restless
    upstream.wait_until_idle()
    restless.wait_until_idle()


@pytest.fixture
def asked(proxy):
    """Asks for a stream, opens the gate when the client has heard what it waits for, and returns all that it heard."""

    def ask(exchange, model, gate, heard, **more):
        content = b""
        with client_of(proxy) as client:
            body = exchange.body(model, stream=True, **more)
            with client.stream("POST", exchange.client_path, json=body, headers=exchange.headers) as answer:
                assert answer.status_code == 200
                assert answer.headers["content-type"].startswith("text/event-stream")
                for chunk in answer.iter_raw():
                    content += chunk
                    if heard(content):
                        gate.open()
        assert heard(content)
        return content

    return ask


def signs(number, sign=KEEP_ALIVE):
    return lambda content: content.count(sign) >= number


def in_progress(number):
    return signs(number, b"event: response.in_progress")


def checked(exchange, content):
    """The stream, which is valid with its signs of life."""
    if exchange is MESSAGES:
        return check_messages(content.replace(PING, b""))
    return check_responses(content) if exchange is RESPONSES else check_chat(content)


@pytest.mark.parametrize("exchange", [CHAT, MESSAGES, COMPLETIONS], ids=str)
def test_bytes_that_pass_come_behind_comments(asked, upstream, exchange):
    gate = Gate()
    upstream.answer(stream(*exchange.events).held(gate))
    content = asked(exchange, "plain", gate, signs(2))
    assert content.startswith(KEEP_ALIVE)
    assert content.replace(KEEP_ALIVE, b"") == exchange.stream


@pytest.mark.parametrize(("exchange", "model"), [(CHAT, "via-only-messages"), (MESSAGES, "via-only-chat")])
def test_a_converted_stream_comes_behind_comments(asked, upstream, exchange, model):
    gate, spoken = Gate(), MESSAGES if exchange is CHAT else CHAT
    upstream.answer(stream(*spoken.events).held(gate))
    content = asked(exchange, model, gate, signs(2))
    assert content.startswith(KEEP_ALIVE)
    assert checked(exchange, content).error is None


@pytest.mark.parametrize(("model", "spoken"), [("via-only-chat", CHAT), ("via-only-messages", MESSAGES)])
def test_a_client_that_counts_events_is_sent_some_before_a_converted_response(asked, upstream, model, spoken):
    gate = Gate()
    upstream.answer(stream(*spoken.events).held(gate))
    found = checked(RESPONSES, asked(RESPONSES, model, gate, in_progress(2), **CODEX))
    assert found.kinds()[:3] == ["created", "in_progress", "in_progress"]
    assert found.items[0]["content"][0]["text"] == "Hi there"


def test_a_response_that_passes_goes_on_behind_such_events(asked, upstream):
    gate = Gate()
    upstream.answer(stream(*RESPONSES.events).held(gate))
    events = events_of(asked(RESPONSES, "plain", gate, in_progress(2), **CODEX))
    assert [payload["sequence_number"] for _, payload in events] == list(range(len(events)))
    assert [name for name, _ in events].count("response.created") == 1
    assert len({payload["response"]["id"] for _, payload in events if "response" in payload}) == 1


def test_a_response_whose_id_the_client_may_need_passes_as_it_is(asked, upstream):
    gate = Gate()
    upstream.answer(stream(*RESPONSES.events).held(gate))
    content = asked(RESPONSES, "plain", gate, signs(2))
    assert content.replace(KEEP_ALIVE, b"") == RESPONSES.stream


@pytest.mark.parametrize("model", ["plain", "via-only-chat"])
def test_a_message_is_pinged_in_its_silences(asked, upstream, model):
    gate = Gate()
    first, *rest = (MESSAGES if model == "plain" else CHAT).events
    upstream.answer(stream(first, gate, *rest))
    content = asked(MESSAGES, model, gate, signs(2, PING))
    assert content.index(b"message_start") < content.index(PING)
    assert checked(MESSAGES, content).error is None


def test_a_converted_response_is_in_progress_in_its_silences(asked, upstream):
    gate = Gate()
    first, *rest = CHAT.events
    upstream.answer(stream(first, gate, *rest))
    found = checked(RESPONSES, asked(RESPONSES, "via-only-chat", gate, in_progress(3), **CODEX))
    assert found.kinds().count("created") == 1


@pytest.mark.parametrize("model", ["plain", "via-only-messages"])
def test_a_chat_has_comments_in_its_silences(asked, upstream, model):
    gate = Gate()
    first, *rest = (CHAT if model == "plain" else MESSAGES).events
    upstream.answer(stream(first, gate, *rest))
    assert checked(CHAT, asked(CHAT, model, gate, signs(2))).error is None


@pytest.mark.parametrize(
    ("exchange", "heard", "more"), [(CHAT, signs(2), {}), (MESSAGES, signs(2), {}), (RESPONSES, in_progress(2), CODEX)]
)
def test_who_queues_is_kept_alive_too(proxy, asked, upstream, exchange, heard, more):
    gate = Gate()
    upstream.answer(json_answer(exchange.answer).held(gate), stream(*exchange.events))
    with ThreadPoolExecutor(1) as elsewhere, client_of(proxy) as other:
        body = exchange.body("one-at-a-time")
        first = elsewhere.submit(other.post, exchange.client_path, json=body, headers=exchange.headers)
        upstream.wait_for_call(1)
        content = asked(exchange, "one-at-a-time", gate, heard, **more)
        assert first.result().status_code == 200
    assert len(events_of(content)) > 2
    assert len(upstream.calls) == 2


@pytest.mark.parametrize("failure", [BUSY, hang_up()])
@pytest.mark.parametrize("model", ["plain", "via-only-chat"])
@pytest.mark.parametrize(
    ("exchange", "heard", "more"), [(CHAT, signs(2), {}), (MESSAGES, signs(2), {}), (RESPONSES, in_progress(2), CODEX)]
)
def test_an_error_behind_signs_of_life_is_an_event(asked, upstream, exchange, heard, more, model, failure):
    gate = Gate()
    upstream.answer(failure.held(gate))
    content = asked(exchange, model, gate, heard, **more)
    assert assert_ends_with_error(content, exchange.dialect)
    if exchange is RESPONSES:
        assert checked(RESPONSES, content).response["status"] == "failed"


@pytest.mark.parametrize(
    ("exchange", "heard", "more"), [(CHAT, signs(2), {}), (MESSAGES, signs(2), {}), (RESPONSES, in_progress(2), CODEX)]
)
def test_an_answer_that_is_no_stream_becomes_one(asked, upstream, exchange, heard, more):
    gate = Gate()
    upstream.answer(json_answer(exchange.answer).held(gate))
    content = asked(exchange, "plain", gate, heard, **more)
    assert b"Hi there" in content
    checked(exchange, content)


def test_a_client_that_leaves_while_it_is_kept_alive_is_gone_at_once(proxy, upstream):
    upstream.answer(stream(*CHAT.events).held(Gate()))
    with client_of(proxy) as client, client.stream("POST", CHAT.client_path, json=CHAT.body(stream=True)) as answer:
        chunks = answer.iter_raw()
        assert next(chunks) == KEEP_ALIVE
    upstream.call.wait_until_closed()
    eventually(lambda: proxy.status()["running"] == 0, "nothing to be left")
