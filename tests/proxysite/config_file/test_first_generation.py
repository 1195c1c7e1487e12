"""The config.json of sampling-proxy's first releases, as it is."""

import pytest

from proxysite import config_file
from routing.models import BindingTarget, ModelBinding, Upstream
from sampling.models import SamplingRule
from tests.proxysite.config_file.files import imported, refusals

pytestmark = pytest.mark.django_db


def first_generation(**changes):
    return {
        "server": {
            "target_host": "127.0.0.1",
            "target_port": "8000",
            "sampling_proxy_host": "0.0.0.0",
            "sampling_proxy_port": 8001,
            "timeout_seconds": 1200.0,
        },
        "logging": {"enable_debug_logs": False, "enable_override_logs": True},
        "default_sampling_params": {"temperature": 0.7, "top_p": None},
        "enforced_sampling_params": {"top_k": 20},
        "model_sampling_params": {"GLM-4.5": {"temperature": 0.6}, "off": {"temperature": None}},
        **changes,
    }


def test_host_and_port_become_one_upstream():
    imported(first_generation())
    row = Upstream.objects.get()
    assert (row.name, row.base_url, row.timeout_seconds) == ("default", "http://127.0.0.1:8000", 1200.0)


@pytest.mark.parametrize("port", ["8000", 8000])
def test_the_port_may_be_text_or_a_number(port):
    imported({"server": {"target_host": "box", "target_port": port}})
    assert Upstream.objects.get().base_url == "http://box:8000"


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ({"target_port": 9000}, "http://127.0.0.1:9000"),
        ({"target_host": "box"}, "http://box:8000"),
        ({"target_host": "::1"}, "http://[::1]:8000"),
    ],
)
def test_what_is_left_out_of_the_address_has_its_old_default(server, url):
    imported({"server": server})
    assert Upstream.objects.get().base_url == url


def test_a_target_base_url_with_supports_flags_becomes_one_upstream():
    server = {"target_base_url": "https://api.z.ai/api/anthropic", "supports_openai": False, "supports_anthropic": True}
    imported({"server": server})
    row = Upstream.objects.get()
    assert row.base_url == "https://api.z.ai/api/anthropic"
    assert (row.supports_openai, row.supports_anthropic, row.supports_generate) == (False, True, False)


def test_generate_is_passed_on_as_it_always_was():
    imported(first_generation())
    assert Upstream.objects.get().supports_generate


def test_every_model_goes_to_the_only_upstream():
    imported(first_generation())
    binding = ModelBinding.objects.get()
    assert binding.pattern == "*"
    assert [target.upstream.name for target in binding.targets.all()] == ["default"]


def test_the_sampling_sections_become_presets_with_a_rule_each():
    imported(first_generation())
    rules = [(rule.layer, rule.model_pattern, rule.preset.parameters) for rule in SamplingRule.objects.all()]
    assert rules == [
        ("default", "*", {"temperature": 0.7, "top_p": None}),
        ("enforced", "*", {"top_k": 20}),
        ("model", "GLM-4.5", {"temperature": 0.6}),
    ]


def test_a_model_whose_values_are_all_null_disappears():
    imported(first_generation())
    assert not SamplingRule.objects.filter(model_pattern="off").exists()


@pytest.mark.parametrize("section", ["default_sampling_params", "enforced_sampling_params"])
@pytest.mark.parametrize("nothing", [{}, None, {"temperature": None}])
def test_an_empty_section_makes_no_rule(section, nothing):
    imported({section: nothing})
    assert not SamplingRule.objects.exists()


def test_where_the_old_proxy_listened_is_kept_for_serve():
    imported(first_generation())
    assert config_file.listen_settings() == {
        "host": "0.0.0.0",
        "port": 8001,
        "debug_logs": False,
        "override_logs": True,
    }


@pytest.mark.parametrize(
    ("server", "refusal"),
    [
        ({"target_port": "http"}, 'server.target_port: must be a port from 1 to 65535, got "http"'),
        ({"target_port": "²"}, 'server.target_port: must be a port from 1 to 65535, got "²"'),
        ({"target_port": True}, "server.target_port: must be a port from 1 to 65535, got true"),
        ({"target_port": 70000}, "server.target_port: must be a port from 1 to 65535, got 70000"),
        ({"target_host": "http://box"}, 'server.target_host: must be a host name or address, got "http://box"'),
        ({"target_host": 5}, "server.target_host: must be a host name or address, got 5"),
        ({"target_base_url": None}, "server.target_base_url: is missing"),
        ({"target_base_url": 5}, "server.target_base_url: must be a text, got 5"),
        (
            {"target_base_url": "http://a", "timeout_seconds": "long"},
            'server.timeout_seconds: must be a number, got "long"',
        ),
        (
            {"target_base_url": "http://a", "supports_openai": False},
            "server: must support at least one of openai, anthropic, responses, generate (supports_…)",
        ),
        ({"sampling_proxy_port": "x"}, 'server.sampling_proxy_port: must be a port from 0 to 65535, got "x"'),
        ([], "server: must be an object, got []"),
    ],
)
def test_a_wrong_value_is_named_by_the_key_the_file_has(server, refusal):
    assert refusals({"server": server}) == [refusal]


def test_a_target_beside_upstreams_is_not_used_and_said_so():
    report = imported(first_generation(upstreams=[{"name": "a", "base_url": "http://a"}]))
    assert [row.name for row in Upstream.objects.all()] == ["a"]
    assert "server.target_…: not used, because the file has upstreams." in report.notes
    assert "server: kept, but not used: timeout_seconds." in report.notes
    assert config_file.export()["server"] == {"timeout_seconds": 1200.0}


def target_of(config):
    report = imported(config)
    return BindingTarget.objects.get().upstream_model, [note for note in report.notes if "that it lists" in note]


def test_whatever_model_is_asked_for_the_servers_own_is_sent_as_it_used_to_be():
    model, notes = target_of(first_generation())
    assert (model, len(notes)) == ("*", 1)
    imported(config_file.export())
    assert BindingTarget.objects.get().upstream_model == "*"


@pytest.mark.parametrize(
    ("more", "model"),
    [
        ({"server": {"target_base_url": "http://box", "supports_anthropic": True}}, ""),
        ({"server": {"target_host": "box"}, "override": {"model_name": "glm-4.7"}}, "glm-4.7"),
    ],
)
def test_where_nothing_was_converted_or_a_name_was_given_it_is_not(more, model):
    assert target_of(more) == (model, [])
