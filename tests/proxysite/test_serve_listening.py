"""Where `manage.py serve` listens and what it logs: command line, environment, config.json, default, in this order."""

import pytest

from proxysite import config_file, environment
from proxysite.management.commands.serve import listening
from routing.models import ConfigSection
from tests.proxysite.config_file.files import imported

NOTHING = {"host": None, "port": None, "base_path": None, "debug_logs": False, "override_logs": False}
FROM_FILE = {"host": "file", "port": 3, "base_path": "/file", "debug_logs": True, "override_logs": True}


def env(tmp_path, **given):
    return environment.read(dict(given), env_file=tmp_path / "none")


def test_with_nothing_said_the_defaults_count(tmp_path):
    assert listening(NOTHING, env(tmp_path), {}) == {
        "host": "127.0.0.1",
        "port": 8001,
        "base_path": "",
        "debug_logs": False,
        "override_logs": False,
    }


def test_a_file_beats_the_defaults(tmp_path):
    assert listening(NOTHING, env(tmp_path), FROM_FILE) == FROM_FILE


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("host", "::1", "::1"),
        ("port", "4", 4),
        ("base_path", "/env", "/env"),
        ("debug_logs", "false", False),
        ("override_logs", "off", False),
    ],
)
def test_the_environment_beats_a_file(tmp_path, name, text, value):
    assert listening(NOTHING, env(tmp_path, **{name.upper(): text}), FROM_FILE)[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [("host", "cli"), ("port", 0), ("base_path", ""), ("debug_logs", True), ("override_logs", True)],
)
def test_the_command_line_beats_both(tmp_path, name, value):
    given = env(tmp_path, HOST="env", PORT="4", BASE_PATH="/env", DEBUG_LOGS="false", OVERRIDE_LOGS="false")
    assert listening({**NOTHING, name: value}, given, FROM_FILE)[name] == value


def test_an_empty_host_in_a_file_says_nothing(tmp_path):
    assert listening(NOTHING, env(tmp_path), {"host": ""})["host"] == "127.0.0.1"


@pytest.mark.django_db
def test_a_file_says_it_in_listen_and_logging():
    imported(
        {
            "listen": {"host": "h", "port": "9", "base_path": "llm/"},
            "logging": {"enable_debug_logs": True, "enable_override_logs": False},
        }
    )
    assert config_file.listen_settings() == {
        "host": "h",
        "port": 9,
        "base_path": "/llm",
        "debug_logs": True,
        "override_logs": False,
    }


@pytest.mark.django_db
def test_nothing_is_said_where_nothing_was_imported():
    assert config_file.listen_settings() == {}


@pytest.mark.django_db
@pytest.mark.parametrize("content", [None, [], "x", {"port": "x", "host": 5, "base_path": None}])
def test_a_stored_section_that_makes_no_sense_counts_as_not_said(content):
    ConfigSection.objects.create(name="logging", content={"enable_debug_logs": "yes"})
    if content is not None:
        ConfigSection.objects.create(name="listen", content=content)
    assert config_file.listen_settings() == {}
