"""A scripted upstream that is a process of its own, so that it can be killed."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator

from proxysite.environment import BASE_DIR
from tests.end_to_end.answers import Answer, Gate, hang, stream
from tests.end_to_end.exchanges import STREAMED, Exchange
from tests.end_to_end.proxy import STARTS_WITHIN, eventually
from tests.end_to_end.upstream import Received, ScriptedUpstream

TALKING = "talking"  # a model that never ends its answer
SILENT, LONELY = "silent", "lonely"  # two that never begin it


def whole(call: Received) -> Answer:
    return stream(*_asked_for(call).events)


def script(call: Received) -> Answer:
    model = call.json()["model"]
    if model in (SILENT, LONELY):
        return hang(Gate())
    return stream(_asked_for(call).events[0], Gate()) if model == TALKING else whole(call)


def _asked_for(call: Received) -> Exchange:
    return next(exchange for exchange in STREAMED if call.path.endswith(exchange.path))


@contextlib.contextmanager
def mortal(port: int) -> Iterator["subprocess.Popen[str]"]:
    """Listens when it is given, and is killed in the end."""
    command = [sys.executable, "-m", __spec__.name, str(port)]
    process = subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        eventually(lambda: process.stdout.readline().startswith("listening"), "the upstream to listen", STARTS_WITHIN)
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def main() -> None:
    upstream = ScriptedUpstream(port=int(sys.argv[1])).start()
    upstream.answer(script)
    print("listening", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
