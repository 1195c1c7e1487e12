"""Frames that differ in their text alone are read, and written, as if they had been parsed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxysite.gateway.chat_frames import ChatFrames
from proxysite.gateway.plain_frames import PlainFrames, as_text
from routing.dialects.events import Reasoning, Start, Text
from tests.proxysite.gateway.menders import Menders, lazy
from tests.validation.repair.support import repair
from validation.repair.grammar import grammar


def frame(delta, ascii=True, **fields):
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return f"data: {json.dumps({'id': 'a', 'choices': [choice], **fields}, ensure_ascii=ascii)}\n\n".encode()


def taught(delta, event, **fields):
    plain = PlainFrames()
    plain.learn(frame(delta, **fields), [event])
    return plain


@pytest.mark.parametrize(
    ("name", "kind"), [("content", Text), ("reasoning_content", Reasoning), ("reasoning", Reasoning)]
)
@pytest.mark.parametrize("text", ["b", ' ä\n"quoted" \\ \u2028', "</think>", '"', "\\"])
def test_a_frame_says_what_stands_where_the_text_stood_before(name, kind, text):
    plain = taught({name: "a"}, kind("a"))
    for ascii in (True, False):
        assert plain.read(frame({name: text}, ascii)) == kind(text)


def test_what_is_written_is_the_frame_with_another_text():
    plain = taught({"content": "a"}, Text("a"))
    assert plain.written([Text('ä"'), Text("b")]) == frame({"content": 'ä"'}, False) + frame({"content": "b"})
    assert plain.written([]) == b""
    assert plain.written([Text("a"), Reasoning("b")]) is None


@pytest.mark.parametrize(
    "other",
    [
        frame({"content": ""}),
        frame({"reasoning": "b"}),
        frame({"content": "b"}, created=8),
        frame({"content": "b", "tool_calls": [{}]}),
        frame({"content": ["b"]}),
        frame({"content": "a"}) * 2,
        b'data: {"id": "a", "choices": [{"index": 0, "delta": {"content": "b\x00"}, "finish_reason": null}]}\n\n',
        b"",
        b": ping\n\n",
    ],
)
def test_any_other_frame_is_left_to_who_parses_it(other):
    assert taught({"content": "a"}, Text("a")).read(other) is None


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (frame({"content": "a"}), [Start("", ""), Text("a")]),
        (frame({}), []),
        (frame({"content": "a"}), [Text("b")]),
        (frame({"content": [{"type": "text", "text": "a"}]}), [Text("a")]),
        (frame({"x": '"content": "a"', "text": "a"}), [Text("a")]),
        (frame({"content": "a"}, other={"delta": {"content": "a"}}), [Text("a")]),
        (frame({"content": "a"}).replace(b'"choices"', b'\ndata: "choices"'), [Text("a")]),
        (b"event: chunk\n" + frame({"content": "a"}), [Text("a")]),
        (frame({"content": "\ufffd"}).replace(b"fffd", b"d800"), [Text("\ufffd")]),
    ],
)
def test_what_is_no_lesson_teaches_nothing(data, found):
    plain = PlainFrames()
    plain.learn(data, found)
    assert plain.read(data) is None


def test_frames_that_are_alike_tell_their_texts_together():
    plain = taught({"content": "a"}, Text("a"))
    b, c = frame({"content": "b"}), frame({"content": 'c"'})
    assert plain.run(b + c, 0) == (len(b + c), b'bc\\"')
    assert plain.run(b, 0) == (len(b), b"b")
    assert [plain.only_text(one) for one in (b, c, frame({}))] == [b"b", b'c\\"', b""]
    assert plain.last(b + c) == (len(c), 3)


@pytest.mark.parametrize("data", [frame({}), b"", frame({"content": "b"})[:-2], frame({"content": "b"})[1:]])
def test_others_tell_none(data):
    assert taught({"content": "a"}, Text("a")).run(data, 0) == (0, b"")
    assert PlainFrames().run(data, 0) == (0, b"")
    assert PlainFrames().only_text(data) == b""


def test_with_another_between_them_they_tell_none():
    plain, alike = taught({"content": "a"}, Text("a")), frame({"content": "a"})
    assert plain.run(alike + frame({"x": 1}) + alike, 0) == (0, b"")


def test_a_run_ends_where_other_frames_begin():
    plain = taught({"content": "a"}, Text("a"))
    b, c, other = frame({"content": "b"}), frame({"content": 'c"'}), frame({"x": 1})
    assert plain.run(other + b + c + other, len(other)) == (len(other + b + c), b'bc\\"')
    assert plain.run(b + other, 0) == (len(b), b"b")
    assert plain.run(b + c + other[:-2], 0) == (len(b + c), b'bc\\"')


def test_frames_that_overlap_are_none():
    plain = taught({"content": "a"}, Text("a"))
    one = frame({"content": ""})
    assert plain.run(one[: len(one) // 2], 0) == (0, b"")


@pytest.mark.parametrize(
    ("spelled", "text"),
    [(b"a", "a"), (rb"\u00e9\"", 'é"'), (rb"\ud83d\ude00", "😀"), (b"\xff", "\ufffd"), (rb"\x", r"\x")],
)
def test_texts_are_read_as_json_spells_them(spelled, text):
    assert as_text(spelled) == text


def test_it_learns_until_it_knows_a_frame_or_has_seen_a_few_without_one():
    plain = PlainFrames()
    for _ in range(3):
        assert plain.is_learning
        plain.forget()
    assert not plain.is_learning
    plain.learn(frame({"content": "a"}), [Text("a")])
    assert plain.read(frame({"content": "b"}))
    assert not plain.is_learning
    for _ in range(8):
        assert plain.run(frame({"content": "b"}, created=8), 0) == (0, b"")
    assert not plain.is_learning


def test_it_learns_anew_when_no_frame_is_as_it_was():
    plain = taught({"content": "a"}, Text("a"))
    for _ in range(8):
        assert not plain.is_learning
        assert plain.run(frame({"content": "b"}, created=8), 0) == (0, b"")
    assert plain.is_learning


PIECES = [
    "Hello",
    " ä",
    " <",
    "tool_call>",
    '{"name": "noop", "arguments": {}}',
    "</tool_call>",
    "`",
    "\n",
    '"',
    " of",
    "<think>",
    "  ",
    "{",
    "func",
    "tions.noop:0",
    "</think>",
]


def streamed(data, menders=Menders):
    mending = ChatFrames(menders(repair()))
    out = b"".join([*map(mending.feed, data), mending.close()])
    return [json.loads(line[6:]) for line in out.split(b"\n\n") if line]


def said(chunks):
    """Texts joined, whatever the frames."""
    told = []
    for chunk in chunks:
        for name, value in chunk["choices"][0]["delta"].items():
            if told and told[-1][0] == name and isinstance(value, str):
                told[-1] = (name, told[-1][1] + value)
            else:
                told.append((name, value))
    return told


@given(st.lists(st.tuples(st.sampled_from(["content", "reasoning_content"]), st.sampled_from(PIECES)), max_size=14))
@settings(max_examples=150, deadline=None)
def test_it_makes_no_difference_that_frames_are_not_parsed(pieces):
    alike = [frame({name: text}) for name, text in pieces]
    unlike = [frame({name: text}, timing=number) for number, (name, text) in enumerate(pieces)]
    assert said(streamed(alike)) == said(streamed(unlike)) == said(streamed([b"".join(alike)]))


@given(
    st.lists(st.tuples(st.sampled_from(["content", "reasoning_content"]), st.sampled_from(PIECES)), max_size=14),
    st.integers(1, 5),
    st.sampled_from([[], [{"role": "assistant"}], [{"role": "assistant", "content": ""}]]),
)
@settings(max_examples=200, deadline=None)
def test_it_makes_no_difference_that_a_beginning_stays_unread(pieces, size, greetings):
    data = [frame(delta) for delta in (*greetings, *({name: text} for name, text in pieces))]
    grouped = [b"".join(data[at : at + size]) for at in range(0, len(data), size)]
    assert said(streamed(grouped, lazy)) == said(streamed(data))


class Unneeded(Menders):
    @property
    def transforms(self):
        raise AssertionError("nothing had to be mended")

    @transforms.setter
    def transforms(self, transforms):
        pass


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_nothing_is_made_to_mend_an_ordinary_answer(size):
    data = [
        frame({"role": "assistant", "content": ""}),
        *(frame({"content": f" word {number}"}) for number in range(9)),
        FINISH,
        DONE,
    ]
    mending = ChatFrames(Unneeded(begins=grammar(None, True).begins))
    grouped = [b"".join(data[at : at + size]) for at in range(0, len(data), size)]
    assert b"".join([*map(mending.feed, grouped), mending.close()]) == b"".join(data)
    assert not mending.is_cut


@pytest.mark.parametrize(
    "first",
    [
        frame({"reasoning": "a"}),
        frame({"refusal": "a"}),
        frame({"tool_calls": [{"index": 0}]}),
        frame({"content": 'a"'}),
        b"event: x\n" + frame({"content": "a", "refusal": "b"}),
        frame({"content": "a"}).replace(b"\n\n", b"\r\n\r\n"),
        b"data: {}\n\n" * 500,
        b'data: {"error": "a"}\n\n',
        b"data: [DONE]\n\n",
    ],
)
def test_what_says_more_than_a_text_is_read_at_once(first):
    mending = ChatFrames(Unneeded(begins=grammar(None, True).begins))
    with pytest.raises(AssertionError, match="nothing had to be mended"):
        mending.feed(first)


FINISH = frame({}).replace(b"null}", b'"stop"}')
DONE = b"data: [DONE]\n\n"


def whole(*data):
    mending = ChatFrames(lazy(repair()))
    out = b"".join([*map(mending.feed, data), mending.close()])
    return out, mending.is_cut


LEAK = "<tool_call>\n" + json.dumps({"name": "noop", "arguments": {}}) + "\n</tool_call>"


@pytest.mark.parametrize("size", [1, 7, 5000])
@pytest.mark.parametrize("quoted", [False, True])
def test_what_left_unread_long_ago_decides_whether_a_marker_counts(size, quoted):
    words = ["Look: ", "\n```\n" if quoted else "\n", *["a word and "] * 4000, LEAK]
    data = [frame({"role": "assistant"}), *(frame({"content": text}) for text in words), FINISH, DONE]
    out, _ = whole(*(b"".join(data[at : at + size]) for at in range(0, len(data), size)))
    assert (b"tool_calls" in out) is not quoted
    assert (b"<tool_call>" in out) is quoted


def test_what_could_become_a_marker_waits_for_the_next_frame():
    mending = ChatFrames(lazy(repair()))
    mending.feed(b"".join(frame({"content": text}) for text in ("Hello", " there")))
    assert mending.feed(frame({"content": " of"})) == b""
    assert mending.feed(frame({"content": " it"})) == frame({"content": " of"}) + frame({"content": " it"})
    data = frame({"content": " for"}) + frame({"content": " f"})
    assert mending.feed(data) == frame({"content": " for"})
    assert b'"content":" "' in (end := mending.close())
    assert b'"content":"f"' in end


def test_a_row_of_backticks_that_left_unread_is_said_once():
    data = [frame({"content": text}) for text in ("Hello", " `", "a", "`", "` <tool_", "x", "` y", "` <tool_call>")]
    out, _ = whole(*data, FINISH, DONE)
    text = "".join(
        value for name, value in said([json.loads(line[6:]) for line in out.split(b"\n\n")[:-2]]) if name == "content"
    )
    assert text == "Hello `a`` <tool_x` y` <tool_call>"


def test_a_comment_may_come_first():
    data = [b": ping\n\n", frame({"role": "assistant"}), frame({"content": "Hello"}), FINISH, DONE]
    conversation = ChatFrames(Unneeded(begins=grammar(None, True).begins))
    assert b"".join(map(conversation.feed, data)) == b"".join(data)


PLAIN = [frame({"role": "assistant"}), *(frame({"content": text}) for text in ("Hello", " there", " you", "."))]


@pytest.mark.parametrize("end", [[FINISH, DONE], [FINISH + DONE], [FINISH], [PLAIN[-1] + FINISH + DONE]])
def test_an_end_that_is_complete_leaves_as_it_came(end):
    assert whole(*PLAIN, *end) == (b"".join([*PLAIN, *end]), False)


@pytest.mark.parametrize("end", [[DONE], [PLAIN[-1] + DONE]])
def test_an_end_without_a_reason_gets_one(end):
    out, is_cut = whole(*PLAIN, *end)
    assert out.count(b'"finish_reason":"stop"') == 1
    assert out.endswith(DONE)
    assert not is_cut


def test_no_end_at_all_is_a_cut():
    assert whole(*PLAIN) == (b"".join(PLAIN), True)


def test_a_frame_with_a_reason_to_finish_is_no_pattern_for_others():
    one = frame({"content": "a"}).replace(b"null}", b'"tool_calls"}')
    out, _ = whole(one, one.replace(b'"a"', b'"b"'), DONE)
    assert out.count(b"stop") == 1
    assert b"tool_calls" not in out
