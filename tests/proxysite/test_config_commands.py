"""`import_config` and `export_config`, as somebody types them."""

import io
import json
import sys

import pytest
from django.core.management import ManagementUtility, call_command
from django.core.management.base import CommandError
from django.db import OperationalError

from proxysite import config_file
from routing.models import Upstream
from tests.rows import make_binding, make_upstream

pytestmark = pytest.mark.django_db

FILE = {"upstreams": [{"name": "zai", "base_url": "https://api.z.ai/api/paas/v4"}]}


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def write(tmp_path):
    def a_file(content):
        path = tmp_path / "config.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return a_file


def test_import_config_says_what_it_did(write, capsys):
    call_command("import_config", write(FILE))
    assert capsys.readouterr().out.startswith("Imported 1 upstream, 1 binding, 0 presets, 0 rules.\nCreated: ")


def test_import_config_adds_and_replace_replaces(write):
    make_upstream(name="old")
    call_command("import_config", write(FILE))
    assert Upstream.objects.count() == 2
    call_command("import_config", write(FILE), "--replace")
    assert [row.name for row in Upstream.objects.all()] == ["zai"]


def test_import_config_reads_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(FILE).encode())))
    call_command("import_config", "-")
    assert Upstream.objects.get().name == "zai"


def test_a_refused_file_ends_with_1_and_says_why_on_stderr(write, capsys):
    wrong = {"upstreams": [{"name": "a", "base_url": "http://a", "timeout_seconds": "soon"}], "listen": {"port": -1}}
    with pytest.raises(SystemExit) as ended:
        ManagementUtility(["manage.py", "import_config", write(wrong), "--skip-checks"]).execute()
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        'CommandError: upstreams[0].timeout_seconds: must be a number, got "soon"',
        "listen.port: must be a port from 0 to 65535, got -1",
        "Nothing was changed.",
    ]


def test_invalid_json_is_refused_with_its_place(write):
    with pytest.raises(CommandError, match=r"is not valid JSON: .* at line 1, column 2\.\nNothing was changed\."):
        call_command("import_config", write("{"))


def test_a_database_without_tables_is_said_to_need_migrate(write, monkeypatch):
    def missing(*args, **options):
        raise OperationalError("no such table: routing_upstream")

    monkeypatch.setattr("proxysite.config_file.applying.save_upstreams", missing)
    with pytest.raises(CommandError, match=r"no such table: .*run: manage\.py migrate"):
        call_command("import_config", write(FILE))


def test_export_config_writes_to_standard_output(capsys):
    make_binding("größe*", make_upstream())
    call_command("export_config")
    text = capsys.readouterr().out
    assert json.loads(text) == config_file.export()
    assert "größe*" in text


def test_export_config_writes_a_file_that_import_config_takes(tmp_path):
    make_binding("*", make_upstream())
    path = str(tmp_path / "out.json")
    call_command("export_config", path)
    assert not config_file.import_file(path, replace=True).changed


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(CommandError, match="cannot be written: Is a directory"):
        call_command("export_config", str(tmp_path))
