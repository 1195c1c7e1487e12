import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError

from proxysite import checks
from routing.secrets import Secret
from tests.rows import make_binding, make_policy, make_rule, make_upstream, make_validator


def ids(messages):
    return [message.id for message in messages if (message.id or "").startswith("proxysite.")]


def found():
    return ids(checks.check_configuration(databases=["default"]))


@pytest.mark.django_db
def test_without_an_upstream_every_request_is_refused():
    assert found() == ["proxysite.W001"]


@pytest.mark.django_db
def test_without_a_binding_models_are_refused():
    make_upstream()
    assert found() == ["proxysite.W002"]


@pytest.mark.django_db
def test_without_a_catch_all_it_says_so():
    make_binding("glm-*", make_upstream())
    assert found() == ["proxysite.I001"]


@pytest.mark.django_db
def test_a_binding_that_leads_nowhere_is_told_and_leads_to_itself():
    make_binding("*", make_upstream())
    binding = make_binding("glm-*", make_upstream(name="zai", enabled=False))
    (message,) = checks.check_configuration(databases=["default"])
    assert (message.id, message.obj) == ("proxysite.W003", binding)
    assert "“zai” is switched off" in message.msg


@pytest.mark.django_db
def test_bindings_that_all_lead_nowhere_are_none():
    make_upstream()
    make_binding("*", make_upstream(name="zai", enabled=False))
    assert found() == ["proxysite.W002", "proxysite.W003"]


@pytest.mark.django_db
def test_a_working_configuration_is_quiet():
    make_binding("*", make_upstream())
    assert found() == []


@pytest.mark.django_db
def test_a_broken_row_is_named():
    make_binding("*", make_upstream())
    rule = make_rule({"top_p": 2})
    (message,) = checks.check_configuration(databases=["default"])
    assert message.id == "proxysite.W003"
    assert message.obj == rule
    assert "top_p must be at most 1" in message.msg


def test_a_database_without_tables_is_none_of_its_business(monkeypatch):
    def missing():
        raise DatabaseError("no such table")

    monkeypatch.setattr(checks.routing_loading, "load", missing)
    assert checks.check_configuration(databases=["default"]) == []


def test_the_database_is_left_alone_unless_asked_for():
    call_command("check")
    assert ids(run_checks()) == []


def test_debug_on_the_network_is_warned_of(settings):
    settings.DEBUG = True
    settings.ENV = {"HOST": "0.0.0.0"}
    assert ids(checks.check_debug()) == ["proxysite.W004"]


@pytest.mark.parametrize(("debug", "host"), [(False, "0.0.0.0"), (True, "127.0.0.1"), (True, "localhost")])
def test_debug_at_home_is_fine(settings, debug, host):
    settings.DEBUG = debug
    settings.ENV = {"HOST": host}
    assert checks.check_debug() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"builtin": False}, "it has neither built-in detectors nor a validator model"),
        ({"builtin": False, "validator": "judge", "validate_on": "suspicion"}, "and it has none"),
        ({"builtin": False, "validator": "judge"}, None),
        ({"builtin": False, "enabled": False}, None),
        ({}, None),
    ],
)
def test_a_policy_that_judges_nothing_is_told(fields, why):
    make_binding("*", make_upstream())
    validator = make_validator() if "validator" in fields else None
    make_policy("glm-*", **{**fields, "validator": validator})
    messages = checks.check_configuration(databases=["default"])
    assert [(message.id, why in message.msg) for message in messages] == ([("proxysite.W005", True)] if why else [])


@pytest.mark.django_db
def test_keys_too_short_to_be_masked_are_warned_of(settings):
    make_binding("*", make_upstream(name="zai", credential_mode="own", api_key="a1"))
    make_policy("*", validator=make_validator(api_key="b2"))
    make_policy("glm-*", validator=make_validator(name="same", api_key="EMPTY"))
    settings.ENV = {"HOST": "127.0.0.1", "LOCAL_API_KEY": [Secret("c3"), Secret("d4")]}
    messages = checks.check_configuration(databases=["default"])
    assert {message.id for message in messages} == {"proxysite.W007"}
    assert [message.msg.split(" is not masked")[0] for message in messages] == [
        "The key stored for the upstream “zai”",
        "The key stored for the validator “judge”",
        "The key in LOCAL_API_KEY",
    ]
    assert not any(key in message.msg for message in messages for key in ("a1", "b2", "c3", "d4"))


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["x", "none", "EMPTY", "lm-studio"])
def test_a_placeholder_for_a_server_that_takes_any_key_is_fine(key):
    make_binding("*", make_upstream(credential_mode="own", api_key=key))
    assert found() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("host", "keys", "upstream", "expected"),
    [
        ("0.0.0.0", [], {"credential_mode": "own", "api_key": "sk-planted-key"}, ["proxysite.W006"]),
        ("0.0.0.0", [Secret("local-key")], {"credential_mode": "own", "api_key": "sk-planted-key"}, []),
        ("127.0.0.1", [], {"credential_mode": "own", "api_key": "sk-planted-key"}, []),
        ("0.0.0.0", [], {}, []),
    ],
)
def test_stored_keys_that_the_network_may_use_are_warned_of(settings, host, keys, upstream, expected):
    make_binding("*", make_upstream(**upstream))
    settings.ENV = {"HOST": host, "LOCAL_API_KEY": keys}
    assert found() == expected
