"""What an upstream accepts, in one table: by its kind, by the name of its model, by the version of its API.

Everything that differs between servers of one dialect is a field of `Capabilities`; renderers ask the fields and never
the kind.  Facts: the servers' own documentation.  Claude's rules hang on the model's family and version, so those are
worked out of its name; a name that is not Claude's gets the rules of an ordinary local server.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from routing.dialects import Dialect
from routing.kinds import Kind
from routing.snapshot import Upstream


class ThinkingForm(StrEnum):
    """How a request says how much to think."""

    EFFORT = "effort"  # reasoning_effort (chat), reasoning.effort (responses)
    TEMPLATE = "template"  # reasoning_effort, and a switch in chat_template_kwargs
    SWITCH = "switch"  # thinking: {"type": "enabled" or "disabled"} beside OpenAI's fields
    ADAPTIVE = "adaptive"  # Claude from 4.6 on: thinking adaptive, with output_config.effort
    BUDGET = "budget"  # Claude up to 4.5 and those who speak like it: enabled, with a number of tokens


class Prefill(StrEnum):
    """What becomes of a conversation that ends with an assistant turn."""

    CONTINUED = "continued"
    FLAGGED = "flagged"  # continued, when continue_final_message says so
    FINISHED = "finished"  # taken for a turn that is over
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    kind: Kind = Kind.OTHER
    model: str = ""
    anthropic_version: str = "2023-06-01"
    # Sampling and other generation parameters
    accepts: frozenset[str] | None = None  # None: everything; a server that ignores what it does not know
    ignores: frozenset[str] = frozenset()  # of what it accepts, what people may believe to have an effect
    aliases: Mapping[str, str] = None  # type: ignore[assignment]  # spelling of a parameter → the upstream's own
    openai_fields: frozenset[str] = frozenset()  # of the fields that only OpenAI's dialects share
    max_tokens_field: str = "max_tokens"
    default_max_tokens: int | None = None  # where the field is required
    max_stops: int | None = None
    max_temperature: float | None = None
    both_temperature_and_top_p: bool = True
    top_k_off: int | None = None  # the number that means "off"
    # Roles and content
    developer_role: bool = False
    late_system: bool = True  # a system message may stand in the middle
    flat_text: bool = True  # content of text alone is sent as one string
    image_urls: bool = True
    image_types: frozenset[str] | None = None
    documents: bool = False
    audio: bool = True
    tool_result_images: bool = False
    strip_billing_header: bool = True
    prefill: Prefill = Prefill.FINISHED
    # Tools
    strict_tools: bool = False
    custom_tools: bool = False
    server_tools: frozenset[str] = frozenset()
    compaction: bool = False  # it can replace a long conversation by a summary
    id_length: int | None = None
    plain_ids: bool = False  # only letters, digits, _ and -
    # Thinking
    thinking: ThinkingForm = ThinkingForm.EFFORT
    thinking_switch: str = ""  # the name of the switch in chat_template_kwargs
    can_disable_thinking: bool = True
    efforts: Mapping[str, str] = None  # type: ignore[assignment]  # effort → the word for it; a missing one is the same
    keeps_signatures: bool = False
    reasoning_field: str = ""  # where the history's reasoning goes; blank: nowhere
    reasoning_required: bool = False  # on assistant turns with calls
    json_object: bool = True
    user_field: str = ""

    def __post_init__(self) -> None:
        for name in ("aliases", "efforts"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, {})


OPENAI_SAMPLING = frozenset(
    {"temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "logit_bias", "logprobs", "top_logprobs"}
)
_RESPONSES_SAMPLING = frozenset({"temperature", "top_p", "top_logprobs"})
_OPENAI_FIELDS = frozenset(
    {
        "metadata",
        "moderation",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "verbosity",
        "modalities",
        "web_search_options",
    }
)
_RESPONSES_FIELDS = _OPENAI_FIELDS - {"prediction", "modalities", "web_search_options"} | {"include", "truncation"}
_CLAUDE_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})

_SHORT_NAMES = {"min_new_tokens": "min_tokens", "sampling_seed": "seed"}
_LLAMACPP_NAMES = {**_SHORT_NAMES, "repetition_penalty": "repeat_penalty"}
_PENALTY_NAMES = {**_SHORT_NAMES, "repeat_penalty": "repetition_penalty"}
_VLLM_NAMES = {**_PENALTY_NAMES, "no_stop_trim": "include_stop_str_in_output"}
_SGLANG_NAMES = {**_PENALTY_NAMES, "include_stop_str_in_output": "no_stop_trim"}
# Ollama's own names, and those of its neighbours: without effect outside of its native API.
IGNORED_BY_OLLAMA = frozenset(
    {
        "options",
        "num_ctx",
        "num_predict",
        "top_k",
        "min_p",
        "typical_p",
        "top_n_sigma",
        "min_tokens",
        "repeat_penalty",
        "repetition_penalty",
        "repeat_last_n",
        "logit_bias",
        "stop_token_ids",
        "ignore_eos",
        "dry_multiplier",
        "dry_base",
        "dry_allowed_length",
        "dry_penalty_last_n",
        "dry_sequence_breakers",
        "xtc_probability",
        "xtc_threshold",
        "dynatemp_range",
        "dynatemp_exponent",
        "mirostat",
        "mirostat_tau",
        "mirostat_eta",
        "samplers",
        "grammar",
        "chat_template_kwargs",
    }
)
_GENERATE_NAMES = {
    "repeat_penalty": "repetition_penalty",
    "min_tokens": "min_new_tokens",
    "seed": "sampling_seed",
    "max_tokens": "max_new_tokens",
    "include_stop_str_in_output": "no_stop_trim",
}
# Everything that `sampling_params` may hold: it refuses other names.
GENERATE_SAMPLING = frozenset(
    {
        "max_new_tokens",
        "min_new_tokens",
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "repetition_penalty",
        "presence_penalty",
        "frequency_penalty",
        "sampling_seed",
        "logit_bias",
        "stop_regex",
        "stop_token_ids",
        "no_stop_trim",
        "ignore_eos",
        "skip_special_tokens",
        "spaces_between_special_tokens",
        "json_schema",
        "regex",
        "ebnf",
        "structural_tag",
        "custom_params",
        "stream_interval",
    }
)
_LOW_MEDIUM_HIGH = {"minimal": "low", "xhigh": "high", "max": "high"}
_WITH_MAX = {"minimal": "low", "xhigh": "max"}

_LOCAL = Capabilities(
    thinking=ThinkingForm.EFFORT, efforts=_LOW_MEDIUM_HIGH, reasoning_field="reasoning_content", user_field="user"
)

_CHAT: Mapping[Kind, Capabilities] = {
    Kind.OPENAI: Capabilities(
        accepts=OPENAI_SAMPLING,
        openai_fields=_OPENAI_FIELDS,
        max_stops=4,
        max_tokens_field="max_completion_tokens",
        developer_role=True,
        flat_text=False,
        documents=True,
        strict_tools=True,
        custom_tools=True,
        id_length=40,
        user_field="safety_identifier",
    ),
    Kind.LLAMACPP: replace(
        _LOCAL, aliases=_LLAMACPP_NAMES, thinking=ThinkingForm.TEMPLATE, prefill=Prefill.CONTINUED, top_k_off=0
    ),
    Kind.VLLM: replace(
        _LOCAL,
        aliases=_VLLM_NAMES,
        thinking=ThinkingForm.TEMPLATE,
        prefill=Prefill.FLAGGED,
        reasoning_field="reasoning",
    ),
    Kind.SGLANG: replace(
        _LOCAL,
        aliases=_SGLANG_NAMES,
        thinking=ThinkingForm.TEMPLATE,
        prefill=Prefill.FLAGGED,
        efforts=_WITH_MAX,
        top_k_off=-1,
    ),
    Kind.LMSTUDIO: replace(_LOCAL, aliases=_LLAMACPP_NAMES),
    Kind.OLLAMA: replace(
        _LOCAL, ignores=IGNORED_BY_OLLAMA, image_urls=False, reasoning_field="reasoning", efforts=_WITH_MAX
    ),
    Kind.VENICE: replace(_LOCAL, aliases=_PENALTY_NAMES),
    Kind.ZAI: replace(_LOCAL, thinking=ThinkingForm.SWITCH, reasoning_field="reasoning_content"),
    Kind.OTHER: _LOCAL,
}

_RESPONSES: Mapping[Kind, Capabilities] = {
    Kind.OPENAI: replace(
        _CHAT[Kind.OPENAI],
        accepts=_RESPONSES_SAMPLING,
        openai_fields=_RESPONSES_FIELDS,
        max_stops=0,
        max_tokens_field="max_output_tokens",
        id_length=64,
        tool_result_images=True,
        server_tools=frozenset({"web_search"}),
        compaction=True,
    ),
    Kind.OTHER: replace(
        _LOCAL, max_tokens_field="max_output_tokens", documents=True, tool_result_images=True, max_stops=0
    ),
}

_CLAUDE_SAMPLING = frozenset({"temperature", "top_p", "top_k"})

_MESSAGES: Mapping[Kind, Capabilities] = {
    Kind.ANTHROPIC: Capabilities(
        accepts=_CLAUDE_SAMPLING,
        openai_fields=frozenset({"service_tier"}),
        default_max_tokens=32000,
        max_temperature=1,
        flat_text=False,
        image_types=_CLAUDE_IMAGES,
        documents=True,
        audio=False,
        tool_result_images=True,
        strip_billing_header=False,
        prefill=Prefill.REFUSED,
        strict_tools=True,
        server_tools=frozenset({"web_search"}),
        compaction=True,
        plain_ids=True,
        thinking=ThinkingForm.ADAPTIVE,
        efforts={"minimal": "low"},
        keeps_signatures=True,
        json_object=False,
        user_field="metadata",
    ),
    Kind.OTHER: replace(
        _LOCAL,
        default_max_tokens=32000,
        audio=False,
        tool_result_images=True,
        documents=True,
        prefill=Prefill.CONTINUED,
        plain_ids=True,
        thinking=ThinkingForm.BUDGET,
        json_object=False,
        user_field="metadata",
    ),
}

_GENERATE = replace(
    _LOCAL, accepts=GENERATE_SAMPLING, aliases=_GENERATE_NAMES, max_tokens_field="max_new_tokens", top_k_off=-1
)

_TABLES: Mapping[Dialect, Mapping[Kind, Capabilities]] = {
    Dialect.CHAT: _CHAT,
    Dialect.COMPLETIONS: _CHAT,
    Dialect.RESPONSES: _RESPONSES,
    Dialect.MESSAGES: _MESSAGES,
    Dialect.GENERATE: {Kind.OTHER: _GENERATE},
}

# Templates that take a switch for thinking, by a piece of the model's name.
_SWITCHES = (("qwen", "enable_thinking"), ("glm", "enable_thinking"), ("deepseek", "thinking"), ("kimi", "thinking"))
# Models that want their reasoning back on turns with tool calls.
_NEEDS_REASONING = re.compile(r"deepseek-?(v3\.[2-9]|v[4-9]|reasoner)|kimi-?k2.?(thinking|\.[5-9])", re.IGNORECASE)
_REFUSES_REASONING = re.compile(r"deepseek-?r1", re.IGNORECASE)
_OPENAI_REASONING = re.compile(r"^(o\d|gpt-(?!5-chat)[5-9])", re.IGNORECASE)
_OPENAI_SEARCH = re.compile(r"-search-(preview|api)", re.IGNORECASE)
_MISTRAL = re.compile(r"mistral|ministral|magistral|devstral|codestral", re.IGNORECASE)


@lru_cache(maxsize=1024)
def capabilities(kind: Kind, model: str, dialect: Dialect, anthropic_version: str = "") -> Capabilities:
    table = _TABLES[dialect]
    found = replace(table.get(kind, table[Kind.OTHER]), kind=kind, model=model)
    if anthropic_version:
        found = replace(found, anthropic_version=anthropic_version)
    if dialect is Dialect.MESSAGES:
        return _of_claude(found) if kind is Kind.ANTHROPIC else found
    if kind is Kind.OPENAI:
        if dialect is Dialect.CHAT and _OPENAI_SEARCH.search(model):
            found = replace(found, server_tools=frozenset({"web_search"}))
        return _of_openai(found)
    return _of_local(found)


def of_upstream(upstream: Upstream, model: str, dialect: Dialect, anthropic_version: str = "") -> Capabilities:
    """With what the upstream's own settings say; `anthropic_version` is the client's, and counts when none is set."""
    found = capabilities(upstream.kind, model, dialect, upstream.anthropic_version or anthropic_version)
    if upstream.reasoning_field not in ("", "auto") and dialect is Dialect.CHAT:
        found = replace(found, reasoning_field=upstream.reasoning_field)
    if upstream.strip_billing_header != found.strip_billing_header and upstream.kind is not Kind.ANTHROPIC:
        found = replace(found, strip_billing_header=upstream.strip_billing_header)
    return found


def accepts(name: str, of: Capabilities) -> bool:
    return (of.accepts is None or name in of.accepts) and name not in of.ignores


def _of_local(found: Capabilities) -> Capabilities:
    name = found.model.lower()
    if _MISTRAL.search(name):
        found = replace(found, id_length=9, plain_ids=True)
    if _REFUSES_REASONING.search(name):
        return replace(found, reasoning_field="")
    if _NEEDS_REASONING.search(name):
        found = replace(found, reasoning_required=True)
    switch = next((switch for piece, switch in _SWITCHES if piece in name), "")
    return replace(found, thinking_switch=switch)


def _of_openai(found: Capabilities) -> Capabilities:
    if not _OPENAI_REASONING.match(found.model):
        return found
    return replace(found, accepts=frozenset({"seed"}) & (found.accepts or frozenset()), max_stops=0)


@dataclass(frozen=True, slots=True)
class Claude:
    family: str
    version: tuple[int, int]


_CLAUDE = re.compile(r"claude-(opus|sonnet|haiku|fable|mythos)-(\d{1,2})(?:[-.](\d{1,2})(?!\d))?", re.IGNORECASE)
_OLD_CLAUDE = re.compile(r"claude-(\d)(?:[-.](\d)(?!\d))?-(opus|sonnet|haiku)", re.IGNORECASE)


def claude(model: str) -> Claude | None:
    """Family and version out of a name: claude-opus-4-5-20251101, claude-3-7-sonnet-latest."""
    if found := _CLAUDE.search(model):
        return Claude(found[1].lower(), (int(found[2]), int(found[3] or 0)))
    if found := _OLD_CLAUDE.search(model):
        return Claude(found[3].lower(), (int(found[1]), int(found[2] or 0)))
    return None


def _of_claude(found: Capabilities) -> Capabilities:
    """A name that says nothing gets the rules of the newest models, which are the strictest."""
    known = claude(found.model) or Claude("opus", (5, 0))
    version = known.version
    if version >= (5, 0) or (known.family == "opus" and version >= (4, 7)) or found.anthropic_version >= "2026-10-21":
        found = replace(found, accepts=frozenset())
    if version >= (4, 1):
        found = replace(found, both_temperature_and_top_p=False)
    if version < (4, 6):
        found = replace(found, thinking=ThinkingForm.BUDGET, prefill=Prefill.CONTINUED)
    if version < (4, 0):
        found = replace(found, default_max_tokens=8192 if version >= (3, 5) else 4096)
    return replace(found, can_disable_thinking=known.family not in ("fable", "mythos"))
