"""Fixtures of the tests over real sockets: one scripted upstream and one serving process for the whole session."""

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from tests.end_to_end import configuration
from tests.end_to_end.proxy import FOR_A_MOMENT, Installation, Proxy
from tests.end_to_end.upstream import ScriptedUpstream


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Shows, beside a failure, what the proxy logged meanwhile."""
    report = yield
    if report.failed:
        for proxy in {id(value): value for value in getattr(item, "funcargs", {}).values()}.values():
            if isinstance(proxy, Proxy):
                report.sections.append((f"log of {proxy!r}", proxy.log_since_mark()[-20_000:]))
    return report


@pytest.fixture(scope="session")
def scripted_upstream() -> Iterator[ScriptedUpstream]:
    upstream = ScriptedUpstream().start()
    yield upstream
    upstream.stop()


@pytest.fixture
def upstream(scripted_upstream: ScriptedUpstream) -> ScriptedUpstream:
    """The scripted upstream, with no requests noted and nothing scripted yet."""
    scripted_upstream.reset()
    return scripted_upstream


@pytest.fixture(scope="session")
def refused_url() -> Iterator[str]:
    """An address where nobody listens and nobody can begin to."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture(scope="session")
def tls_upstream() -> Iterator[ScriptedUpstream]:
    """A scripted upstream behind a certificate that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    upstream = ScriptedUpstream(context).start()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a database that holds an administrator alone; copy it, do not use it."""
    data_dir = tmp_path_factory.mktemp("migrated") / "data"
    data_dir.mkdir()
    Installation(data_dir).set_up()
    return data_dir


@pytest.fixture(scope="session")
def new_installation(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Installation]:
    """Makes an installation of its own, with the settings that are given by name."""

    def make(template: Path = migrated, **settings: str) -> Installation:
        return Installation.copy_of(template, tmp_path_factory.mktemp("installation") / "data", **settings)

    return make


@pytest.fixture(scope="session")
def configured(
    new_installation: Callable[..., Installation],
    scripted_upstream: ScriptedUpstream,
    refused_url: str,
    tls_upstream: ScriptedUpstream,
) -> Path:
    """A data directory with what `tests.end_to_end.configuration` says but its rules; copy it, do not use it."""
    made = new_installation()
    made.import_config(configuration.config(scripted_upstream.url, refused_url, tls_upstream.url))
    return made.data_dir


@pytest.fixture(scope="session")
def installation(new_installation: Callable[..., Installation], configured: Path) -> Installation:
    """The installation that most tests share; `tests.end_to_end.configuration` says what is in it."""
    made = new_installation(
        configured,
        BASE_PATH=configuration.BASE_PATH,
        MODELS_CACHE_SECONDS="0",
        OVERRIDE_LOGS="true",
        LOG_FILE="proxy.log",
    )
    made.manage("loaddata", made.write("rules.json", configuration.rule_rows()))
    return made


@pytest.fixture(scope="session")
def serving(installation: Installation) -> Iterator[Proxy]:
    with installation.serve() as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture
def proxy(serving: Proxy, upstream: ScriptedUpstream) -> Iterator[Proxy]:
    """The shared serving process; after each test nothing may be left open, on either side of it."""
    serving.mark_log()
    yield serving
    upstream.wait_until_idle()
    serving.wait_until_idle()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[httpx.Client]:
    with client_of(proxy) as client:
        yield client


def client_of(proxy: Proxy) -> httpx.Client:
    return httpx.Client(base_url=proxy.url, **FOR_A_MOMENT)
