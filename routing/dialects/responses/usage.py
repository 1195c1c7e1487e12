"""Token counts as Responses have them: `input_tokens` includes what came from the cache."""

from typing import Any

from routing.dialects.events import Usage, count, member
from routing.dialects.tally import Tally


def parse(usage: Any) -> Usage | None:
    """None for null, for an empty object and for one without a single number."""
    if not isinstance(usage, dict):
        return None
    details = member(usage, "input_tokens_details")
    parsed = Usage(
        prompt=count(usage.get("input_tokens")),
        output=count(usage.get("output_tokens")),
        cache_read=count(details.get("cached_tokens")),
        cache_write=count(details.get("cache_write_tokens")),
        reasoning=count(member(usage, "output_tokens_details").get("reasoning_tokens")),
    )
    return parsed if parsed != Usage() else None


def render(tally: Tally) -> dict[str, Any]:
    """Every number, also those that nobody reported: the SDK and Codex expect them all."""
    prompt, output, usage = tally.prompt(), tally.output(), tally.usage
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": usage.cache_read or 0, "cache_write_tokens": usage.cache_write or 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": prompt + output,
    }
