"""Deletes the records and failures that are too old or too many; the serving process does so by itself, too."""

from typing import Any

from django.core.management.base import BaseCommand

from proxysite.retention import retentions


class Command(BaseCommand):
    help = (
        "Deletes requests' records and bad answers beyond RECORDS_KEEP, RECORDS_KEEP_DAYS, FAILURES_KEEP and "
        "FAILURES_KEEP_DAYS. Labelled failures stay."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        records, failures = (retention.prune() for retention in retentions())
        self.stdout.write(f"Deleted {records} records and {failures} failures.")
