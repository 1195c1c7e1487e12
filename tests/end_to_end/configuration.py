"""The configuration that most tests share: one proxy process, and many upstreams that are one scripted upstream.

An upstream called `venice` has the base URL `…/venice`, so the path of a request tells where it was sent, and the model
`via-venice` leads there.  A test that needs rules has a model name of its own, so no test disturbs another.
"""

from typing import Any

OWN_KEY = "sk-own-planted-5f1e9a7c3b"
CLIENT_KEY = "sk-client-planted-8d2b6e4f0a"
BASE_PATH = "/llm"

ALL_DIALECTS = {
    "supports_openai": True,
    "supports_anthropic": True,
    "supports_responses": True,
    "supports_generate": True,
}


def upstream(name: str, url: str, **fields: Any) -> dict[str, Any]:
    """One entry of `upstreams` in config.json.  It speaks everything, takes every parameter, and is never retried."""
    return {"name": name, "base_url": f"{url}/{name}", "kind": "vllm", "max_retries": 0, **ALL_DIALECTS, **fields}


def only(dialect: str) -> dict[str, bool]:
    """The switches of an upstream that speaks nothing else."""
    return {switch: switch == f"supports_{dialect}" for switch in ALL_DIALECTS}


# Upstreams for misbehaviour: how often they are tried, whether their silence is soon too long, which deadline is near.
# Each is there three times, by what it speaks: everything, or only that.
TRIED: dict[str, dict[str, Any]] = {"once": {"max_retries": 0}, "thrice": {"max_retries": 2, "base_retry_delay": 0.0}}
HASTY = 0.3  # seconds
LATE = {
    "late-connect": {"connect_timeout_seconds": 0.3},
    "late-first": {"first_token_timeout_seconds": 0.4},
    "late-total": {"total_timeout_seconds": 0.6},
}


def strained(url: str) -> list[dict[str, Any]]:
    hasty = {"timeout_seconds": HASTY}
    kinds = {f"{way}{tried}": TRIED[tried] | more for tried in TRIED for way, more in (("", {}), ("hasty-", hasty))}
    kinds |= LATE
    never_shakes_hands = {"base_url": f"https{url.removeprefix('http')}"}
    kinds["late-connect"] = kinds["late-connect"] | never_shakes_hands
    # Whoever does not understand when it should come again waits for a minute.
    kinds["hinting"] = {"max_retries": 1, "base_retry_delay": 60.0, "rate_limit_wait": 60.0}
    speaks = {"": ALL_DIALECTS, "-chat": only("openai"), "-messages": only("anthropic")}
    return [
        upstream(f"{kind}{suffix}", url, **fields, **switches)
        for kind, fields in kinds.items()
        for suffix, switches in speaks.items()
    ]


def config(url: str, refused_url: str, tls_url: str = "https://127.0.0.1:9") -> dict[str, Any]:
    """`url` is the scripted upstream's, `tls_url` another's behind TLS; nobody listens at `refused_url`."""
    own = {"credential_mode": "own", "api_key": OWN_KEY}
    upstreams = [
        upstream("main", url),
        upstream("versioned", f"{url}", base_url=f"{url}/versioned/v1"),
        upstream("refused", refused_url),
        upstream("impatient", url, timeout_seconds=0.3),
        upstream("patient", url, max_retries=2, base_retry_delay=0.0),
        *strained(url),
        upstream("tls", tls_url),
        *(upstream(f"away-{dialect}", refused_url) for dialect in ("chat", "messages")),
        *(upstream(f"untrusted-{dialect}", tls_url) for dialect in ("chat", "messages")),
        upstream("plain-at-tls", tls_url, base_url=f"http{tls_url.removeprefix('https')}"),
        upstream("tls-messages", tls_url, **only("anthropic")),
        upstream("tls-unverified", tls_url, verify_tls=False),
        upstream("tls-unverified-http2", tls_url, verify_tls=False, http2=True),
        upstream("http2", url, http2=True),
        upstream("http2-refused", refused_url, http2=True),
        upstream("http2-impatient", url, http2=True, timeout_seconds=0.3),
        upstream("only-chat", url, supports_anthropic=False, supports_responses=False, supports_generate=False),
        upstream("only-messages", url, supports_openai=False, supports_responses=False, supports_generate=False),
        upstream("only-responses", url, **only("responses")),
        upstream("only-generate", url, **only("generate"), kind="sglang"),
        upstream("only-llamacpp", url, **only("openai"), kind="llamacpp"),
        upstream("only-claude", url, **only("anthropic"), **own, kind="anthropic", key_style="x-api-key"),
        upstream("only-gpt", url, **only("openai"), **own, kind="openai"),
        upstream("picked", url, **only("openai")),
        upstream("unmended", url, tool_call_repair="off"),
        upstream("only-refused", refused_url, **only("openai")),
        upstream("only-impatient", url, **only("openai"), timeout_seconds=0.3),
        upstream(
            "only-mapped",
            url,
            **only("openai"),
            drop_params=["user"],
            rename_params={"max_tokens": "max_completion_tokens"},
            set_params={"cache_prompt": True},
        ),
        upstream("many-models", url),
        upstream("off", url, enabled=False),
        upstream("keyless", url, credential_mode="none"),
        upstream("own-bearer", url, **own, key_style="bearer"),
        upstream("own-x-api-key", url, **own, key_style="x-api-key"),
        upstream("own-header", url, **own, key_style="header", key_header="Api-Key"),
        upstream("headed", url, extra_headers={"X-Team": "lab", "User-Agent": "sampling-proxy-tests"}),
        upstream("venice", url, kind="venice"),
        upstream("anthropic", url, kind="anthropic", credential_mode="none"),
        upstream("versioned-messages", url, anthropic_version="2026-10-21"),
        upstream(
            "mapped",
            url,
            drop_params=["logprobs", "user"],
            rename_params={"max_completion_tokens": "max_tokens"},
            set_params={"cache_prompt": True, "n_keep": 0},
        ),
    ]
    bindings: dict[str, Any] = {f"via-{entry['name']}": entry["name"] for entry in upstreams}
    for name in ("away-chat", "away-messages", "untrusted-chat", "untrusted-messages"):
        bindings[f"not-{name}"] = [{"upstream": name, "priority": 0}, {"upstream": "main", "priority": 1}]
    bindings |= {
        "plain": "main",
        "somewhere": [{"upstream": "refused", "priority": 0}, {"upstream": "main", "priority": 1}],
        "ruled-for-chat": "only-chat",
        "judged-*": "only-chat",
        **{f"tried-{name}": name for name in ("only-chat", "only-messages", "only-responses")},
        **{f"{way}-{name}": name for way in ("tried", "held") for name in ("thrice-chat", "hasty-thrice-chat")},
        "held-hasty-once-messages": "hasty-once-messages",
        "held-claude": {"upstream": "only-claude", "model": "claude-sonnet-4-5"},
        **{
            f"held-{name}": name
            for name in ("only-chat", "only-messages", "only-responses", "only-llamacpp", "only-generate")
        },
        "ruled-for-claude": "only-claude",
        "renamed-to-chat": {"upstream": "only-chat", "model": "Their-Name"},
        "renamed-to-messages": {"upstream": "only-messages", "model": "Their-Name"},
        "renamed-to-responses": {"upstream": "only-responses", "model": "Their-Name"},
        "org/with-slash": "main",
        "renamed": {"upstream": "main", "model": "Their-Name"},
        "wild-*": [{"upstream": "many-models", "priority": 0}, {"upstream": "main", "priority": 1}],
        "picking-*": {"upstream": "picked", "model": "*"},
        "upper-*": [{"upstream": "main", "model": "Picked", "priority": 0, "weight": 1}],
        "*": "main",
    }
    limits = {"one-at-a-time": 1, "via-*once*": 500, "via-*thrice*": 500}
    return {"upstreams": upstreams, "model_upstream_binding": bindings, "parallel_limits": limits}


