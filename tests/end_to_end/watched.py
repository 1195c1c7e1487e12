"""`manage.py serve` in a hurry, which also tells what it holds: run as a process of its own.

What takes seconds takes fractions of one here, and `GET /` has `held` besides: tasks of the event loop, objects that
the garbage collector knows of, and the most memory the process ever had.
"""

import asyncio
import gc
import os
import resource
import sys
from typing import Any

import django
from django.core.management import call_command

from routing import upstream
from routing.admission import targets

COOLDOWN = 0.3  # seconds

upstream.IDLE_SECONDS = 0.2
targets.COOLDOWN = COOLDOWN


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "proxysite.settings")
    django.setup()
    from proxysite.gateway import status

    report = status.report

    def telling(*arguments: Any) -> dict[str, Any]:
        return {**report(*arguments), "held": held()}

    status.report = telling
    call_command("serve", *sys.argv[1:])


def held() -> dict[str, int]:
    gc.collect()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"tasks": len(asyncio.all_tasks()), "objects": len(gc.get_objects()), "peak": peak}


if __name__ == "__main__":
    main()
