"""One proxy for all clients: a model's name ends with the dialect of the upstream that it leads to."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.conftest import (  # noqa: F401
    migrated,
    new_installation,
    pytest_runtest_makereport,
    scripted_upstream,
    upstream,
)
from tests.end_to_end.proxy import Installation, Proxy
from tests.end_to_end.upstream import ScriptedUpstream

pytest.register_assert_rewrite("tests.clients.sdk")

SUPPORTS = {"chat": "supports_openai", "messages": "supports_anthropic", "responses": "supports_responses"}
KINDS = {"chat": "vllm", "messages": "anthropic", "responses": "openai"}


def config(url: str) -> dict[str, Any]:
    """An upstream for each dialect, which speaks that one alone and takes as little as its kind does."""
    flags = (*SUPPORTS.values(), "supports_generate")
    upstreams = [
        {
            "name": f"speaks-{dialect}",
            "base_url": f"{url}/{dialect}",
            "kind": KINDS[dialect],
            "max_retries": 0,
            **{flag: flag == SUPPORTS[dialect] for flag in flags},
        }
        for dialect in SUPPORTS
    ]
    return {"upstreams": upstreams, "model_upstream_binding": {f"*-on-{name}": f"speaks-{name}" for name in SUPPORTS}}


@pytest.fixture(scope="session")
def serving(new_installation: Any, scripted_upstream: ScriptedUpstream) -> Iterator[Proxy]:  # noqa: F811
    installation: Installation = new_installation()
    installation.import_config(config(scripted_upstream.url))
    with installation.serve() as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture(scope="module", params=list(SUPPORTS), ids=lambda dialect: f"on {dialect}")
def dialect(request: pytest.FixtureRequest) -> str:
    """What the upstream speaks."""
    return str(request.param)


@pytest.fixture
def proxy(serving: Proxy, upstream: ScriptedUpstream) -> Iterator[Proxy]:  # noqa: F811
    """The shared proxy; after each test nothing may be left open, on either side of it."""
    serving.mark_log()
    yield serving
    upstream.wait_until_idle()
    serving.wait_until_idle()
