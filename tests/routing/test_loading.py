import pytest
from cryptography.fernet import Fernet
from django.db.models import JSONField, Value

from routing import loading
from routing.dialects import Dialect
from routing.kinds import Kind
from routing.models import BindingTarget, Upstream
from routing.secrets import Secret
from routing.snapshot import CredentialMode, KeyStyle, RoutingTable
from tests.rows import make_binding, make_upstream

pytestmark = pytest.mark.django_db


def loaded(**fields):
    """The snapshot of one upstream, whose row holds these values however wrong they are."""
    row = make_upstream()
    Upstream.objects.filter(pk=row.pk).update(**fields)
    routing, problems = loading.load()
    return (routing.upstreams[0] if routing.upstreams else None), [str(problem) for problem in problems]


def test_an_upstream_is_loaded_with_all_that_its_row_says():
    make_upstream(
        name="mine",
        base_url="https://host/v1/",
        kind="vllm",
        supports_openai=False,
        supports_anthropic=True,
        supports_responses=True,
        supports_generate=True,
        credential_mode="own",
        api_key="sk-x",
        key_style="header",
        key_header="api-key",
        extra_headers={"x-team": "lab"},
        drop_params=["top_k"],
        rename_params={"a": "b"},
        set_params={"c": {"d": 1}},
        retry_statuses=[418],
        max_retries=5,
        total_timeout_seconds=60,
    )
    routing, problems = loading.load()
    upstream = routing.upstreams[0]
    assert problems == []
    assert upstream.base_url == "https://host/v1"
    assert upstream.kind is Kind.VLLM
    assert upstream.dialects == {Dialect.MESSAGES, Dialect.RESPONSES, Dialect.GENERATE}
    assert upstream.credential_mode is CredentialMode.OWN
    assert (upstream.key, upstream.key_style, upstream.key_header) == (Secret("sk-x"), KeyStyle.HEADER, "api-key")
    assert upstream.extra_headers == (("x-team", "lab"),)
    assert (upstream.drop_params, upstream.rename_params) == (("top_k",), {"a": "b"})
    assert (upstream.set_params, upstream.retry_statuses) == ({"c": {"d": 1}}, (418,))
    assert (upstream.max_retries, upstream.total_timeout_seconds) == (5, 60)


def test_loading_takes_five_queries_however_many_rows_there_are(django_assert_num_queries):
    upstreams = [make_upstream(name=f"u{number}") for number in range(5)]
    for number in range(5):
        make_binding(f"model-{number}", *upstreams)
    with django_assert_num_queries(5):
        loading.load()


def test_what_is_switched_off_is_not_loaded():
    off = make_upstream(name="off", enabled=False)
    make_binding("a", off, make_upstream(name="on"))
    make_binding("b", make_upstream(name="also on"), enabled=False)
    routing, problems = loading.load()
    assert [upstream.name for upstream in routing.upstreams] == ["also on", "on"]
    assert [(b.pattern, [t.upstream.name for t in b.targets]) for b in routing.bindings] == [("a", ["on"])]
    assert problems == []


def test_bindings_stand_in_the_order_of_their_position():
    upstream = make_upstream()
    make_binding("late", upstream, position=20)
    make_binding("early", upstream, position=10)
    assert [binding.pattern for binding in loading.load()[0].bindings] == ["early", "late"]


def test_a_binding_whose_upstream_is_off_is_reported_and_still_matches():
    make_binding("*", make_upstream(name="local"))
    make_binding("glm-*", make_upstream(name="zai", enabled=False), position=1)
    routing, problems = loading.load()
    assert (routing.binding("glm-5").pattern, routing.binding("glm-5").targets) == ("glm-*", ())
    assert [str(problem) for problem in problems] == [
        "binding “glm-*”: it has no usable upstream (“zai” is switched off), so its requests are answered 503"
    ]


def test_what_is_wrong_with_each_target_of_an_unusable_binding_is_told():
    broken, whole = make_upstream(name="broken"), make_upstream(name="whole")
    Upstream.objects.filter(pk=broken.pk).update(base_url="nowhere")
    make_binding("*", make_upstream(name="off", enabled=False), broken, whole)
    BindingTarget.objects.filter(upstream=whole).update(weight=0)
    binding = loading.load()[0].catch_all
    assert binding.lacking == (
        "“off” is switched off",
        "“broken” is misconfigured",
        "the target at “whole” is misconfigured",
    )


def test_a_binding_without_any_target_still_matches():
    make_binding("*", make_upstream())
    make_binding("glm-*", position=1)
    routing, problems = loading.load()
    assert routing.binding("glm-5").why_unusable == "it names no upstream"
    assert str(problems[0]) == "binding “glm-*”: it names no upstream, so its requests are answered 503"


def test_a_binding_that_is_off_itself_is_as_if_it_were_not_there():
    make_binding("*", make_upstream(name="local"))
    make_binding("glm-*", make_upstream(name="zai", enabled=False), position=1, enabled=False)
    routing, problems = loading.load()
    assert routing.binding("glm-5").pattern == "*"
    assert problems == []


def test_of_an_upstream_that_is_off_not_even_the_row_is_judged():
    row = make_upstream(enabled=False)
    Upstream.objects.filter(pk=row.pk).update(base_url="nowhere")
    assert loading.load() == (RoutingTable(), [])


