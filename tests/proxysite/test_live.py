import logging

import pytest
from django.db import DatabaseError, connection

from proxysite import live, redaction
from proxysite.environment import BadSetting
from proxysite.live import LiveConfig
from proxysite.overrides import Overrides
from routing.dialects import Dialect
from routing.kinds import Kind
from routing.models import ConfigRevision, Upstream
from sampling.models import SamplingPreset
from tests.rows import make_binding, make_policy, make_rule, make_upstream, make_validator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A process that has loaded nothing yet, and forgets at the end what it loaded."""
    monkeypatch.setattr(live, "_current", None)
    monkeypatch.setattr(live, "_detected_kinds", {})
    monkeypatch.setattr(live, "_overrides", Overrides())
    monkeypatch.setattr(redaction, "_hidden", ())


@pytest.fixture
def unreadable(monkeypatch):
    def fail(*args):
        raise DatabaseError("disk on fire")

    return lambda: monkeypatch.setattr(live.routing_loading, "load", fail)


def test_nothing_is_in_force_before_the_first_load():
    assert live.current() is None


def test_a_load_takes_nine_queries(django_assert_num_queries):
    make_binding("*", make_upstream())
    make_rule({"top_p": 0.5})
    make_policy()
    with django_assert_num_queries(9):
        live.reload()


def test_asking_for_what_is_in_force_takes_no_query(django_assert_num_queries):
    live.reload()
    with django_assert_num_queries(0):
        assert live.current() is live.current()


def test_an_empty_installation_loads():
    assert live.reload() == LiveConfig()


def test_a_saved_row_is_in_force_at_once():
    live.reload()
    make_binding("glm-*", make_upstream(name="new"))
    make_rule({"temperature": 0.3}, model_pattern="glm-*")
    config = live.current()
    assert config.routing.binding("glm-4").targets[0].upstream.name == "new"
    assert config.sampling.layers("glm-4", Dialect.CHAT).model["temperature"].value == 0.3
    assert config.revision == ConfigRevision.current()


def test_a_saved_policy_and_its_validator_are_in_force_at_once():
    live.reload()
    policy = make_policy("glm-*", validator=make_validator(api_key="hunter3-hunter3"))
    assert live.current().validation.policy("GLM-4").validator.model == "qwen"
    assert "hunter3" not in redaction.redacted("key hunter3-hunter3")
    policy.builtin, policy.validator = False, None
    policy.save()
    assert live.current().validation.policy("glm-4") is None


def test_a_request_that_took_the_old_configuration_keeps_it():
    make_rule({"temperature": 0.3}, preset="p")
    taken = live.reload()
    preset = SamplingPreset.objects.get()
    preset.parameters = {"temperature": 0.9}
    preset.save()
    assert taken.sampling.layers("x", Dialect.CHAT).model["temperature"].value == 0.3
    assert live.current().sampling.layers("x", Dialect.CHAT).model["temperature"].value == 0.9


def test_a_broken_row_never_stops_the_proxy(caplog):
    make_binding("a", make_upstream(name="whole"))
    make_binding("b", broken := make_upstream(name="broken"))
    make_rule({}, preset="odd")
    Upstream.objects.filter(pk=broken.pk).update(extra_headers=5)
    SamplingPreset.objects.update(parameters=5)
    config = live.reload()
    assert [upstream.name for upstream in config.routing.upstreams] == ["whole"]
    assert [(problem.what, problem.name) for problem in config.problems] == [
        ("upstream", "broken"),
        ("binding", "b"),
        ("sampling rule", "odd for * (model)"),
    ]
    assert "upstream “broken”: extra_headers: Enter an object" in caplog.text


def test_a_problem_is_logged_when_it_appears_and_not_at_every_load(caplog):
    make_binding("*", make_upstream(enabled=False))
    live.reload()
    caplog.clear()
    live.reload()
    assert caplog.text == ""
    assert len(live.current().problems) == 1


def test_the_last_good_configuration_serves_on_when_the_rows_cannot_be_read(unreadable):
    make_binding("*", make_upstream())
    good = live.reload()
    unreadable()
    served = live.reload()
    assert (served.routing, served.sampling, served.revision) == (good.routing, good.sampling, good.revision)
    assert [str(problem) for problem in served.problems] == [
        "configuration “database”: could not be loaded: disk on fire"
    ]


def test_the_same_failure_is_logged_once(unreadable, caplog):
    live.reload()
    unreadable()
    for _ in range(3):
        live.reload()
    assert [record.levelno for record in caplog.records if record.name == "proxysite.live"] == [logging.ERROR]


def test_a_configuration_that_can_be_read_again_is_in_force_again(unreadable, monkeypatch):
    live.reload()
    with monkeypatch.context() as broken:
        broken.setattr(live.routing_loading, "load", lambda *args: 1 / 0)
        live.reload()
    assert live.reload().problems == ()


def test_the_first_load_has_nothing_to_fall_back_on(unreadable):
    unreadable()
    with pytest.raises(DatabaseError):
        live.reload()


def test_saving_a_row_does_not_fail_because_it_cannot_be_applied(unreadable):
    unreadable()
    make_upstream()
    assert Upstream.objects.count() == 1


def test_the_command_line_is_laid_over_the_rows():
    make_upstream(name="a")
    live.lay_over(Overrides(base_urls={"a": "http://other"}, enforced={"temperature": 0}))
    config = live.reload()
    assert config.routing.upstreams[0].base_url == "http://other"
    assert config.sampling.layers("x", Dialect.CHAT).enforced["temperature"].value == 0
    assert Upstream.objects.get().base_url != "http://other"


def test_a_command_line_that_does_not_fit_is_refused_whatever_was_loaded_before():
    make_upstream(name="a")
    live.reload()
    with pytest.raises(BadSetting, match="none of the upstreams: a"):
        live.lay_over(Overrides(bindings={"*": "nobody"}))


def test_a_change_that_no_longer_fits_the_command_line_leaves_the_last_good_configuration():
    row = make_upstream(name="a")
    live.lay_over(Overrides(bindings={"*": "a"}))
    row.name = "b"
    row.save()
    assert live.current().routing.upstreams[0].name == "a"
    assert "none of the upstreams: b" in str(live.current().problems[0])


def test_what_a_server_says_of_itself_counts_from_the_next_load():
    make_upstream(name="a")
    live.reload()
    live.learn_kind("a", Kind.VLLM)
    assert live.detected_kind("a") is Kind.VLLM
    assert live.detected_kind("b") is Kind.AUTO
    assert live.reload().routing.upstreams[0].kind is Kind.VLLM


def test_the_keys_in_force_are_hidden_from_the_log():
    make_upstream(credential_mode="own", api_key="hunter-22-hunter-22")
    live.reload()
    assert "hunter-22" not in redaction.redacted("key hunter-22-hunter-22")


def test_the_database_writes_ahead_and_does_not_wait_for_the_disk():
    with connection.cursor() as cursor:
        assert cursor.execute("pragma journal_mode").fetchone() == ("wal",)
        assert cursor.execute("pragma synchronous").fetchone() == (1,)
