"""Which headers travel on: from the client to the upstream, and back.  Names are lower-case bytes, as ASGI has them."""

from collections.abc import Iterable

from routing.dialects import Dialect
from routing.snapshot import CredentialMode, KeyStyle, Upstream

Headers = list[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
CREDENTIALS = frozenset({b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"})
_NOT_UPSTREAM = (
    _HOP_BY_HOP
    | CREDENTIALS
    | {
        b"host",
        b"content-length",
        b"content-encoding",
        b"accept-encoding",
        b"expect",
        b"cookie",
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-forwarded-port",
        b"x-real-ip",
        b"idempotency-key",
        b"x-request-id",
        b"request-id",
    }
)
_NOBODYS = (b"x-stainless-",)
_NOT_TO_OTHERS = (*_NOBODYS, b"anthropic-")  # than Anthropic
# What a client tells the API that it believes to speak with.
_ONLY_IN_ITS_DIALECT = (b"openai-", b"x-claude-code-", b"x-client-request-id", b"originator", b"session_id")
_NOT_DOWNSTREAM = _HOP_BY_HOP | {
    b"content-length",
    b"set-cookie",
    b"alt-svc",
    b"strict-transport-security",
    b"server",
    b"date",
    b"x-request-id",
    b"request-id",
}
_GONE_WHEN_REWRITTEN = frozenset({b"content-encoding", b"etag", b"content-md5"})


def to_upstream(
    client: Iterable[tuple[bytes, bytes]],
    upstream: Upstream,
    dialect: Dialect,
    request_id: str,
    *,
    converted: bool = False,
    betas: tuple[str, ...] = (),
) -> Headers:
    """The client's headers less what was meant for us, plus what the upstream is configured to get.

    `converted`: the client spoke another dialect than `dialect`, the upstream's; `betas` are what the body that was
    made for Anthropic makes use of.
    """
    client = _of_another_dialect(client, dialect) if converted else list(client)
    named_by_connection = _listed(client, b"connection")
    left_out = _NOT_UPSTREAM | named_by_connection if named_by_connection else _NOT_UPSTREAM
    prefixes = _NOBODYS if dialect is Dialect.MESSAGES else _NOT_TO_OTHERS
    headers = [header for header in client if header[0] not in left_out and not header[0].startswith(prefixes)]
    if dialect is Dialect.MESSAGES:
        headers = _with_version(headers, upstream)
        headers += [(b"anthropic-beta", ",".join(betas).encode())] if betas else []
    for name, text in upstream.extra_headers:
        lowered = name.lower().encode()
        headers = [header for header in headers if header[0] != lowered]
        headers.append((lowered, text.encode("latin-1")))
    keys = credentials(client, upstream)
    if keys:
        names = {name for name, _ in keys}
        headers = [header for header in headers if header[0] not in names] + keys
    headers.append((b"accept-encoding", b"identity"))
    headers.append((b"x-request-id", request_id.encode()))
    return headers


def _of_another_dialect(client: Iterable[tuple[bytes, bytes]], dialect: Dialect) -> Headers:
    """The body is JSON of ours, and the client's key stands where servers of this dialect look for it."""
    headers = [
        (name, value) for name, value in client if name != b"content-type" and not name.startswith(_ONLY_IN_ITS_DIALECT)
    ]
    headers.append((b"content-type", b"application/json"))
    names = {name for name, _ in headers}
    if dialect is Dialect.MESSAGES or b"authorization" in names:  # Anthropic's own API takes a bearer token as well
        return headers
    return [
        (b"authorization", b"Bearer " + value) if name == b"x-api-key" else (name, value) for name, value in headers
    ]


def credentials(client: Iterable[tuple[bytes, bytes]], upstream: Upstream) -> Headers:
    """The headers that carry a key: the client's, the upstream's own, or none."""
    if upstream.credential_mode is CredentialMode.FORWARD:
        return [header for header in client if header[0] in CREDENTIALS]
    if upstream.credential_mode is CredentialMode.NONE or not upstream.key:
        return []
    key = upstream.key.reveal().encode("latin-1", "replace")
    if upstream.key_style is KeyStyle.BEARER:
        return [(b"authorization", b"Bearer " + key)]
    name = b"x-api-key" if upstream.key_style is KeyStyle.X_API_KEY else upstream.key_header.lower().encode()
    return [(name, key)]


def to_client(upstream: Iterable[tuple[bytes, bytes]], *, rewritten: bool) -> Headers:
    """The upstream's headers less what holds only between it and us, or only for the bytes it sent."""
    upstream = [(name.lower(), value) for name, value in upstream]
    left_out = _NOT_DOWNSTREAM | _listed(upstream, b"connection")
    if rewritten:
        left_out |= _GONE_WHEN_REWRITTEN
    return [(name, value) for name, value in upstream if name not in left_out]


def value_of(headers: Iterable[tuple[bytes, bytes]], name: str) -> str:
    """What a header says, blank if there is none; several are joined."""
    wanted = name.lower().encode()
    return b", ".join([value for header, value in headers if header.lower() == wanted]).decode("latin-1")


def _listed(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> frozenset[bytes]:
    """The names that a header such as `connection` lists; nearly always none."""
    values = [value for header, value in headers if header == name]
    if not values or values == [b"keep-alive"]:
        return frozenset()
    return frozenset(part.strip().lower() for value in values for part in value.split(b","))


def _with_version(headers: Headers, upstream: Upstream) -> Headers:
    if upstream.anthropic_version:
        headers = [header for header in headers if header[0] != b"anthropic-version"]
        return [*headers, (b"anthropic-version", upstream.anthropic_version.encode())]
    if not any(name == b"anthropic-version" for name, _ in headers):
        headers.append((b"anthropic-version", b"2023-06-01"))
    return headers
