"""`/v1` is optional on both sides, and every path and method that is not ours travels on as it is."""

import socket

import httpx
import pytest

from tests.end_to_end.answers import body_answer, json_answer
from tests.end_to_end.exchanges import ALL, CHAT

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")


@pytest.mark.parametrize("prefix", ["", "/v1", "/v1/v1", "/llm", "/llm/v1", "/llm/v1/v1"])
@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_an_endpoint_is_found_under_every_prefix(client, upstream, exchange, prefix):
    upstream.answer(json_answer(exchange.answer))
    answer = client.post(f"{prefix}/{exchange.path}", json=exchange.body(), headers=exchange.headers)
    assert answer.json() == exchange.answer
    version = "/v1" if exchange.dialect != "generate" else ""
    assert upstream.call.target.removesuffix(exchange.path).rstrip("/") in {f"/main{version}", "/main/v1"}


@pytest.mark.parametrize("path", ["/api/chat/completions", "/llm/api/chat/completions", "/api/v1/chat/completions"])
def test_the_alias_under_api_is_chat(client, upstream, path):
    upstream.answer(json_answer(CHAT.answer))
    assert client.post(path, json=CHAT.body()).json() == CHAT.answer
    assert upstream.call.target == "/main/v1/chat/completions"


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/chat/completions"])
def test_a_base_url_with_a_version_gets_no_second_one(client, upstream, path):
    upstream.answer(json_answer(CHAT.answer))
    client.post(path, json=CHAT.body("via-versioned"))
    assert upstream.call.target == "/versioned/v1/chat/completions"


def test_generate_is_asked_for_beside_the_version(client, upstream):
    upstream.answer(json_answer({"text": "Hi"}))
    client.post("/generate", json={"model": "via-versioned", "text": "Hello"})
    assert upstream.call.target == "/versioned/generate"


@pytest.mark.parametrize("query", ["beta=true", "a=1&a=2&b=", "q=a%20b%2Fc+d&e=%C3%A4", "q=%0d%0ax-injected:%201"])
def test_a_query_string_is_kept_to_the_letter(client, upstream, query):
    """Row 6.1.1 of the wire reference."""
    upstream.answer(json_answer(CHAT.answer))
    client.post(f"/v1/chat/completions?{query}", json=CHAT.body())
    assert upstream.call.target == f"/main/v1/chat/completions?{query}"


ODD_PATHS = (
    "files/a%2Fb",
    "files/a%20b",
    "files/%C3%A4",
    "files/a+b",
    "files/a:b@c,d;e=f",
    "files/%7Euser",
    "files/a%3Fb",
    "files/100%25",
    "files/a%0d%0ax-injected:%201",
)


@pytest.mark.parametrize("path", ODD_PATHS)
def test_percent_signs_in_a_path_are_kept_to_the_letter(proxy, upstream, path):
    upstream.answer(json_answer({}))
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(f"GET /v1/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        while connection.recv(65536):
            pass
    assert upstream.call.target == f"/main/v1/{path}"


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_path_goes_to_the_catch_all_with_its_method(client, upstream, method):
    upstream.answer(body_answer(b"" if method == "HEAD" else b"done", 202, "text/plain"))
    answer = client.request(method, "/v1/some/new/thing?x=1")
    assert answer.status_code == 202
    assert answer.content == (b"" if method == "HEAD" else b"done")
    assert (upstream.call.method, upstream.call.target) == (method, "/main/v1/some/new/thing?x=1")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_path_with_a_model_goes_to_that_models_upstream(client, upstream, method):
    upstream.answer(json_answer({}))
    client.request(method, "/v1/rerank", json={"model": "via-only-chat", "query": "Hello"})
    assert upstream.call.target == "/only-chat/v1/rerank"
    assert upstream.call.json() == {"model": "via-only-chat", "query": "Hello"}


def test_the_servers_own_endpoints_are_asked_for_where_they_are(client, upstream):
    upstream.answer(json_answer({}))
    for path in ("/props", "/tokenize", "/api/tags", "/metrics"):
        client.get(path)
    assert [call.target for call in upstream.calls] == [
        "/main/props",
        "/main/tokenize",
        "/main/api/tags",
        "/main/metrics",
    ]


def test_two_requests_on_one_connection_do_not_mix(client, upstream):
    upstream.answer(json_answer({"n": 1}), json_answer({"n": 2}))
    answers = [client.post("/v1/chat/completions", json=CHAT.body()).json() for _ in range(2)]
    assert answers == [{"n": 1}, {"n": 2}]


def test_the_admins_paths_are_not_the_upstreams(client, upstream):
    assert client.get("/admin/", follow_redirects=False).status_code == 302
    assert upstream.calls == []


def test_a_path_that_climbs_does_not_leave_the_upstreams_base_path(proxy, upstream):
    upstream.answer(json_answer({}))
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(b"GET /v1/files/../../../secret HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        while connection.recv(65536):
            pass
    assert all(call.target.startswith("/main/") for call in upstream.calls)


def test_http_1_0_clients_are_served(proxy, upstream):
    upstream.answer(json_answer(CHAT.answer))
    body = httpx.Request("POST", "http://x", json=CHAT.body()).read()
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        head = f"POST /v1/chat/completions HTTP/1.0\r\ncontent-length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert received.endswith(json_answer(CHAT.answer).body())
