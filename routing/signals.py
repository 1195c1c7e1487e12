"""Any saved configuration row makes the configuration in memory stale: one signal, one thing.

Rows change through `save()` and `delete()`, which is noticed here; whoever writes with `update()` or `bulk_create()`
calls `configuration_changed()` afterwards, in the same transaction.
"""

from typing import Any

from django.db import connection, models, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import Signal

configuration_applied = Signal()
"""Sent after the commit of a configuration change; `proxysite.live` answers by loading it."""


def watch(*model_classes: type[models.Model]) -> None:
    for model_class in model_classes:
        post_save.connect(_row_changed, sender=model_class, dispatch_uid=f"saved {model_class.__name__}")
        post_delete.connect(_row_changed, sender=model_class, dispatch_uid=f"deleted {model_class.__name__}")


def _row_changed(**kwargs: Any) -> None:
    configuration_changed()


def configuration_changed() -> None:
    """Counts the revision up and applies the configuration, once for each transaction however many rows it changes."""
    if any(callback is _apply for _, callback, *_ in connection.run_on_commit):
        return
    from routing.models import ConfigRevision

    ConfigRevision.count_up()
    transaction.on_commit(_apply)


def _apply() -> None:
    configuration_applied.send_robust(sender=None)  # the rows are saved: nobody who cannot use them undoes that
