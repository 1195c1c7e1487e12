"""What the overview shows of this moment, and the reset of an upstream's health."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from proxysite import live, serving
from proxysite.gateway.alarms import Alarms, StoredKey
from proxysite.gateway.rates import Rates
from routing.admission.gatekeeper import Gatekeeper
from routing.admission.targets import FAILURES, Targets
from routing.models import BindingTarget, ParallelLimit
from routing.secrets import Secret
from tests.rows import make_binding, make_policy, make_upstream, make_validator

pytestmark = pytest.mark.django_db


class Serving:
    """An engine, as far as a page asks it."""

    def __init__(self):
        self.is_started = True
        self.running = 0
        self.gatekeeper = Gatekeeper()
        self.targets = Targets()
        self.alarms = Alarms()
        self.recorder = SimpleNamespace(rates=Rates())

    def config(self):
        config = live.current()
        self.gatekeeper.configure(config.routing.limits, config.routing.throttles)
        return config


@pytest.fixture
def engine(monkeypatch):
    engine = Serving()
    monkeypatch.setattr(serving, "_engine", engine)
    return engine


@pytest.fixture
def nobody_serves(monkeypatch):
    monkeypatch.setattr(serving, "_engine", None)


def fail(engine, *, times=FAILURES):
    target = live.reload().routing.bindings[0].targets[0]
    for number in range(times):
        engine.targets.asked_for("").failed(target, number, 10.0**9)


def shown(client):
    live.reload()
    return client.get(reverse("now")).content.decode()


def test_limits_are_shown_with_their_use(admin_client, engine):
    ParallelLimit.objects.create(model_pattern="glm-*", limit=3)
    assert "glm-*" in shown(admin_client)
    assert "0/3" in shown(admin_client)


def test_of_many_limits_those_in_use_come_first_and_the_rest_is_counted(admin_client, engine):
    for number in range(12):
        ParallelLimit.objects.create(model_pattern=f"model-{number}", limit=3, position=number)
    live.reload()

    async def one_request_runs():
        engine.config()
        await engine.gatekeeper.admit("req_1", "model-11", "local")

    asyncio.run(one_request_runs())
    page = shown(admin_client)
    assert page.index("model-11") < page.index("model-0")
    assert "1/3" in page
    assert "and 4 more" in page


def test_an_upstream_that_is_not_well_is_shown_until_its_health_is_reset(admin_client, engine):
    upstream = make_upstream(name="ill-one")
    make_binding("*", upstream)
    fail(engine)
    assert "cooling down" in shown(admin_client)
    page = admin_client.post(reverse("admin:routing_upstream_reset_health", args=[upstream.pk]), follow=True)
    assert "ill-one counts as healthy again" in page.content.decode()
    assert "ill-one" not in shown(admin_client)


def test_it_says_so_when_another_process_serves(admin_client, nobody_serves):
    upstream = make_upstream()
    assert "Another process serves" in shown(admin_client)
    page = admin_client.post(reverse("admin:routing_upstream_reset_health", args=[upstream.pk]), follow=True)
    assert "Another process serves" in page.content.decode()


def test_the_overview_shows_it_and_asks_again(admin_client, engine):
    text = admin_client.get(reverse("admin:index")).content.decode()
    assert f'data-refresh="{reverse("now")}"' in text


def test_it_is_for_those_who_may_see_upstreams(client, django_user_model, engine):
    person = django_user_model.objects.create_user("guest", is_staff=True)
    client.force_login(person)
    assert client.get(reverse("now")).status_code == 403
    assert "data-refresh" not in client.get(reverse("admin:index")).content.decode()
    person.user_permissions.add(Permission.objects.get(codename="view_upstream"))
    assert client.get(reverse("now")).status_code == 200


def name_target(pattern, upstream, model):
    BindingTarget.objects.create(binding=make_binding(pattern), upstream=upstream, upstream_model=model)


def page_of(client, upstream):
    live.reload()
    return client.get(reverse("admin:routing_upstream_change", args=[upstream.pk])).content.decode()


def fragment_of(client, upstream):
    return client.get(reverse("health", args=[upstream.name])).content.decode()


def reset(client, upstream, model, **more):
    return client.post(reverse("health", args=[upstream.name]), {"model": model, **more}, follow=True)


def test_an_upstreams_page_shows_how_well_each_of_its_targets_is(admin_client, engine):
    upstream = make_upstream(name="rack")
    name_target("glm-*", upstream, "GLM-5")
    make_binding("*", upstream)
    fail(engine)
    for text in (page_of(admin_client, upstream), fragment_of(admin_client, upstream)):
        assert text.count("cooling down") == 1
        assert text.count(">healthy<") == 1
        assert "GLM-5" in text
    assert f'data-refresh="{reverse("health", args=["rack"])}"' in page_of(admin_client, upstream)


@pytest.mark.parametrize("from_overview", [True, False])
def test_one_target_is_reset_and_the_others_are_not(admin_client, engine, from_overview):
    upstream = make_upstream(name="rack")
    name_target("glm-*", upstream, "GLM-5")
    make_binding("*", upstream)
    fail(engine)
    engine.targets.asked_for("").failed(live.current().routing.bindings[1].targets[0], 1, 0.0)
    page = reset(admin_client, upstream, "GLM-5", **({"from_overview": "yes"} if from_overview else {}))
    assert "GLM-5 counts as healthy again" in page.content.decode()
    assert ("/routing/upstream/" in page.redirect_chain[0][0]) is not from_overview
    assert [(state.model, state.failures) for state in engine.targets.state(0.0)] == [("", 1)]


def test_an_upstream_that_is_away_is_one_line_of_the_overview(admin_client, engine):
    upstream = make_upstream(name="rack")
    name_target("glm-*", upstream, "GLM-5")
    make_binding("*", upstream)
    target = live.reload().routing.bindings[0].targets[0]
    for number in range(FAILURES):
        engine.targets.asked_for("").failed(target, number, 10.0**9, unreachable=True)
    text = shown(admin_client)
    assert "all models" in text
    assert text.count("cooling down") == 1
    admin_client.post(reverse("health", args=["rack"]), {"from_overview": "yes"})
    assert engine.targets.state(0.0) == ()


def test_failures_that_are_not_enough_yet_are_shown_too(admin_client, engine):
    upstream = make_upstream(name="rack")
    make_binding("*", upstream)
    fail(engine, times=1)
    assert "1 failed in a row" in fragment_of(admin_client, upstream)


def test_an_upstream_that_is_off_or_leads_nowhere_says_so(admin_client, engine):
    off, alone = make_upstream(name="off-one", enabled=False), make_upstream(name="alone")
    assert "no request goes there" in page_of(admin_client, off)
    page = page_of(admin_client, alone)
    assert "No binding leads here" in page
    assert f'href="{reverse("admin:routing_modelbinding_add")}">Add a binding' in page


def test_an_upstream_that_cannot_be_used_says_on_its_page_what_is_wrong(admin_client, engine):
    broken = make_upstream(name="rack", credential_mode="own", api_key="env:NOT_THERE_AT_ALL")
    page = page_of(admin_client, broken)
    assert "the environment has no NOT_THERE_AT_ALL" in page
    assert "before this is mended" in page
    assert "NOT_THERE" not in fragment_of(admin_client, make_upstream(name="other"))


def test_health_is_reset_by_a_button_and_by_those_who_may(client, django_user_model, engine):
    upstream = make_upstream(name="rack")
    make_binding("*", upstream)
    fail(engine)
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_upstream"))
    client.force_login(reader)
    assert "<button" not in fragment_of(client, upstream)
    assert reset(client, upstream, "").status_code == 403
    assert client.put(reverse("health", args=["rack"])).status_code == 405
    assert engine.targets.state(0.0) != ()


def test_it_says_so_when_the_health_is_another_process_s(admin_client, nobody_serves):
    upstream = make_upstream()
    assert "Another process serves" in page_of(admin_client, upstream)
    assert "Another process serves" in reset(admin_client, upstream, "").content.decode()


def test_a_button_above_a_form_is_a_post(admin_client, engine):
    upstream = make_upstream()
    assert page_of(admin_client, upstream).count("data-post") == 2
    assert admin_client.get(reverse("admin:routing_upstream_reset_health", args=[upstream.pk])).status_code == 405


def test_a_stored_key_that_is_refused_is_an_alarm_on_the_first_page_and_the_upstreams(admin_client, engine):
    upstream = make_upstream(name="zai", credential_mode="own", api_key="sk-planted-key")
    make_binding("*", upstream)
    live.reload()
    engine.alarms.failed(StoredKey("zai", Secret("sk-planted-key")), "“zai” refuses the key.", datetime.now(UTC))
    page = admin_client.get(reverse("admin:index"))
    (message,) = page.context["messages_found"]
    assert message["link"] == reverse("admin:routing_upstream_change", args=[upstream.pk])
    assert "“zai” refuses the key." in page.content.decode()
    assert "“zai” refuses the key." in page_of(admin_client, upstream)
    upstream.api_key = "sk-another-key"
    upstream.save()
    live.reload()
    assert admin_client.get(reverse("admin:index")).context["messages_found"] == []
    assert "refuses the key" not in page_of(admin_client, upstream)


def test_a_validator_that_gives_no_verdicts_is_an_alarm_on_the_first_page(admin_client, engine):
    make_binding("*", make_upstream())
    judge = make_validator()
    make_policy("glm-*", validator=judge)
    live.reload()
    engine.alarms.failed("judge", "The validator “judge” gave no verdict.", datetime.now(UTC))
    page = admin_client.get(reverse("admin:index"))
    text = " ".join(page.content.decode().split())
    assert 'The validator “judge” gave no verdict. <span class="sp-quiet">Just now.</span>' in text
    assert reverse("admin:validation_validator_change", args=[judge.pk]) in text
    assert page.context["sidebar_navigation"][0]["items"][0]["badge"] == "1"
    text = admin_client.get(reverse("admin:validation_validator_changelist")).content.decode()
    assert "gives no verdicts" in text
    assert '<span class="sp-chip ">glm-*</span>' in text
    engine.alarms.works("judge")
    assert (
        "gives no verdicts" not in admin_client.get(reverse("admin:validation_validator_changelist")).content.decode()
    )
    assert admin_client.get(reverse("admin:index")).context["messages_found"] == []
