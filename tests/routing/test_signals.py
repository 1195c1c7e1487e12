import pytest
from django.db import transaction

from routing import signals
from routing.models import ConfigRevision, ConfigSection, Upstream
from sampling.models import SamplingPreset
from tests.rows import make_binding, make_rule, make_upstream

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def applied():
    """One entry for each time a committed change is told; the entry is the revision at that moment."""
    told = []

    def note(**kwargs):
        told.append(ConfigRevision.current())

    signals.configuration_applied.connect(note)
    yield told
    signals.configuration_applied.disconnect(note)


@pytest.mark.parametrize(
    "change",
    [
        make_upstream,
        make_binding,
        lambda: make_rule({"top_p": 0.5}),
        lambda: ConfigSection.objects.create(name="throttle", content={}),
    ],
    ids=["upstream", "binding", "rule", "section"],
)
def test_a_saved_row_counts_the_revision_up_and_is_applied(change, applied):
    before = ConfigRevision.current()
    change()
    assert ConfigRevision.current() > before
    assert applied[-1] == ConfigRevision.current()


def test_a_deleted_row_is_applied_too(applied):
    row = make_upstream()
    applied.clear()
    row.delete()
    assert applied == [ConfigRevision.current()]


def test_many_rows_in_one_transaction_are_applied_once_and_after_it(applied):
    with transaction.atomic():
        for number in range(5):
            make_upstream(name=f"u{number}")
        assert applied == []
    assert applied == [1]


def test_a_transaction_that_is_rolled_back_changes_nothing(applied):
    with transaction.atomic():
        make_upstream()
        transaction.set_rollback(True)
    assert applied == []
    assert ConfigRevision.current() == 0


def test_a_change_after_a_savepoint_was_rolled_back_is_applied(applied):
    with transaction.atomic():
        with transaction.atomic():
            make_upstream(name="a")
            transaction.set_rollback(True)
        make_upstream(name="b")
    assert applied == [1]


def test_bulk_writers_say_so_themselves(applied):
    with transaction.atomic():
        Upstream.objects.bulk_create([Upstream(name="a", base_url="http://a"), Upstream(name="b", base_url="http://b")])
        signals.configuration_changed()
    Upstream.objects.update(max_retries=0)
    assert applied == [1]


def test_whoever_cannot_apply_a_change_does_not_undo_it(applied):
    def fail(**kwargs):
        raise RuntimeError("cannot")

    signals.configuration_applied.connect(fail)
    try:
        SamplingPreset.objects.create(name="kept")
    finally:
        signals.configuration_applied.disconnect(fail)
    assert SamplingPreset.objects.filter(name="kept").exists()
    assert applied == [1]


def test_the_revision_says_when_it_was_counted():
    make_upstream()
    assert str(ConfigRevision.objects.get()) == "revision 1"
    first = ConfigRevision.objects.get().changed_at
    make_upstream(name="other")
    assert ConfigRevision.objects.get().changed_at > first
