"""What is mended of one answer: decided with the plan, made when the answer comes, told to the record.  Pure."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from routing.dialects import Dialect
from routing.dialects.along import Unreadable, read_along
from routing.dialects.chat import plain
from routing.dialects.events import Transform
from routing.dialects.exchange import Exchange as Conversation
from routing.snapshot import Upstream
from validation.repair import Note, Repair
from validation.repair.arguments import mend
from validation.repair.grammar import grammar
from validation.repair.late import Late
from validation.repair.native_calls import MendArguments, MendedCall
from validation.repair.offered import tools_of
from validation.repair.settings import RepairTable

MENDED = frozenset({Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES})  # the dialects that carry calls
LONGEST = 2000  # characters of a repair's before and after that a record keeps
MOST = 50  # repairs that a record tells of one by one


@dataclass(frozen=True)
class Mending:
    """Mending is on for the answer to `body`, as the upstream was sent it.  What few answers need is made when it is
    asked for: the tools, and for chat that passes the `conversation`."""

    families: frozenset[str] | None
    body: Mapping[str, Any]
    dialect: Dialect
    converted: Conversation | None = None  # where the answer is written anew
    reasoning_field: str = ""  # blank: as the upstream writes it
    model: str = ""
    request_id: str = ""
    created: int = 0

    @property
    def may_have_tools(self) -> bool:
        return bool(self.body.get("tools") or self.body.get("functions"))

    @cached_property
    def tools(self) -> Mapping[str, Any]:
        return tools_of(self.body, self.dialect)

    @cached_property
    def conversation(self) -> Conversation:
        return self.converted or Conversation(
            client=Dialect.CHAT,
            upstream=self.dialect,
            model=self.model,
            request_id=self.request_id,
            created=self.created,
            known_tools=frozenset(self.tools),
        )


def mending_for(
    rules: RepairTable,
    upstream: Upstream,
    client: Dialect,
    dialect: Dialect,
    body: Mapping[str, Any],
    conversation: Conversation | None,
    *,
    model: str,
    request_id: str,
    created: int,
) -> Mending | None:
    """Whether, and how, the answer to this body is mended."""
    if client not in MENDED or dialect not in MENDED or body.get("n") not in (None, 1):
        return None  # of several answers in one, only the first could be
    repairing = rules.repairing(model, upstream.tool_call_repair, upstream.kind)
    if repairing is None:
        return None
    if conversation is None and client is not Dialect.CHAT:
        if body.get("tools"):  # to be written anew, which mere tags are not worth
            with suppress(Unreadable):
                conversation = read_along(
                    {**body, "model": model},
                    dialect,
                    request_id=request_id,
                    created=created,
                    renamed=body.get("model") != model,
                )
        if conversation is None:
            return None
    field = "" if upstream.reasoning_field == "auto" else upstream.reasoning_field
    return Mending(repairing.families, body, dialect, conversation, field, model, request_id, created)


class AnswerRepair:
    """The transforms of one answer, made when they are first asked for, and what they did to it."""

    def __init__(self, mending: Mending) -> None:
        self._mending = mending
        self._grammar = grammar(mending.families, mending.may_have_tools)
        self._made: tuple[Repair, MendArguments] | None = None

    def leaves(self, text: str) -> bool:
        """Whether an answer of this text, and no other, would stay as it is."""
        return self._grammar.leaves(text)

    def passes(self, body: bytes) -> bool:
        """Whether a whole chat answer is one text that stays as it is: then nothing need be made to mend it."""
        text = plain.text_of(body)
        return text is not None and self.leaves(text)

    def begins(self, text: str) -> bool:
        """Whether an answer that begins so may stay unread until something suspect comes."""
        return self._grammar.begins(text)

    @property
    def conversation(self) -> Conversation:
        return self._mending.conversation

    def late(self, *before: Transform) -> Late:
        """The transforms with these before them, for an answer that is read as events: made when they are needed."""
        return Late(self._grammar, lambda: (*before, *self.transforms))

    @property
    def transforms(self) -> tuple[Repair] | tuple[Repair, MendArguments]:
        made = self._made = self._made or self._transforms()
        return made if self._mending.tools else made[:1]

    def _transforms(self) -> tuple[Repair, MendArguments]:
        call_id = self._mending.conversation.call_id
        leaked = Repair(
            self._mending.tools,
            self._mending.families,
            call_id=lambda number: f"{call_id(number)}_mended",  # apart from those that the reader makes
            mend_arguments=mend,
        )
        return leaked, MendArguments(self._mending.tools)

    @property
    def has_mended(self) -> bool:
        return self._made is not None and any(made.notes for made in self._made)

    def told(self) -> list[dict[str, str]]:
        if self._made is None:
            return []
        leaked, native = self._made
        return [*map(_of_note, leaked.notes), *map(of_call, native.notes)]


def _of_note(note: Note) -> dict[str, str]:
    return _row(note.kind, note.family, note.before, note.after)


def of_call(mended: MendedCall, kind: str = "arguments") -> dict[str, str]:
    """`kind` tells arguments of the answer from those of the history."""
    return _row(kind, mended.tool, mended.before, mended.after, "; ".join(mended.changes))


def _row(kind: str, family: str, before: str, after: str, done: str = "") -> dict[str, str]:
    row = {"kind": kind, "family": family, "before": _short(before), "after": _short(after)}
    return {**row, "done": done} if done else row


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} [… {len(text) - LONGEST} more characters]"
