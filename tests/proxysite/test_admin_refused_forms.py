"""Behind another web server the admin does not know its own address, and says what to do about it."""

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db


def refused(origin):
    answer = Client(enforce_csrf_checks=True).post(
        reverse("admin:login"), {"username": "admin"}, headers={"origin": origin, "host": "proxy.example"}
    )
    assert answer.status_code == 403
    return answer.content.decode()


def test_another_scheme_or_port_of_the_same_host_is_proposed_to_be_trusted():
    assert "CSRF_TRUSTED_ORIGINS=https://proxy.example<" in refused("https://proxy.example")
    assert "CSRF_TRUSTED_ORIGINS=http://proxy.example:8443<" in refused("http://proxy.example:8443")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://proxy.example.evil.example", "null", "http://[", "http://proxy.example"]
)
def test_nobody_elses_origin_is_ever_proposed(origin):
    assert "CSRF_TRUSTED_ORIGINS" not in refused(origin)
