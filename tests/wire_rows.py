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
    "2.6": (
        "text and calls", "results and the rest", "result of nothing", "result text", "result of several texts",
        "images in results", "errors in results", "references in results", "tool messages and the user", "chat's calls",
        "no arguments", "arguments that are no object", "legacy calls", "items of calls", "items of outputs",
        "custom and shell calls", "items without a type", "hosted calls", "stray and missing results", "two results",
    ),
    "2.7": (
        "thinking to its maker", "foreign signatures", "thinking to chat", "redacted thinking", "reasoning required",
        "chat's reasoning to messages", "reasoning items to others", "reasoning items to OpenAI", "think tags",
    ),
    "2.8": (
        "none", "minimal", "low", "medium", "high", "xhigh", "max", "a budget", "adaptive", "disabled", "output_config",
    ),
    "2.9": ("json_schema", "json_object", "text"),
    "2.10": ("Claude up to 4.5", "Claude from 4.6 on", "OpenAI", "vLLM and SGLang", "llama.cpp"),
    # Whole answers
    "3.1": ("chat", "messages", "responses"),
    "3.2": (
        "text", "nothing", "reasoning", "unsigned reasoning", "call", "refusal", "citations", "server tools",
        "incomplete items",
    ),
    "3.3": (
        "stop", "matched stop", "length", "calls", "content filter", "stop_sequence", "pause_turn", "refusal",
        "context window", "compaction", "words of no standard", "failed",
    ),
    "3.4": ("prompt", "cache read", "cache write", "output", "reasoning", "total"),
    # Streams
    "4.1": ("role", "text, refusal, reasoning", "calls", "finish", "usage", "[DONE]"),
    "4.2": (
        "message_start", "ping", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop", "error",
    ),
    "4.4": (
        "no index", "odd indexes", "index 0 for all", "name and id repeated", "id once", "no id", "late names",
        "indexes with gaps", "whole calls", "no type", "stop after calls", "finish beside arguments",
        "usage after the finish", "usage everywhere", "role everywhere", "null content", "empty deltas",
        "empty content beside calls", "leaked calls",
    ),
    "4.5": (
        "message_start", "text begins", "text_delta", "thinking", "seals", "tool_use begins", "input_json_delta",
        "call without arguments", "server tools and citations", "ping", "message_delta", "message_stop", "error",
    ),
    "4.6": (
        "response begins", "response ends", "output_item", "content_part", "output_text.delta", "output_text.done",
        "annotation", "refusal", "function_call_arguments", "custom_tool_call_input", "reasoning_summary_part",
        "reasoning_summary_text", "reasoning_text", "searches", "code interpreter", "image generation", "mcp", "shell",
        "audio", "compaction", "steer", "error",
    ),
    "4.7": (
        "created", "message begins", "text and refusal", "reasoning", "call begins", "arguments",
        "arguments at the end", "custom input", "completed", "incomplete", "failed", "unknown",
    ),
    "4.8": ("messages", "chat and completions", "responses", "generate"),
    # Errors
    "5.1": ("messages", "OpenAI", "vLLM", "SGLang", "llama.cpp", "Ollama", "LM Studio", "FastAPI", "gateways"),
    "5.2": (
        "400", "401", "402", "403", "404", "405", "408", "409", "413", "422", "429", "499", "500", "502 and 503", "504",
        "529",
    ),
    "5.3": ("retries", "when they retry", "how long they wait", "errors", "broken streams", "refusals", "no JSON"),
    # Clients
    "6.1": (
        "calls", "keys", "headers", "body", "background work", "web search", "streams", "watchdogs", "retries",
        "thinking", "tools elsewhere", "errors",
    ),
    "6.2": ("request", "odd items", "probes", "events", "completion", "errors"),
    "6.3": ("Zed", "Cline", "Kilo", "Continue", "OpenAI's SDK", "Anthropic's tool runner", "curl"),
    # Names of sampling parameters, by kind of server
    "7.1": (
        "max tokens", "min tokens", "temperature", "top_p", "top_k", "min_p", "typical_p", "top-n-sigma", "repetition",
        "presence, frequency", "length penalty, beam search", "seed", "stop", "stop ids", "kept stop text",
        "ignore EOS", "special tokens", "logit bias", "banned and allowed", "n", "logprobs", "DRY", "XTC", "dynatemp",
        "mirostat", "sampler order", "grammar", "template arguments", "effort", "reasoning output", "other",
    ),
}  # fmt: skip
