"""What must hold of any stream that we write, in each dialect; each checker gives back the answer it read."""

from dataclasses import dataclass, field

import orjson

from routing.dialects.sse import SseParser


@dataclass
class Read:
    """`parts` are (kind, text) in order; a tool's text is (id, name, arguments)."""

    parts: list = field(default_factory=list)
    finish: str = ""
    usage: dict = field(default_factory=dict)
    error: dict | None = None

    def texts(self, kind: str) -> str:
        return "".join(text for found, text in self.parts if found == kind)

    def tools(self) -> list:
        return [text for found, text in self.parts if found == "tool"]


def frames(stream: bytes) -> list[tuple[bytes, bytes]]:
    parser = SseParser()
    found = parser.feed(stream)
    assert stream == b"" or stream.endswith(b"\n\n"), "the last frame is complete"
    return found + parser.close()


def check_messages(stream: bytes) -> Read:
    """The invariants of Anthropic's accumulator."""
    read, opened, state, closed = Read(), -1, {}, []
    kinds = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}
    found = frames(stream)
    for position, (name, data) in enumerate(found):
        event = orjson.loads(data)
        kind = event["type"]
        assert name.decode() == kind
        assert read.error is None, "nothing follows an error"
        assert (position == 0) == (kind == "message_start") or kind == "error"
        if kind == "message_start":
            message = event["message"]
            assert message["content"] == []
            assert message["stop_reason"] is None
            assert message["role"] == "assistant"
            assert isinstance(message["usage"]["input_tokens"], int)
            assert isinstance(message["usage"]["output_tokens"], int)
            assert message["id"].startswith("msg_")
        elif kind == "content_block_start":
            assert not state, "blocks never overlap"
            assert event["index"] == opened + 1, "blocks are dense"
            opened += 1
            state = {
                "kind": event["content_block"]["type"],
                "block": event["content_block"],
                "text": [],
                "signature": "",
            }
            if state["kind"] == "tool_use":
                assert state["block"]["input"] == {}
                assert state["block"]["id"]
                assert state["block"]["name"]
        elif kind == "content_block_delta":
            assert state
            assert event["index"] == opened
            changed = event["delta"]
            if changed["type"] == "signature_delta":
                assert state["kind"] == "thinking"
                assert not state["signature"]
                state["signature"] = changed["signature"]
                continue
            assert changed["type"] == kinds[state["kind"]]
            assert not state["signature"]
            (text,) = (value for key, value in changed.items() if key != "type")
            assert isinstance(text, str)
            state["text"].append(text)
        elif kind == "content_block_stop":
            assert state
            assert event["index"] == opened
            text, block = "".join(state["text"]), state["block"]
            if state["kind"] == "tool_use":
                read.parts.append(("tool", (block["id"], block["name"], text)))
            elif state["kind"] == "text":
                assert text.strip()
                read.parts.append(("text", text))
            else:
                read.parts.append((state["kind"], text))
            closed.append(opened)
            state = {}
        elif kind == "message_delta":
            assert not state
            assert not read.finish
            read.finish, read.usage = event["delta"]["stop_reason"], event["usage"]
            assert read.finish
            assert isinstance(read.usage["output_tokens"], int)
        elif kind == "message_stop":
            assert read.finish
            assert position == len(found) - 1
        else:
            assert kind == "error"
            assert event["error"]["type"]
            assert event["error"]["message"]
            read.error = event["error"]
    if read.error is None:
        assert orjson.loads(found[-1][1])["type"] == "message_stop"
        assert (read.finish == "tool_use") == bool(read.tools()) or read.finish in ("max_tokens", "refusal")
    return read


ARGUMENTS = {"function": "arguments", "custom": "input"}


def check_chat(stream: bytes, *, include_usage: bool = False, kept: bool = False) -> Read:
    """The order of OpenAI's chunks, and that nothing is sent twice that an accumulator would double.

    `kept`: the upstream wrote most of it, and tells of usage what it likes.
    """
    read, calls, kinds, ids, usages = Read(), {}, {}, set(), 0
    found = frames(stream)
    assert found[-1] == (b"", b"[DONE]")
    for position, (name, data) in enumerate(found[:-1]):
        assert name == b""
        chunk = orjson.loads(data)
        if chunk.get("error"):
            assert position == len(found) - 2, "nothing follows an error"
            assert chunk["error"]["message"]
            assert "code" in chunk["error"]
            assert "param" in chunk["error"]
            read.error = chunk["error"]
            continue
        ids.add((chunk["id"], chunk["created"], chunk["model"]))
        assert chunk["object"] == "chat.completion.chunk"
        if not chunk["choices"]:
            assert include_usage or kept
            assert read.finish
            usages += 1
            read.usage = chunk["usage"]
            continue
        assert not read.finish, "the finish comes last"
        assert kept or ("usage" in chunk) == include_usage
        assert not chunk.get("usage")
        (choice,) = chunk["choices"]
        assert choice["index"] == 0
        changed = choice["delta"]
        assert ("role" in changed) == (position == 0)
        if changed.get("reasoning_content"):
            _add(read, "thinking", changed["reasoning_content"])
        if changed.get("content"):
            _add(read, "text", changed["content"])
        if changed.get("refusal"):
            _add(read, "refusal", changed["refusal"])
        for entry in changed.get("tool_calls", ()):
            index = entry["index"]
            if "id" in entry:
                assert index == len(calls)
                assert entry["id"]
                kinds[index] = kind = entry["type"]
                assert kind in ARGUMENTS
                assert entry[kind]["name"]
                calls[index] = [entry["id"], entry[kind]["name"], entry[kind][ARGUMENTS[kind]]]
            else:
                kind = kinds[index]
                assert set(entry) == {"index", kind}
                assert set(entry[kind]) == {ARGUMENTS[kind]}
                calls[index][2] += entry[kind][ARGUMENTS[kind]]
        read.finish = choice["finish_reason"] or ""
    assert len(ids) <= 1
    read.parts += [("tool", tuple(call)) for call in calls.values()]
    if read.error is None:
        assert read.finish
        assert kept or usages == include_usage
    return read


