"""Judges the stored bad answers again with today's settings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from validation.models import ValidationFailure
from validation.rejudging import rejudge


class Command(BaseCommand):
    help = "Judges stored bad answers again with today's policies and detectors. No model is asked."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--label", choices=["right", "false_alarm"], help="Only those with this label.")
        parser.add_argument("--request", metavar="ID", help="Only those of one request.")

    def handle(self, *args: Any, **options: Any) -> None:
        failures = ValidationFailure.objects.order_by("pk")
        if options["label"]:
            failures = failures.filter(label=options["label"])
        if options["request"]:
            failures = failures.filter(request_id=options["request"])
        flagged, passed = rejudge(failures.iterator())
        self.stdout.write(f"{flagged} are flagged today, {passed} are not.")
