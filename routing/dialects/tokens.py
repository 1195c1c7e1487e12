"""A local estimate of how many tokens a request is.

Characters are counted by what they are: an ASCII character is about a quarter of a token, one of a script without
spaces about one token.  `ratio` calibrates: the real count of earlier requests of the same model over our estimate of
them, which `Calibration` keeps as a running mean.
"""

from dataclasses import dataclass

from routing.dialects.json import dumps_text
from routing.dialects.request import (
    Audio,
    Document,
    Image,
    Part,
    Reasoning,
    Request,
    ServerTool,
    ToolCall,
    ToolResult,
    Unknown,
)

CHARACTERS_PER_TOKEN = 4
PER_MESSAGE = 4  # role and separators
PER_TOOL = 12
PER_IMAGE = 1600  # what a picture of ordinary size costs at Anthropic's; others are nearby
BYTES_PER_DOCUMENT_TOKEN = 24  # a page of PDF is about 75 kB of base64 and 3000 tokens
LONGEST_MEMORY = 32  # requests; a newer one never counts less than one in so many


def estimate(request: Request, ratio: float = 1.0) -> int:
    """At least 1: a request of no tokens at all does not exist."""
    counted = sum(PER_MESSAGE + of_text(part.text) for part in request.system)
    for turn in request.turns:
        counted += PER_MESSAGE + sum(map(_of_part, turn.parts))
    for tool in request.tools:
        counted += PER_TOOL
        if isinstance(tool, ServerTool):
            continue
        counted += of_text(tool.name) + of_text(tool.description)
        counted += of_text(dumps_text(tool.schema)) if tool.schema else 0
    return max(1, round(counted * ratio))


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
            return PER_IMAGE
        case Document():
            return of_text(part.text) + sum(map(_of_part, part.parts)) + len(part.data) // BYTES_PER_DOCUMENT_TOKEN
        case Audio():
            return len(part.data) // BYTES_PER_DOCUMENT_TOKEN
        case ToolCall():
            return PER_MESSAGE + of_text(part.name) + of_text(part.arguments)
        case ToolResult():
            return PER_MESSAGE + sum(map(_of_part, part.parts))
        case Reasoning():
            return of_text(part.text)
        case Unknown():
            return 0
    return of_text(part.text)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Real over estimated tokens of one model, newer requests counting more.  Stored and read by the caller."""

    ratio: float = 1.0
    weight: int = 0

    def seen(self, estimated: int, real: int) -> "Calibration":
        """After an answer whose usage says the real count.  Absurd numbers (caches, proxies) are left out."""
        if estimated <= 0 or real <= 0 or not 0.1 <= real / estimated <= 10:
            return self
        weight = min(self.weight + 1, LONGEST_MEMORY)
        return Calibration(self.ratio + (real / estimated - self.ratio) / weight, weight)
