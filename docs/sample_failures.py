"""Realistic rows of validation for the screenshots: who judges what, and bad answers of the last days."""

import json
from datetime import timedelta
from typing import Any

from django.utils import timezone

from validation.failures import Channel, Outcome
from validation.models import ValidationFailure, ValidationPolicy, Validator

GOOD = """\
The test compares `date.today().weekday()` with a list that begins on Sunday, but `weekday()` counts from Monday:

| Day | `weekday()` | the list's index |
|---|---|---|
| Monday | 0 | 1 |
| Sunday | 6 | 0 |

On every other day both give a working day, and the test passes by luck. """
LOOP = "Wait, let me check the list once more to be sure. "
SALAD = "Der Index beginnt уголmirror 的了banana フィールド riverсестра velvet하늘 toward "


def fill() -> None:
    judge = Validator.objects.create(
        name="small judge", base_url="http://127.0.0.1:1235", model="Qwen3.5-4B-UD-Q6_K_XL.gguf"
    )
    ValidationPolicy.objects.create(model_pattern="glm-*", position=10, validator=judge, max_retries=2)
    ValidationPolicy.objects.create(
        model_pattern="qwen3-*", position=20, delivery="buffer", on_exhausted="message", max_retries=1
    )
    ValidationPolicy.objects.create(
        model_pattern="*", position=1000, detectors=["repetition", "whitespace", "counter"], ladder=["seed"]
    )
    for failure in reversed(_failures()):
        failure.save()


def _failures() -> list[ValidationFailure]:
    """The newest first: a loop that the first retry did not end, gibberish, and calls that went wrong."""
    same: dict[str, Any] = {"minutes": 9, "request_id": "req_5f0c2a91b7de4413"}
    calls = [{"name": "write_file", "arguments": '{"path": "notes.md", "content": "' + "TODO " * 160}]
    return [
        _loop(2, 6, {"temperature": 0.9}, "seed: (not set) → 41372", **same),
        _loop(1, 7, {"temperature": 0.6}, "temperature: 0.6 → 0.9", **same),
        _failure(
            190,
            request_id="req_7be1d00c95aa4e20",
            model="qwen3-coder-30b",
            upstream="workstation",
            policy="qwen3-*",
            detector="nonsense",
            issue_type="gibberish",
            confidence=0.9,
            onset=18,
            offset=180,
            explanation="letters of cyrillic, han, hangul, latin run into each other",
            excerpt=SALAD[18:80],
            text=SALAD * 3,
            parameters={"temperature": 1.3},
            outcome=Outcome.RETRIED,
            next_step="asked again: repeat_penalty: (not set) → 1.1",
        ),
        _failure(
            1500,
            request_id="req_20c4f7ab61d84b77",
            channel=Channel.ARGUMENTS,
            onset=37,
            offset=420,
            period=5,
            explanation="'TODO ' repeats, 77.4 times in a row",
            excerpt="TODO TODO TODO",
            tool_calls=calls,
            outcome=Outcome.ERROR,
            label="right",
            labelled_by="admin",
        ),
    ]


def _loop(attempt: int, copies: int, parameters: dict[str, Any], changed: str, **fields: Any) -> ValidationFailure:
    text = GOOD + LOOP * copies
    return _failure(
        attempt=attempt,
        onset=len(GOOD + LOOP),
        offset=len(text),
        period=len(LOOP),
        explanation=f"{LOOP!r} repeats, {copies}.2 times in a row",
        excerpt=LOOP * 2,
        text=text + LOOP[:14],
        released=len(GOOD),
        parameters=parameters,
        outcome=Outcome.CONTINUED,
        next_step=f"continued: {changed}",
        **fields,
    )


def _failure(minutes: float, **fields: Any) -> ValidationFailure:
    asked = {"model": "glm-4.6", "stream": True, "messages": [{"role": "user", "content": "Why only on Mondays?"}]}
    values: dict[str, Any] = {
        "at": timezone.now() - timedelta(minutes=minutes),
        "model": "GLM-4.6",
        "model_sent": "glm-4.6",
        "upstream": "zai",
        "client_dialect": "chat",
        "policy": "glm-*",
        "detector": "repetition",
        "issue_type": "repetition",
        "confidence": 0.99,
        "request_body": json.dumps(asked),
        **fields,
    }
    return ValidationFailure(**{name: getattr(value, "value", value) for name, value in values.items()})
