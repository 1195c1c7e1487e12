"""Puts a conversation into the order that every upstream demands: calls, then at once the results of all of them.

Claude Code puts system turns between, agents lose results when they are interrupted, and both dialects answer a
violation with a 400.  What can be told is moved; what is missing or stray is repaired, and said.
"""

from routing.dialects.request import Part, Role, Text, ToolCall, ToolResult, Turn

NO_RESULT = "(no result)"


def settled(turns: list[Turn], warnings: list[str]) -> list[Turn]:
    """New turns in which each assistant turn with calls is followed by a user turn that starts with their results."""
    out: list[Turn] = []
    position = 0
    while position < len(turns):
        turn = turns[position]
        position += 1
        if turn.role is not Role.ASSISTANT:
            out.extend(_without_strays([turn], warnings))
            continue
        turn, position = _whole_assistant(turns, turn, position)
        block_end = position
        while block_end < len(turns) and turns[block_end].role is not Role.ASSISTANT:
            block_end += 1
        out.append(turn)
        out.extend(_answered(turn.calls(), turns[position:block_end], warnings))
        position = block_end
    return out


def _whole_assistant(turns: list[Turn], turn: Turn, position: int) -> tuple[Turn, int]:
    """Assistant turns in a row are one turn, when there are calls in front of the others."""
    parts: list[Part] = list(turn.parts)
    while position < len(turns) and turns[position].role is Role.ASSISTANT and _has_calls(parts):
        parts += turns[position].parts
        position += 1
    return Turn(Role.ASSISTANT, parts), position


def _has_calls(parts: list[Part]) -> bool:
    return any(isinstance(part, ToolCall) for part in parts)


def _answered(calls: list[ToolCall], block: list[Turn], warnings: list[str]) -> list[Turn]:
    if not calls:
        return _without_strays(block, warnings)
    wanted = {call.id for call in calls}
    results: dict[str, ToolResult] = {}
    for turn in block:
        for result in turn.results():
            if result.id in wanted:
                if result.id in results:
                    warnings.append(f"The tool call {result.id} has two results; the last one counts.")
                results[result.id] = result
    if block:  # after the last turn there is nobody who could have answered
        for call in calls:
            if call.id not in results:
                warnings.append(f"The tool call {call.id} has no result; “{NO_RESULT}” was sent.")
                results[call.id] = ToolResult(call.id, [Text(NO_RESULT)])
    rest = [Turn(turn.role, [part for part in turn.parts if not _is_result(part, wanted)]) for turn in block]
    rest = _without_strays([turn for turn in rest if turn.parts], warnings)
    if not results:
        return rest
    first: list[Part] = list(results.values())
    for index, turn in enumerate(rest):
        if turn.role is Role.USER:  # one user turn holds the results and what the user said after them
            first += turn.parts
            del rest[index]
            break
    return [Turn(Role.USER, first), *rest]


def _is_result(part: Part, wanted: set[str]) -> bool:
    return isinstance(part, ToolResult) and part.id in wanted


def _without_strays(turns: list[Turn], warnings: list[str]) -> list[Turn]:
    """A result that answers nothing becomes text: its content stays in the conversation."""
    kept = []
    for turn in turns:
        if not any(isinstance(part, ToolResult) for part in turn.parts):
            kept.append(turn)
            continue
        parts: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolResult):
                warnings.append(f"The tool result {part.id} answers no call before it; its content was sent as text.")
                parts += part.parts or [Text(NO_RESULT)]
            else:
                parts.append(part)
        kept.append(Turn(turn.role, parts))
    return kept
