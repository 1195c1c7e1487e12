"""An upstream's form: what a person types, and what is stored."""

import pytest
from django.urls import reverse

from routing.forms import UpstreamForm
from routing.models import Upstream
from tests.proxysite.admin_forms import filled
from tests.rows import make_upstream

pytestmark = pytest.mark.django_db


def saved(client, **changes):
    """The page that follows, and what is stored then."""
    upstream = Upstream.objects.first() or make_upstream()
    url = reverse("admin:routing_upstream_change", args=[upstream.pk])
    page = client.post(url, filled(client.get(url), **changes))
    upstream.refresh_from_db()
    return page, upstream


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("logprobs, seed", ["logprobs", "seed"]),
        ("logprobs\nseed,", ["logprobs", "seed"]),
        ('["logprobs", "odd name"]', ["logprobs", "odd name"]),
        ("  ", []),
    ],
)
def test_fields_to_drop_are_words_or_json(admin_client, typed, stored):
    page, upstream = saved(admin_client, drop_params=typed)
    assert page.status_code == 302
    assert upstream.drop_params == stored


def test_statuses_are_numbers(admin_client):
    assert saved(admin_client, retry_statuses="418, 530")[1].retry_statuses == [418, 530]


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("drop_params", '["logprobs"'),
        ("drop_params", '{"a": 1}'),
        ("drop_params", "[" * 9000),
        ("retry_statuses", "often"),
    ],
)
def test_what_is_no_list_is_told_beside_the_field(admin_client, field, typed):
    page, upstream = saved(admin_client, **{field: typed})
    assert page.context["adminform"].form.errors[field]
    assert getattr(upstream, field) == []


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        (["logprobs", "seed"], "logprobs, seed"),
        (["odd name"], '["odd name"]'),
        (["a,b", "ü"], '["a,b", "ü"]'),
        (["7"], '["7"]'),
        ([], ""),
    ],
)
def test_a_stored_list_is_shown_so_that_saving_it_changes_nothing(admin_client, stored, text):
    make_upstream(drop_params=stored)
    _, upstream = saved(admin_client)
    assert upstream.drop_params == stored
    field = UpstreamForm().fields["drop_params"]
    assert field.prepare_value(stored) == text
    assert not field.has_changed(stored, text)


@pytest.mark.parametrize(("typed", "stored"), [("unknown", None), ("true", True), ("false", False)])
def test_the_billing_header_is_left_to_the_proxy_or_decided(admin_client, typed, stored):
    assert saved(admin_client, strip_billing_header=typed)[1].strip_billing_header is stored


def test_a_family_that_is_misspelt_is_told_beside_the_field(admin_client):
    page, upstream = saved(admin_client, tool_call_repair="kimmi, glm")
    assert "There is no family kimmi." in page.context["adminform"].form.errors["tool_call_repair"][0]
    assert upstream.tool_call_repair == "auto"


def test_families_that_there_are_can_be_chosen(admin_client):
    assert saved(admin_client, tool_call_repair="kimi, glm")[1].tool_call_repair == "kimi, glm"


def added(client, **more):
    url = reverse("admin:routing_upstream_add")
    fields = filled(client.get(url), name="rack", base_url="http://127.0.0.1:8000")
    return client.post(url, {**fields, **more}, follow=True)


def test_who_has_added_an_upstream_is_led_to_the_binding_that_it_needs(admin_client):
    first, then = (str(message) for message in added(admin_client).context["messages"])
    assert "was added successfully" in first
    assert f'href="{reverse("admin:routing_modelbinding_add")}"' in then
    assert "that leads to “rack”" in then


def test_an_upstream_added_from_a_bindings_form_needs_no_such_hint(admin_client):
    added(admin_client, _popup="1")
    assert Upstream.objects.get().name == "rack"
    assert "that leads to “rack”" not in admin_client.get(reverse("admin:index")).content.decode()
