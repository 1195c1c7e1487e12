"""`manage.py first_start`: what a fresh installation needs, once."""

import re
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from proxysite import environment
from routing.models import ModelBinding, Upstream
from tests.rows import make_upstream

pytestmark = pytest.mark.django_db


def start(capsys):
    call_command("first_start")
    return capsys.readouterr().out


def test_the_first_start_loads_the_sample_and_says_so(capsys):
    assert "Loaded the sample configuration" in start(capsys)
    assert Upstream.objects.filter(name="demo", enabled=True).exists()


def test_the_first_start_makes_an_admin_with_the_password_it_prints(capsys, client):
    password = re.search(r"Password:   (\S+)   \(shown only this once\)", start(capsys))[1]
    assert client.login(username="admin", password=password)
    assert get_user_model().objects.get().is_superuser


@pytest.mark.parametrize(("said", "repair"), [("true", "auto"), ("false", "off"), ("", "auto")])
def test_the_switch_of_an_earlier_proxy_says_whether_leaked_calls_are_mended(capsys, settings, said, repair):
    settings.ENV = environment.read({"ENABLE_STREAMING_TOOL_PARSER": said}, Path("no such file"))
    start(capsys)
    assert {row.tool_call_repair for row in Upstream.objects.all()} == {repair}


def test_the_switch_of_an_earlier_proxy_counts_once(capsys, settings):
    start(capsys)
    settings.ENV = environment.read({"ENABLE_STREAMING_TOOL_PARSER": "false"}, Path("no such file"))
    start(capsys)
    assert {row.tool_call_repair for row in Upstream.objects.all()} == {"auto"}


def test_the_second_start_says_and_does_nothing(capsys):
    start(capsys)
    ModelBinding.objects.all()[0].delete()
    rows = ModelBinding.objects.count()
    assert start(capsys) == ""
    assert ModelBinding.objects.count() == rows
    assert get_user_model().objects.count() == 1


def test_the_sample_is_not_loaded_where_something_was_configured(capsys):
    make_upstream(name="mine")
    assert "sample" not in start(capsys)
    assert [row.name for row in Upstream.objects.all()] == ["mine"]


def test_the_sample_is_not_loaded_again_where_everything_was_deleted(capsys):
    start(capsys)
    Upstream.objects.all().delete()
    start(capsys)
    assert not Upstream.objects.exists()


def test_no_admin_is_made_where_there_is_one(capsys):
    get_user_model().objects.create_superuser("me", password="x")
    assert "Password" not in start(capsys)
    assert [user.username for user in get_user_model().objects.all()] == ["me"]
