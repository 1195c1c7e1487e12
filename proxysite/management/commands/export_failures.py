"""Writes the stored bad answers as JSON lines."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from validation.exporting import lines
from validation.models import ValidationFailure


class Command(BaseCommand):
    help = "Writes stored bad answers as JSON lines, oldest first. They hold what clients asked and models answered."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", nargs="?", default="-", help="File to write; left out or -: the screen.")
        parser.add_argument("--label", choices=["right", "false_alarm"], help="Only those with this label.")

    def handle(self, *args: Any, **options: Any) -> None:
        failures = ValidationFailure.objects.order_by("pk")
        if options["label"]:
            failures = failures.filter(label=options["label"])
        written = lines(failures.iterator())
        if options["path"] == "-":
            for line in written:
                self.stdout.write(line, ending="")
            return
        try:
            with Path(options["path"]).open("w", encoding="utf-8") as file:
                file.writelines(written)
        except OSError as problem:
            raise CommandError(f"{options['path']} cannot be written: {problem.strerror}.") from None
