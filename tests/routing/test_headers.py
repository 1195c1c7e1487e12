import pytest

from routing.dialects import Dialect
from routing.headers import credentials, to_client, to_upstream
from routing.secrets import Secret
from routing.snapshot import CredentialMode, KeyStyle
from tests.snapshots import an_upstream

OWN = {"credential_mode": CredentialMode.OWN, "key": Secret("our-key")}


def sent(client=(), dialect=Dialect.CHAT, **fields):
    return to_upstream([*client], an_upstream(**fields), dialect, "req_1")


def values(headers, name):
    return [value for header, value in headers if header == name]


def test_a_bare_request_carries_no_encoding_and_its_id():
    assert sent() == [(b"accept-encoding", b"identity"), (b"x-request-id", b"req_1")]


@pytest.mark.parametrize("name", [b"content-type", b"accept", b"user-agent", b"openai-organization", b"x-anything"])
def test_what_the_client_says_to_the_upstream_goes_on(name):
    assert (name, b"v") in sent([(name, b"v")])


@pytest.mark.parametrize(
    "name",
    [
        b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"proxy-authorization",
        b"proxy-authenticate", b"proxy-connection", b"host", b"content-length", b"content-encoding", b"expect",
        b"cookie", b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port",
        b"x-real-ip", b"idempotency-key", b"request-id", b"x-stainless-retry-count", b"x-stainless-lang",
    ],
)  # fmt: skip
def test_what_was_meant_for_us_stays_here(name):
    assert values(sent([(name, b"v")]), name) == []


def test_our_encoding_and_id_replace_the_clients():
    headers = sent([(b"accept-encoding", b"br"), (b"x-request-id", b"theirs")])
    assert values(headers, b"accept-encoding") == [b"identity"]
    assert values(headers, b"x-request-id") == [b"req_1"]


def test_headers_that_the_connection_names_hold_only_for_it():
    headers = sent([(b"connection", b"close, X-Hop"), (b"x-hop", b"1"), (b"x-kept", b"2")])
    assert values(headers, b"x-hop") == []
    assert values(headers, b"x-kept") == [b"2"]


def test_keep_alive_names_nothing():
    assert values(sent([(b"connection", b"keep-alive"), (b"x-kept", b"1")]), b"x-kept") == [b"1"]


def test_a_header_sent_twice_goes_on_twice():
    assert values(sent([(b"x-a", b"1"), (b"x-a", b"2")]), b"x-a") == [b"1", b"2"]


def test_headers_may_come_as_any_iterable():
    headers = to_upstream(iter([(b"authorization", b"k"), (b"x-a", b"1")]), an_upstream(), Dialect.CHAT, "r")
    assert (b"authorization", b"k") in headers
    assert (b"x-a", b"1") in headers


class TestAnthropicsHeaders:
    def test_go_to_messages(self):
        client = [(b"anthropic-version", b"2099-01-01"), (b"anthropic-beta", b"x")]
        headers = sent(client, Dialect.MESSAGES)
        assert values(headers, b"anthropic-version") == [b"2099-01-01"]
        assert values(headers, b"anthropic-beta") == [b"x"]

    @pytest.mark.parametrize("dialect", [dialect for dialect in Dialect if dialect is not Dialect.MESSAGES])
    def test_go_to_no_other_dialect(self, dialect):
        headers = sent([(b"anthropic-version", b"v"), (b"anthropic-beta", b"x")], dialect, anthropic_version="v")
        assert not any(name.startswith(b"anthropic-") for name, _ in headers)

    def test_a_version_is_always_sent(self):
        assert values(sent(dialect=Dialect.MESSAGES), b"anthropic-version") == [b"2023-06-01"]

    def test_the_upstreams_version_replaces_the_clients(self):
        headers = sent([(b"anthropic-version", b"theirs")], Dialect.MESSAGES, anthropic_version="ours")
        assert values(headers, b"anthropic-version") == [b"ours"]


class TestExtraHeaders:
    def test_are_sent(self):
        assert values(sent(extra_headers=(("X-Team", "lab"),)), b"x-team") == [b"lab"]

    def test_replace_the_clients(self):
        headers = sent([(b"user-agent", b"theirs")], extra_headers=(("User-Agent", "ours"),))
        assert values(headers, b"user-agent") == [b"ours"]


