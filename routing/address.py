"""From a path that a client called to the URL at an upstream.  `/v1` is optional on both sides."""

import re
from functools import lru_cache
from urllib.parse import quote

DEMO = "demo:"

_VERSION = re.compile(r"/v\d+[a-z0-9]*(?=/|$)")
_TRAILING_VERSION = re.compile(r"(/v\d+[a-z0-9]*)+$")
_DOUBLED_VERSION = re.compile(r"(/v\d+[a-z0-9]*)\1+$")
_CLIENT_PREFIX = re.compile(r"((api/+)?v1(/+|$))*")
_STARTS_WITH_VERSION = re.compile(r"v\d+[a-z0-9]*(/|$)")

# Endpoints of the servers themselves, which lie beside /v1 and not below it.
_AT_ROOT = re.compile(
    r"(generate|api|props|slots|tokenize|detokenize|apply-template|completion|infill|embedding|encode|pooling|metrics"
    r"|health|ping|load|version|get_model_info|model_info|get_server_info|server_info|flush_cache|abort_request"
    r"|lora-adapters|sdapi)(/|$)"
)

_UNQUOTED = "/:@!$&'()*+,;=~"

_ALWAYS_AT_ROOT = re.compile(r"generate$|api/")


def normal_base_url(url: str) -> str:
    """Without surrounding space, trailing slashes and a doubled version."""
    return _DOUBLED_VERSION.sub(r"\1", url.strip().rstrip("/"))


def canonical_path(path: str, base_path: str = "") -> str:
    """The part of a client's path that names the endpoint: no base path, no `/v1` however often, no edge slashes.

    `base_path` begins with a slash and ends without one, or is blank.

    `/v1/v1/chat/completions`, `/chat/completions`, `/api/chat/completions` and `/api/v1/chat/completions` all become
    `chat/completions`.  Ollama's own paths keep their `api/`: `/api/v1/api/tags` becomes `api/tags`.  LM Studio's own
    lie below `/api/v1`, where they stay: `/api/v1/chat` is `api/v1/chat`.
    """
    if base_path and (path == base_path or path.startswith(base_path + "/")):
        path = path[len(base_path) :]
    path = path.strip("/")
    prefix = _CLIENT_PREFIX.match(path)
    assert prefix is not None, "it matches nothing too"
    path = path[prefix.end() :]
    if "api/" in prefix[0] and not _BELOW_V1.match(path):
        return f"api/v1/{path}"
    return path.removeprefix("api/") if path in _ALIASES else path


# What is meant by `/api/v1/…` wherever `/v1/…` has it: the paths of OpenAI's API and Anthropic's.
_BELOW_V1 = re.compile(
    r"$|(api|chat/completions|completions|embeddings|messages|responses|moderations|rerank|audio|images|files|batches"
    r"|generate|models(?!/(load|unload|download)(/|$)))(/|$)"
)
_ALIASES = frozenset({"api/chat/completions", "api/messages", "api/models"})


@lru_cache(maxsize=1024)  # the same few are asked for again and again
def upstream_url(base_url: str, path: str, *, versioned: bool = False, encoded: str = "") -> str:
    """The URL of a canonical path at an upstream.

    A base URL that has a version in it (`…/v1`, `…/paas/v4`, `…/v1beta/openai`) is taken as it is, any other gets
    `/v1`; the servers' own endpoints (`generate`, `api/tags`, `props`) are asked for beside the version.
    `versioned` says that the client wrote a version itself, so that an own endpoint such as `health` is meant below
    it.  The path is one that was percent-decoded and is encoded again; `encoded` is the same path in the client's own
    encoding, where that can make a difference (`%2F` is not `/`).
    """
    path = quote(encoded, safe=_UNQUOTED + "%") if encoded else quote(path, safe=_UNQUOTED)
    if _ALWAYS_AT_ROOT.match(path) or (_AT_ROOT.match(path) and not versioned):
        root = _TRAILING_VERSION.sub("", base_url)
        if path.startswith("api/"):
            root = root.removesuffix("/api")
        return f"{root}/{path}"
    if _STARTS_WITH_VERSION.match(path):  # vLLM's v2/rerank
        return f"{_TRAILING_VERSION.sub('', base_url)}/{path}"
    if _VERSION.search(base_url.partition("://")[2]):
        return f"{base_url}/{path}"
    return f"{base_url}/v1/{path}"
