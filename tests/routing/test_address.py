import pytest

from routing.address import canonical_path, normal_base_url, upstream_url

HOST = "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        (HOST, HOST),
        (f"{HOST}/", HOST),
        (f"  {HOST}/v1/  ", f"{HOST}/v1"),
        (f"{HOST}/v1/v1", f"{HOST}/v1"),
        (f"{HOST}/v1/v1/v1//", f"{HOST}/v1"),
        (f"{HOST}/v1beta/v1beta", f"{HOST}/v1beta"),
        (f"{HOST}/v1/v2", f"{HOST}/v1/v2"),
        (f"{HOST}/v11/v1", f"{HOST}/v11/v1"),
        ("demo:", "demo:"),
    ],
)
def test_a_base_url_loses_spaces_trailing_slashes_and_a_doubled_version(typed, normal):
    assert normal_base_url(typed) == normal


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/chat/completions",
        "/v1/v1/chat/completions",
        "/v1/v1/v1/chat/completions",
        "/v1//chat/completions",
        "//v1//v1//chat/completions",
        "/v1/chat/completions/",
        "/chat/completions//",
        "/api/chat/completions",
        "/api/v1/chat/completions",
        "/api//v1//chat/completions",
        "/api/v1/v1/chat/completions",
        "/v1/api/v1/chat/completions",
        "/v1/api/chat/completions",
        "chat/completions",
    ],
)
def test_v1_is_optional_however_often_it_is_written(path):
    assert canonical_path(path) == "chat/completions"


@pytest.mark.parametrize("path", ["/", "", "//", "/v1", "/v1/", "/v1/v1", "/api/v1", "/api/v1/"])
def test_nothing_but_a_version_is_the_root(path):
    assert canonical_path(path) == ""


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/api/v1/api/tags", "api/tags"),
        ("/v1/api/tags", "api/tags"),
        ("/api/tags", "api/tags"),
        ("/api/chat", "api/chat"),
        ("/api/models", "models"),
        ("/api/messages", "messages"),
        ("/api/v1/messages", "messages"),
        ("/api/v1/models/org/name", "models/org/name"),
        ("/api/v1/responses/resp_1", "responses/resp_1"),
        ("/v1/models/org/name", "models/org/name"),
        ("/v1/models/v1/x", "models/v1/x"),
        ("/v1beta/models", "v1beta/models"),
        ("/v2/batch", "v2/batch"),
        ("/v10/x", "v10/x"),
        ("/files/a//b", "files/a//b"),
        ("/v1x", "v1x"),
    ],
)
def test_what_is_not_our_prefix_stays(path, canonical):
    assert canonical_path(path) == canonical


@pytest.mark.parametrize(
    "path", ["chat", "models/load", "models/unload", "models/download", "models/download/status/7", "anything/else"]
)
@pytest.mark.parametrize("prefix", ["/api/v1", "/api//v1/", "/v1/api/v1", "/api/v1/v1"])
def test_lm_studios_own_paths_stay_below_api_v1(prefix, path):
    assert canonical_path(f"{prefix}/{path}") == f"api/v1/{path}"
    assert upstream_url(f"{HOST}/v1", f"api/v1/{path}", versioned=True) == f"{HOST}/api/v1/{path}"


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/llm/v1/chat/completions", "chat/completions"),
        ("/llm/chat/completions", "chat/completions"),
        ("/llm", ""),
        ("/llm/", ""),
        ("/v1/chat/completions", "chat/completions"),
        ("/llms/models", "llms/models"),
        ("/other/llm/models", "other/llm/models"),
    ],
)
def test_the_base_path_is_optional(path, canonical):
    assert canonical_path(path, "/llm") == canonical


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (HOST, f"{HOST}/v1/chat/completions"),
        (f"{HOST}/v1", f"{HOST}/v1/chat/completions"),
        (f"{HOST}/proxy", f"{HOST}/proxy/v1/chat/completions"),
        ("http://v1.example", "http://v1.example/v1/chat/completions"),
        ("https://api.z.ai/api/paas/v4", "https://api.z.ai/api/paas/v4/chat/completions"),
        ("https://host/v1beta/openai", "https://host/v1beta/openai/chat/completions"),
        ("https://api.z.ai/api/anthropic", "https://api.z.ai/api/anthropic/v1/chat/completions"),
        ("https://api.venice.ai/api/v1", "https://api.venice.ai/api/v1/chat/completions"),
        ("https://openrouter.ai/api", "https://openrouter.ai/api/v1/chat/completions"),
    ],
)
def test_a_base_url_without_a_version_gets_v1_and_any_other_is_taken_as_it_is(base_url, url):
    assert upstream_url(base_url, "chat/completions") == url


@pytest.mark.parametrize("base_url", [HOST, f"{HOST}/v1"])
@pytest.mark.parametrize("path", ["generate", "api/tags", "api/chat", "props", "health", "tokenize", "slots"])
def test_the_servers_own_endpoints_lie_beside_the_version(base_url, path):
    assert upstream_url(base_url, path) == f"{HOST}/{path}"


@pytest.mark.parametrize("base_url", [HOST, f"{HOST}/v1"])
def test_an_own_endpoint_that_the_client_asked_for_below_v1_is_asked_for_there(base_url):
    assert upstream_url(base_url, "health", versioned=True) == f"{HOST}/v1/health"


@pytest.mark.parametrize("path", ["generate", "api/tags"])
def test_generate_and_ollamas_own_paths_are_never_below_v1(path):
    assert upstream_url(f"{HOST}/v1", path, versioned=True) == f"{HOST}/{path}"


@pytest.mark.parametrize("path", ["embeddings", "completions", "models", "generated", "apis/x", "versions"])
def test_a_name_that_only_begins_like_an_own_endpoint_lies_below_the_version(path):
    assert upstream_url(HOST, path) == f"{HOST}/v1/{path}"


@pytest.mark.parametrize(
    "base_url", ["https://api.venice.ai/api/v1", "https://api.venice.ai/api", "https://api.venice.ai"]
)
def test_api_is_not_doubled_for_ollamas_own_paths(base_url):
    assert upstream_url(base_url, "api/tags") == "https://api.venice.ai/api/tags"


def test_an_own_endpoint_stays_below_api_where_the_base_url_has_it():
    assert upstream_url("https://host/api/v1", "health") == "https://host/api/health"


@pytest.mark.parametrize(
    ("base_url", "path", "url"),
    [
        (HOST, "v2/rerank", f"{HOST}/v2/rerank"),
        (f"{HOST}/v1", "v2/rerank", f"{HOST}/v2/rerank"),
        (f"{HOST}/v1", "v1beta/models", f"{HOST}/v1beta/models"),
        (f"{HOST}/v1", "v2", f"{HOST}/v2"),
        (HOST, "videos", f"{HOST}/v1/videos"),
    ],
)
def test_a_path_with_a_version_of_its_own_keeps_it(base_url, path, url):
    assert upstream_url(base_url, path) == url


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        ("models/org/name", "models/org/name"),
        ("models/org/name:free", "models/org/name:free"),
        ("files/50%?#", "files/50%25%3F%23"),
        ("files/ä b", "files/%C3%A4%20b"),
        ("files/a//b", "files/a//b"),
    ],
)
def test_a_path_is_percent_encoded_again(path, encoded):
    assert upstream_url(HOST, path) == f"{HOST}/v1/{encoded}"


def test_a_path_keeps_the_clients_own_encoding_where_it_has_one():
    assert upstream_url(HOST, "models/org/name", encoded="models/org%2Fname") == f"{HOST}/v1/models/org%2Fname"
