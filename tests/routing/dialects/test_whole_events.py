import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.dialects.passing import WholeEvents
from routing.errors import AnswerTooLarge
from tests.routing.dialects.transcripts import TRANSCRIPTS, chunks

ENDINGS = {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r"}
every_framing = pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
every_dialect = pytest.mark.parametrize("frames", TRANSCRIPTS.values(), ids=TRANSCRIPTS)


def framed(frames, ending):
    return [frame.replace(b"\n", ending) for frame in frames]


@every_framing
@every_dialect
@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
def test_the_bytes_that_come_out_are_those_that_went_in(frames, ending, size):
    events = WholeEvents()
    data = b"".join(framed(frames, ending))
    assert b"".join(events.feed(chunk) for chunk in chunks(data, size)) == data
    assert events.close() == b""


@every_framing
@every_dialect
def test_fed_byte_by_byte_each_event_comes_out_whole_and_at_once(frames, ending):
    events = WholeEvents()
    for frame in framed(frames, ending):
        *before, last = [events.feed(byte) for byte in chunks(frame, 1)]
        assert not any(before)
        assert last == frame


@every_framing
def test_wherever_a_frame_is_split_only_whole_events_leave(ending):
    first, second = framed([b"event: a\ndata: 1\n\n", b"event: b\ndata: 2\n\n"], ending)
    data = first + second
    for place in range(len(data) + 1):
        events = WholeEvents()
        expected = b"" if place < len(first) else first if place < len(data) else data
        assert events.feed(data[:place]) == expected
        assert events.feed(data[place:]) == data[len(expected) :]


def test_the_beginning_of_the_next_event_is_held_back():
    events = WholeEvents()
    assert events.feed(b"data: 1\n\ndata: ") == b"data: 1\n\n"
    assert events.feed(b"2\n\n") == b"data: 2\n\n"


def test_a_last_event_without_its_blank_line_leaves_at_the_end_once():
    events = WholeEvents()
    events.feed(b"data: 1\n")
    assert events.close() == b"data: 1\n"
    assert events.close() == b""


def test_nothing_fed_is_nothing_out():
    assert WholeEvents().feed(b"") == b""


def test_a_chunk_that_is_whole_is_not_copied():
    chunk = b"data: 1\n\n"
    assert WholeEvents().feed(chunk) is chunk


def test_one_event_of_ten_megabytes_comes_out_in_one_piece():
    data = b"data: " + b"x" * 10 * 2**20 + b"\n\n"
    events = WholeEvents()
    outs = [events.feed(chunk) for chunk in chunks(data, 65536)]
    assert not any(outs[:-1])
    assert outs[-1] == data


def test_the_work_for_a_chunk_depends_on_the_chunk_alone(monkeypatch):
    """What is searched is the chunk and three bytes before it, however much is held."""
    from routing.dialects import passing

    searched = []
    search = passing._end_of_last_event
    monkeypatch.setattr(passing, "_end_of_last_event", lambda data: searched.append(len(data)) or search(data))
    events = WholeEvents()
    for _ in range(1000):
        events.feed(b"x" * 100)
    assert max(searched) <= 103


@given(st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"data: x", b": ping"]), max_size=20), st.data())
def test_any_bytes_cut_anywhere_leave_in_order_and_complete(parts, data):
    whole = b"".join(parts)
    events = WholeEvents()
    out, rest = b"", whole
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        out += events.feed(rest[:size])
        rest = rest[size:]
    assert out == b"" or out.endswith((b"\n\n", b"\n\r\n", b"\r\r"))
    assert out + events.close() == whole


@pytest.mark.parametrize("size", [1, 3, 100])
def test_an_event_may_be_as_large_as_is_allowed_and_no_larger(size):
    allowed, larger = b"data: 90\n\n", b"data: 901\n\n"
    events = WholeEvents(largest=len(allowed))
    assert b"".join(events.feed(chunk) for chunk in chunks(allowed * 5, size)) == allowed * 5
    assert not any(events.feed(chunk) for chunk in chunks(larger[:-1], size))
    with pytest.raises(AnswerTooLarge):
        events.feed(b"?")
    assert events.close() == b""
