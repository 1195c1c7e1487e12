"""The config.json of sampling-proxy's later releases, as it is."""

import pytest

from proxysite import config_file
from routing.models import ConfigSection, ModelBinding, Upstream
from sampling.models import SamplingRule
from tests.proxysite.config_file.files import imported, refusals, upstream

pytestmark = pytest.mark.django_db

ZAI = {
    "name": "zai",
    "base_url": "https://api.z.ai/api/anthropic",
    "supports_openai": False,
    "supports_anthropic": True,
}
LOCAL = {"name": "local", "base_url": "http://127.0.0.1:8000/v1", "connect_timeout_seconds": 5.0, "timeout_seconds": 60}


def second_generation(**changes):
    return {
        "listen": {"host": "0.0.0.0", "port": 8001, "base_path": ""},
        "upstreams": [ZAI, LOCAL],
        "model_upstream_binding": {"glm-*": "zai", "*": "local"},
        **changes,
    }


def bound():
    """pattern → (upstream, model, priority, weight) of each target."""
    return {
        binding.pattern: [
            (target.upstream.name, target.upstream_model, target.priority, target.weight)
            for target in binding.targets.all()
        ]
        for binding in ModelBinding.objects.all()
    }


def test_upstreams_keep_what_the_file_says():
    imported(second_generation())
    zai, local = Upstream.objects.get(name="zai"), Upstream.objects.get(name="local")
    assert (zai.supports_openai, zai.supports_anthropic, zai.supports_generate) == (False, True, False)
    assert (local.base_url, local.connect_timeout_seconds, local.timeout_seconds) == (LOCAL["base_url"], 5.0, 60.0)


def test_bindings_keep_the_order_of_the_file():
    imported(second_generation(model_upstream_binding={"z*": "zai", "a*": "local", "*": "local"}))
    assert list(bound()) == ["z*", "a*", "*"]


@pytest.mark.parametrize(
    ("value", "targets"),
    [
        ("zai", [("zai", "", 0, 1)]),
        ({"upstream": "zai"}, [("zai", "", 0, 1)]),
        ({"upstream": "zai", "model": "glm-4.6"}, [("zai", "glm-4.6", 0, 1)]),
        ({"upstream": "zai", "model": None}, [("zai", "", 0, 1)]),
        (["zai", "local"], [("zai", "", 0, 1), ("local", "", 0, 1)]),
        (
            [{"upstream": "zai", "model": "a", "priority": 1}, {"upstream": "local", "weight": 3}],
            [("local", "", 0, 3), ("zai", "a", 1, 1)],
        ),
    ],
)
def test_a_binding_is_a_name_an_object_or_a_list(value, targets):
    imported(second_generation(model_upstream_binding={"m": value}))
    assert bound() == {"m": targets}


def test_a_binding_that_is_off_says_so_beside_its_targets():
    imported(second_generation(model_upstream_binding={"m": {"targets": "zai", "enabled": False}}))
    assert not ModelBinding.objects.get().enabled


def test_upstreams_are_named_in_any_case():
    imported(second_generation(model_upstream_binding={"m": "ZAI"}))
    assert bound() == {"m": [("zai", "", 0, 1)]}


def test_several_upstreams_without_bindings_are_nobodys():
    file = second_generation()
    del file["model_upstream_binding"]
    report = imported(file)
    assert bound() == {}
    assert "model_upstream_binding: missing, so no model goes anywhere yet." in report.notes


def test_a_binding_without_a_target_is_kept_and_reported():
    report = imported(second_generation(model_upstream_binding={"m": []}))
    assert bound() == {"m": []}
    assert 'model_upstream_binding["m"]: has no target, so it is skipped.' in report.notes


def test_an_overriding_model_name_is_sent_wherever_a_target_names_none():
    bindings = {"a": "zai", "b": {"upstream": "zai", "model": "own"}}
    imported(second_generation(model_upstream_binding=bindings, override={"model_name": "glm-5"}))
    assert bound() == {"a": [("zai", "glm-5", 0, 1)], "b": [("zai", "own", 0, 1)]}


def test_an_overriding_name_that_makes_two_targets_the_same_is_refused():
    bindings = {"a": ["zai", {"upstream": "zai", "model": "glm-5"}]}
    file = second_generation(model_upstream_binding=bindings, override={"model_name": "glm-5"})
    assert refusals(file) == ['model_upstream_binding["a"]: must not name the same upstream and model twice']