def test_the_kind_is_what_the_row_says_else_what_the_url_says_else_what_the_server_said():
    for name, base_url, kind in (
        ("row", "https://api.z.ai", "vllm"),
        ("url", "https://api.z.ai", "auto"),
        ("server", "http://127.0.0.1:1", "auto"),
    ):
        make_upstream(name=name, base_url=base_url, kind=kind)
    routing, _ = loading.load({"row": Kind.OLLAMA, "url": Kind.OLLAMA, "server": Kind.OLLAMA})
    assert {upstream.name: upstream.kind for upstream in routing.upstreams} == {
        "row": Kind.VLLM,
        "url": Kind.ZAI,
        "server": Kind.OLLAMA,
    }


@pytest.mark.parametrize(
    ("kind", "chosen", "strips"),
    [("vllm", None, True), ("anthropic", None, False), ("vllm", False, False), ("anthropic", True, True)],
)
def test_the_billing_header_is_stripped_unless_the_upstream_is_anthropic_or_its_row_says_no(kind, chosen, strips):
    assert loaded(kind=kind, strip_billing_header=chosen)[0].strip_billing_header is strips


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"base_url": "nowhere"}, "base_url: Enter a URL like"),
        ({"base_url": ""}, "base_url: "),
        ({"kind": "toaster"}, "kind: "),
        ({"credential_mode": "borrowed"}, "credential_mode: "),
        ({"credential_mode": "own"}, "api_key: Enter the key"),
        ({"key_style": "header"}, "key_header: Name the header"),
        ({"supports_openai": False}, "must speak at least one dialect"),
        ({"extra_headers": ["x"]}, "extra_headers: Enter an object"),
        ({"extra_headers": {"authorization": "x"}}, "extra_headers: "),
        ({"drop_params": "logprobs"}, "drop_params: Enter a list"),
        ({"rename_params": [1]}, "rename_params: "),
        ({"set_params": 5}, "set_params: "),
        ({"retry_statuses": [200]}, "retry_statuses: "),
        ({"timeout_seconds": -1.0}, "timeout_seconds: "),
        ({"max_retries": 1000}, "max_retries: "),
        ({"reasoning_field": "thoughts"}, "reasoning_field: "),
    ],
)
def test_a_row_that_cannot_be_used_is_reported_and_left_out(fields, sentence):
    upstream, problems = loaded(**fields)
    assert upstream is None
    assert len(problems) == 1
    assert problems[0].startswith("upstream “local”: ")
    assert sentence in problems[0]


@pytest.mark.parametrize("field", ["extra_headers", "drop_params", "rename_params", "set_params", "retry_statuses"])
@pytest.mark.parametrize("empty", [Value(None, JSONField()), "", [], {}])
def test_whatever_is_empty_counts_as_nothing(field, empty):
    upstream, problems = loaded(**{field: empty})
    assert problems == []
    assert not getattr(upstream, field)


def test_a_broken_row_leaves_the_others_alone():
    broken, whole = make_upstream(name="broken"), make_upstream(name="whole")
    Upstream.objects.filter(pk=broken.pk).update(base_url="nowhere")
    make_binding("*", broken, whole)
    routing, problems = loading.load()
    assert [upstream.name for upstream in routing.upstreams] == ["whole"]
    assert [target.upstream.name for target in routing.catch_all.targets] == ["whole"]
    assert [problem.row for problem in problems] == [broken]


def test_a_key_that_cannot_be_decrypted_is_reported(settings):
    make_upstream(credential_mode="own", api_key="sk-x")
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    routing, problems = loading.load()
    assert routing.upstreams == ()
    assert "cannot be decrypted" in str(problems[0])


def test_a_key_that_the_environment_does_not_hold_is_reported(monkeypatch):
    monkeypatch.delenv("UPSTREAM_KEY", raising=False)
    make_upstream(credential_mode="own", api_key="env:UPSTREAM_KEY")
    routing, problems = loading.load()
    assert routing.upstreams == ()
    assert "the environment has no UPSTREAM_KEY" in str(problems[0])


def test_a_stored_key_that_is_not_sent_is_not_even_read(monkeypatch):
    monkeypatch.delenv("UPSTREAM_KEY", raising=False)
    make_upstream(credential_mode="forward", api_key="env:UPSTREAM_KEY")
    routing, problems = loading.load()
    assert problems == []
    assert routing.upstreams[0].key is None


def test_a_target_without_weight_is_reported_and_left_out():
    binding = make_binding("*", make_upstream(name="a"), make_upstream(name="b"))
    BindingTarget.objects.filter(upstream__name="a").update(weight=0)
    routing, problems = loading.load()
    assert [target.upstream.name for target in routing.catch_all.targets] == ["b"]
    assert str(problems[0]).startswith("binding “*”: its target a is left out: weight: ")
    assert problems[0].row == binding


def test_a_target_that_names_a_glob_picks_among_the_upstreams_models():
    binding = make_binding("claude-*")
    for name in ("", "Qwen3", "qwen*"):
        BindingTarget.objects.create(binding=binding, upstream=make_upstream(name=f"for {name}"), upstream_model=name)
    table, _ = loading.load()
    assert [target.picks for target in table.bindings[0].targets] == [False, False, True]
    assert [target.sent_model for target in table.bindings[0].targets] == ["", "Qwen3", ""]
