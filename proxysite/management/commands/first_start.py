"""`manage.py first_start`: everything a fresh installation needs, and nothing on one that is set up already."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

from proxysite.environment import Environment
from routing.models import ConfigRevision, Upstream

ADMIN = "admin"


class Command(BaseCommand):
    help = "Migrates the database; on the very first start also loads the sample configuration and makes an admin user."
    requires_system_checks = []  # the database may not be there yet

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        if ConfigRevision.current() == 0:  # nothing was ever configured, by anyone
            call_command("loaddata", "config_sample", verbosity=0)
            self._take_over(settings.ENV)
            self.stdout.write("Loaded the sample configuration: the model “demo” answers without any model server.")
        users = get_user_model().objects
        if not users.filter(is_superuser=True).exists():
            password = secrets.token_urlsafe(12)
            users.create_superuser(ADMIN, password=password)
            self.stdout.write(f"\n  Admin user: {ADMIN}\n  Password:   {password}   (shown only this once)\n")

    def _take_over(self, env: Environment) -> None:
        """What the environment of an earlier proxy says, where it is a field of rows here."""
        if not env["ENABLE_STREAMING_TOOL_PARSER"]:
            for upstream in Upstream.objects.all():
                upstream.tool_call_repair = "off"
                upstream.save()
