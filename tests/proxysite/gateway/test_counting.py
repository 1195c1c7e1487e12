"""How many tokens a request is: as the upstream counts, as its tokenizer does, or estimated."""

import asyncio
from dataclasses import dataclass, field

import httpx
import orjson
import pytest

from proxysite.gateway import attempts, counting
from routing.dialects import Dialect
from routing.kinds import Kind
from routing.snapshot import Target
from tests.proxysite.gateway.in_process import JSON, SSE, Client, Gate, Script, settled
from tests.snapshots import an_upstream, bound, routing_of

CHAT_ONLY = frozenset({Dialect.CHAT})
MESSAGES_ONLY = frozenset({Dialect.MESSAGES})
ASKED = {"model": "m", "system": "Be kind.", "messages": [{"role": "user", "content": "Hello there"}]}
ESTIMATED = 13  # of ASKED, by routing.dialects.tokens
REFUSAL = {"type": "error", "error": {"type": "invalid_request_error", "message": "messages: too few"}}


@dataclass
class Server:
    """Answers by path: a body, a status, an exception, or a gate that stays shut."""

    answers: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    bodies: list = field(default_factory=list)
    headers: dict = field(default_factory=lambda: JSON)

    async def __call__(self, request):
        self.asked.append((request.url.path, orjson.loads(await request.aread()), request.headers))
        answer = self.answers.get(request.url.path, 404)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Gate):
            await answer.wait()
        status, body = (
            (answer, {}) if isinstance(answer, int) else answer if isinstance(answer, tuple) else (200, answer)
        )
        self.bodies.append(Script((body if isinstance(body, bytes) else orjson.dumps(body),)))
        return httpx.Response(status, headers=self.headers, stream=self.bodies[-1])

    @property
    def paths(self):
        return [path for path, _, _ in self.asked]

    @property
    def is_closed(self):
        return all(body.is_closed for body in self.bodies)


@pytest.fixture
def ask(proxy):
    """Asks for a count and checks that nothing is left, also no record unless there was a mistake."""

    async def asked(server, body=ASKED, path="/v1/messages/count_tokens", *, routing=None, recorded=False, **more):
        upstream = an_upstream(dialects=MESSAGES_ONLY)
        handler = proxy(server, routing or routing_of(bound("*", upstream)))
        if ratio := more.pop("learnt", None):
            handler.engine.calibration.now.learn("m", estimated=100_000, reported=round(100_000 * ratio))
        client = Client(path, body, **more)
        await handler(client.scope, client.receive, client.send)
        await settled()
        assert server.is_closed
        assert handler.engine.running == 0
        assert handler.engine.recorder.waiting == recorded
        return client

    return asked


def at(kind=Kind.OTHER, dialects=CHAT_ONLY, **fields):
    return routing_of(bound("*", an_upstream(kind=kind, dialects=dialects, **fields)))


async def test_a_request_that_nobody_can_read_is_told_so(ask, monkeypatch):
    def estimate(request, ratio):
        raise RecursionError

    monkeypatch.setattr(counting.tokens, "estimate", estimate)
    client = await ask(Server(), routing=at(), recorded=True)
    assert client.status == 400
    assert "nested too deeply" in client.json()["error"]["message"]


class TestAnUpstreamThatCounts:
    async def test_is_asked_and_believed(self, ask):
        server = Server({"/v1/messages/count_tokens": {"input_tokens": 77}})
        client = await ask(server, path="/v1/messages/count_tokens?beta=true")
        assert (client.status, client.json()) == (200, {"input_tokens": 77})
        assert server.asked[0][1] == ASKED

    async def test_is_asked_in_the_words_of_responses_too(self, ask):
        server = Server({"/v1/responses/input_tokens": {"object": "response.input_tokens", "input_tokens": 5}})
        body = {"model": "m", "input": "Hello"}
        client = await ask(server, body, "/v1/responses/input_tokens", routing=at(dialects=frozenset(Dialect)))
        assert client.json() == {"object": "response.input_tokens", "input_tokens": 5}

    async def test_is_told_its_own_name_of_the_model(self, ask):
        upstream = an_upstream(dialects=MESSAGES_ONLY)
        server = Server({"/v1/messages/count_tokens": {"input_tokens": 1}})
        await ask(server, routing=routing_of(bound("*", Target(upstream=upstream, model="theirs"))))
        assert server.asked[0][1]["model"] == "theirs"

    @pytest.mark.parametrize("status", [400, 401, 403, 413, 422])
    async def test_tells_a_mistake_of_the_clients(self, ask, status):
        client = await ask(Server({"/v1/messages/count_tokens": (status, REFUSAL)}), recorded=True)
        assert (client.status, client.json()) == (status, REFUSAL)


