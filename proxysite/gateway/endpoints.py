"""The endpoints the proxy understands, by canonical path; every other path is passed through as it is."""

from dataclasses import dataclass

from routing.dialects import Dialect


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`speaks`: the dialect an upstream must support.  `generates`: sampling rules apply.
    `counts`: it asks only how many tokens a request is, which can be answered here."""

    path: str
    speaks: Dialect
    generates: bool = False
    counts: bool = False
    methods: tuple[str, ...] = ("POST",)


ENDPOINTS: dict[str, Endpoint] = {
    endpoint.path: endpoint
    for endpoint in (
        Endpoint("chat/completions", Dialect.CHAT, generates=True),
        Endpoint("completions", Dialect.COMPLETIONS, generates=True),
        Endpoint("embeddings", Dialect.CHAT),
        Endpoint("messages", Dialect.MESSAGES, generates=True),
        Endpoint("messages/count_tokens", Dialect.MESSAGES, counts=True),
        Endpoint("responses", Dialect.RESPONSES, generates=True),
        Endpoint("responses/input_tokens", Dialect.RESPONSES, counts=True),
        Endpoint("generate", Dialect.GENERATE, generates=True, methods=("POST", "PUT")),
    )
}


def dialect_of(path: str, *, anthropic: bool) -> Dialect:
    """In which dialect to answer an error on a path; `anthropic`: the client sent anthropic-version."""
    if path in ENDPOINTS:
        return ENDPOINTS[path].speaks
    if path.startswith("messages") or anthropic:
        return Dialect.MESSAGES
    return Dialect.CHAT
