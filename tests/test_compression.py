"""Answers in Brotli: the same content, padded, and only for who takes it."""

from __future__ import annotations

import brotli
import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from cryptopulse.compression import BrotliMiddleware, compressed

PAGE = b"<p>Bitcoin and Ethereum</p>" * 40


def answer(accepts: str, response: HttpResponse) -> HttpResponse:
    request: HttpRequest = RequestFactory().get("/", headers={"accept-encoding": accepts})
    return BrotliMiddleware(lambda _request: response)(request)


@given(st.binary(max_size=2000))
def test_every_reader_gets_the_content_without_its_padding(content: bytes) -> None:
    assert brotli.decompress(compressed(content)) == content


def test_the_same_page_has_another_length_each_time() -> None:
    assert len({len(compressed(PAGE)) for _ in range(40)}) > 10


@pytest.mark.parametrize("accepts", ["br", "gzip, deflate, br, zstd", "gzip;q=0.5, br;q=0.9"])
def test_who_takes_brotli_gets_it(accepts: str) -> None:
    response = answer(accepts, HttpResponse(PAGE, headers={"ETag": '"one"'}))
    assert brotli.decompress(response.content) == PAGE
    assert response.headers["Content-Encoding"] == "br"
    assert response.headers["Content-Length"] == str(len(response.content))
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["ETag"] == 'W/"one"'


@pytest.mark.parametrize("accepts", ["", "gzip", "gzip, br;q=0", "br;q=0.0, gzip"])
def test_who_does_not_take_it_gets_the_page_as_it_is(accepts: str) -> None:
    response = answer(accepts, HttpResponse(PAGE))
    assert response.content == PAGE
    assert response.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(b"short"),
        HttpResponse(PAGE, headers={"Content-Encoding": "gzip"}),
        StreamingHttpResponse(iter([PAGE])),
    ],
    ids=["short", "compressed", "streamed"],
)
def test_what_gains_nothing_is_left_alone(response: HttpResponse) -> None:
    before = response.headers.get("Content-Encoding")
    assert answer("br", response).headers.get("Content-Encoding") == before
