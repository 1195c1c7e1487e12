from hypothesis import given
from hypothesis import strategies as st

from routing.dialects.passing import HEAD, NOTHING, TAIL, Tap
from tests.routing.dialects.transcripts import CHAT, chunks


def fed(data, size=1, keep=HEAD):
    tap = Tap(keep)
    for chunk in chunks(data, size):
        tap.feed(chunk)
    return tap


@given(st.lists(st.binary(max_size=3000), max_size=12), st.sampled_from([0, 1, 100, HEAD, 10**6]))
def test_head_and_tail_are_the_ends_of_what_was_fed(parts, keep):
    tap = Tap(keep)
    for part in parts:
        tap.feed(part)
    whole = b"".join(parts)
    assert tap.size == len(whole)
    assert tap.head == whole[:keep]
    assert whole.endswith(tap.tail)
    assert len(tap.tail) >= min(TAIL, len(whole))


def test_what_is_remembered_of_a_long_stream_does_not_grow():
    tap = fed(b"x" * 200_000, size=10)
    assert len(tap.head) == HEAD
    assert len(tap.tail) < TAIL + 10


def test_the_last_chunk_is_remembered_whole_however_large():
    tap = Tap()
    tap.feed(b"x" * 5000)
    tap.feed(b"y" * 100_000)
    assert tap.tail == b"y" * 100_000


def test_empty_chunks_leave_nothing_behind():
    tap = fed(b"x" * 9000, size=5000)
    for _ in range(10):
        tap.feed(b"")
    assert tap.size == 9000
    assert tap.tail == b"x" * 9000


def test_an_excerpt_of_a_short_answer_is_the_answer():
    assert fed(b"abc").excerpt() == b"abc"


def test_an_excerpt_whose_ends_overlap_is_the_answer():
    data = bytes(range(256)) * 20
    assert fed(data, keep=HEAD).excerpt() == data


def test_an_excerpt_of_a_long_answer_says_how_much_is_missing():
    data = b"a" * HEAD + b"b" * 1000 + b"c" * TAIL
    assert fed(data).excerpt() == b"a" * HEAD + b"\n[... 1000 bytes ...]\n" + b"c" * TAIL


def test_an_excerpt_of_nothing_is_nothing():
    assert Tap().excerpt() == b""
    assert Tap(0).excerpt() == b""


def test_the_summary_of_nothing_is_nothing():
    assert Tap().summary() == NOTHING


def test_the_summary_finds_in_the_beginning_what_the_end_does_not_say():
    long = b'{"usage": {"prompt_tokens": 7}, "text": "' + b"x" * 10_000 + b'", "finish_reason": "stop"}'
    summary = fed(long, size=1000).summary()
    assert (summary.prompt_tokens, summary.finish_reason) == (7, "stop")


def test_the_summary_does_not_depend_on_how_the_bytes_arrive():
    data = b"".join(CHAT)
    assert len({fed(data, size).summary() for size in (1, 2, 3, 7, 4096)}) == 1
