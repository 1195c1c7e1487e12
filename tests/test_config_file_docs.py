"""docs/config_file.md is held against the code: its tables, its headings, and every example in it."""

import json
import re

import pytest

from proxysite import config_file
from proxysite.config_file.binding_sections import SECTION as BINDINGS
from proxysite.config_file.parsing import USED
from proxysite.config_file.upstream_sections import FIELDS
from proxysite.environment import BASE_DIR
from routing.models import Upstream

TEXT = (BASE_DIR / "docs/config_file.md").read_text()
EXAMPLES = re.findall(r"^```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
SERVERS = re.findall(r"^```json\n(.*?)^```$", (BASE_DIR / "docs/servers.md").read_text(), re.MULTILINE | re.DOTALL)


def section(heading):
    return re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)[1]


def rows(text):
    return dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE))


@pytest.mark.parametrize("name", sorted(USED))
def test_every_section_has_its_heading_and_an_example(name):
    assert f'"{name}": ' in section(f"`{name}`") or name == "upstreams"
    assert any(name in json.loads(example) for example in EXAMPLES)


def test_no_section_is_documented_that_does_not_exist():
    assert set(re.findall(r"^## `(\w+)`$", TEXT, re.MULTILINE)) == USED


def test_every_field_of_an_upstream_has_its_row_in_order():
    assert list(rows(section("`upstreams`"))) == list(FIELDS)


@pytest.mark.parametrize(("name", "row"), rows(section("`upstreams`")).items())
def test_the_example_of_every_field_can_be_imported(name, row):
    entry = {"name": "a", "base_url": "http://a", name: json.loads(re.match(r"`([^`]*)`", row)[1])}
    config_file.parse({"upstreams": [entry]})


def test_the_keys_of_bindings_and_targets_have_their_rows():
    keys = rows(section(f"`{BINDINGS}`"))
    assert list(keys) == [
        "upstream",
        "model",
        "priority",
        "weight",
        "targets",
        "enabled",
        "position",
        "session_affinity",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("example", SERVERS)
def test_what_is_recommended_for_a_server_can_be_imported_and_leaves_nothing_to_say(example, monkeypatch):
    for name in re.findall(r'"env:(\w+)"', example):
        monkeypatch.setenv(name, "planted-key-1")
    content = json.loads(example)
    if "upstreams" not in content:
        content = {"upstreams": [content], "model_upstream_binding": {"*": content["name"]}}
    assert config_file.import_document(config_file.parse(content), replace=True).notes == []


@pytest.mark.django_db
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_imported(example):
    content = json.loads(example)
    if content.keys() & {BINDINGS, "parallel_limits"} and "upstreams" not in content:
        content["upstreams"] = [{"name": name, "base_url": "http://a"} for name in ("zai", "local", "rented")]
    config_file.import_document(config_file.parse(content), replace=True)


@pytest.mark.django_db
def test_the_refusals_shown_are_those_of_the_program():
    shown = re.search(r"^```text\nCommandError: (.*?)^Nothing was changed\.$", TEXT, re.MULTILINE | re.DOTALL)[1]
    wrong = {
        "upstreams": [{"name": "local", "base_url": "http://a"}, {"name": "zai", "base_url": "http://a"}],
        "model_upstream_binding": {"glm-*": "zia"},
    }
    wrong["upstreams"][1]["timeout_seconds"] = "soon"
    with pytest.raises(config_file.ConfigFileError) as refused:
        config_file.parse(wrong)
    assert str(refused.value).splitlines() == shown.splitlines()
    assert not Upstream.objects.exists()
