import asyncio
import gzip
import zlib
from functools import partial

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from proxysite.gateway import body
from proxysite.gateway.body import ClientGone, decoded, received
from routing import decoding
from routing.errors import BadRequest, BodyTooLarge, EncodingNotSupported, RequestTimeout
from tests.virtual_time import in_virtual_time

LIMIT = 2**20
TEXT = b'{"model": "m", "prompt": "' + b"word " * 500 + b'"}'


def raw_deflate(data):
    encoder = zlib.compressobj(level=1, wbits=-zlib.MAX_WBITS)
    return encoder.compress(data) + encoder.flush()


def streamed_zstd(data):
    """A frame that does not say how long its content is, as streaming encoders write it."""
    encoder = zstandard.ZstdCompressor().compressobj()
    return encoder.compress(data) + encoder.flush()


quickly_zipped = partial(gzip.compress, compresslevel=1)  # the best they can takes seconds for tens of megabytes
ENCODERS = {
    "gzip": quickly_zipped,
    "x-gzip": quickly_zipped,
    "deflate": partial(zlib.compress, level=1),
    "raw deflate": raw_deflate,
    "br": partial(brotli.compress, quality=5),
    "zstd": zstandard.compress,
    "streamed zstd": streamed_zstd,
}
CODINGS = {name: name.split()[-1] for name in ENCODERS}
every_coding = pytest.mark.parametrize("name", ENCODERS)


def messages(*parts, gone=False):
    left = [
        {"type": "http.request", "body": part, "more_body": gone or at < len(parts) - 1}
        for at, part in enumerate(parts)
    ]

    async def receive():
        return left.pop(0) if left else {"type": "http.disconnect"}

    return receive


class Threads:
    """Work for other threads is counted, and done here."""

    used = 0

    async def run(self, function, *arguments):
        self.used += 1
        return function(*arguments)


@pytest.fixture
def threads(monkeypatch):
    counted = Threads()
    monkeypatch.setattr(body.asyncio, "to_thread", counted.run)
    return counted


class TestReceiving:
    async def test_one_part_is_not_copied(self):
        assert await received(messages(TEXT), LIMIT) is TEXT

    @pytest.mark.parametrize("size", [1, 7])
    async def test_parts_are_joined(self, size):
        parts = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
        assert await received(messages(*parts), LIMIT) == TEXT

    async def test_a_request_may_have_no_body(self):
        async def receive():
            return {"type": "http.request"}

        assert await received(receive, LIMIT) == b""

    async def test_a_body_of_exactly_the_limit_is_taken(self):
        assert await received(messages(b"x" * 5, b"y" * 5), 10) == b"xxxxxyyyyy"

    async def test_a_larger_body_is_refused_as_soon_as_it_is_too_large(self):
        with pytest.raises(BodyTooLarge, match="larger than 1 MiB, which MAX_BODY_MIB allows"):
            await received(messages(b"x" * LIMIT, b"y", gone=True), LIMIT)

    @pytest.mark.parametrize("parts", [(), (b"half",)])
    async def test_a_client_that_leaves_before_the_end_is_gone(self, parts):
        with pytest.raises(ClientGone):
            await received(messages(*parts, gone=True), LIMIT)


def arriving(*parts, every):
    """Behind the beginning, each part comes so many seconds after the one before, and after the last comes nothing."""
    left = [b"", *parts]

    async def receive():
        await asyncio.sleep(every if left else 10**9)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left) or parts[-1:] != (b"end",)}

    return receive


class TestPatience:
    @in_virtual_time
    async def test_a_body_that_never_comes_is_given_up(self):
        with pytest.raises(RequestTimeout, match="did not come within 30 s, which is CLIENT_TIMEOUT_SECONDS"):
            await received(arriving(every=0), LIMIT, 30)
        assert asyncio.get_running_loop().time() == 30

    @in_virtual_time
    async def test_a_silence_in_its_middle_is_no_longer_however_much_came_before(self):
        with pytest.raises(RequestTimeout):
            await received(arriving(b"x" * LIMIT, every=10), LIMIT, 30)
        assert asyncio.get_running_loop().time() == 50

    @in_virtual_time
    async def test_a_body_that_comes_slowly_but_steadily_is_taken(self):
        kibs = [b"x" * 20 * 1024] * 50
        assert len(await received(arriving(*kibs, b"end", every=20), LIMIT, 30)) == 50 * 20 * 1024 + 3

    @in_virtual_time
    async def test_a_byte_now_and_then_does_not_keep_it_waiting(self):
        with pytest.raises(RequestTimeout):
            await received(arriving(*[b"x"] * 1000, every=5), LIMIT, 30)
        assert asyncio.get_running_loop().time() < 36

    @in_virtual_time
    async def test_without_a_limit_it_waits(self):
        assert await received(arriving(b"x", b"end", every=10**6), LIMIT) == b"xend"


