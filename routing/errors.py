"""What can go wrong, as exceptions that carry the decision they imply.

`status` is what the client is answered, `code` is the machine-readable word in the body, `retryable` says whether
the same request may succeed later.  The text is written for the person who reads it: what is wrong, what to do.
Each dialect renders them in its own shape (`routing.dialects`).
"""


class ProxyError(Exception):
    status = 500
    code = "internal_error"
    retryable = False
    outcome = "refused"  # what the request's record calls it

    def __init__(self, message: str, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.headers = headers


class BadRequest(ProxyError):
    status, code = 400, "invalid_request"


class ThreadNotKept(BadRequest):
    """A conversation that the server is to hold.  SDKs know the code, and send the whole conversation instead."""

    code = "thread_unsupported_request"


class Unauthorized(ProxyError):
    status, code = 401, "invalid_api_key"


class NoRoute(ProxyError):
    """A request that names a model which leads nowhere."""

    def __init__(self, message: str, *, model: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message, headers=headers)
        self.model = model  # for the record: no plan will be made that could name it


class ModelNotBound(NoRoute):
    """No binding matches the model's name; design: 400, naming the model and the patterns that exist."""

    status, code = 400, "model_not_found"


class NoUsableUpstream(NoRoute):
    """A binding matches, and whatever it leads to is switched off or misconfigured."""

    status, code = 503, "no_usable_upstream"


class DialectNotSpoken(ProxyError):
    status, code = 400, "unsupported_dialect"


class EndpointNotFound(ProxyError):
    status, code = 404, "not_found"


class MethodNotAllowed(ProxyError):
    status, code = 405, "method_not_allowed"


class RequestTimeout(ProxyError):
    """The client does not send the rest of its request."""

    status, code = 408, "request_timeout"


class BodyTooLarge(ProxyError):
    status, code = 413, "request_too_large"


class UrlTooLong(ProxyError):
    status, code = 414, "url_too_long"


class EncodingNotSupported(ProxyError):
    status, code = 400, "request_body_encoding_unsupported"


class LoopDetected(ProxyError):
    status, code = 508, "loop_detected"


class InternalError(ProxyError):
    outcome = "error"


class ServerStopped(InternalError):
    status, code = 503, "server_stopped"


class UpstreamUnreachable(ProxyError):
    status, code, retryable, outcome = 502, "upstream_unreachable", True, "upstream_error"


class ConnectTimeout(UpstreamUnreachable):
    status, code = 504, "connect_timeout"


class UpstreamTimeout(ProxyError):
    """Silence: no byte for too long."""

    status, code, retryable, outcome = 504, "upstream_timeout", True, "upstream_error"


class UpstreamBroken(ProxyError):
    """The upstream answered, and then its answer broke off or made no sense."""

    status, code, retryable, outcome = 502, "upstream_broken", True, "upstream_error"


class AnswerTooLarge(ProxyError):
    """Not tried again: the next one would fill the memory as well."""

    status, code, outcome = 502, "upstream_answer_too_large", "upstream_error"

    def __init__(self, largest: int) -> None:
        """`largest`: bytes."""
        allowed = f"{largest / 2**20:g} MiB, which MAX_ANSWER_MIB allows"
        super().__init__(f"The upstream's answer, or one event of its stream, is larger than {allowed}.")


class FirstTokenTimeout(ProxyError):
    status, code, retryable, outcome = 504, "first_token_timeout", True, "upstream_error"


class TotalTimeout(ProxyError):
    status, code, retryable, outcome = 504, "total_timeout", True, "upstream_error"


class NoSlot(ProxyError):
    """`elsewhere`: it is one upstream's slots that are taken, and another's may be free."""

    def __init__(self, message: str, *, elsewhere: bool = False) -> None:
        super().__init__(message, headers=(("retry-after", "5"),))
        self.elsewhere = elsewhere


class QueueFull(NoSlot):
    status, code = 429, "queue_full"


class QueueTimeout(NoSlot):
    status, code = 503, "queue_timeout"
