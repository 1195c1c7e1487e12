import io
import json

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.forms import Textarea, modelform_factory

from routing.fields import SecretInput, resolved
from routing.models import Upstream
from routing.secrets import Secret
from tests.rows import make_upstream

pytestmark = pytest.mark.django_db

KEY = "sk-planted-key"


@pytest.fixture
def form_class():
    return modelform_factory(Upstream, fields=["api_key"])


def raw_column(upstream):
    with connection.cursor() as cursor:
        cursor.execute("select api_key from routing_upstream where id = %s", [upstream.pk])
        return cursor.fetchone()[0]


def stored(api_key):
    return Upstream.objects.get(pk=make_upstream(api_key=api_key).pk)


def test_a_key_is_encrypted_at_rest():
    column = raw_column(make_upstream(api_key=KEY))
    assert column
    assert KEY not in column


def test_a_key_comes_back_as_it_was():
    assert stored(KEY).api_key == Secret(KEY)
    assert stored_again(KEY) == Secret(KEY)


def stored_again(key):
    row = make_upstream(name="again", api_key=Secret(key))
    row.refresh_from_db()
    row.save()
    row.refresh_from_db()
    return row.api_key


def test_no_key_is_an_empty_column():
    row = make_upstream()
    assert raw_column(row) == ""
    row.refresh_from_db()
    assert row.api_key is None


def test_neither_a_row_nor_its_values_show_the_key():
    row = stored(KEY)
    values = Upstream.objects.values_list("api_key", flat=True)
    assert KEY not in f"{row!r} {row} {vars(row)} {list(values)}"


def test_dumpdata_leaves_keys_out():
    make_upstream(api_key=KEY)
    out = io.StringIO()
    call_command("dumpdata", "routing", stdout=out)
    assert KEY not in out.getvalue()
    assert json.loads(out.getvalue())[0]["fields"]["api_key"] == ""


def test_dumpdata_keeps_references():
    text = serializers.serialize("json", [stored("env:UPSTREAM_KEY")])
    assert json.loads(text)[0]["fields"]["api_key"] == "env:UPSTREAM_KEY"


def test_a_row_that_was_never_saved_can_be_serialized():
    assert json.loads(serializers.serialize("json", [Upstream(name="new")]))[0]["fields"]["api_key"] == ""


def test_a_reference_is_resolved_from_the_environment(monkeypatch):
    monkeypatch.setenv("UPSTREAM_KEY", KEY)
    assert resolved(stored("env:UPSTREAM_KEY").api_key) == Secret(KEY)


@pytest.mark.parametrize("value", [None, ""])
def test_a_reference_to_nothing_says_what_is_missing(monkeypatch, value):
    monkeypatch.delenv("UPSTREAM_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("UPSTREAM_KEY", value)
    with pytest.raises(ValidationError, match="the environment has no UPSTREAM_KEY"):
        resolved(Secret("env:UPSTREAM_KEY"))


def test_a_key_that_is_no_reference_is_the_key_itself():
    assert resolved(Secret(KEY)) == Secret(KEY)
    assert resolved(None) is None


def test_a_key_that_cannot_be_decrypted_says_so_when_it_is_used(settings):
    row = make_upstream(api_key=KEY)
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    row.refresh_from_db()
    with pytest.raises(ValidationError, match="cannot be decrypted"):
        resolved(row.api_key)


def test_saving_a_row_keeps_a_key_that_cannot_be_decrypted(settings):
    row = make_upstream(api_key=KEY)
    before = raw_column(row)
    right_key, settings.ENCRYPTION_KEY = settings.ENCRYPTION_KEY, Fernet.generate_key().decode()
    row.refresh_from_db()
    row.save()
    assert raw_column(row) == before
    settings.ENCRYPTION_KEY = right_key
    row.refresh_from_db()
    assert row.api_key == Secret(KEY)


def test_a_form_never_sends_the_stored_key_to_the_browser(form_class):
    page = form_class(instance=stored(KEY)).as_p()
    assert KEY not in page
    assert "stored" in page


@pytest.mark.parametrize(("key", "shown"), [("", "nothing stored"), ("env:UPSTREAM_KEY", "env:UPSTREAM_KEY")])
def test_a_form_says_what_is_there_where_that_is_no_secret(form_class, key, shown):
    assert shown in form_class(instance=stored(key)).as_p()


def test_a_form_says_when_the_stored_key_cannot_be_decrypted(form_class, settings):
    row = make_upstream(api_key=KEY)
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    row.refresh_from_db()
    assert "cannot be decrypted" in form_class(instance=row).as_p()


@pytest.mark.parametrize(
    ("typed", "left"), [("", Secret(KEY)), ("  ", Secret(KEY)), ("-", None), ("sk-new", Secret("sk-new"))]
)
def test_an_empty_input_keeps_the_key_and_a_minus_removes_it(form_class, typed, left):
    row = stored(KEY)
    form = form_class({"api_key": typed}, instance=row)
    assert form.is_valid(), form.errors
    form.save()
    row.refresh_from_db()
    assert row.api_key == left


def test_a_key_that_was_typed_but_not_saved_is_not_sent_back(form_class):
    form = form_class({"api_key": "sk-new"}, instance=stored(KEY))
    form.add_error(None, "something else is wrong")
    assert "sk-new" not in form.as_p()
    assert "enter it once more" in form.as_p()


def test_only_typing_something_changes_a_key(form_class):
    assert not form_class({"api_key": ""}, instance=stored(KEY)).has_changed()


def test_typing_a_key_is_a_change(form_class):
    assert form_class({"api_key": "sk-new"}, instance=stored(KEY)).has_changed()


def test_a_key_is_typed_into_its_own_input_whatever_widget_a_form_prefers():
    class Pretty(SecretInput):
        pass

    field = Upstream._meta.get_field("api_key")
    assert isinstance(field.formfield(widget=Pretty()).widget, Pretty)
    assert isinstance(field.formfield(widget=Textarea()).widget, SecretInput)
