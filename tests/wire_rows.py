"""The rows of the wire reference's tables, counted from the top of each: what `test_wire_reference` wants a test for.

The words only tell the rows apart; what must hold of a row stands in its test.
"""

from collections.abc import Mapping

ROWS: Mapping[str, tuple[str, ...]] = {
    # Requests
    "2.1": (
        "model", "messages, input", "max tokens", "temperature", "top_p", "top_k", "stop", "stream", "include_usage",
        "n", "tools", "tool_choice", "parallel calls", "response format", "effort", "verbosity", "user", "metadata",
        "seed, logit_bias, penalties", "logprobs", "service tier", "store, prompt_cache_key", "modalities",
        "web_search_options", "cache_control", "what only one maker has", "kept conversations", "store", "include",
    ),
    "2.2": (
        "system text", "system blocks", "billing header", "leading system messages", "late system messages of chat",
        "late system turns of messages", "developer", "instructions", "unknown roles", "empty system",
    ),
    "2.3": (
        "text", "image data", "image address", "image id", "odd image addresses", "PDF", "text document",
        "document of parts", "document address", "document id", "file ids", "audio", "search result", "unknown block",
        "refusal",
    ),
    "2.4": (
        "function", "legacy function", "free-form tool", "type", "input_schema", "strict", "Anthropic's extras",
        "names", "duplicates", "typed client tools", "Anthropic's server tools", "OpenAI's built-in tools",
        "wrapped custom tools", "additional_tools",
    ),
    "2.5": ("auto", "any", "one tool", "none", "some tools", "a custom tool", "a hosted tool"),
}  # fmt: skip
