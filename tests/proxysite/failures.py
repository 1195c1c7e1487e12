"""Bad answers for tests: whatever a test does not care about has a value that works."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from proxysite.gateway.failure_rows import row_of
from validation.failures import Failure
from validation.models import ValidationFailure

GOOD = "The tide comes in twice a day. "
LOOP = "And then it rains again. "


def a_failure(*, ago_minutes: float = 1, **fields: Any) -> Failure:
    """A loop in running text, noticed in its fourth repetition."""
    values = {
        "at": timezone.now() - timedelta(minutes=ago_minutes),
        "request_id": "req_1",
        "model": "glm-4.6",
        "model_sent": "glm-4.6",
        "upstream": "local",
        "client_dialect": "chat",
        "policy": "glm-*",
        "detector": "loop",
        "issue_type": "repetition",
        "confidence": 1.0,
        "onset": len(GOOD + LOOP),
        "offset": len(GOOD + LOOP * 4),
        "period": len(LOOP),
        "explanation": "the same 25 characters 4 times",
        "excerpt": LOOP,
        "text": GOOD + LOOP * 4,
        "parameters": {"temperature": 0.6},
    }
    return Failure(**{**values, **fields})


def make_failure(**fields: Any) -> ValidationFailure:
    """The row of such an answer.  Fields that only a row has (labels) may be given too."""
    known = {"ago_minutes", *Failure.__dataclass_fields__}
    own = {name: fields.pop(name) for name in list(fields) if name not in known}
    row = row_of(a_failure(**fields), "all", 10_000, bytes.decode)
    for name, value in own.items():
        setattr(row, name, value)
    row.save()
    return row
