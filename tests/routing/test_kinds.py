import pytest

from routing.kinds import NO_QUIRKS, Kind, by_models, by_url, quirks


@pytest.mark.parametrize(
    ("base_url", "kind"),
    [
        ("https://api.openai.com/v1", Kind.OPENAI),
        ("https://API.Anthropic.com", Kind.ANTHROPIC),
        ("https://api.venice.ai/api/v1", Kind.VENICE),
        ("https://api.z.ai/api/paas/v4", Kind.ZAI),
        ("https://open.bigmodel.cn/api/paas/v4", Kind.ZAI),
        ("https://notz.ai", Kind.AUTO),
        ("https://venice.ai.example", Kind.AUTO),
        ("http://127.0.0.1:11434", Kind.AUTO),
        ("demo:", Kind.AUTO),
        ("http://[broken", Kind.AUTO),
    ],
)
def test_the_host_of_a_base_url_gives_some_kinds_away(base_url, kind):
    assert by_url(base_url) is kind


@pytest.mark.parametrize(
    ("owner", "kind"),
    [
        ("llamacpp", Kind.LLAMACPP),
        ("vllm", Kind.VLLM),
        ("sglang", Kind.SGLANG),
        ("organization_owner", Kind.LMSTUDIO),
        ("library", Kind.OLLAMA),
    ],
)
def test_a_server_gives_its_kind_away_in_its_list_of_models(owner, kind):
    assert by_models([{"id": "x", "owned_by": "me"}, {"id": "y", "owned_by": owner}]) is kind


@pytest.mark.parametrize("entries", [[], [{}], [{"owned_by": None}], [{"owned_by": ["vllm"]}], ["vllm", None, 3]])
def test_a_list_of_models_that_says_nothing_leaves_the_kind_open(entries):
    assert by_models(entries) is Kind.AUTO


def test_venice_refuses_some_fields():
    assert "prompt_cache_key" in quirks(Kind.VENICE).drop
    assert quirks(Kind.VENICE).embeddings_as_float


def test_a_kind_without_quirks_has_none():
    assert quirks(Kind.VLLM) is NO_QUIRKS
