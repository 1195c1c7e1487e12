"""What is known of each kind of upstream: how to recognise it, and the quirks of its request bodies.

`auto` becomes a kind here: first by the host of the base URL, then by what the server says of itself in its list of
models (`owned_by`).  What stays unknown gets no quirks.  Facts: the servers' own documentation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit


class Kind(StrEnum):
    AUTO = "auto"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    LLAMACPP = "llamacpp"
    VLLM = "vllm"
    SGLANG = "sglang"
    LMSTUDIO = "lmstudio"
    OLLAMA = "ollama"
    VENICE = "venice"
    ZAI = "zai"
    OTHER = "other"


@dataclass(frozen=True)
class Quirks:
    """What must happen to a request body before this kind of server takes it."""

    drop: frozenset[str] = frozenset()  # fields it refuses
    only_boolean: frozenset[str] = frozenset()  # fields it refuses unless they are true or false
    embeddings_as_float: bool = False  # encoding_format "base64" is not understood


NO_QUIRKS = Quirks()

QUIRKS: Mapping[Kind, Quirks] = {
    Kind.VENICE: Quirks(
        drop=frozenset({"prompt_cache_key", "logprobs", "top_logprobs"}),
        only_boolean=frozenset({"parallel_tool_calls"}),
        embeddings_as_float=True,
    ),
}

_BY_HOST: tuple[tuple[str, Kind], ...] = (
    ("api.openai.com", Kind.OPENAI),
    ("api.anthropic.com", Kind.ANTHROPIC),
    ("venice.ai", Kind.VENICE),
    ("z.ai", Kind.ZAI),
    ("bigmodel.cn", Kind.ZAI),
)

_BY_OWNER: Mapping[str, Kind] = {
    "llamacpp": Kind.LLAMACPP,
    "vllm": Kind.VLLM,
    "sglang": Kind.SGLANG,
    "organization_owner": Kind.LMSTUDIO,
    "library": Kind.OLLAMA,
}


def quirks(kind: Kind) -> Quirks:
    return QUIRKS.get(kind, NO_QUIRKS)


def by_url(base_url: str) -> Kind:
    """The kind that the host of a base URL gives away, else AUTO."""
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return Kind.AUTO
    for known, kind in _BY_HOST:
        if host == known or host.endswith("." + known):
            return kind
    return Kind.AUTO


def by_models(entries: Iterable[Any]) -> Kind:
    """The kind that the entries of a list of models give away, else AUTO."""
    for entry in entries:
        owner = entry.get("owned_by") if isinstance(entry, Mapping) else None
        if isinstance(owner, str) and owner in _BY_OWNER:
            return _BY_OWNER[owner]
    return Kind.AUTO
