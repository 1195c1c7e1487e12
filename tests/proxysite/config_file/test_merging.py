"""An import without --replace adds to what is there."""

import pytest

from proxysite import config_file
from routing.models import ConfigSection, ModelBinding, Upstream
from sampling.models import SamplingPreset, SamplingRule
from tests.proxysite.config_file.files import dump, imported, upstream
from tests.rows import make_binding, make_rule, make_upstream

pytestmark = pytest.mark.django_db


def patterns():
    return [binding.pattern for binding in ModelBinding.objects.all()]


def test_what_the_file_does_not_name_stays():
    make_binding("mine", make_upstream(name="mine"))
    make_rule({"top_p": 0.5}, preset="mine")
    ConfigSection.objects.create(name="throttle", content={})
    imported({"upstreams": [upstream("new")], "default_sampling_params": {"top_k": 1}, "anything": {}})
    assert Upstream.objects.filter(name="mine").exists()
    assert "mine" in patterns()
    assert SamplingPreset.objects.filter(name="mine").exists()
    assert ConfigSection.objects.filter(name="throttle").exists()


def test_an_upstream_of_the_same_name_in_any_case_is_changed_and_not_added():
    row = make_upstream(name="ÄRGER", kind="vllm")
    imported({"upstreams": [upstream("ärger", base_url="http://new")]})
    stored = Upstream.objects.get()
    assert (stored.pk, stored.name, stored.base_url) == (row.pk, "ärger", "http://new")


def test_fields_the_file_leaves_out_keep_their_values():
    make_upstream(name="local", kind="vllm", timeout_seconds=7, supports_generate=False)
    imported({"upstreams": [upstream("local")]})
    row = Upstream.objects.get()
    assert (row.kind, row.timeout_seconds, row.supports_generate) == ("vllm", 7.0, False)


def test_a_new_glob_is_reached_before_a_catch_all_that_was_there():
    make_binding("*", make_upstream(name="local"), position=5)
    imported({"upstreams": [upstream("zai")], "model_upstream_binding": {"glm-*": "zai"}})
    assert patterns() == ["glm-*", "*"]


def test_the_files_bindings_keep_their_order_among_stored_ones():
    make_binding("glm-*", make_upstream(name="local"))
    file = {"upstreams": [upstream("zai")], "model_upstream_binding": {"glm-4*": "zai", "glm-*": "zai"}}
    imported(file)
    assert patterns() == ["glm-4*", "glm-*"]


def test_a_catch_all_at_the_end_of_the_file_stays_behind_what_was_there():
    make_binding("mine-*", make_upstream(name="local"))
    imported({"upstreams": [upstream("zai")], "model_upstream_binding": {"glm-*": "zai", "*": "zai"}})
    assert patterns() == ["glm-*", "mine-*", "*"]


def test_the_targets_of_a_binding_become_the_files():
    make_binding("GLM-*", make_upstream(name="local"))
    imported({"upstreams": [upstream("zai")], "model_upstream_binding": {"glm-*": "zai"}})
    assert [target.upstream.name for target in ModelBinding.objects.get().targets.all()] == ["zai"]


def test_a_catch_all_that_the_file_does_not_say_takes_none_over():
    make_binding("*", make_upstream(name="local"))
    report = imported({"server": {"target_host": "box"}})
    assert [target.upstream.name for target in ModelBinding.objects.get().targets.all()] == ["local"]
    assert "binding *: stays as it is, because the file says nothing of bindings." in report.notes


def test_the_same_file_twice_changes_nothing():
    file = {
        "upstreams": [upstream("a", api_key="k", max_retries=3, odd=1), upstream("b", timeout_seconds=5)],
        "model_upstream_binding": {"x": ["b", {"upstream": "a", "priority": 2}], "*": "a"},
        "default_sampling_params": {"top_k": 1},
        "model_sampling_params": {"m": {"stop": ["a"]}},
        "anything": {"a": 1},
    }
    assert imported(file).changed
    before = dump()
    report = imported(file)
    assert not report.changed
    assert "Nothing had to be changed." in str(report)
    assert dump() == before


def test_rules_that_are_twins_stay_two():
    preset = make_rule({"top_k": 1}, preset="p").preset
    SamplingRule.objects.create(preset=preset)
    before = config_file.export()
    imported(before)
    assert config_file.export() == before


def test_the_report_says_what_was_done():
    make_upstream(name="old")
    text = str(imported({"upstreams": [upstream("old", timeout_seconds=3), upstream("new")]}))
    assert text.splitlines()[:3] == [
        "Imported 2 upstreams, 0 bindings, 0 presets, 0 rules.",
        "Created: upstream new.",
        "Updated: upstream old.",
    ]
