"""HTTP/1.1 messages read from bytes that arrive cut anywhere.  No I/O.

The scripted upstream reads requests with it, the load generator answers.  It knows just what those need:
bodies with a content-length, chunked bodies, and answers that end with the connection.
"""

from dataclasses import dataclass

HEAD_END = b"\r\n\r\n"
NOT_KNOWN = -1


class BadMessage(Exception):
    """What arrived is not HTTP/1.1."""


@dataclass(slots=True)
class Message:
    head: bytes  # start line and headers, without the empty line
    body: bytes

    @property
    def start_line(self) -> bytes:
        return self.head.partition(b"\r\n")[0]

    @property
    def status(self) -> int:
        return int(self.head[9:12])

    def header(self, name: bytes) -> bytes:
        """The value in lower case, blank when the header is not there.  `name` is in lower case."""
        return _header(self.head.lower(), name)

    @property
    def closes(self) -> bool:
        return b"close" in self.header(b"connection")


class MessageReader:
    """Feed it bytes; it gives each message when its last byte is there."""

    def __init__(self, *, answers: bool = False) -> None:
        self._answers = answers
        self._buffer = bytearray()
        self._reset()

    def _reset(self) -> None:
        self._head = b""
        self._chunked = False
        self._length = 0
        self._body = bytearray()

    def feed(self, data: bytes) -> Message | None:
        """The next message, once it is whole.  Call it again with b"" for one that arrived together with it."""
        self._buffer += data
        while True:
            if not self._head and not self._read_head():
                return None
            if not self._read_body():
                return None
            message = Message(self._head, bytes(self._body))
            self._reset()
            if not (self._answers and 100 <= message.status < 200):
                return message

    def close(self) -> Message | None:
        """The connection has ended: the answer whose end that is, None when nothing was under way."""
        if self._head and self._length == NOT_KNOWN and not self._chunked:
            message = Message(self._head, bytes(self._buffer))
            self._buffer.clear()
            self._reset()
            return message
        if self._head or self._buffer:
            raise BadMessage("the connection ended in the middle of a message")
        return None

    @property
    def rest(self) -> int:
        """How many bytes arrived behind the last whole message."""
        return len(self._buffer)

    def _read_head(self) -> bool:
        end = self._buffer.find(HEAD_END)
        if end < 0:
            return False
        self._head = bytes(self._buffer[:end])
        del self._buffer[: end + len(HEAD_END)]
        if self._answers and not self._head.startswith(b"HTTP/1."):
            raise BadMessage(f"not an HTTP/1.1 answer: {self._head[:40]!r}")
        head = self._head.lower()
        self._chunked = _header(head, b"transfer-encoding").endswith(b"chunked")
        length = _header(head, b"content-length")
        if length:
            self._length = int(length)
        elif self._answers and head[9:12] not in (b"204", b"304") and head[9:10] != b"1":
            self._length = NOT_KNOWN
        return True

    def _read_body(self) -> bool:
        if self._chunked:
            return self._read_chunks()
        if self._length == NOT_KNOWN or len(self._buffer) < self._length:
            return False
        self._body += self._buffer[: self._length]
        del self._buffer[: self._length]
        return True

    def _read_chunks(self) -> bool:
        buffer, position = self._buffer, 0
        try:
            while True:
                line_end = buffer.find(b"\r\n", position)
                if line_end < 0:
                    return False
                start = line_end + 2
                size = _chunk_size(buffer[position:line_end])
                if size == 0:
                    # The last chunk's line ends where the trailers begin: an empty line there ends the message.
                    end = buffer.find(HEAD_END, line_end)
                    if end < 0:
                        return False
                    position = end + len(HEAD_END)
                    return True
                end = start + size
                if len(buffer) < end + 2:
                    return False
                if buffer[end : end + 2] != b"\r\n":
                    raise BadMessage("a chunk is not as long as it says")
                self._body += buffer[start:end]
                position = end + 2
        finally:
            del buffer[:position]


def _chunk_size(line: bytearray) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise BadMessage(f"not a chunk size: {bytes(line[:20])!r}") from None


def _header(lower_head: bytes, name: bytes) -> bytes:
    start = lower_head.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    end = lower_head.find(b"\r\n", start)
    return (lower_head[start:] if end < 0 else lower_head[start:end]).strip()
