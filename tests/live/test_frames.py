"""The bytes of a frame are what a websocket library reads."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame as Parsed
from websockets.frames import Opcode
from websockets.streams import StreamReader

from cryptopulse.live.board import Board
from cryptopulse.live.frames import Frame, deflated_frame, probe_frame, probe_number, text_frame

from .conftest import entry


def parsed(data: bytes, *extensions: PerMessageDeflate) -> Parsed:
    """Read one frame as a browser would that agreed on these extensions."""
    reader = StreamReader()
    reader.feed_data(data)
    parser: Generator[None, None, Parsed] = Parsed.parse(
        reader.read_exact, mask=False, max_size=None, extensions=extensions
    )
    try:
        while True:
            next(parser)
    except StopIteration as end:
        frame: Parsed = end.value
        return frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 200_000])
def test_a_text_of_any_size_is_one_whole_frame(size: int) -> None:
    frame = parsed(text_frame("x" * size))

    assert frame.opcode is Opcode.TEXT
    assert frame.fin
    assert len(frame.data) == size


@given(st.text())
def test_every_text_arrives_as_it_was(text: str) -> None:
    assert bytes(parsed(text_frame(text)).data).decode() == text


def test_a_probe_is_a_ping_that_names_itself() -> None:
    frame = parsed(probe_frame(7))

    assert frame.opcode is Opcode.PING
    assert probe_number(bytes(frame.data)) == 7


@pytest.mark.parametrize("payload", [b"", b"cp", b"cp123", b"1234", b"xx\0\0\0\1", b"cp\0\0\0\1\0"])
def test_a_pong_for_somebody_else_is_not_ours(payload: bytes) -> None:
    assert probe_number(payload) is None


def test_a_frame_has_a_shape_for_each_kind_of_client() -> None:
    frame = Frame("{}", number=3)

    assert frame.wire == text_frame("{}")
    assert frame.probe == probe_frame(3)
    assert frame.event == {"type": "websocket.send", "text": "{}"}


@given(st.text())
def test_a_compressed_text_is_one_frame_that_needs_no_other(text: str) -> None:
    extension = PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=15,
        local_max_window_bits=15,
    )

    assert deflated_frame(text)[0] == 0xC1
    assert bytes(parsed(deflated_frame(text), extension).data).decode() == text


def test_a_tick_is_compressed_to_less_than_half() -> None:
    board = Board(stale_after=300)
    board.load([entry(f"coin-{number}", price=str(number)) for number in range(100)])
    text = board.snapshot(now=1)

    assert len(deflated_frame(text)) < len(text_frame(text)) / 2
