"""Realistic rows for the screenshots: upstreams, bindings, limits, pauses, presets, rules and a day of requests."""

import json
import random
from datetime import datetime, timedelta

from django.utils import timezone

from docs import sample_failures
from routing.models import (
    BindingTarget,
    ConfigSection,
    ModelBinding,
    ParallelLimit,
    RequestRecord,
    ThrottleRule,
    Upstream,
)
from sampling.models import SamplingPreset, SamplingRule

ASKED = {
    "model": "GLM-4.6",
    "stream": True,
    "temperature": 1,
    "messages": [
        {"role": "system", "content": "You are a careful programmer."},
        {"role": "user", "content": "Why does this test only fail on Mondays?"},
    ],
}


def fill() -> None:
    """Fills an empty database."""
    upstreams = _upstreams()
    _bindings(upstreams)
    _limits(upstreams)
    _presets()
    ConfigSection.objects.create(name="cache", content={"enabled": False, "max_entries": 500})
    sample_failures.fill()
    _records()


def _upstreams() -> dict[str, Upstream]:
    rows = [
        Upstream(name="demo", base_url="demo:", kind="other", supports_anthropic=True, credential_mode="none"),
        Upstream(name="workstation", base_url="http://127.0.0.1:8080", kind="llamacpp", supports_anthropic=True),
        Upstream(
            name="rack",
            base_url="http://10.0.0.7:30000/v1",
            kind="sglang",
            supports_generate=True,
            credential_mode="none",
        ),
        Upstream(
            name="zai",
            base_url="https://api.z.ai/api/coding/paas/v4",
            supports_anthropic=False,
            credential_mode="own",
            api_key="not-a-real-key",
        ),
        Upstream(
            name="venice",
            base_url="https://api.venice.ai/api/v1",
            credential_mode="own",
            api_key="not-a-real-key",
            enabled=False,
        ),
    ]
    for row in rows:
        row.save()
    return {row.name: row for row in rows}


def _bindings(upstreams: dict[str, Upstream]) -> None:
    for position, (pattern, targets) in enumerate(
        {
            "demo": [("demo", "", 0)],
            "glm-4.5-air": [("rack", "", 0)],
            "glm-*": [("zai", "glm-4.6", 0), ("rack", "", 1)],
            "qwen3-*": [("workstation", "", 0)],
            "claude-*": [("zai", "glm-4.6", 0), ("venice", "", 1)],
            "*": [("workstation", "", 0)],
        }.items()
    ):
        binding = ModelBinding.objects.create(pattern=pattern, position=10 * (position + 1))
        for name, model, priority in targets:
            BindingTarget.objects.create(
                binding=binding, upstream=upstreams[name], upstream_model=model, priority=priority
            )


def _limits(upstreams: dict[str, Upstream]) -> None:
    ParallelLimit.objects.create(model_pattern="qwen3-*", limit=2, queue_size=20, position=10)
    ParallelLimit.objects.create(scope="upstream", upstream=upstreams["zai"], limit=3, queue_size=50, position=20)
    ParallelLimit.objects.create(scope="global", limit=16)
    ThrottleRule.objects.create(end_pause_seconds=0.5)
    ThrottleRule.objects.create(model_pattern="mistral-*", start_pause_seconds=30, end_pause_seconds=0, position=10)


