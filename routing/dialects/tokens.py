"""How many tokens a request is, when no upstream says so.

Characters are counted by what they are: an ASCII character is about a quarter of a token, one of a script without
spaces about a whole one.  What tokenizer and chat template a model has shows in the usage that its answers report:
`Calibration` keeps how far off the estimates of each model were, and the next ones are multiplied by that.
"""

import math
from collections.abc import Mapping
from typing import Any

from routing.dialects import Dialect
from routing.dialects.json import dumps_text
from routing.dialects.request import (
    Audio,
    Document,
    Image,
    Part,
    Reasoning,
    Request,
    ServerTool,
    Tool,
    ToolCall,
    ToolResult,
    Unknown,
)

CHARACTERS_PER_TOKEN = 4
PER_MESSAGE = 4  # role and separators
PER_TOOL = 12
PER_IMAGE = 1600  # what a picture of ordinary size costs at Anthropic's; others are nearby
PER_SMALL_IMAGE = 85  # OpenAI's `detail: low`
PER_UNSEEN_DOCUMENT = 3000  # a page, of a document that only its address or id is known of
BASE64_PER_DOCUMENT_TOKEN = 24  # a page of PDF is about 75 kB of base64
BASE64_PER_TEXT_TOKEN = 5  # base64 has four characters for three
BASE64_PER_AUDIO_TOKEN = 1000  # a second is 20 to 45 kB, and 10 to 30 tokens


def estimate(request: Request, ratio: float = 1.0) -> int:
    """At least 1: a request of no tokens at all does not exist.  `ratio` is the model's, of a `Calibration`."""
    counted = sum(PER_MESSAGE + of_text(part.text) for part in request.system)
    for turn in request.turns:
        counted += PER_MESSAGE + sum(map(_of_part, turn.parts))
    counted += sum(map(_of_tool, request.tools))
    if request.response_format is not None:
        counted += _of_json(request.response_format.schema)
    return max(1, round(counted * ratio))


def count_body(tokens: int, client: Dialect) -> dict[str, Any]:
    """The answer of `messages/count_tokens`, and that of `responses/input_tokens`."""
    named = {"object": "response.input_tokens"} if client is Dialect.RESPONSES else {}
    return {**named, "input_tokens": tokens}


def of_text(text: str) -> int:
    """ASCII by the quarter; of other scripts the bytes say how dense they are: three bytes, about one token."""
    if text.isascii():
        return -(-len(text) // CHARACTERS_PER_TOKEN)
    size = len(text.encode("utf-8", "surrogatepass"))
    others = (size - len(text)) // 2  # characters of three bytes; those of two count half
    return -(-(len(text) - others) // CHARACTERS_PER_TOKEN) + others


def _of_part(part: Part) -> int:
    match part:
        case Image():
            return PER_SMALL_IMAGE if part.detail == "low" else PER_IMAGE
        case Document():
            return _of_document(part)
        case Audio():
            return len(part.data) // BASE64_PER_AUDIO_TOKEN
        case ToolCall():
            return PER_MESSAGE + of_text(part.name) + of_text(part.arguments)
        case ToolResult():
            return PER_MESSAGE + sum(map(_of_part, part.parts))
        case Reasoning():
            return of_text(part.text)
        case Unknown():
            return _of_json(part.raw)
    return of_text(part.text)


def _of_document(document: Document) -> int:
    said = of_text(document.title) + of_text(document.context) + of_text(document.text)
    said += sum(map(_of_part, document.parts))
    if document.data:
        is_text = document.media_type.startswith("text/")
        return said + len(document.data) // (BASE64_PER_TEXT_TOKEN if is_text else BASE64_PER_DOCUMENT_TOKEN)
    return said + (PER_UNSEEN_DOCUMENT if document.url or document.file_id else 0)


def _of_tool(tool: Tool | ServerTool) -> int:
    if isinstance(tool, ServerTool):
        return PER_TOOL
    return PER_TOOL + of_text(tool.name) + of_text(tool.description) + _of_json(tool.schema) + _of_json(tool.format)


def _of_json(value: Any) -> int:
    if not value:
        return 0
    try:
        return of_text(dumps_text(value))
    except TypeError:  # a number of more than 64 bits
        return of_text(str(value))


_START = (256.0, 256.0)  # estimated and reported: so that one short request says little
_KEPT = 1 - 1 / 32  # of what was learned, with each new request
_LEAST, _MOST = 0.1, 10.0  # a number outside of these is no count of this prompt: caches, proxies, mistakes
_MOST_MODELS = 1000


class Calibration:
    """Reported over estimated tokens, one running ratio for each model; long prompts weigh more than short ones.

    It lives as long as the process.  `dump` gives what JSON can hold, `load` takes it back at the next start.
    """

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float]] = {}  # by model: estimated, reported; the latest learned last

    def ratio(self, model: str) -> float:
        estimated, reported = self._sums.get(model.lower(), _START)
        return reported / estimated

    def learn(self, model: str, *, estimated: int, reported: int | None, ratio: float = 1.0) -> None:
        """After an answer.  `ratio` is what `estimated` was multiplied by when it was made."""
        plain = estimated / ratio
        if not reported or plain <= 0 or not _LEAST <= reported / plain <= _MOST:
            return
        name = model.lower()
        before = self._sums.pop(name, _START)
        self._sums[name] = (before[0] * _KEPT + plain, before[1] * _KEPT + reported)
        if len(self._sums) > _MOST_MODELS:
            del self._sums[next(iter(self._sums))]

    def dump(self) -> dict[str, list[float]]:
        return {name: list(sums) for name, sums in self._sums.items()}

    @classmethod
    def load(cls, stored: Any) -> "Calibration":
        """What makes no sense is left out: a ratio is learned again soon, and nobody is helped by an error."""
        calibration = cls()
        if isinstance(stored, Mapping):
            pairs = ((name, _sums(value)) for name, value in stored.items())
            calibration._sums = {str(name).lower(): sums for name, sums in pairs if sums is not None}
        return calibration


def _sums(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    if not all(isinstance(number, int | float) and 0 < number < math.inf for number in value):
        return None
    estimated, reported = map(float, value)
    return (estimated, reported) if _LEAST <= reported / estimated <= _MOST else None
