"""Request bodies: big ones, compressed ones, and those that are too big however they come."""

import gzip
import json
import zlib
from functools import partial

import brotli
import pytest
import zstandard

from tests.end_to_end.answers import json_answer
from tests.end_to_end.exchanges import CHAT, MESSAGES
from tests.end_to_end.shapes import assert_is_error

MIB = 2**20
quickly_zipped = partial(gzip.compress, compresslevel=1)  # the best they can takes seconds for tens of megabytes
CODINGS = {
    "gzip": quickly_zipped,
    "x-gzip": quickly_zipped,
    "deflate": partial(zlib.compress, level=1),
    "br": partial(brotli.compress, quality=5),
    "zstd": zstandard.ZstdCompressor().compress,
}
BODY = json.dumps(CHAT.body()).encode()


@pytest.fixture
def post(client, upstream):
    upstream.answer(json_answer(CHAT.answer))

    def send(content, path="/v1/chat/completions", **headers):
        return client.post(path, content=content, headers={"content-type": "application/json", **headers})

    return send


@pytest.mark.parametrize("coding", CODINGS)
def test_a_compressed_body_is_read_and_sent_on_plain(post, upstream, coding):
    assert post(CODINGS[coding](BODY), **{"content-encoding": coding}).status_code == 200
    assert upstream.call.body == BODY
    assert upstream.call.header("content-encoding") is None
    assert upstream.call.header("content-length") == str(len(BODY))


def test_the_name_of_a_coding_has_no_case(post, upstream):
    assert post(gzip.compress(BODY), **{"content-encoding": "GZIP"}).status_code == 200
    assert upstream.call.body == BODY


def test_raw_deflate_is_understood_too(post, upstream):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    assert post(packer.compress(BODY) + packer.flush(), **{"content-encoding": "deflate"}).status_code == 200
    assert upstream.call.body == BODY


def test_a_zstd_body_of_unknown_length_is_understood(post, upstream):
    packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    assert post(packer.compress(BODY) + packer.flush(), **{"content-encoding": "zstd"}).status_code == 200
    assert upstream.call.body == BODY


def test_identity_is_no_coding(post, upstream):
    assert post(BODY, **{"content-encoding": "identity"}).status_code == 200
    assert upstream.call.body == BODY


def test_a_coding_nobody_knows_is_refused_by_name(post, upstream):
    answer = post(BODY, **{"content-encoding": "lzma"})
    assert answer.status_code == 400
    assert "lzma" in answer.json()["error"]["message"]
    assert answer.json()["error"]["code"] == "request_body_encoding_unsupported"
    assert upstream.calls == []


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_that_is_not_what_its_coding_says_is_refused(post, upstream, coding):
    answer = post(b"this is not compressed", **{"content-encoding": coding})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert upstream.calls == []


@pytest.mark.parametrize("coding", CODINGS)
def test_a_compressed_body_that_ends_too_early_is_refused(post, upstream, coding):
    packed = CODINGS[coding](BODY * 100)
    assert post(packed[: len(packed) // 2], **{"content-encoding": coding}).status_code == 400
    assert upstream.calls == []


def test_a_body_of_fifty_megabytes_passes(post, upstream):
    image = "A" * (50 * MIB)
    big = json.dumps({"model": "plain", "messages": [{"role": "user", "content": image}]}).encode()
    assert post(big).status_code == 200
    assert upstream.call.body == big


def test_a_chunked_body_without_a_length_passes(post, upstream):
    assert post(iter([BODY[:10], BODY[10:]])).status_code == 200
    assert upstream.call.body == BODY


def _too_large(answer):
    return answer.status_code == 413 and "64" in answer.json()["error"]["message"]


def test_a_body_beyond_the_limit_is_refused_with_the_limit(post, upstream):
    assert _too_large(post(b" " * (64 * MIB + 1)))
    assert upstream.calls == []


def test_a_chunked_body_beyond_the_limit_is_refused(post, upstream):
    assert _too_large(post(iter([b" " * MIB] * 65)))
    assert upstream.calls == []


@pytest.mark.parametrize("coding", CODINGS)
def test_a_decompression_bomb_is_refused(post, upstream, coding):
    assert _too_large(post(CODINGS[coding](b" " * (65 * MIB)), **{"content-encoding": coding}))
    assert upstream.calls == []


def test_too_large_has_the_shape_of_the_clients_dialect(post):
    error = post(quickly_zipped(b" " * (65 * MIB)), "/v1/messages", **{"content-encoding": "gzip"}).json()
    assert error["type"] == "error"
    assert error["error"]["type"] == "request_too_large"


@pytest.mark.parametrize("exchange", [CHAT, MESSAGES], ids=str)
def test_more_things_than_can_be_read_in_no_time_are_refused(client, upstream, exchange):
    for crowd in ({"tools": [{}] * 10_001}, {"x": [0] * 3_000_000}):
        answer = client.post(exchange.client_path, json=exchange.body(**crowd), headers=exchange.headers)
        assert "000" in assert_is_error(answer, exchange.dialect, 413)
    assert upstream.calls == []


def test_a_big_answer_passes(client, upstream):
    answer = {**MESSAGES.answer, "content": [{"type": "text", "text": "x" * (20 * MIB)}]}
    upstream.answer(json_answer(answer))
    got = client.post("/v1/messages", json=MESSAGES.body(), headers=MESSAGES.headers)
    assert got.content == json_answer(answer).body()