def _presets() -> None:
    presets = {
        "coding": {"temperature": 0.6, "top_p": 0.95, "top_k": 40},
        "glm thinking": {"temperature": 1.0, "top_p": 0.95, "chat_template_kwargs": {"enable_thinking": True}},
        "no loops": {"repetition_penalty": 1.05, "dry_multiplier": 0.8, "dry_allowed_length": 4},
        "precise": {"temperature": 0.2, "top_p": 0.9, "min_p": 0.05, "seed": 7},
        "qwen thinking": {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": 0, "presence_penalty": 1.0},
        "safe length": {"max_tokens": 32768},
    }
    rows = {name: SamplingPreset.objects.create(name=name, parameters=values) for name, values in presets.items()}
    for preset, layer, pattern, position in [
        ("coding", "default", "*", 100),
        ("safe length", "default", "*", 110),
        ("glm thinking", "model", "glm-*", 10),
        ("qwen thinking", "model", "qwen3-*", 20),
        ("precise", "enforced", "demo", 10),
        ("no loops", "enforced", "qwen3-*", 20),
    ]:
        SamplingRule.objects.create(preset=rows[preset], layer=layer, model_pattern=pattern, position=position)


def _records() -> None:
    chance = random.Random(7)
    now = timezone.now()
    kinds = [("GLM-4.6", "glm-4.6", "zai"), ("qwen3-coder-30b", "", "workstation"), ("glm-4.5-air", "", "rack")]
    ages = sorted((1 + chance.random() ** 1.4 * 1430 for _ in range(420)), reverse=True)
    RequestRecord.objects.bulk_create(
        _record(chance, now - timedelta(minutes=age), kinds[chance.randrange(3)], number)
        for number, age in enumerate(ages)
    )
    RequestRecord.objects.bulk_create([_kept(now)])


def _record(chance: random.Random, received: datetime, kind: tuple[str, str, str], number: int) -> RequestRecord:
    asked, sent, upstream = kind
    took = 0.4 + chance.random() ** 3 * 40
    status, outcome, error = 200, "ok", ""
    luck = chance.random()
    if luck < 0.03:
        status, outcome = 429, "upstream_status"
        error = f"The upstream “{upstream}” said: rate limit reached, try again in 20 s."
    elif luck < 0.045:
        status, outcome = 502, "upstream_error"
        error = f"The upstream “{upstream}” cannot be reached: Connection refused. Is it running?"
    elif luck < 0.07:
        outcome = "client_gone"
    dialect = "messages" if upstream == "workstation" and chance.random() < 0.5 else "chat"
    return RequestRecord(
        request_id=f"req_{number:04d}{chance.randrange(16**8):08x}",
        received_at=received,
        admitted_at=received,
        first_byte_at=received + timedelta(seconds=took * 0.2),
        done_at=received + timedelta(seconds=took),
        method="POST",
        path="/v1/messages" if dialect == "messages" else "/v1/chat/completions",
        client="claude-cli/2.0" if dialect == "messages" else "OpenAI/Python 2.8.0",
        client_dialect=dialect,
        upstream_dialect=dialect,
        streamed=chance.random() < 0.8,
        model_asked=asked,
        model_sent=sent or asked,
        upstream=upstream,
        attempts=1,
        status=status,
        outcome=outcome,
        error=error,
        prompt_tokens=chance.randrange(200, 42000) if outcome == "ok" else None,
        completion_tokens=chance.randrange(20, 2400) if outcome == "ok" else None,
    )


def _kept(now: datetime) -> RequestRecord:
    """One request with everything a record can hold; the newest."""
    received = now - timedelta(seconds=9)
    return RequestRecord(
        request_id="req_5f0c2a91b7de4413",
        received_at=received,
        admitted_at=received + timedelta(milliseconds=2),
        first_byte_at=received + timedelta(milliseconds=1240),
        done_at=received + timedelta(milliseconds=8310),
        method="POST",
        path="/v1/chat/completions",
        client="OpenAI/Python 2.8.0",
        client_dialect="chat",
        upstream_dialect="chat",
        streamed=True,
        model_asked="GLM-4.6",
        model_sent="glm-4.6",
        upstream="zai",
        upstream_request_id="20251119184207f3c1",
        attempts=1,
        status=200,
        outcome="ok",
        finish_reason="stop",
        prompt_tokens=1834,
        completion_tokens=412,
        cached_tokens=1664,
        changes=[
            {"name": "model", "from": "GLM-4.6", "to": "glm-4.6", "origin": "target at zai"},
            {"name": "top_p", "to": 0.95, "origin": "model: glm thinking"},
            {"name": "chat_template_kwargs", "to": {"enable_thinking": True}, "origin": "model: glm thinking"},
            {"name": "top_k", "to": 40, "origin": "default: coding"},
            {"name": "max_tokens", "to": 32768, "origin": "default: safe length"},
        ],
        warnings=[],
        request_body=json.dumps(ASKED),
        sent_body=json.dumps({**ASKED, "model": "glm-4.6", "top_p": 0.95, "max_tokens": 32768}),
        answer_body='data: {"choices":[{"index":0,"delta":{"content":"Mondays"}}]}\n\ndata: [DONE]\n',
    )
