"""A request, the same for every dialect.

A conversation is a list of turns.  Turns look like Anthropic's: the results of tools stand at the beginning of the
user turn after the calls, so one assistant turn is followed by one user turn however many `tool` messages or items a
dialect makes of it.  What a parser cannot keep goes to `warnings`, sentence by sentence.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

DEFAULT_COMPACTION = 150_000  # tokens, of both makers that compact conversations

MOST_WARNINGS = 100  # a request of a hundred thousand odd things is not told each


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


@dataclass(slots=True)
class Text:
    text: str
    cache: Any = None  # Anthropic's cache_control, here and below


@dataclass(slots=True)
class Image:
    """Base64 `data` with its media type, or a `url`, or a `file_id` of the dialect it came from."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""
    detail: str = ""
    cache: Any = None


@dataclass(slots=True)
class Document:
    """A file: base64 `data`, plain `text`, a `url`, a `file_id`, or `parts` written out."""

    media_type: str = "application/pdf"
    data: str = ""
    text: str = ""
    url: str = ""
    file_id: str = ""
    parts: "list[Part]" = field(default_factory=list)
    title: str = ""
    context: str = ""
    cache: Any = None


@dataclass(slots=True)
class Audio:
    data: str
    format: str


@dataclass(slots=True)
class Reasoning:
    """`signature` and `redacted` are Anthropic's seals, `encrypted` (with the item's `id`) is OpenAI's."""

    text: str = ""
    signature: str = ""
    redacted: str = ""
    encrypted: str = ""
    id: str = ""


@dataclass(slots=True)
class Refusal:
    text: str


@dataclass(slots=True)
class ToolCall:
    """`arguments` is the text of a JSON object, or, of a custom tool, free text."""

    id: str
    name: str
    arguments: str
    custom: bool = False
    cache: Any = None


@dataclass(slots=True)
class ToolResult:
    id: str
    parts: "list[Part]" = field(default_factory=list)
    is_error: bool = False
    custom: bool = False
    cache: Any = None


@dataclass(slots=True)
class Unknown:
    """A part that only its own dialect understands."""

    kind: str
    raw: Any = None


Part = Text | Image | Document | Audio | Reasoning | Refusal | ToolCall | ToolResult | Unknown


@dataclass(slots=True)
class Turn:
    role: Role
    parts: list[Part]

    def calls(self) -> list[ToolCall]:
        return [part for part in self.parts if isinstance(part, ToolCall)]

    def results(self) -> list[ToolResult]:
        return [part for part in self.parts if isinstance(part, ToolResult)]


@dataclass(slots=True)
class Tool:
    """A function with a JSON schema, or a custom tool with free text input in a `format`."""

    name: str
    description: str = ""
    schema: Any = None
    strict: bool | None = None
    custom: bool = False
    format: Any = None  # of a custom tool, flat as Responses has it: {"type", "syntax", "definition"}
    namespace: str = ""  # Responses: the tool belongs to a group of tools
    searches: bool = False  # Responses: by it the model asks the client for further tools
    cache: Any = None

    def own_name(self) -> str:
        """Without the name of the group before it."""
        return self.name.removeprefix(f"{self.namespace}__")


@dataclass(slots=True)
class ServerTool:
    """A tool that the upstream itself runs; `kind` is its type, without the date: web_search."""

    kind: str
    raw: Any = None


class Choice(StrEnum):
    AUTO = "auto"
    REQUIRED = "required"
    NONE = "none"
    TOOL = "tool"


@dataclass(slots=True)
class ToolChoice:
    """`allowed` limits the choice to some of the tools."""

    mode: Choice
    name: str = ""
    allowed: list[str] | None = None


@dataclass(slots=True)
class ResponseFormat:
    """`kind` is text, json_object or json_schema."""

    kind: str
    schema: Any = None
    name: str = ""
    strict: bool | None = None
    description: str = ""


class Thinking(StrEnum):
    ENABLED = "enabled"
    ADAPTIVE = "adaptive"
    DISABLED = "disabled"


@dataclass(slots=True)
class Request:
    model: str = ""
    system: list[Text] = field(default_factory=list)
    instructed: bool = False  # the system texts are a Responses client's instructions
    turns: list[Turn] = field(default_factory=list)
    tools: list[Tool | ServerTool] = field(default_factory=list)
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    stop: list[str] = field(default_factory=list)
    stream: bool = False
    include_usage: bool = False
    response_format: ResponseFormat | None = None
    thinking: Thinking | None = None
    budget: int | None = None  # tokens for thinking
    effort: str = ""  # none, minimal, low, medium, high, xhigh, max
    summary: str = ""  # Responses' reasoning.summary
    display: str = ""  # Anthropic's thinking.display
    user: str = ""
    service_tier: str = ""  # in OpenAI's words
    compact_at: int | None = None  # tokens from which on the upstream may replace the conversation by a summary
    # Sampling parameters and every field that no dialect defines, under the names the client used.
    sampling: dict[str, Any] = field(default_factory=dict)
    # What only OpenAI's dialects share: store, metadata, prompt_cache_key, verbosity …
    openai: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    betas: list[str] = field(default_factory=list)  # Anthropic's names of what the rendered body makes use of

    def warn(self, sentence: str) -> None:
        if len(self.warnings) < MOST_WARNINGS and sentence not in self.warnings:
            self.warnings.append(sentence)

    def functions(self) -> list[Tool]:
        return [tool for tool in self.tools if isinstance(tool, Tool)]
