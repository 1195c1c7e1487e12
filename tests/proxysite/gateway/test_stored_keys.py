import logging

import pytest
from django.utils import timezone

from proxysite.gateway.alarms import Alarms
from proxysite.gateway.stored_keys import watch
from routing.secrets import Secret
from routing.snapshot import CredentialMode
from tests.snapshots import an_upstream

OWN = an_upstream("zai", credential_mode=CredentialMode.OWN, key=Secret("sk-planted-key"))


def told(*statuses, upstream=OWN):
    alarms = Alarms()
    for status in statuses:
        watch(alarms, upstream, status)
    return [alarm.text for alarm in alarms.standing(timezone.now())]


@pytest.mark.parametrize("status", [401, 403])
def test_a_stored_key_that_is_refused_is_an_alarm(status):
    assert told(status) == [f"The upstream “zai” refuses the key that is stored for it: it answered {status}."]


def test_the_alarm_ends_with_an_answer():
    assert told(401, 200) == []


@pytest.mark.parametrize("status", [307, 400, 404, 429, 500])
def test_nothing_else_begins_or_ends_it(status):
    assert told(status) == []
    assert len(told(401, status)) == 1


def test_a_clients_own_key_is_its_own_affair():
    assert told(401, upstream=an_upstream("zai")) == []


def test_the_log_tells_of_beginning_and_end_once_and_never_the_key(caplog):
    with caplog.at_level(logging.INFO, "proxysite.gateway"):
        told(401, 401, 200, 200)
    assert caplog.messages == [
        "The upstream “zai” refuses the key that is stored for it: it answered 401.",
        "The upstream “zai” takes the key that is stored for it.",
    ]
