"""Frames that differ in their text alone say the same whether they are parsed or not, however the bytes come."""

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dialects import Dialect
from routing.dialects.events import Finish, Reasoning, Text, UpstreamError
from routing.dialects.exchange import Exchange
from routing.dialects.plain_text import PlainText, apart
from routing.dialects.sse import data_frame, named_frame
from routing.dialects.streaming import StreamConverter


class Heard:
    """A transform that keeps what it is shown."""

    def __init__(self):
        self.events = []

    def feed(self, event):
        self.events.append(event)
        return [event]

    def close(self):
        return []


def chat(delta, reason=None, **fields):
    return data_frame({"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **fields})


def chat_text(text):
    return chat({"content": text})


def messages_text(text):
    delta = {"type": "text_delta", "text": text}
    return named_frame({"type": "content_block_delta", "index": 0, "delta": delta})


MESSAGES_START = named_frame({"type": "message_start", "message": {"id": "m", "model": "x"}}) + named_frame(
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
)
MESSAGES_END = (
    named_frame({"type": "content_block_stop", "index": 0})
    + named_frame({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}})
    + named_frame({"type": "message_stop"})
)
CHAT_END = chat({}, "stop") + b"data: [DONE]\n\n"


def said(stream, dialect, cuts=(), *, parsed=False, patience=0):
    heard = Heard()
    converter = StreamConverter(Exchange(client=Dialect.CHAT, upstream=dialect), [heard])
    converter.patience = patience
    if parsed:
        converter._may_be_plain = False
    for start, end in zip((0, *cuts), (*cuts, len(stream)), strict=True):
        converter.feed(stream[start:end])
    converter.close()
    return merged(heard.events)


def merged(events):
    out = []
    for event in events:
        if out and type(event) is type(out[-1]) and isinstance(event, Text | Reasoning):
            out[-1] = type(event)(out[-1].text + event.text)
        else:
            out.append(event)
    return out


def ends(frames):
    return accumulate(map(len, frames))


texts = st.lists(st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(['"', "\\", '"}}', "\n", "0"]))


@settings(max_examples=60)
@given(texts, st.data())
def test_a_chat_stream_says_the_same_however_it_is_read(said_texts, data):
    frames = [chat({"role": "assistant", "content": ""})]
    for text in said_texts:
        kind = data.draw(st.sampled_from(["content", "content", "content", "reasoning_content"]))
        frames.append(chat({kind: text}))
        if data.draw(st.integers(0, 9)) == 0:
            frames.append(
                data.draw(st.sampled_from([b": keep-alive\n\n", chat_text("x").replace(b"\n\n", b"\r\n\r\n")]))
            )
    stream = b"".join(frames) + CHAT_END
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    cuts = sorted({*cuts, *data.draw(st.sampled_from([ends(frames), []]))})
    patience = data.draw(st.sampled_from([0, 8, 100]))
    assert said(stream, Dialect.CHAT, cuts, patience=patience) == said(stream, Dialect.CHAT, parsed=True)


@settings(max_examples=30)
@given(texts, st.data())
def test_a_messages_stream_says_the_same_however_it_is_read(said_texts, data):
    stream = MESSAGES_START + b"".join(map(messages_text, said_texts)) + MESSAGES_END
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    patience = data.draw(st.sampled_from([0, 100]))
    assert said(stream, Dialect.MESSAGES, cuts, patience=patience) == said(stream, Dialect.MESSAGES, parsed=True)


def learned(frame=None, text="Hello"):
    plain = PlainText()
    plain.learn(frame or chat_text(text), [Text(text)])
    return plain


def test_frames_are_read_together_up_to_one_of_another_kind():
    plain = learned()
    several = chat_text(" there") + chat_text(' "you"')
    assert plain.read(several, 0) == ([Text(' there "you"')], len(several))
    assert plain.whole(several) == [Text(' there "you"')]
    assert plain.whole(several + CHAT_END) is None
    assert plain.whole(several + CHAT_END + several) is None
    assert plain.read(several + CHAT_END, 0) == ([Text(' there "you"')], len(several))
    assert plain.read(several + chat_text("and")[:-9], 0) == ([Text(' there "you"')], len(several))
    assert plain.read(several + chat_text("and"), len(chat_text(" there")))[0] == [Text(' "you"and')]


def test_many_frames_become_some_events_whose_texts_are_whole_tokens():
    found = learned().whole(b"".join(chat_text(f" token{n}") for n in range(132)))
    assert [event.text.count(" ") for event in found] == [64, 64, 4]
    assert learned().whole(chat_text("one") + chat_text("") + chat_text("two")) == [Text("onetwo")]


@pytest.mark.parametrize(
    "frame",
    [
        chat({"content": "Hello"}, "stop"),
        chat({"content": "Hello"}, id="c2"),
        chat({"content": "Hello", "role": "assistant"}),
        chat({"reasoning_content": "Hello"}),
        chat({"content": ""}),
        chat({}),
        chat_text("\ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"))[:-4],
        b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"\\ud83d"},"finish_reason":null}]}\n\n',
    ],
)
def test_what_is_another_frame_or_half_of_one_is_not_read(frame):
    assert learned().read(frame, 0) is None
    assert learned().whole(frame) is None


