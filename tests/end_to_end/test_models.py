"""One list of models, merged from all upstreams and bound names."""

import pytest

from tests.end_to_end.answers import End, body_answer, hang_up, json_answer
from tests.end_to_end.exchanges import CHAT, HELLO


def _list(*names: str):
    return json_answer(
        {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "vllm"} for name in names]}
    )


def _by_upstream(request):
    """Each upstream has one model of its own, and one that all have; two upstreams are not well."""
    name = request.path.split("/")[1]
    if name == "venice":
        return json_answer({"error": "no"}, 500)
    if name == "keyless":
        return body_answer(b"<html>", content_type="text/html")
    if name == "headed":
        return hang_up(End.RESET)
    return _list(f"{name}-model", "everywhere")


@pytest.fixture
def names(client, upstream):
    upstream.models = _by_upstream
    return [entry["id"] for entry in client.get("/v1/models").json()["data"]]


def test_the_lists_of_all_upstreams_are_one(names):
    assert {"main-model", "only-chat-model", "only-messages-model"} <= set(names)


def test_a_model_is_listed_once(names):
    assert names.count("everywhere") == 1
    assert len(names) == len(set(names))


def test_bound_names_are_listed_and_globs_are_not(names):
    assert {"plain", "renamed", "org/with-slash"} <= set(names)
    assert not {"*", "upper-*"} & set(names)


@pytest.mark.parametrize("path", ["/models", "/v1/models", "/v1/v1/models", "/llm/v1/models", "/api/models"])
def test_the_list_is_found_under_every_prefix(client, upstream, path):
    upstream.models = _list("one")
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json()["object"] == "list"


def test_an_entry_has_what_clients_read(client, upstream):
    """Row 6.2.3 of the wire reference."""
    upstream.models = _list("one")
    answer = client.get("/v1/models").json()
    assert answer["models"] == []  # which Codex reads
    entry = next(entry for entry in answer["data"] if entry["id"] == "one")
    assert entry["object"] == "model"
    assert isinstance(entry["created"], int)
    assert isinstance(entry["owned_by"], str)


def test_the_list_also_has_what_anthropics_client_reads(client, upstream):
    upstream.models = _list("one")
    answer = client.get("/v1/models", headers={"anthropic-version": "2023-06-01"}).json()
    assert answer["has_more"] is False
    assert answer["data"][0]["type"] == "model"
    assert answer["data"][0]["display_name"]


@pytest.mark.parametrize("name", ["one", "org/model", "a/b/c:free"])
def test_one_model_is_found_by_its_name(client, upstream, name):
    upstream.models = _list(name)
    answer = client.get(f"/v1/models/{name}")
    assert answer.status_code == 200
    assert answer.json()["id"] == name


def test_a_percent_encoded_slash_in_a_models_name_is_understood(client, upstream):
    upstream.models = _list("org/model")
    assert client.get("/v1/models/org%2Fmodel").json()["id"] == "org/model"


def test_a_bound_name_is_found_though_no_upstream_lists_it(client, upstream):
    assert client.get("/v1/models/org/with-slash").json()["id"] == "org/with-slash"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
def test_a_client_that_cannot_name_the_servers_model_gets_it_all_the_same(client, upstream, path):
    upstream.models = _list("Qwen3-Coder", "other")
    client.get("/v1/models")  # lists that other tests left are old, and used until a new one is there
    upstream.answer(json_answer(CHAT.answer))
    answer = client.post(path, json={"model": "picking-claude", "max_tokens": 9, "messages": HELLO})
    assert (answer.status_code, answer.json()["model"]) == (200, "picking-claude")
    assert upstream.call.json()["model"] == "Qwen3-Coder"
