"""Token counts of Responses."""

from typing import Any

from routing.dialects.events import Usage, count, member
from routing.dialects.tally import Tally


def parse(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    details = member(usage, "input_tokens_details")
    return Usage(
        prompt=count(usage.get("input_tokens")),
        output=count(usage.get("output_tokens")),
        cache_read=count(details.get("cached_tokens")),
        cache_write=count(details.get("cache_write_tokens")),
        reasoning=count(member(usage, "output_tokens_details").get("reasoning_tokens")),
    )


def render(tally: Tally) -> dict[str, Any]:
    """Always with both details: clients read them without asking."""
    prompt, output = tally.prompt(), tally.output()
    return {
        "input_tokens": prompt,
        "input_tokens_details": {
            "cached_tokens": tally.usage.cache_read or 0,
            "cache_write_tokens": tally.usage.cache_write or 0,
        },
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": tally.usage.reasoning or 0},
        "total_tokens": prompt + output,
    }