def test_overriding_parameters_are_enforced():
    imported(second_generation(override={"sampling_params": {"top_k": 5}}))
    rule = SamplingRule.objects.get()
    assert (rule.layer, rule.applies_to, rule.preset.parameters) == ("enforced", "all", {"top_k": 5})


def test_only_anthropic_limits_the_parameters_to_messages():
    imported(second_generation(override={"only_anthropic": True, "sampling_params": {"top_k": 5}}))
    assert SamplingRule.objects.get().applies_to == "messages"


def test_only_anthropic_with_a_model_name_is_kept_and_reported():
    override = {"only_anthropic": True, "model_name": "glm-5"}
    report = imported(second_generation(override=override))
    assert ConfigSection.objects.get(name="override").content == override
    assert bound()["glm-*"] == [("zai", "", 0, 1)]
    assert any("Anthropic requests only is not supported yet" in note for note in report.notes)


def test_a_model_named_like_a_section_gets_a_preset_of_its_own():
    imported({"enforced_sampling_params": {"top_k": 1}, "model_sampling_params": {"enforced": {"top_k": 2}}})
    assert [(rule.preset.name, rule.preset.parameters) for rule in SamplingRule.objects.all()] == [
        ("enforced", {"top_k": 1}),
        ("enforced 2", {"top_k": 2}),
    ]


def test_values_of_any_json_type_are_kept():
    values = {"chat_template_kwargs": {"thinking": True, "budget": None}, "stop": ["a"], "seed": 1, "top_p": 1.0}
    imported({"model_sampling_params": {"m": values}})
    assert repr(SamplingRule.objects.get().preset.parameters) == repr(values)


@pytest.mark.parametrize("section", ["something", "anything", "§ odd name"])
@pytest.mark.parametrize("content", [{"enabled": True, "n": [1, None, {"ü": 1.5}]}, None, [], "text", 7, False])
def test_a_section_without_a_feature_is_kept_reported_and_exported(section, content):
    report = imported({section: content})
    assert config_file.export()[section] == content
    assert any(section in note and "kept" in note for note in report.notes)


def test_unknown_keys_of_an_upstream_are_kept_reported_and_exported():
    report = imported({"upstreams": [upstream(colour="red", nested={"a": [1]})]})
    assert "upstreams[0]: kept, but not known: colour, nested." in report.notes
    exported = config_file.export()["upstreams"][0]
    assert (exported["colour"], exported["nested"]) == ("red", {"a": [1]})


@pytest.mark.parametrize(
    ("content", "question"),
    [
        ({"upstraems": []}, "Is “upstraems” meant to be “upstreams”?"),
        ({"default_sampling_parms": {}}, "Is “default_sampling_parms” meant to be “default_sampling_params”?"),
        ({"upstreams": [upstream(timeut_seconds=3)]}, "Is “timeut_seconds” meant to be “timeout_seconds”?"),
        ({"validation": {"max_retry": 2}}, "Is “max_retry” meant to be “max_retries”?"),
        ({"listen": {"prot": 2}}, "Is “prot” meant to be “port”?"),
    ],
)
def test_a_name_that_is_nearly_a_known_one_is_asked_about(content, question):
    assert imported(content).notes[-1].endswith(question)


def test_unknown_keys_survive_the_import_of_another_upstream():
    imported({"upstreams": [upstream("a", colour="red")]})
    imported({"upstreams": [upstream("b", size=3)]})
    a, b = config_file.export()["upstreams"]
    assert (a["colour"], b["size"]) == ("red", 3)


@pytest.mark.parametrize("section", ["listen", "logging", "override"])
def test_unknown_keys_of_a_known_section_are_kept_reported_and_exported(section):
    report = imported({section: {"later": 1}})
    assert config_file.export()[section] == {"later": 1}
    assert any(note.startswith(f"{section}: kept") and "later" in note for note in report.notes)


@pytest.mark.parametrize("words", ["off", "auto", "kimi, glm"])
def test_what_is_mended_is_stored(words):
    assert imported({"upstreams": [upstream(tool_call_repair=words)]}).notes == []
    assert Upstream.objects.get().tool_call_repair == words


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_retries", 5),
        ("base_retry_delay", 2.0),
        ("rate_limit_wait", 60),
        ("loading_wait", 0),
        ("retry_statuses", [418]),
        ("first_token_timeout_seconds", 10),
        ("total_timeout_seconds", 100),
    ],
)
def test_what_is_said_of_retries_and_deadlines_is_stored(field, value):
    report = imported({"upstreams": [upstream(**{field: value})]})
    assert getattr(Upstream.objects.get(), field) == value
    assert not any(field in note for note in report.notes)