class TestDecoding:
    @every_coding
    async def test_every_coding_is_understood(self, name):
        assert await decoded(ENCODERS[name](TEXT), [CODINGS[name]], LIMIT) == TEXT

    @every_coding
    async def test_an_empty_text_is_understood(self, name):
        assert await decoded(ENCODERS[name](b""), [CODINGS[name]], LIMIT) == b""

    @pytest.mark.parametrize("codings", [[], [""], ["identity"], [" Identity "]])
    async def test_a_plain_body_stays(self, codings):
        assert await decoded(TEXT, codings, LIMIT) is TEXT

    async def test_codings_are_undone_from_the_last_to_the_first(self):
        sent = brotli.compress(zstandard.compress(gzip.compress(TEXT)))
        assert await decoded(sent, ["GZIP", " zstd", "identity", "br "], LIMIT) == TEXT

    async def test_an_unknown_coding_is_refused_with_those_that_are_known(self):
        with pytest.raises(EncodingNotSupported, match="“compress” is not supported; send gzip, deflate, br, zstd"):
            await decoded(TEXT, ["compress"], LIMIT)

    @pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "unknown"])
    async def test_no_body_needs_no_decoding(self, coding):
        assert await decoded(b"", [coding], LIMIT) == b""

    @every_coding
    async def test_a_body_that_breaks_off_is_refused_wherever_it_does(self, name):
        whole = ENCODERS[name](TEXT)
        for end in range(1, len(whole)):
            with pytest.raises(BadRequest, match=f"not valid {CODINGS[name]}"):
                await decoded(whole[:end], [CODINGS[name]], LIMIT)

    @every_coding
    async def test_nonsense_is_refused(self, name):
        with pytest.raises(BadRequest, match=f"The request body is not valid {CODINGS[name]}: "):
            await decoded(b"\xff\x07 this is nothing of the kind", [CODINGS[name]], LIMIT)

    @every_coding
    async def test_a_text_of_exactly_the_limit_is_taken(self, name):
        text = b"x" * LIMIT
        assert await decoded(ENCODERS[name](text), [CODINGS[name]], LIMIT) == text

    @every_coding
    @pytest.mark.parametrize("size", [LIMIT + 1, 50 * LIMIT])
    async def test_a_small_body_that_becomes_a_huge_text_is_refused(self, name, size):
        with pytest.raises(BodyTooLarge):
            await decoded(ENCODERS[name](b"\0" * size), [CODINGS[name]], LIMIT)

    async def test_a_bomb_inside_a_coding_is_refused(self):
        with pytest.raises(BodyTooLarge):
            await decoded(brotli.compress(gzip.compress(b"\0" * 50 * LIMIT)), ["gzip", "br"], LIMIT)

    @pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
    async def test_members_and_frames_one_after_the_other_are_one_text(self, coding, encode):
        sent = b"".join(encode(TEXT[at : at + 100]) for at in range(0, len(TEXT), 100))
        assert await decoded(sent, [coding], LIMIT) == TEXT

    @pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
    async def test_many_small_members_cannot_pass_the_limit_together(self, coding, encode):
        with pytest.raises(BodyTooLarge):
            await decoded(encode(b"x" * LIMIT) + encode(b"y"), [coding], LIMIT)

    async def test_gzip_may_be_padded_with_zeros(self):
        assert await decoded(gzip.compress(TEXT) + b"\0" * 20, ["gzip"], LIMIT) == TEXT

    @pytest.mark.parametrize("padding", [1, decoding.IN_STEP - 1, decoding.IN_STEP, 3 * decoding.IN_STEP])
    async def test_a_member_may_follow_any_padding(self, padding):
        sent = gzip.compress(TEXT) + b"\0" * padding + gzip.compress(TEXT)
        assert await decoded(sent, ["gzip"], LIMIT) == TEXT + TEXT

    @given(sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=8))
    async def test_members_may_end_anywhere(self, sizes):
        """Stored, so that their lengths are as many as the bytes in them."""
        sent = b"".join(gzip.compress(b"x" * size, compresslevel=0) for size in sizes)
        assert await decoded(sent, ["gzip"], 2**20) == b"x" * sum(sizes)

    async def test_of_many_empty_members_none_is_copied_with_all_that_follow(self, monkeypatch):
        """A body of a megabyte took seconds, and one of sixty hours."""
        copied, decompressobj = 0, zlib.decompressobj

        class Counted:
            def __init__(self, window):
                self._decoder = decompressobj(window)

            def __getattr__(self, name):
                return getattr(self._decoder, name)

            def decompress(self, data, most):
                nonlocal copied
                text = self._decoder.decompress(data, most)
                copied += len(self._decoder.unused_data)
                return text

        monkeypatch.setattr(decoding.zlib, "decompressobj", Counted)
        sent = gzip.compress(b"") * 5_000
        assert await decoded(sent, ["gzip"], LIMIT) == b""
        assert copied < 50 * len(sent)

    @every_coding
    @pytest.mark.parametrize("text", [TEXT, b"x" * (body._QUICK + 1)], ids=["large", "small, and large inside"])
    async def test_a_large_body_is_decoded_off_the_event_loop(self, name, text, threads, monkeypatch):
        monkeypatch.setattr(body, "_LARGE", 10 if text is TEXT else body._LARGE)
        assert await decoded(ENCODERS[name](text), [CODINGS[name]], 2 * body._QUICK) == text
        assert threads.used == 1

    @every_coding
    async def test_any_other_is_decoded_on_it(self, name, threads):
        assert await decoded(ENCODERS[name](TEXT), [CODINGS[name]], LIMIT) == TEXT
        assert threads.used == 0

    async def test_many_codings_one_upon_the_other_are_refused(self):
        """Thousands of them took seconds."""
        sent = TEXT
        for _ in range(6):
            sent = gzip.compress(sent)
        with pytest.raises(EncodingNotSupported, match="may have 5 content-encodings; this one has 6"):
            await decoded(sent, ["gzip"] * 6, LIMIT)

    @every_coding
    @given(data=st.binary(max_size=5000))
    def test_any_text_comes_back(self, name, data):
        assert body._decoded(ENCODERS[name](data), CODINGS[name], LIMIT) == data
