"""Token counts in the spellings of OpenAI-like servers."""

from collections.abc import Mapping
from typing import Any

from routing.dialects.events import Usage, count, member


def parse(usage: Any) -> Usage | None:
    """None for null, for an empty object and for one without a single number."""
    if not isinstance(usage, dict):
        return None
    prompt = member(usage, "prompt_tokens_details")
    read = _first(
        prompt.get("cached_tokens"),
        usage.get("cached_tokens"),  # Kimi
        usage.get("prompt_cache_hit_tokens"),  # DeepSeek
    )
    parsed = Usage(
        prompt=_first(usage.get("prompt_tokens"), _deepseek_prompt(usage)),
        output=count(usage.get("completion_tokens")),
        cache_read=read,
        cache_write=_first(prompt.get("cache_write_tokens"), prompt.get("cache_creation_tokens")),
        reasoning=count(member(usage, "completion_tokens_details").get("reasoning_tokens")),
    )
    return parsed if parsed != Usage() else None


def of_timings(timings: Any) -> Usage | None:
    """llama.cpp: `prompt_n` is what it had to work through, `cache_n` what it had already."""
    if not isinstance(timings, dict):
        return None
    cached, fresh = count(timings.get("cache_n")), count(timings.get("prompt_n"))
    if fresh is None and count(timings.get("predicted_n")) is None:
        return None
    prompt = None if fresh is None else fresh + (cached or 0)
    return Usage(prompt=prompt, output=count(timings.get("predicted_n")), cache_read=cached)


def render(usage: Usage, *, prompt: int, output: int) -> dict[str, Any]:
    """`prompt` and `output` stand in for what nobody reported."""
    prompt = prompt if usage.prompt is None else usage.prompt
    output = output if usage.output is None else usage.output
    rendered: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read or 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
    }
    if usage.cache_write is not None:
        rendered["prompt_tokens_details"]["cache_write_tokens"] = usage.cache_write
    return rendered


def _first(*values: Any) -> int | None:
    return next((number for value in values if (number := count(value)) is not None), None)


def _deepseek_prompt(usage: Mapping[str, Any]) -> int | None:
    hit, miss = count(usage.get("prompt_cache_hit_tokens")), count(usage.get("prompt_cache_miss_tokens"))
    return None if miss is None else miss + (hit or 0)
