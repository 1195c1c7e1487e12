"""`manage.py serve` with options that make no sense, as somebody types them."""

import errno
import json
import socket
from contextlib import ExitStack

import pytest
from django.conf import settings
from django.core.management import CommandError, ManagementUtility, call_command

from proxysite import environment, live
from proxysite.management.commands.serve import listening_sockets, not_listening
from routing.models import Upstream


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--enforce-params", "{"], "--enforce-params"),
        (["--model-bindings", "[]"], "--model-bindings"),
        (["--model-bindings", '{"a": "nobody"}'], "nobody"),
        (["--target-base-url", "not a url"], "--target-base-url"),
        (["--target-base-url", "http://a", "--target-base-url", "http://b"], "each must name another upstream"),
        (["--target-base-url", "x=http://a", "--target-base-url", "x=http://b"], "NAME=http://b"),
        (["--target-base-url", "x=http://a", "--target-base-url", "http://b"], "NAME=http://b"),
        (["--target-base-url", "http://a", "--target-base-url", "x=http://b"], "each must name another upstream"),
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


@pytest.fixture
def taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_sockets_listen_at_once_and_on_every_address_of_the_host():
    with ExitStack() as held:
        made = [held.enter_context(one) for one in listening_sockets("localhost", 0)]
        assert {one.family for one in made} <= {socket.AF_INET, socket.AF_INET6}
        assert all(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for one in made)


def test_an_address_that_the_machine_lacks_is_left_out_as_long_as_there_is_another(monkeypatch):
    here = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))
    nowhere = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [nowhere, here])
    (made,) = listening_sockets("host", 0)
    with made:
        assert made.getsockname()[0] == "127.0.0.1"
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [nowhere])
    with pytest.raises(CommandError, match="Could not listen on host:0"):
        listening_sockets("host", 0)


def test_where_one_of_a_hosts_addresses_is_taken_the_others_are_given_back(taken, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (0, taken)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(CommandError, match="is taken"):
        listening_sockets("host", taken)  # a socket that stayed open would be a warning


def test_a_host_that_nobody_knows_is_told():
    with pytest.raises(CommandError, match=r"Could not listen on no\.such\.host\.invalid:0"):
        listening_sockets("no.such.host.invalid", 0)


TWO = {"upstreams": [{"name": name, "base_url": f"http://{name}:1"} for name in ("first", "second")]}


def serve_two(tmp_path, monkeypatch, *options, **more):
    """`serve --config` with two upstreams, where one other is stored."""
    monkeypatch.setattr(live, "_overrides", live._overrides)
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path / "data")
    Upstream.objects.create(name="stored", base_url="http://stored:1")
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**TWO, **more}))
    call_command("serve", "--config", str(file), *options)


def assert_nothing_is_replaced(tmp_path):
    assert [row.name for row in Upstream.objects.all()] == ["stored"]
    assert not (tmp_path / "data").exists()  # nor a backup of what has not changed


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--target-base-url", "http://here:1"], "must say which upstream it is for"),
        (["--target-base-url", "first=http://a:1", "--target-base-url", "http://b:1"], "each must name another"),
        (["--model-bindings", '{"a": "nobody"}'], "nobody"),
        (["--enforce-params", '{"temperature": "hot"}'], "temperature"),
    ],
)
def test_a_config_that_the_options_do_not_fit_replaces_nothing(options, named, tmp_path, monkeypatch):
    with pytest.raises(CommandError, match=named):
        serve_two(tmp_path, monkeypatch, *options)
    assert_nothing_is_replaced(tmp_path)


@pytest.mark.django_db
def test_a_config_replaces_nothing_while_the_port_is_taken(taken, tmp_path, monkeypatch):
    with pytest.raises(CommandError, match=f"127.0.0.1:{taken} is taken"):
        serve_two(tmp_path, monkeypatch, "--port", str(taken))
    assert_nothing_is_replaced(tmp_path)


@pytest.mark.django_db
def test_nor_while_the_port_that_it_names_itself_is_taken(taken, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "ENV", environment.read({}, env_file=tmp_path / "none"))
    with pytest.raises(CommandError, match=f"127.0.0.1:{taken} is taken"):
        serve_two(tmp_path, monkeypatch, listen={"host": "127.0.0.1", "port": taken})
    assert_nothing_is_replaced(tmp_path)
