from datetime import UTC, datetime, timedelta

from proxysite.gateway.alarms import FORGOTTEN_AFTER, MOST, Alarm, Alarms

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


def test_an_alarm_is_news_once_and_then_counts():
    alarms = Alarms()
    assert alarms.failed("judge", "It is down.", NOON)
    assert not alarms.failed("judge", "It is slow.", LATER)
    assert alarms.standing(LATER) == (Alarm("judge", "It is slow.", NOON, LATER, 2),)


def test_it_ends_when_things_work_again():
    alarms = Alarms()
    alarms.failed("judge", "It is down.", NOON)
    assert not alarms.works("another")
    assert alarms.works("judge")
    assert not alarms.works("judge")
    assert alarms.standing(NOON) == ()
    assert alarms.failed("judge", "It is down.", LATER)


def test_old_news_are_forgotten():
    alarms = Alarms()
    alarms.failed("judge", "It is down.", NOON)
    assert alarms.standing(NOON + FORGOTTEN_AFTER) == ()


def test_there_are_not_more_than_a_person_would_read():
    alarms = Alarms()
    for number in range(MOST + 5):
        alarms.failed(str(number), "It is down.", NOON)
    assert [alarm.what for alarm in alarms.standing(NOON)] == [str(number) for number in range(5, MOST + 5)]
