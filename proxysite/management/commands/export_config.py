"""`manage.py export_config [PATH]`."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from proxysite import config_file


class Command(BaseCommand):
    help = "Writes the configuration as config.json. Keys are left out; env:NAME references are in it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", metavar="PATH", nargs="?", default="-", help="The file; default: standard output.")

    def handle(self, *args: Any, path: str, **options: Any) -> None:
        try:
            text = json.dumps(config_file.export(), indent=2, ensure_ascii=False)
        except OperationalError as problem:
            raise CommandError(
                f"The database cannot be used: {problem}. If it is a new one, run: manage.py migrate"
            ) from None
        if path == "-":
            self.stdout.write(text)
            return
        try:
            Path(path).write_text(text + "\n", encoding="utf-8")
        except OSError as problem:
            raise CommandError(f"{path} cannot be written: {problem.strerror}.") from None
