"""What pages say is cut into frames without a parser, and never into wrong ones."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from cryptopulse.live.inbox import (
    LONGEST_ACK,
    SMALL,
    Inbox,
    acknowledged_number,
    inflated,
    payload_of,
)

payloads = st.binary(max_size=SMALL)
OPCODES = st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG])


def masked(opcode: Opcode, payload: bytes) -> bytes:
    return bytes(Frame(opcode, payload).serialize(mask=True))


@given(st.lists(st.tuples(OPCODES, payloads)), st.integers(1, 200))
def test_frames_come_out_whole_and_in_order_however_they_come_in(
    sent: list[tuple[Opcode, bytes]], size: int
) -> None:
    frames = [masked(opcode, payload) for opcode, payload in sent]
    stream = b"".join(frames)
    inbox = Inbox()

    found = []
    for start in range(0, len(stream), size):
        found += inbox.frames(stream[start : start + size])

    assert found == frames
    assert [payload_of(frame) for frame in found] == [payload for _, payload in sent]


@given(st.lists(payloads), st.binary(min_size=SMALL + 1, max_size=70_000), payloads)
def test_from_a_long_frame_on_the_library_gets_all_as_it_came(
    before: list[bytes], long: bytes, after: bytes
) -> None:
    inbox = Inbox()
    first = b"".join(masked(Opcode.TEXT, payload) for payload in before)
    rest = masked(Opcode.TEXT, long) + masked(Opcode.TEXT, after)

    assert b"".join(inbox.frames(first + rest[:7])) == first + rest[:7]
    assert not inbox.is_open
    assert inbox.frames(rest[7:]) == [rest[7:]]


def test_a_frame_without_a_mask_is_the_librarys_to_refuse() -> None:
    inbox = Inbox()

    assert inbox.frames(b"\x81\x04quit") == [b"\x81\x04quit"]
    assert not inbox.is_open


@pytest.mark.parametrize("text", ['{"ack":7}', '{"ack": 7}', b'{"ack":7}', '{"ack": 7, "x": 1}'])
def test_an_acknowledgement_is_read_however_it_is_written(text: Any) -> None:
    assert acknowledged_number(text) == 7


@pytest.mark.parametrize(
    "text",
    [
        "", "7", "null", "[]", "{}", "hello", '{"ack":"7"}', '{"ack":7.5}', '{"ack":true}',
        '{"ack":null}', b"\xff\xfe", "[" * 60, '{"ack":' + "9" * LONGEST_ACK + "}",
    ],
)  # fmt: skip
def test_anything_else_is_no_acknowledgement(text: Any) -> None:
    assert acknowledged_number(text) is None


def test_a_compressed_answer_is_read() -> None:
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(b'{"ack":7}') + packer.flush(zlib.Z_SYNC_FLUSH)

    assert inflated(packed[:-4]) == b'{"ack":7}'


def test_a_small_frame_that_would_become_a_big_one_is_not_unpacked_to_the_end() -> None:
    packer = zlib.compressobj(level=9, wbits=-15)
    packed = packer.compress(bytes(60_000)) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert len(packed) <= SMALL

    assert len(inflated(packed[:-4])) == LONGEST_ACK + 1
    assert acknowledged_number(inflated(packed[:-4])) is None


@given(payloads)
def test_what_is_not_compressed_is_nothing(payload: bytes) -> None:
    assert len(inflated(payload)) <= LONGEST_ACK + 1
