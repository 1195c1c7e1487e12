"""Records of requests for tests."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from routing.models import RequestRecord


def make_record(*, ago_minutes: float = 1, took: float = 2.0, **fields: Any) -> RequestRecord:
    received = timezone.now() - timedelta(minutes=ago_minutes)
    values = {
        "request_id": "req_1",
        "received_at": received,
        "done_at": received + timedelta(seconds=took),
        "method": "POST",
        "path": "/v1/chat/completions",
        "client_dialect": "chat",
        "upstream_dialect": "chat",
        "model_asked": "glm-4.6",
        "model_sent": "glm-4.6",
        "upstream": "local",
        "status": 200,
        "outcome": "ok",
    }
    return RequestRecord.objects.create(**{**values, **fields})
