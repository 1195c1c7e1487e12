"""Times are told in the zone of whoever looks."""

import asyncio
from datetime import UTC, datetime

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from proxysite.time_zones import COOKIE, known, of_the_machine, viewers_time
from tests.proxysite.records import make_record

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def zone_seen(cookie):
    request = RequestFactory(headers={"cookie": f"{COOKIE}={cookie}"}).get("/admin/")
    answer = viewers_time(lambda request: HttpResponse(timezone.localtime(NOON).strftime("%H:%M %Z")))(request)
    return answer.content.decode()


@pytest.mark.django_db
def test_a_record_is_shown_in_the_browsers_zone_and_names_it(admin_client):
    record = make_record(received_at=NOON, done_at=NOON)
    admin_client.cookies[COOKIE] = "Europe/Berlin"
    page = admin_client.get(reverse("admin:routing_requestrecord_change", args=[record.pk])).content.decode()
    assert "14:00:00.000" in page
    assert "CEST" in page


def test_no_zone_outlives_its_request():
    assert zone_seen("Asia/Tokyo") == "21:00 JST"
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize("cookie", ["", "Nowhere/Atlantis", "../../etc/passwd", "Europe", "a" * 5000, "\0"])
def test_a_zone_that_is_none_leaves_the_installations_own(cookie):
    assert zone_seen(cookie) == "12:00 UTC"


def test_it_holds_for_what_is_awaited_too():
    async def view(request):
        return HttpResponse(timezone.localtime(NOON).strftime("%H:%M"))

    request = RequestFactory(headers={"cookie": f"{COOKIE}=Europe/Berlin"}).get("/admin/")
    assert asyncio.run(viewers_time(view)(request)).content == b"14:00"


def test_the_machines_zone_is_one_that_exists(monkeypatch):
    assert known(of_the_machine())
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert of_the_machine() == "Asia/Tokyo"
