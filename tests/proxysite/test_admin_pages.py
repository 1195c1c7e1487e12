"""Every page of the admin opens."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from routing.models import ConfigRevision, ConfigSection, ParallelLimit, ThrottleRule
from tests.proxysite.failures import make_failure
from tests.proxysite.records import make_record
from tests.rows import make_binding, make_policy, make_rule, make_upstream, make_validator
from validation.models import RepairRule

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(admin_user):
    binding = make_binding("*", make_upstream())
    rule = make_rule({"temperature": 0.6})
    section = ConfigSection.objects.create(name="validation", content={"enabled": True})
    group = Group.objects.create(name="operators")
    admission = [
        ParallelLimit.objects.create(scope="global", limit=8),
        ThrottleRule.objects.create(start_pause_seconds=1),
    ]
    found = [
        *admission,
        binding,
        binding.targets.get().upstream,
        rule,
        rule.preset,
        section,
        group,
        admin_user,
        make_record(),
        policy := make_policy(validator=make_validator()),
        policy.validator,
        RepairRule.objects.create(model_pattern="kimi-*"),
        make_failure(),
    ]
    return {type(row): row for row in found}


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_every_registered_model_has_a_row_here(rows):
    assert set(rows) == set(admin.site._registry)


def test_every_page_of_every_model_opens(admin_client, rows):
    for model, row in rows.items():
        pages = [url(model, "changelist"), *(url(model, page, row.pk) for page in ("change", "history", "delete"))]
        if admin.site._registry[model].has_add_permission(admin_client.get(pages[0]).wsgi_request):
            pages.append(url(model, "add"))
        for page in pages:
            assert admin_client.get(page).status_code == 200, page


def test_every_list_can_be_searched_and_found_empty(admin_client, rows):
    for model in rows:
        assert admin_client.get(url(model, "changelist"), {"q": "nothing has this name"}).status_code == 200


@pytest.mark.parametrize("name", ["admin:index", "explain", "admin:password_change", "admin:search"])
def test_every_other_page_opens(admin_client, rows, name):
    assert admin_client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("app", ["routing", "sampling", "auth"])
def test_every_app_page_opens(admin_client, rows, app):
    assert admin_client.get(reverse("admin:app_list", args=[app])).status_code == 200


def test_a_login_leads_to_the_overview(client, admin_user):
    data = {"username": "admin", "password": "password", "next": ""}
    assert client.post(reverse("admin:login"), data).url == reverse("admin:index")


def test_every_link_of_the_sidebar_opens(admin_client, rows):
    page = admin_client.get(reverse("admin:index"))
    items = [item for group in page.context["sidebar_navigation"] for item in group["items"]]
    assert len(items) >= 9
    for item in items:
        assert admin_client.get(str(item["link"])).status_code == 200, item["title"]


def test_the_revision_counter_is_not_shown():
    assert ConfigRevision not in admin.site._registry


def test_kept_sections_are_looked_at_and_deleted_but_not_changed(admin_client, rows):
    section = rows[ConfigSection]
    assert admin_client.post(url(ConfigSection, "change", section.pk), {"name": "other"}).status_code == 403
    assert "&quot;enabled&quot;: true" in admin_client.get(url(ConfigSection, "change", section.pk)).content.decode()
    admin_client.post(url(ConfigSection, "delete", section.pk), {"post": "yes"})
    assert not ConfigSection.objects.exists()


def test_every_shown_field_has_help(admin_client, rows):
    for model in rows:
        if model._meta.app_label == "auth" or model is ConfigSection:
            continue
        page = admin_client.get(url(model, "change", rows[model].pk))
        for name, field in page.context["adminform"].form.fields.items():
            assert field.help_text, f"{model.__name__}.{name}"


def test_the_detected_kind_of_an_upstream_is_shown(admin_client, monkeypatch):
    from proxysite import live
    from routing.kinds import Kind
    from routing.models import Upstream

    make_upstream()
    live.learn_kind("local", Kind.VLLM)
    assert "vllm" in admin_client.get(url(Upstream, "changelist")).content.decode().split("result_list")[1]


def test_an_empty_list_says_what_would_be_there(admin_client):
    for model, page in admin.site._registry.items():
        if model._meta.app_label != "auth":
            answer = admin_client.get(url(model, "changelist")).content.decode()
            assert page.nothing_yet.replace("'", "&#x27;") in answer


def test_a_search_that_finds_nothing_says_so_in_its_place(admin_client, rows):
    answer = admin_client.get(url(ParallelLimit, "changelist"), {"q": "<none>", "enabled__exact": "0"}).content.decode()
    assert "Nothing matches “&lt;none&gt;” with these filters." in answer


def test_limits_of_a_scope_that_nobody_knows_are_listed_to_be_corrected(admin_client):
    ParallelLimit.objects.create(scope="planet", limit=1)
    assert admin_client.get(reverse("admin:routing_parallellimit_changelist")).status_code == 200