def test_a_frame_among_them_that_says_more_makes_all_be_parsed():
    between = chat_text("a") + chat({"content": "b", "tool_calls": []}) + chat_text("c")
    assert learned().read(between, 0) in (None, ([Text("a")], len(chat_text("a"))))


@pytest.mark.parametrize(
    "frame",
    [
        chat({"content": "Hello"}, note="Hello"),  # which of the two was it?
        data_frame({"id": "c1", "choices": [{"message": {"content": "Hello"}}]}),
        chat({"other": "Hello"}),
        chat_text("Hello").replace(b"Hello", b"H\\u0065llo"),
    ],
)
def test_a_frame_in_which_the_text_is_not_found_for_sure_teaches_nothing(frame):
    assert learned(frame).read(frame, 0) is None


def test_whoever_writes_every_frame_anew_is_soon_parsed_only():
    plain = PlainText()
    for number in range(20):
        plain.learn(chat({"content": "Hello"}, obfuscation=str(number)), [Text("Hello")])
    assert not plain.is_hopeful


@pytest.fixture
def patient():
    """A converter that has learned what frames look like, and what it has said."""
    heard = Heard()
    converter = StreamConverter(Exchange(client=Dialect.CHAT, upstream=Dialect.CHAT), [heard])
    converter.feed(chat({"role": "assistant"}) + chat_text("Once"))
    converter.patience = 8
    return converter, heard


def test_little_text_waits_for_more_where_that_is_asked_for(patient):
    converter, heard = patient
    seen = [converter.feed(chat_text(text)) for text in (" upon", " a time", " there", " was")]
    assert [bool(frames) for frames in seen] == [False, True, False, True]
    assert merged(heard.events)[-1] == Text("Once upon a time there was")


def test_what_waits_comes_before_the_end(patient):
    converter, heard = patient
    converter.feed(chat_text(" upon"))
    converter.end_answer()
    assert Text("Once upon") in merged(heard.events)


def test_what_waits_comes_before_a_failure(patient):
    converter, _ = patient
    assert converter.feed(chat_text(" upon")) == b""
    told = converter.fail(UpstreamError(502, "gone"))
    assert told.index(b" upon") < told.index(b"gone")


def test_a_finish_is_never_read_as_text():
    stream = (
        b"".join(map(chat_text, ("one", " two", " three"))) + chat({"content": " four"}, "stop") + b"data: [DONE]\n\n"
    )
    events = said(stream, Dialect.CHAT)
    assert Text("one two three four") in events
    assert any(isinstance(event, Finish) for event in events)


@pytest.mark.parametrize(
    "texts",
    [
        b"one",
        b"",
        b"one<between frames, as it is>two<between frames, as it is>",
        b"one<between frames, not as it is>two<between frames, as it is>",
        b"<between frames, <between frames, as it is>",
    ],
)
@pytest.mark.parametrize("between", [b"<between frames, as it is>", b"<"])
def test_texts_are_taken_apart_as_split_does_it(texts, between):
    assert apart(texts, between) == texts.split(between)