class TestCredentials:
    @pytest.mark.parametrize("name", [b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"])
    def test_the_clients_own_go_on_once(self, name):
        assert values(sent([(name, b"theirs")]), name) == [b"theirs"]

    @pytest.mark.parametrize("mode", [{"credential_mode": CredentialMode.NONE}, OWN])
    @pytest.mark.parametrize("name", [b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"])
    def test_the_clients_never_go_where_they_should_not(self, name, mode):
        assert b"theirs" not in values(sent([(name, b"theirs")], **mode), name)

    @pytest.mark.parametrize(
        ("style", "header"),
        [
            ({}, (b"authorization", b"Bearer our-key")),
            ({"key_style": KeyStyle.X_API_KEY}, (b"x-api-key", b"our-key")),
            ({"key_style": KeyStyle.HEADER, "key_header": "X-Lab-Key"}, (b"x-lab-key", b"our-key")),
        ],
    )
    def test_the_upstreams_key_goes_in_its_header(self, style, header):
        assert credentials([], an_upstream(**OWN, **style)) == [header]

    def test_the_upstreams_key_replaces_the_clients_in_a_header_of_any_name(self):
        headers = sent([(b"x-lab-key", b"theirs")], **OWN, key_style=KeyStyle.HEADER, key_header="X-Lab-Key")
        assert values(headers, b"x-lab-key") == [b"our-key"]

    @pytest.mark.parametrize("key", [None, Secret("")])
    def test_an_upstream_without_its_key_gets_none(self, key):
        assert credentials([(b"authorization", b"x")], an_upstream(credential_mode=CredentialMode.OWN, key=key)) == []

    def test_a_key_that_no_header_can_carry_does_not_stop_the_request(self):
        upstream = an_upstream(credential_mode=CredentialMode.OWN, key=Secret("kéy→"))
        assert credentials([], upstream) == [(b"authorization", b"Bearer k\xe9y?")]


class TestToTheClient:
    def test_names_become_lower_case_and_order_is_kept(self):
        headers = [(b"Content-Type", b"a"), (b"X-RateLimit", b"1"), (b"X-RateLimit", b"2")]
        assert to_client(headers, rewritten=False) == [
            (b"content-type", b"a"),
            (b"x-ratelimit", b"1"),
            (b"x-ratelimit", b"2"),
        ]

    @pytest.mark.parametrize(
        "name",
        [
            b"Connection", b"Keep-Alive", b"Transfer-Encoding", b"Content-Length", b"Set-Cookie", b"Alt-Svc",
            b"Strict-Transport-Security", b"Server", b"Date", b"X-Request-Id", b"Request-Id", b"Proxy-Authenticate",
        ],
    )  # fmt: skip
    def test_what_holds_only_between_it_and_us_stays_here(self, name):
        assert to_client([(name, b"v")], rewritten=False) == []

    def test_headers_that_the_connection_names_stay_here(self):
        assert to_client([(b"Connection", b"X-Hop"), (b"X-Hop", b"1")], rewritten=False) == []

    @pytest.mark.parametrize("name", [b"content-encoding", b"etag", b"content-md5"])
    def test_what_describes_the_bytes_goes_on_only_with_those_bytes(self, name):
        assert to_client([(name, b"v")], rewritten=False) == [(name, b"v")]
        assert to_client([(name, b"v")], rewritten=True) == []


class TestAConvertedRequest:
    """`dialect` is the upstream's; the client spoke another one."""

    def sent(self, client, dialect=Dialect.CHAT, **fields):
        return to_upstream([*client], an_upstream(**fields), dialect, "req_1", converted=True)

    def test_has_a_body_of_json_whatever_the_client_called_its_own(self):
        for client in ([], [(b"content-type", b"text/plain")]):
            assert values(self.sent(client), b"content-type") == [b"application/json"]

    @pytest.mark.parametrize("name", [b"openai-organization", b"x-claude-code-session-id", b"originator"])
    def test_leaves_out_what_was_said_to_another_api(self, name):
        assert values(self.sent([(name, b"v")], Dialect.MESSAGES), name) == []

    @pytest.mark.parametrize("dialect", [Dialect.CHAT, Dialect.RESPONSES, Dialect.GENERATE])
    def test_shows_the_key_of_a_messages_client_as_a_bearer_token(self, dialect):
        headers = self.sent([(b"x-api-key", b"mine")], dialect)
        assert values(headers, b"authorization") == [b"Bearer mine"]
        assert values(headers, b"x-api-key") == []

    def test_leaves_a_bearer_token_alone(self):
        headers = self.sent([(b"authorization", b"Bearer mine")], Dialect.MESSAGES)
        assert values(headers, b"authorization") == [b"Bearer mine"]

    def test_carries_the_upstreams_own_key_and_not_the_clients(self):
        headers = self.sent([(b"x-api-key", b"mine")], **OWN)
        assert values(headers, b"authorization") == [b"Bearer our-key"]
        assert all(b"mine" not in value for _, value in headers)

    def test_for_messages_has_the_version(self):
        assert values(self.sent([], Dialect.MESSAGES), b"anthropic-version") == [b"2023-06-01"]