# layer, model pattern, applies to, parameters
RULES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("default", "four-layers", "all", {"temperature": 0.1, "top_p": 0.1, "top_k": 1, "min_p": 0.1}),
    ("model", "four-layers", "all", {"top_p": 0.2, "top_k": 2, "min_p": 0.2}),
    ("enforced", "four-layers", "all", {"min_p": 0.4}),
    ("model", "disabl*", "all", {"temperature": 0.5, "top_p": 0.5}),
    ("model", "disabled", "all", {"temperature": None}),
    ("model", "without-default", "all", {"top_k": 7}),
    ("model", "deep", "all", {"chat_template_kwargs": {"thinking": True, "style": {"tone": "dry", "length": 1}}}),
    (
        "enforced",
        "typed",
        "all",
        {"enable_thinking": False, "top_k": 20, "stop": ["END"], "chat_template_kwargs": {"x": 1}},
    ),
    ("model", "nested", "all", {"temperature": 0.3, "max_tokens": 7}),
    ("enforced", "scoped", "messages", {"temperature": 0.9}),
    ("default", "live", "all", {"temperature": 0.1}),
    ("model", "via-anthropic", "all", {"min_p": 0.1, "top_k": 5}),
    ("model", "ruled-for-*", "all", {"min_p": 0.1, "top_k": 5, "max_tokens": 77}),
    ("enforced", "ruled-for-*", "all", {"temperature": 0.25}),
)


def rule_rows() -> list[dict[str, Any]]:
    """The rules as `manage.py loaddata` takes them."""
    rows: list[dict[str, Any]] = []
    for number, (layer, pattern, applies_to, parameters) in enumerate(RULES, start=1):
        preset = {"name": f"{pattern} {layer} {number}", "parameters": parameters}
        rule = {"preset": number, "layer": layer, "model_pattern": pattern, "applies_to": applies_to}
        rows.append({"model": "sampling.samplingpreset", "pk": number, "fields": preset})
        rows.append({"model": "sampling.samplingrule", "pk": number, "fields": rule})
    return rows + policy_rows() + [MENDED_HISTORY]


MENDED_HISTORY: dict[str, Any] = {
    "model": "validation.repairrule",
    "pk": 1,
    "fields": {"model_pattern": "forgetful", "tool_call_repair": "", "mend_history": True},
}


# Model pattern, and what its validation policy says
POLICIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("judged-error", {"on_exhausted": "error", "max_retries": 0}),
    ("judged-message", {"on_exhausted": "message", "max_retries": 0}),
    ("judged-deliver", {"on_exhausted": "deliver", "max_retries": 0}),
    ("judged-buffered", {"on_exhausted": "error", "delivery": "buffer", "max_retries": 0}),
    ("tried-*", {"delivery": "buffer", "max_retries": 2, "retry_base_delay_seconds": 0.01}),
    ("held-*", {"delivery": "hold_back", "max_retries": 2, "retry_base_delay_seconds": 0.01}),
)


def policy_rows() -> list[dict[str, Any]]:
    return [
        {"model": "validation.validationpolicy", "pk": number, "fields": {"model_pattern": pattern, **fields}}
        for number, (pattern, fields) in enumerate(POLICIES, start=1)
    ]
