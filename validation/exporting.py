"""Stored bad answers as JSON lines: one object each, every field by its name."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from validation.models import ValidationFailure

FIELDS = [field.name for field in ValidationFailure._meta.concrete_fields if not field.primary_key]


def lines(failures: Iterable[ValidationFailure]) -> Iterator[str]:
    for failure in failures:
        said: dict[str, Any] = {name: getattr(failure, name) for name in FIELDS}
        yield json.dumps(said, ensure_ascii=False, cls=DjangoJSONEncoder) + "\n"