class TestAnUpstreamThatCannotCount:
    @pytest.mark.parametrize("status", [404, 405, 429, 500, 501, 502, 503, 529])
    async def test_for_whatever_reason_is_replaced_by_an_estimate(self, ask, status):
        client = await ask(Server({"/v1/messages/count_tokens": status}))
        assert (client.status, client.json()) == (200, {"input_tokens": ESTIMATED})

    @pytest.mark.parametrize(
        "answer", [{"error": "Unexpected endpoint"}, b"<html>", b"[1]", {"input_tokens": None}, {"count": 3}]
    )
    async def test_but_says_200_all_the_same_is_not_believed(self, ask, answer):
        assert (await ask(Server({"/v1/messages/count_tokens": answer}))).json() == {"input_tokens": ESTIMATED}

    async def test_and_streams_something_is_closed(self, ask):
        server = Server({"/v1/messages/count_tokens": b"data: {}\n\n"}, headers=SSE)
        assert (await ask(server)).json() == {"input_tokens": ESTIMATED}

    async def test_because_it_is_away(self, ask):
        server = Server({"/v1/messages/count_tokens": httpx.ConnectError("refused")})
        assert (await ask(server)).json() == {"input_tokens": ESTIMATED}

    async def test_in_time(self, ask, monkeypatch):
        monkeypatch.setattr(counting, "WAIT_SECONDS", 0)
        assert (await ask(Server({"/v1/messages/count_tokens": Gate()}))).json() == {"input_tokens": ESTIMATED}

    async def test_because_it_speaks_another_dialect_is_not_even_asked(self, ask):
        server = Server()
        assert (await ask(server, routing=at())).json() == {"input_tokens": ESTIMATED}
        assert server.asked == []

    async def test_because_another_target_was_drawn(self, ask, monkeypatch):
        monkeypatch.setattr(attempts.random, "random", lambda: 0.99)
        speaking = an_upstream("a", dialects=MESSAGES_ONLY)
        routing = routing_of(bound("*", speaking, an_upstream("b", dialects=CHAT_ONLY)))
        assert (await ask(Server(), routing=routing)).json() == {"input_tokens": ESTIMATED}

    async def test_of_responses_is_estimated_in_their_words(self, ask):
        client = await ask(Server(), {"model": "m", "input": "Hello"}, "/v1/responses/input_tokens", routing=at())
        assert client.json() == {"object": "response.input_tokens", "input_tokens": 6}

    async def test_is_estimated_with_what_was_learnt_of_the_model(self, ask):
        client = await ask(Server(), routing=at(), learnt=2.0)
        assert client.json()["input_tokens"] == pytest.approx(2 * ESTIMATED, abs=1)

    async def test_is_estimated_with_tools_and_images(self, ask):
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
        tools = [{"name": "find", "input_schema": {"type": "object", "properties": {}}}]
        messages = [{"role": "user", "content": [image]}]
        with_tools = await ask(Server(), {**ASKED, "tools": tools}, routing=at())
        with_image = await ask(Server(), {**ASKED, "messages": messages}, routing=at())
        assert with_tools.json()["input_tokens"] > ESTIMATED + 10
        assert with_image.json()["input_tokens"] > 1000


