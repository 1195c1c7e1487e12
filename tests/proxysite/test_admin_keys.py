import json

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.test import RequestFactory
from django.urls import reverse

from proxysite.error_pages import ErrorReporter
from routing.models import Upstream
from routing.secrets import Secret
from tests.proxysite.admin_forms import filled
from tests.rows import make_upstream, make_validator

pytestmark = pytest.mark.django_db

KEY = "planted-key-7f3a91c2d0"
LIST = reverse("admin:routing_upstream_changelist")
ADD = reverse("admin:routing_upstream_add")


def page_of(upstream):
    return reverse("admin:routing_upstream_change", args=[upstream.pk])


@pytest.fixture
def upstream():
    return make_upstream(api_key=KEY, credential_mode="own")


def stored_key(upstream):
    return Upstream.objects.get(pk=upstream.pk).api_key


def test_no_page_shows_a_stored_key(admin_client, upstream):
    history = reverse("admin:routing_upstream_history", args=[upstream.pk])
    delete = reverse("admin:routing_upstream_delete", args=[upstream.pk])
    for url in (LIST, page_of(upstream), history, delete, reverse("admin:index"), reverse("explain") + "?model=x"):
        assert KEY not in admin_client.get(url).content.decode()


def test_the_form_says_that_a_key_is_stored(admin_client, upstream):
    assert "•••••••• stored" in admin_client.get(page_of(upstream)).content.decode()


def test_the_form_says_that_no_key_is_stored(admin_client):
    assert "nothing stored" in admin_client.get(page_of(make_upstream())).content.decode()


def test_the_name_of_a_reference_is_shown(admin_client):
    upstream = make_upstream(api_key="env:ZAI_KEY", credential_mode="own")
    assert "env:ZAI_KEY" in admin_client.get(page_of(upstream)).content.decode()
    assert "env:ZAI_KEY" in admin_client.get(LIST).content.decode()


def test_an_empty_input_keeps_the_key(admin_client, upstream):
    url = page_of(upstream)
    answer = admin_client.post(url, filled(admin_client.get(url), timeout_seconds="60"))
    assert answer.status_code == 302
    assert stored_key(upstream) == Secret(KEY)
    assert Upstream.objects.get().timeout_seconds == 60


def test_a_minus_removes_the_key(admin_client, upstream):
    url = page_of(upstream)
    admin_client.post(url, filled(admin_client.get(url), api_key="-", credential_mode="none"))
    assert stored_key(upstream) is None


def test_a_key_that_is_sent_cannot_be_removed(admin_client, upstream):
    url = page_of(upstream)
    answer = admin_client.post(url, filled(admin_client.get(url), api_key="-"))
    assert "Enter the key, or choose another answer" in answer.content.decode()
    assert stored_key(upstream) == Secret(KEY)


def test_a_new_key_replaces_the_old_one(admin_client, upstream):
    url = page_of(upstream)
    admin_client.post(url, filled(admin_client.get(url), api_key="another-key"))
    assert stored_key(upstream) == Secret("another-key")


def test_a_new_upstream_gets_the_key_that_was_typed(admin_client):
    page = admin_client.get(ADD)
    data = filled(page, name="zai", base_url="https://api.z.ai/v4", credential_mode="own", api_key=KEY)
    answer = admin_client.post(ADD, data, follow=True)
    assert Upstream.objects.get().api_key == Secret(KEY)
    assert KEY not in answer.content.decode()


def test_switching_an_upstream_off_in_the_list_keeps_its_key(admin_client, upstream):
    data = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(upstream.pk),
        "_save": "Save",
    }
    admin_client.post(LIST, data)
    row = Upstream.objects.get()
    assert not row.enabled
    assert row.api_key == Secret(KEY)


def test_the_history_names_the_field_and_not_the_key(admin_client, upstream):
    url = page_of(upstream)
    admin_client.post(url, filled(admin_client.get(url), api_key="another-key"))
    entry = LogEntry.objects.get()
    assert json.loads(entry.change_message) == [{"changed": {"fields": ["API key"]}}]
    assert (
        "another-key"
        not in admin_client.get(reverse("admin:routing_upstream_history", args=[upstream.pk])).content.decode()
    )


def test_a_form_with_a_mistake_does_not_send_the_typed_key_back(admin_client, upstream):
    url = page_of(upstream)
    data = filled(admin_client.get(url), base_url="nonsense", api_key="another-key")
    text = admin_client.post(url, data).content.decode()
    assert "another-key" not in text
    assert "not saved yet: enter it once more" in text


def test_a_row_whose_key_cannot_be_decrypted_can_be_opened_and_mended(admin_client, upstream, settings):
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    assert admin_client.get(LIST).status_code == 200
    page = admin_client.get(page_of(upstream))
    assert "cannot be decrypted" in page.content.decode()
    admin_client.post(page_of(upstream), filled(page, api_key="another-key"))
    assert stored_key(upstream) == Secret("another-key")


def test_saving_another_field_leaves_a_key_that_cannot_be_decrypted_in_place(admin_client, upstream, settings):
    first = settings.ENCRYPTION_KEY
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    admin_client.post(page_of(upstream), filled(admin_client.get(page_of(upstream)), timeout_seconds="60"))
    settings.ENCRYPTION_KEY = first
    assert Upstream.objects.get().timeout_seconds == 60
    assert stored_key(upstream) == Secret(KEY)


def test_an_error_report_has_no_key_that_was_just_typed(rf: RequestFactory, settings):
    settings.DEBUG = True
    request = rf.post(ADD, {"api_key": "another-key", "name": "zai"})
    try:
        raise ValueError("could not use another-key")
    except ValueError as problem:
        reporter = ErrorReporter(request, type(problem), problem, problem.__traceback__)
    for report in (reporter.get_traceback_html(), reporter.get_traceback_text()):
        assert "another-key" not in report
        assert "zai" in report


def test_a_crash_while_saving_shows_no_key(admin_client, upstream, settings, monkeypatch):
    settings.DEBUG = True
    admin_client.raise_request_exception = False
    url = page_of(upstream)
    data = filled(admin_client.get(url), api_key="another-key")
    monkeypatch.setattr(Upstream, "save", lambda self, **options: 1 / 0)
    answer = admin_client.post(url, data)
    assert answer.status_code == 500
    assert "ZeroDivisionError" in answer.content.decode()
    assert "another-key" not in answer.content.decode()
    assert KEY not in answer.content.decode()


@pytest.mark.parametrize(
    ("key", "is_told"), [("a", True), ("abc1234", True), ("x", False), ("EMPTY", False), (KEY, False)]
)
@pytest.mark.parametrize("make", [make_upstream, make_validator])
def test_a_key_too_short_to_be_masked_is_stored_with_a_warning(admin_client, make, key, is_told):
    row = make()
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    answer = admin_client.post(url, filled(admin_client.get(url), api_key=key), follow=True)
    row.refresh_from_db()
    assert row.api_key == Secret(key)
    assert ("is not masked in records and logs" in answer.content.decode()) is is_told


@pytest.mark.parametrize("typed", ["-", "env:K", ""])
def test_what_is_no_key_is_not_too_short(admin_client, typed):
    row = make_upstream(api_key=KEY)
    url = page_of(row)
    answer = admin_client.post(url, filled(admin_client.get(url), api_key=typed), follow=True)
    assert "is not masked in records" not in answer.content.decode()
