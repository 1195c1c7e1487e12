"""Messages are the same however their bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.wire import BadMessage, Message, MessageReader

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"9\r\ndata: a\r\n\r\n"  # a chunk may end with what ends a line
    b"B;ext=1\r\ndata: b0\r\n\r\r\n"
    b"0\r\n\r\n"
)
CHUNKED_BODY = b"data: a\r\ndata: b0\r\n\r"
WITH_LENGTH = b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"


def read(pieces: list[bytes], *, answers: bool = True) -> list[Message]:
    reader, messages = MessageReader(answers=answers), []
    for piece in pieces:
        message = reader.feed(piece)
        while message:
            messages.append(message)
            message = reader.feed(b"")
    return messages


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
def test_a_chunked_body_does_not_depend_on_how_it_arrives(size):
    (message,) = read(cut(CHUNKED, size))
    assert (message.status, message.body) == (200, CHUNKED_BODY)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
def test_a_body_with_a_length_does_not_depend_on_how_it_arrives(size):
    (message,) = read(cut(WITH_LENGTH, size))
    assert (message.status, message.body) == (404, b"hello")


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(1, 50))
def test_any_chunks_come_back_joined(parts, size):
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    sent = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    (message,) = read(cut(sent, size))
    assert message.body == b"".join(parts)


def test_a_message_without_its_last_byte_is_not_complete():
    assert read([CHUNKED[:-1]]) == []
    assert read([WITH_LENGTH[:-1]]) == []


def test_trailers_belong_to_the_message():
    (message,) = read([CHUNKED[:-2] + b"x-checksum: 1\r\n\r\n"])
    assert message.body == CHUNKED_BODY


def test_messages_that_arrive_together_are_told_apart():
    assert [message.status for message in read([CHUNKED + WITH_LENGTH + CHUNKED])] == [200, 404, 200]


def test_an_informational_answer_is_not_the_answer():
    (message,) = read([b"HTTP/1.1 100 Continue\r\n\r\n" + WITH_LENGTH])
    assert message.status == 404


def test_an_answer_without_a_body_is_complete_with_its_head():
    (message,) = read([b"HTTP/1.1 204 No Content\r\n\r\n"])
    assert message.body == b""


def test_a_request_without_a_length_has_no_body():
    (message,) = read([b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"], answers=False)
    assert (message.start_line, message.body) == (b"GET /v1/models HTTP/1.1", b"")


def test_an_answer_without_a_length_ends_with_the_connection():
    reader = MessageReader(answers=True)
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\npart and ") is None
    assert reader.feed(b"part") is None
    message = reader.close()
    assert message is not None
    assert message.body == b"part and part"


@pytest.mark.parametrize("sent", [CHUNKED[:-1], WITH_LENGTH[:-1], b"HTTP/1.1 200"])
def test_a_connection_that_ends_too_early_is_noticed(sent):
    reader = MessageReader(answers=True)
    reader.feed(sent)
    with pytest.raises(BadMessage):
        reader.close()


def test_a_connection_that_ends_between_messages_is_fine():
    reader = MessageReader(answers=True)
    reader.feed(WITH_LENGTH)
    assert reader.close() is None


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(sent):
    with pytest.raises(BadMessage):
        MessageReader(answers=True).feed(sent)


def test_bytes_behind_the_end_are_counted():
    reader = MessageReader(answers=True)
    reader.feed(WITH_LENGTH + b"more")
    assert reader.rest == 4


def test_a_server_that_wants_to_close_is_heard():
    assert read([WITH_LENGTH])[0].closes
    assert not read([CHUNKED])[0].closes
