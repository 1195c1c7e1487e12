"""What it costs to look for leaked calls in answers that have none, per token.

`python -m benchmarks.mending` prints microseconds of processor time, the best of several runs: for a chat stream, whose
frames stay as they came unless something is wrong, and for the events of an answer that is written anew anyway.
"""

import re
import time
from collections.abc import Callable, Iterator

import orjson

from benchmarks import script
from benchmarks.pairs import TOOLS
from proxysite.environment import BASE_DIR
from proxysite.gateway.chat_frames import ChatFrames
from proxysite.gateway.chat_rewriter import through
from proxysite.gateway.repairs import AnswerRepair, Mending
from routing.dialects import Dialect
from routing.dialects.events import Text

RUNS = 25
_TOKEN = re.compile(r"\s?\w+|\s+|[^\w\s]+")


def texts() -> Iterator[tuple[str, str]]:
    yield "words", script.WORDS.replace("\n", "") * 20
    yield "prose", (BASE_DIR / "docs/decisions.md").read_text()
    yield "tables", (BASE_DIR / "docs/configuration.md").read_text()
    yield "code", f"```python\n{(BASE_DIR / 'validation/repair/lane.py').read_text()}\n```\n"


def in_frames(tokens: list[str]) -> Callable[[], None]:
    frames = ChatFrames(_repair())
    data = [_frame(token) for token in tokens]
    return lambda: _exhaust(map(frames.feed, data))


def in_events(tokens: list[str]) -> Callable[[], None]:
    transforms = _repair().transforms
    events = [Text(token) for token in tokens]
    return lambda: _exhaust(through(transforms, [event]) for event in events)


def microseconds(prepare: Callable[[list[str]], Callable[[], None]], tokens: list[str]) -> float:
    best = float("inf")
    for _ in range(RUNS):
        run = prepare(tokens)
        started = time.process_time()
        run()
        best = min(best, time.process_time() - started)
    return best / len(tokens) * 1e6


def main() -> None:
    print("Microseconds per token, of a chat stream / of events:")
    for name, text in texts():
        tokens = _TOKEN.findall(text)
        figures = (microseconds(prepare, tokens) for prepare in (in_frames, in_events))
        print(f"  {name:<8} {' / '.join(f'{figure:.2f}' for figure in figures)}  ({len(tokens)} tokens)")


def _repair() -> AnswerRepair:
    return AnswerRepair(Mending(None, {"tools": TOOLS}, Dialect.CHAT))


def _frame(token: str) -> bytes:
    choice = {"index": 0, "delta": {"content": token}, "logprobs": None, "finish_reason": None}
    chunk = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
    return b"data: " + orjson.dumps({**chunk, "choices": [choice]}) + b"\n\n"


def _exhaust(results: Iterator[object]) -> None:
    for _ in results:
        pass


if __name__ == "__main__":
    main()
