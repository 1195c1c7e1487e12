"""Upstream keys on their way in and out of files."""

import pytest

from proxysite import config_file
from routing.models import Upstream
from tests.proxysite.config_file.files import imported, upstream
from tests.rows import make_upstream

pytestmark = pytest.mark.django_db

KEY = "sk-planted-0123456789"


def the_key():
    return Upstream.objects.get().api_key


def test_a_key_implies_that_it_is_sent():
    imported({"upstreams": [upstream(api_key=KEY)]})
    assert Upstream.objects.get().credential_mode == "own"
    assert the_key().reveal() == KEY


def test_a_key_that_the_file_says_is_not_sent_is_not_sent():
    imported({"upstreams": [upstream(api_key=KEY, credential_mode="none")]})
    assert Upstream.objects.get().credential_mode == "none"


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("said", [{}, {"api_key": ""}, {"api_key": None}])
@pytest.mark.parametrize("name", ["local", "LOCAL"])
def test_a_stored_key_outlives_a_file_that_has_none_and_stays_in_use(replace, said, name):
    make_upstream(name="local", api_key=KEY, credential_mode="own", key_style="x-api-key")
    imported({"upstreams": [upstream(name, **said)]}, replace=replace)
    row = Upstream.objects.get()
    assert (row.api_key.reveal(), row.credential_mode, row.key_style) == (KEY, "own", "x-api-key")


def test_a_file_that_speaks_of_credentials_has_its_way():
    make_upstream(name="local", api_key=KEY, credential_mode="own")
    imported({"upstreams": [upstream(credential_mode="forward")]}, replace=True)
    assert Upstream.objects.get().credential_mode == "forward"


def test_a_new_key_takes_the_place_of_the_old_one():
    make_upstream(name="local", api_key=KEY)
    imported({"upstreams": [upstream(api_key="other")]})
    assert the_key().reveal() == "other"


def test_a_stored_key_that_moves_to_another_server_is_reported_without_it():
    make_upstream(name="local", api_key=KEY, credential_mode="own")
    report = imported({"upstreams": [upstream(base_url="https://elsewhere")]})
    assert "upstreams[0]: the key that is stored for local now belongs to https://elsewhere." in report.notes
    assert KEY not in str(report)


def test_a_reference_is_exported_and_a_key_never():
    imported({"upstreams": [upstream("a", api_key="env:SOME_KEY"), upstream("b", api_key=KEY)]})
    a, b = config_file.export()["upstreams"]
    assert a["api_key"] == "env:SOME_KEY"
    assert "api_key" not in b
    assert KEY not in str(config_file.export())


def test_an_export_on_a_new_machine_says_which_key_is_missing():
    imported({"upstreams": [upstream(api_key=KEY)]})
    exported = config_file.export()
    Upstream.objects.all().delete()
    report = imported(exported)
    assert "upstreams[0].api_key: local sends its own key, and has none yet; enter it in the admin." in report.notes


def test_a_reference_to_nothing_is_reported():
    report = imported({"upstreams": [upstream(api_key="env:NO_SUCH_KEY_HERE")]})
    assert report.notes == [
        "upstreams[0].api_key: The key is env:NO_SUCH_KEY_HERE, and the environment has no NO_SUCH_KEY_HERE."
    ]


def test_a_key_that_goes_with_its_upstream_is_said():
    make_upstream(name="gone", api_key=KEY)
    assert imported({}, replace=True).removed == ["upstream gone and its key"]
