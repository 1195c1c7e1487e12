"""What happens while the pictures are taken: requests that run and wait, a pause, an upstream that is away."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import httpx

from tests.end_to_end.answers import Gate, hang
from tests.end_to_end.proxy import Installation, Proxy, eventually, free_port
from tests.end_to_end.upstream import ScriptedUpstream

RUNNING = ("qwen3-coder-30b", "qwen3-coder-30b", "qwen3-coder-30b", "mistral-small", "demo-slow")


@contextmanager
def staged(installation: Installation) -> Iterator[None]:
    """Before the proxy starts: a workstation that lets everybody wait, and a rack that refuses every connection."""
    workstation = ScriptedUpstream().start()
    workstation.answer(hang(Gate()))
    for name, url in (("workstation", workstation.url), ("rack", f"http://127.0.0.1:{free_port()}")):
        change = f"Upstream.objects.filter(name={name!r}).update(base_url={url!r})"
        installation.manage("shell", "--command", f"from routing.models import Upstream; {change}")
    try:
        yield
    finally:
        workstation.stop()


@contextmanager
def played(proxy: Proxy) -> Iterator[None]:
    with ExitStack() as stack:
        for model in RUNNING:
            stack.enter_context(_asking(proxy, model))
        body = {"model": "glm-4.5-air", "messages": [{"role": "user", "content": "Hello"}]}
        httpx.post(f"{proxy.url}/v1/chat/completions", json=body, timeout=60, trust_env=False)
        eventually(lambda: httpx.get(proxy.url, trust_env=False).json()["queued"], "a request that waits")
        yield


@contextmanager
def _asking(proxy: Proxy, model: str) -> Iterator[None]:
    """A client that waits for its answer."""
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}).encode()
    address = urlsplit(proxy.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        yield
