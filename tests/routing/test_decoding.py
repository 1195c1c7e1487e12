import gzip
import zlib
from functools import partial
from itertools import pairwise

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from routing.decoding import PIECE, Undecodable, decoder

TEXT = b"Thus spoke the upstream, although nobody had asked it to compress. " * 3000


def raw_deflate(data):
    encoder = zlib.compressobj(level=1, wbits=-zlib.MAX_WBITS)
    return encoder.compress(data) + encoder.flush()


quickly_zipped = partial(gzip.compress, compresslevel=1)
ENCODERS = {
    "gzip": quickly_zipped,
    "x-gzip": quickly_zipped,
    "deflate": partial(zlib.compress, level=1),
    "raw deflate": raw_deflate,
    "br": partial(brotli.compress, quality=5),
    "zstd": zstandard.compress,
}
CODINGS = {name: name.split()[-1] for name in ENCODERS}
every_coding = pytest.mark.parametrize("name", ENCODERS)


def fed(made, data, size):
    return b"".join(piece for at in range(0, len(data), size) for piece in made.feed(data[at : at + size]))


@every_coding
@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096, 10**6])
def test_the_text_does_not_depend_on_how_the_bytes_arrive(name, size):
    made = decoder(CODINGS[name])
    assert fed(made, ENCODERS[name](TEXT), size) == TEXT
    assert made.is_finished


@every_coding
def test_what_breaks_off_is_not_finished(name):
    whole = ENCODERS[name](TEXT)
    for end in (0, 1, 2, len(whole) // 2, len(whole) - 1):
        made = decoder(CODINGS[name])
        assert TEXT.startswith(fed(made, whole[:end], 1000))
        assert not made.is_finished


@every_coding
def test_a_bomb_comes_in_pieces_and_no_more_than_is_wanted_is_made(name):
    largest = {"zstd": 8 * 2**20, "br": 2 * PIECE}.get(name, PIECE)
    pieces = decoder(CODINGS[name]).feed(ENCODERS[name](bytes(40 * 2**20)))
    size = 0
    while size < 16 * 2**20:
        piece = next(pieces)
        assert 0 < len(piece) <= largest
        size += len(piece)


@every_coding
@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1])
def test_pieces_of_just_the_largest_size_lose_nothing(name, size):
    made = decoder(CODINGS[name])
    assert fed(made, ENCODERS[name](b"x" * size), 10**6) == b"x" * size
    assert made.is_finished


@every_coding
def test_nonsense_is_refused(name):
    with pytest.raises(Undecodable):
        fed(decoder(CODINGS[name]), b"\xff\x07 this is nothing of the kind", 100)


def test_what_follows_a_deflated_text_is_dropped():
    made = decoder("deflate")
    assert fed(made, zlib.compress(TEXT) + b"more" * 1000, 100) == TEXT


@pytest.mark.parametrize("coding", ["identity", "utf-8", "", "compress"])
def test_what_is_no_coding_has_no_decoder(coding):
    assert decoder(coding) is None


def test_a_sender_may_not_refer_back_farther_than_the_standard_allows():
    parameters = zstandard.ZstdCompressionParameters(window_log=24)
    encoder = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    sent = encoder.compress(TEXT) + encoder.flush()
    with pytest.raises(Undecodable):
        fed(decoder("zstd"), sent, 100)
    assert fed(decoder("zstd", window=2**24), sent, 100) == TEXT


@given(sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=8), step=st.integers(1, 2000))
def test_members_of_gzip_and_their_padding_may_end_anywhere(sizes, step):
    sent = b"".join(gzip.compress(b"x" * size, compresslevel=0) + bytes(size % 7) for size in sizes)
    assert fed(decoder("gzip"), sent, step) == b"x" * sum(sizes)


def flushed_gzip():
    made = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    return lambda data: made.compress(data) + made.flush(zlib.Z_SYNC_FLUSH)


def flushed_brotli():
    made = brotli.Compressor()
    return lambda data: made.process(data) + made.flush()


def flushed_zstd():
    made = zstandard.ZstdCompressor().compressobj()
    return lambda data: made.compress(data) + made.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


@pytest.mark.parametrize(
    ("coding", "encoder"), [("gzip", flushed_gzip), ("br", flushed_brotli), ("zstd", flushed_zstd)]
)
def test_each_event_of_a_stream_comes_out_when_it_has_come(coding, encoder):
    made, encode = decoder(coding), encoder()
    for event in (b"data: {}\n\n", b"data: " + b"x" * PIECE + b"\n\n", b"data: [DONE]\n\n"):
        assert b"".join(made.feed(encode(event))) == event


LONG = TEXT[:100] * 2000 + TEXT
PACKED = {name: encode(LONG) for name, encode in ENCODERS.items()}


@every_coding
@given(cuts=st.lists(st.floats(0, 1), max_size=12))
def test_nothing_is_lost_wherever_the_bytes_are_cut(name, cuts):
    packed, made = PACKED[name], decoder(CODINGS[name])
    ends = [0, *sorted(int(cut * len(packed)) for cut in cuts), len(packed)]
    assert b"".join(piece for a, b in pairwise(ends) for piece in made.feed(packed[a:b])) == LONG
    assert made.is_finished


@pytest.mark.parametrize("size", [1, 1000, 10**6])
def test_frames_of_zstd_one_after_the_other_are_one_text(size):
    sent = zstandard.compress(TEXT) + zstandard.compress(b"") + zstandard.compress(TEXT)
    assert fed(decoder("zstd"), sent, size) == TEXT + TEXT