class TestATokenizer:
    async def test_of_vllm_counts_the_converted_request(self, ask):
        server = Server({"/tokenize": {"count": 42, "max_model_len": 4096, "tokens": []}})
        client = await ask(server, routing=at(Kind.VLLM))
        assert client.json() == {"input_tokens": 42}
        (_, sent, _) = server.asked[0]
        assert sent["messages"] == [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hello there"},
        ]
        assert set(sent) == {"model", "messages"}

    async def test_of_llamacpp_counts_the_prompt_that_the_template_makes(self, ask):
        server = Server({"/apply-template": {"prompt": "<user>Hello there"}, "/tokenize": {"tokens": [1, 2, 3]}})
        client = await ask(server, routing=at(Kind.LLAMACPP))
        assert client.json() == {"input_tokens": 3}
        assert server.paths == ["/apply-template", "/tokenize"]
        assert server.asked[1][1] == {"content": "<user>Hello there", "add_special": True}

    async def test_is_asked_where_the_servers_own_endpoint_is_missing(self, ask):
        server = Server({"/tokenize": {"count": 42}})
        client = await ask(server, routing=at(Kind.VLLM, CHAT_ONLY | MESSAGES_ONLY))
        assert client.json() == {"input_tokens": 42}
        assert server.paths == ["/v1/messages/count_tokens", "/tokenize"]

    async def test_counts_tools_as_well(self, ask):
        server = Server({"/tokenize": {"count": 42}})
        await ask(server, {**ASKED, "tools": [{"name": "find", "input_schema": {}}]}, routing=at(Kind.VLLM))
        assert server.asked[0][1]["tools"][0]["function"]["name"] == "find"

    async def test_is_shown_the_clients_key_where_it_looks_for_it(self, ask):
        server = Server({"/tokenize": {"count": 42}})
        await ask(server, routing=at(Kind.VLLM), headers={"x-api-key": "mine", "anthropic-version": "2023-06-01"})
        headers = server.asked[0][2]
        assert (headers["authorization"], headers["content-type"]) == ("Bearer mine", "application/json")
        assert not {"x-api-key", "anthropic-version"} & set(headers)

    @pytest.mark.parametrize(
        "answer", [404, 500, b"<html>", b"[]", {}, {"count": None}, httpx.ReadError("reset"), httpx.ReadTimeout("slow")]
    )
    async def test_that_gives_no_number_is_replaced_by_an_estimate(self, ask, answer):
        client = await ask(Server({"/tokenize": answer}), routing=at(Kind.VLLM))
        assert client.json() == {"input_tokens": ESTIMATED}

    async def test_that_takes_too_long_is_replaced_by_an_estimate(self, ask, monkeypatch):
        monkeypatch.setattr(counting, "WAIT_SECONDS", 0)
        client = await ask(Server({"/tokenize": Gate()}), routing=at(Kind.VLLM))
        assert client.json() == {"input_tokens": ESTIMATED}


class TestARequest:
    @pytest.mark.parametrize("kind", [Kind.OTHER, Kind.VLLM])
    @pytest.mark.parametrize("body", [b"", b"{no", b"[]", {"model": "m", "messages": 5}, {"model": 5}])
    async def test_that_makes_no_sense_is_refused_in_the_dialect(self, ask, body, kind):
        client = await ask(Server(), body, method="POST", routing=at(kind), recorded=True)
        assert (client.status, client.json()["error"]["type"]) == (400, "invalid_request_error")

    async def test_for_a_model_that_is_not_bound_is_refused(self, ask):
        client = await ask(Server(), routing=routing_of(bound("other")), recorded=True)
        assert client.status == 400

    @pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/responses/input_tokens"])
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    async def test_by_another_method_is_405(self, ask, path, method):
        server = Server()
        client = await ask(server, None, path, method=method, recorded=True)
        assert (client.status, client.headers["allow"]) == (405, "POST")
        assert (client.json().get("type") == "error") == ("messages" in path)
        assert server.asked == []

    async def test_of_a_client_that_leaves_stops_the_question(self, proxy):
        server = Server({"/tokenize": Gate()})
        handler = proxy(server, at(Kind.VLLM))
        client = Client("/v1/messages/count_tokens", ASKED)
        task = asyncio.get_running_loop().create_task(handler(client.scope, client.receive, client.send))
        await settled()
        assert server.paths == ["/tokenize"]
        client.leave()
        await task
        assert client.sent == []
