import pytest

from proxysite import retention
from proxysite.retention import retentions
from routing.models import RequestRecord
from tests.proxysite.failures import make_failure
from tests.proxysite.records import make_record
from validation.models import ValidationFailure

pytestmark = pytest.mark.django_db

DAY = 24 * 60


@pytest.fixture
def kept(settings):
    """Sets how much is kept."""

    def put(**values):
        everything = {"RECORDS_KEEP": 100, "RECORDS_KEEP_DAYS": 0, "FAILURES_KEEP": 100, "FAILURES_KEEP_DAYS": 0}
        settings.ENV = {**everything, **values}
        return retentions()

    return put


def pruned(pair):
    return tuple(one.prune() for one in pair)


def test_the_newest_of_each_are_kept(kept):
    records = [make_record() for _ in range(5)]
    failures = [make_failure() for _ in range(5)]
    assert pruned(kept(RECORDS_KEEP=3, FAILURES_KEEP=1)) == (2, 4)
    assert set(RequestRecord.objects.all()) == set(records[2:])
    assert list(ValidationFailure.objects.all()) == failures[4:]


def test_what_is_too_old_goes_however_few_there_are(kept):
    old, young = make_record(ago_minutes=8 * DAY), make_record(ago_minutes=6 * DAY)
    make_failure(ago_minutes=40 * DAY)
    assert pruned(kept(RECORDS_KEEP_DAYS=7, FAILURES_KEEP_DAYS=30)) == (1, 1)
    assert list(RequestRecord.objects.all()) == [young]
    assert old not in RequestRecord.objects.all()


def test_without_an_age_nothing_is_too_old(kept):
    make_record(ago_minutes=9000 * DAY)
    assert pruned(kept()) == (0, 0)


def test_a_failure_that_a_person_has_labelled_stays(kept):
    labelled = make_failure(ago_minutes=90 * DAY, label="false_alarm")
    for _ in range(3):
        make_failure(ago_minutes=80 * DAY)
    pruned(kept(FAILURES_KEEP=1, FAILURES_KEEP_DAYS=1))
    assert list(ValidationFailure.objects.all()) == [labelled]


def test_many_are_deleted_in_portions(kept, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(retention, "PORTION", 2)
    for _ in range(6):
        make_record()
    records, _ = kept(RECORDS_KEEP=1)
    with django_assert_num_queries(1 + 3 * 2 + 1):  # the newest, three portions, and none is left
        assert records.prune() == 5
