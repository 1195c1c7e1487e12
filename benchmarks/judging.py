"""What it costs to judge an answer in which nothing is wrong, beside passing it on: processor time of one answer.

`python -m benchmarks.judging` prints microseconds, the best of many runs taken in turn, of a chat answer of a hundred
tokens towards a chat client: streamed, as a busy server reads it (in two pieces) and as a model writes it (token by
token), and whole.  Neither sockets nor records are in it.
"""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import orjson

from benchmarks import script
from proxysite.gateway.chat_frames import ChatFrames
from proxysite.gateway.guarding import guarded
from proxysite.gateway.mending import MendingRelay
from proxysite.gateway.plan import Plan
from proxysite.gateway.relay import ConvertingRelay, Relay
from proxysite.gateway.repairs import AnswerRepair, mending_for
from routing.dialects import Dialect
from routing.dialects.chat import plain
from routing.dialects.passing import Tap
from routing.kinds import Kind
from routing.snapshot import Target, Upstream
from validation.detectors import DETECTORS
from validation.repair.settings import RepairTable
from validation.snapshot import Policy, ValidationTable

RUNS = 300
_NAMED = {"model": "bench", "request_id": "bench", "created": 1}
_TABLE = ValidationTable(policies=(Policy(model_pattern="*", detectors=frozenset(DETECTORS)),))
_UPSTREAM = Upstream(name="bench", base_url="http://bench", kind=Kind.AUTO, dialects=frozenset({Dialect.CHAT}))


def planned(*, streams: bool) -> Plan:
    content = {"model": "bench", "messages": [{"role": "user", "content": "Hello"}], "stream": streams}
    return Plan(
        target=Target(upstream=_UPSTREAM),
        dialect=Dialect.CHAT,
        method="POST",
        url="http://bench/v1/chat/completions",
        headers=[],
        body=orjson.dumps(content),
        content=content,
        streams=streams,
        model_asked="bench",
        model_sent="bench",
        mending=mending_for(RepairTable(), _UPSTREAM, Dialect.CHAT, Dialect.CHAT, content, None, **_NAMED),  # type: ignore[arg-type]
    )


def stream(relay: Callable[[Plan], Relay], chunks: list[bytes]) -> Callable[[], bytes]:
    plan = planned(streams=True)

    def answer() -> bytes:
        passing = relay(replace(plan))
        return b"".join([*map(passing.feed, chunks), passing.close()])

    return answer


def passed(plan: Plan) -> Relay:
    assert plan.mending
    frames = ChatFrames(AnswerRepair(plan.mending))
    return MendingRelay("bench", frames, None, Tap(), "bench")


def judged(plan: Plan) -> Relay:
    found = guarded(plan, _TABLE, "bench", 1, plan.content)
    assert found.conversation
    assert found.mending
    return ConvertingRelay(found.conversation, Tap(), (AnswerRepair(found.mending).late(),), found.guard)


def whole(body: bytes, *, is_judged: bool) -> Callable[[], bool]:
    plan = planned(streams=False)
    assert plan.mending
    repair = AnswerRepair(plan.mending)

    def passes() -> bool:
        guard = guarded(replace(plan), _TABLE, "bench", 1, plan.content).guard
        text = plain.text_of(body)
        return guard is not None and text is not None and repair.leaves(text) and guard.gate.passes(text)

    return passes if is_judged else lambda: repair.passes(body)


def cases() -> Mapping[str, tuple[Callable[[], object], Callable[[], object]]]:
    """Each without a judge and with one."""
    told = script.chat_stream()
    frames = [_unchunked(told.first.partition(b"\r\n\r\n")[2]), *map(_unchunked, told.tokens[: script.TOKENS])]
    frames += [_unchunked(told.last)]
    burst = [b"".join(frames[:60]), b"".join(frames[60:])]
    body = script.CHAT_ANSWER.partition(b"\r\n\r\n")[2]
    return {
        "stream in two pieces": (stream(passed, burst), stream(judged, burst)),
        "stream token by token": (stream(passed, frames), stream(judged, frames)),
        "whole answer": (whole(body, is_judged=False), whole(body, is_judged=True)),
    }


def microseconds(runs: tuple[Callable[[], object], ...]) -> list[float]:
    best = [float("inf")] * len(runs)
    for _ in range(RUNS):
        for number, run in enumerate(runs):
            started = time.process_time()
            run()
            best[number] = min(best[number], (time.process_time() - started) * 1e6)
    return best


def main() -> None:
    print("Microseconds per answer of 100 tokens, passed on / judged as well:")
    gc.freeze()
    for name, runs in cases().items():
        without, having = microseconds(runs)
        print(f"  {name:<22} {without:6.0f} / {having:6.0f}  (+{having - without:.0f})")


def _unchunked(data: bytes) -> bytes:
    """The frames within HTTP's chunks."""
    frames = []
    while data and not data.startswith(b"0\r\n"):
        size, _, rest = data.partition(b"\r\n")
        frames.append(rest[: int(size, 16)])
        data = rest[int(size, 16) + 2 :]
    return b"".join(frames)


if __name__ == "__main__":
    main()
