"""How long records stay: by age and by number, in the background and in `manage.py prune_records`."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Model, Q
from django.utils import timezone

from routing.models import RequestRecord
from validation.models import ValidationFailure

PORTION = 2_000  # rows deleted in one transaction: requests' records wait meanwhile


@dataclass(frozen=True)
class Retention:
    """`keep` newest rows, none of them older than `days`; 0 days: however old.  What `spared` matches always stays."""

    model: type[Model]
    moment: str  # the field that tells a row's age
    keep: int
    days: float
    spared: Q | None = None

    def prune(self) -> int:
        """Deletes what is too old or one too many, and says how many rows that was."""
        return sum(self._delete(condition) for condition in (self._too_many(), self._too_old()) if condition)

    def _too_many(self) -> Q | None:
        """By the keys, which are as good as a count here and cost nothing."""
        newest = self._rows().order_by("-pk").values_list("pk", flat=True).first()
        return Q(pk__lte=newest - self.keep) if newest and newest > self.keep else None

    def _too_old(self) -> Q | None:
        if not self.days:
            return None
        return Q(**{f"{self.moment}__lt": timezone.now() - timedelta(days=self.days)})

    def _rows(self) -> Any:
        return self.model._default_manager.all()

    def _delete(self, condition: Q) -> int:
        rows = self._rows().filter(condition).order_by()
        if self.spared is not None:
            rows = rows.exclude(self.spared)
        deleted = 0
        while portion := list(rows.values_list("pk", flat=True)[:PORTION]):
            self._rows().filter(pk__in=portion).delete()
            deleted += len(portion)
        return deleted


def retentions() -> tuple[Retention, Retention]:
    """Those of requests and of failures.  A failure that a person has labelled is worth more than its place."""
    env = settings.ENV
    return (
        Retention(RequestRecord, "received_at", env["RECORDS_KEEP"], env["RECORDS_KEEP_DAYS"]),
        Retention(ValidationFailure, "at", env["FAILURES_KEEP"], env["FAILURES_KEEP_DAYS"], ~Q(label="")),
    )
