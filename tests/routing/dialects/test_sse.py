"""Server-sent events: table 1.4 of the reference."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.dialects.sse import Frame, SseParser, data_frame, named_frame
from tests.routing.dialects.support import pieces


def frames(chunks: list[bytes]) -> list[Frame]:
    parser = SseParser()
    return [frame for chunk in chunks for frame in parser.feed(chunk)] + parser.close()


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [(b"", b"a")]),
        (b"data:a\r\n\r\ndata:  b\r\r", [(b"", b"a"), (b"", b" b")]),
        (b"event: x\ndata: a\ndata:b\ndata\ndata: c\n\n", [(b"x", b"a\nb\n\nc")]),
        (b": comment\nid: 7\nretry: 5\nevent:y\n\ndata: a\n\n", [(b"", b"a")]),
        (b"\xef\xbb\xbfdata: a\n\ndata: b", [(b"", b"a"), (b"", b"b")]),
        (b"\xef\xbb\xbfdata: a", [(b"", b"a")]),
        (b"data: a\n", [(b"", b"a")]),
        (b"\n\n\n", []),
        (b"", []),
        (b"odd\ndata: a\n\n", [(b"", b"a")]),
        ("data: ü 日本 🌦\n\n".encode(), [(b"", "ü 日本 🌦".encode())]),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
def test_frames_do_not_depend_on_how_the_bytes_arrive(stream, expected, size):
    assert frames(pieces(stream, size)) == expected


LINES = st.sampled_from([b"data: a", b"data:", b"data", b"event: x", b":c", b"", b"id: 1", "data: ü".encode()])
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


@given(lines=st.lists(st.tuples(LINES, ENDS), max_size=12), cuts=st.sets(st.integers(0, 120)))
def test_any_split_gives_the_same_frames(lines, cuts):
    stream = b"".join(line + end for line, end in lines)
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert frames(chunks) == frames([stream])


def test_frames_are_written_as_each_dialect_wants_them():
    assert data_frame({"a": 1}) == b'data: {"a":1}\n\n'
    assert named_frame({"type": "ping"}) == b'event: ping\ndata: {"type":"ping"}\n\n'