def check_responses(stream: bytes) -> Read:
    """Sequence, order and completeness of Responses' events."""
    read, open_items, done, ids, ended = Read(), {}, {}, set(), False
    for number, (name, data) in enumerate(frames(stream)):
        event = orjson.loads(data)
        kind = event["type"]
        assert name.decode() == kind
        assert event["sequence_number"] == number
        assert not ended, "nothing follows the end"
        if "delta" in event:
            assert isinstance(event["delta"], str)
        if "response" in event:
            ids.add(event["response"]["id"])
            if kind in ("response.completed", "response.incomplete", "response.failed"):
                ended = True
                _check_end(kind, event["response"], done, open_items, read)
            else:
                assert number < 2
                assert event["response"]["output"] == []
            continue
        index = event["output_index"]
        if kind == "response.output_item.added":
            assert index == len(open_items) + len(done), "indices ascend without gaps"
            open_items[index] = {"item": event["item"], "text": [], "done": False}
            continue
        state = open_items[index]
        if kind == "response.output_item.done":
            done[index] = event["item"]
            assert event["item"]["id"] == state["item"]["id"]
            _check_item(event["item"], "".join(state["text"]), read)
            del open_items[index]
            continue
        assert event["item_id"] == state["item"]["id"]
        assert not state["done"] or kind in ("response.content_part.done", "response.reasoning_summary_part.done")
        if kind.endswith(".delta"):
            state["text"].append(event["delta"])
        elif kind.endswith(".done") and "part" not in event:
            said = next(event[member] for member in ("text", "refusal", "arguments", "input") if member in event)
            if kind != "response.function_call_arguments.done" or state["text"]:
                assert said == "".join(state["text"])
            state["done"] = True
    assert len(ids) == 1
    assert ended
    return read


def _check_item(item: dict, streamed: str, read: Read) -> None:
    match item["type"]:
        case "message":
            (part,) = item["content"]
            said = part.get("text", part.get("refusal"))
            assert said == streamed
            assert item["status"] in ("completed", "incomplete")
            _add(read, "text" if "text" in part else "refusal", said)
        case "reasoning":
            said = "".join(part["text"] for part in item["summary"])
            assert said == streamed
            _add(read, "thinking", said)
        case "function_call":
            assert item["call_id"]
            assert item["name"]
            assert item["status"] in ("completed", "incomplete")
            read.parts.append(("tool", (item["call_id"], item["name"], item["arguments"])))
        case "custom_tool_call":
            assert item["input"] == streamed
            read.parts.append(("tool", (item["call_id"], item["name"], item["input"])))


def _check_end(kind: str, response: dict, done: dict, open_items: dict, read: Read) -> None:
    assert f"response.{response['status']}" == kind
    assert response["output"] == [done[index] for index in sorted(done)]
    if kind == "response.failed":
        assert response["error"]["code"]
        assert response["error"]["message"]
        read.error = response["error"]
        return
    assert not open_items
    assert response["error"] is None
    read.usage = response["usage"]
    assert read.usage["input_tokens_details"]
    assert read.usage["output_tokens_details"]
    read.finish = response["status"]
    if kind == "response.incomplete":
        read.finish = response["incomplete_details"]["reason"]


def check_completions(stream: bytes, *, include_usage: bool = False) -> Read:
    read = Read()
    found = frames(stream)
    assert found[-1] == (b"", b"[DONE]")
    for _, data in found[:-1]:
        chunk = orjson.loads(data)
        if chunk.get("error"):
            read.error = chunk["error"]
            continue
        assert chunk["object"] == "text_completion"
        if not chunk["choices"]:
            assert include_usage
            assert read.finish
            read.usage = chunk["usage"]
            continue
        assert not read.finish
        _add(read, "text", chunk["choices"][0]["text"])
        read.finish = chunk["choices"][0]["finish_reason"] or ""
    assert read.finish or read.error
    return read


def _add(read: Read, kind: str, text: str) -> None:
    if read.parts and read.parts[-1][0] == kind:
        read.parts[-1] = (kind, read.parts[-1][1] + text)
    elif text:
        read.parts.append((kind, text))
