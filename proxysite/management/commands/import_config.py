"""`manage.py import_config PATH [--replace]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from proxysite import config_file


class Command(BaseCommand):
    help = "Imports a config.json of sampling-proxy (either generation) or one that export_config wrote."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", metavar="PATH", help="The file; - reads standard input.")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="Make the configuration exactly the file's; what was there before goes to DATA_DIR/backups.",
        )

    def handle(self, *args: Any, path: str, replace: bool, **options: Any) -> None:
        try:
            report = config_file.import_file(path, replace=replace)
        except config_file.ConfigFileError as problem:
            raise CommandError(f"{problem}\nNothing was changed.") from None
        self.stdout.write(str(report))
