import pytest
from django.urls import reverse

from proxysite import live
from routing.secrets import Secret
from tests.proxysite.failures import make_failure
from tests.proxysite.records import make_record
from tests.rows import make_binding, make_policy, make_rule, make_upstream

pytestmark = pytest.mark.django_db

INDEX = reverse("admin:index")


def text_of(client):
    return " ".join(client.get(INDEX).content.decode().split())


def test_an_empty_configuration_says_what_to_do_first(admin_client):
    assert "No upstream is enabled; every request will be refused." in text_of(admin_client)


def test_a_working_configuration_has_nothing_to_mend(admin_client):
    make_binding("*", make_upstream())
    page = admin_client.get(INDEX)
    assert page.context["messages_found"] == []
    assert 'id="attention"' not in page.content.decode()


def test_a_broken_row_is_linked(admin_client):
    make_binding("*", make_upstream())
    rule = make_rule({"temperature": "warm"})
    text = text_of(admin_client)
    assert "temperature must be a number" in text
    assert reverse("admin:sampling_samplingrule_change", args=[rule.pk]) in text


def test_the_sidebar_counts_what_wants_attention(admin_client):
    make_binding("*", make_upstream(api_key="env:NOT_THERE_AT_ALL", credential_mode="own"))
    page = admin_client.get(reverse("admin:routing_upstream_changelist"))
    overview = page.context["sidebar_navigation"][0]["items"][0]
    assert overview["badge"] == "3"  # no upstream is left, and two rows say why


def example_of(client):
    live.reload()
    return client.get(INDEX).context["example_model"]


def test_the_example_asks_for_the_demo_that_answers_and_not_for_one_that_fails(admin_client):
    demo = make_upstream(name="demo", base_url="demo:")
    make_binding("demo-dead", demo, position=1)
    make_binding("demo*", demo, position=2)
    assert example_of(admin_client) == "demo"


def test_the_example_asks_for_a_model_that_is_there(admin_client):
    make_binding("*", make_upstream())
    assert example_of(admin_client) == "demo"  # any name will do
    make_binding("glm-4.7", make_upstream(name="rack"))
    assert example_of(admin_client) == "glm-4.7"


def test_failures_of_the_last_day_are_listed(admin_client):
    failed = make_record(outcome="upstream_error", status=502, error="Connection refused.")
    make_record(outcome="upstream_error", status=502, error="Too old.", ago_minutes=60 * 25)
    text = text_of(admin_client)
    assert "Connection refused." in text
    assert reverse("admin:routing_requestrecord_change", args=[failed.pk]) in text
    assert "Too old." not in text


def test_a_stream_that_broke_off_is_not_listed_as_a_200(admin_client):
    make_record(status=200, outcome="cut")
    page = admin_client.get(reverse("admin:index")).content.decode()
    listed = page[page.index('id="failures"') :]
    assert '<span class="sp-chip sp-bad">cut off</span>' in listed[: listed.index("</ul>")]


def test_totals_tell_the_last_hour_from_the_last_day(admin_client):
    make_record(prompt_tokens=10, completion_tokens=5)
    make_record(outcome="cut", ago_minutes=90)
    totals = admin_client.get(INDEX).context["totals"]
    counts = [totals[name] for name in ("hour", "hour_failed", "day", "day_failed", "day_in", "day_out")]
    assert counts == [1, 0, 2, 1, "10", "5"]


def test_the_bars_hold_every_request_of_the_last_hours(admin_client):
    for ago in (0.1, 61, 200, 60 * 20):
        make_record(ago_minutes=ago)
    bars = admin_client.get(INDEX).context["bars"]
    assert len(bars) == 24
    assert sum(bar["total"] for bar in bars) == 4


@pytest.mark.parametrize(
    ("fields", "outcome", "state"),
    [
        ({}, None, "idle"),
        ({}, "ok", "working"),
        ({}, "upstream_error", "last request failed"),
        ({"enabled": False}, "ok", "off"),
        ({"credential_mode": "own", "api_key": "env:NOT_THERE_AT_ALL"}, None, "misconfigured"),
    ],
)
def test_an_upstream_has_a_state(admin_client, fields, outcome, state):
    make_upstream(**fields)
    if outcome:
        make_record(outcome=outcome)
    assert [upstream["state"] for upstream in admin_client.get(INDEX).context["upstreams"]] == [state]


def test_policies_in_force_are_listed_with_what_they_found(admin_client):
    make_policy("glm-*")
    make_policy("off-*", enabled=False)
    make_policy("idle", builtin=False)
    make_failure(policy="glm-*")
    policies = admin_client.get(INDEX).context["policies"]
    assert [(shown["judging"].pattern, shown["found"], shown["is_ill"]) for shown in policies] == [("glm-*", 1, False)]
    assert 'id="judged"' in text_of(admin_client)


def test_it_says_how_to_call_the_proxy(admin_client):
    make_binding("my-model", make_upstream())
    text = text_of(admin_client)
    assert "http://testserver/v1/chat/completions" in text
    assert "&quot;my-model&quot;" in text or '"my-model"' in text


def test_it_says_whether_a_key_is_wanted(admin_client, settings, monkeypatch):
    assert "none is asked for" in admin_client.get(INDEX).content.decode()
    monkeypatch.setitem(settings.ENV.values, "LOCAL_API_KEY", [Secret("planted-key-1")])
    page = admin_client.get(INDEX).content.decode()
    assert "Bearer YOUR_KEY" in page
    assert "planted-key-1" not in page


def test_a_person_without_permissions_sees_neither_records_nor_upstreams(client, django_user_model):
    make_binding("*", make_upstream(name="secret-server"))
    make_record(outcome="cut", model_asked="secret-model")
    client.force_login(django_user_model.objects.create_user("guest", is_staff=True))
    text = text_of(client)
    assert "secret-server" not in text
    assert "secret-model" not in text
