"""`manage.py serve` with options that make no sense, as somebody types them."""

import errno
import json
import socket

import pytest
from django.conf import settings
from django.core.management import CommandError, ManagementUtility, call_command

from proxysite import live
from proxysite.management.commands.serve import not_listening
from routing.models import Upstream


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--enforce-params", "{"], "--enforce-params"),
        (["--model-bindings", "[]"], "--model-bindings"),
        (["--model-bindings", '{"a": "nobody"}'], "nobody"),
        (["--target-base-url", "not a url"], "--target-base-url"),
        (["--config", "/does/not/exist.json"], "/does/not/exist.json"),
    ],
)
def test_an_option_that_makes_no_sense_stops_the_start_and_is_named(options, named, monkeypatch, capsys):
    monkeypatch.setattr(live, "_overrides", live._overrides)  # which a start lays over everything
    with pytest.raises(SystemExit) as ended:
        ManagementUtility(["manage.py", "serve", "--port", "0", "--skip-checks", *options]).execute()
    assert ended.value.code != 0
    assert named in capsys.readouterr().err


def test_a_port_that_is_taken_is_told_with_the_way_out():
    taken = OSError(errno.EADDRINUSE, "error while attempting to bind on address ('127.0.0.1', 8001)")
    said = not_listening("127.0.0.1", 8001, taken)
    assert said.startswith("127.0.0.1:8001 is taken")
    assert "PORT=8002 make run" in said


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (OSError(errno.EACCES, "error while attempting to bind on address ('127.0.0.1', 80)"), "Permission denied"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
    ],
)
def test_an_address_that_cannot_be_had_is_told_with_the_reason(problem, why):
    assert not_listening("host", 80, problem) == f"Could not listen on host:80 (HOST and PORT): {why}."


TWO = {"upstreams": [{"name": name, "base_url": f"http://{name}:1"} for name in ("first", "second")]}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--target-base-url", "http://here:1"], "must say which upstream it is for"),
        (["--model-bindings", '{"a": "nobody"}'], "nobody"),
        (["--enforce-params", '{"temperature": "hot"}'], "temperature"),
    ],
)
def test_a_config_that_the_options_do_not_fit_replaces_nothing(options, named, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "_overrides", live._overrides)
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path / "data")
    Upstream.objects.create(name="stored", base_url="http://stored:1")
    file = tmp_path / "config.json"
    file.write_text(json.dumps(TWO))
    with pytest.raises(CommandError, match=named):
        call_command("serve", "--config", str(file), *options)
    assert [row.name for row in Upstream.objects.all()] == ["stored"]
    assert not (tmp_path / "data").exists()  # nor a backup of what has not changed
