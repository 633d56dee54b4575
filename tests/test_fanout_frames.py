"""The browsers of benchmarks/fanout read what servers write: who miscounts proves nothing."""

from __future__ import annotations

import json
import zlib

import pytest
from websockets.frames import Frame, Opcode

from benchmarks.fanout import frames, ticks
from benchmarks.fanout.measure import Burst


def written(payload: bytes, opcode: Opcode = Opcode.TEXT) -> bytes:
    """As the library puts it on the wire."""
    return Frame(opcode, payload).serialize(mask=False)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
def test_a_frame_of_any_size_is_found_whole(size: int) -> None:
    wire = written(b"x" * size)
    found = frames.head_of(wire, 0, len(wire))
    assert found == (len(wire) - size, len(wire))


@pytest.mark.parametrize("size", [10, 300, 70_000])
def test_a_frame_that_has_come_in_part_is_not_there_yet(size: int) -> None:
    wire = written(b"x" * size)
    assert all(frames.head_of(wire, 0, end) is None for end in (*range(12), len(wire) - 1))


def test_frames_that_came_together_are_found_one_after_the_other() -> None:
    wire = written(b"first") + written(b"", Opcode.PING) + written(b"y" * 500)
    sizes, start = [], 0
    while (found := frames.head_of(wire, start, len(wire))) is not None:
        sizes.append(found[1] - found[0])
        start = found[1]
    assert sizes == [5, 0, 500]
    assert start == len(wire)


def test_a_tick_says_which_it_is_and_when_it_was_made() -> None:
    before = ticks.microseconds()
    text = ticks.texts(7, 1, 10)[0].json()
    seen = frames.read(text.encode(), compressed=False)
    assert (seen.number, seen.text_size, seen.reply) == (7, len(text), b"")
    assert before <= seen.made_at <= ticks.microseconds()


def test_a_compressed_tick_is_read_like_a_plain_one() -> None:
    text = ticks.texts(8, 1, 10)[0].json().encode()
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
    seen = frames.read(packed.removesuffix(b"\x00\x00\xff\xff"), compressed=True)
    assert (seen.number, seen.text_size) == (8, len(text))
    assert seen.size < len(text) / 2


def test_a_frame_that_asks_is_acknowledged_as_a_page_does() -> None:
    seen = frames.read(b'{"type":"tick","ack":41,"coins":[]}', compressed=False)
    head, mask, payload = seen.reply[:2], seen.reply[2:6], seen.reply[6:]
    assert head == bytes((0x81, 0x80 | len(payload)))
    assert mask == b"\x00\x00\x00\x00"  # masked by it, the payload is itself
    assert json.loads(payload) == {"ack": 41}


def test_the_market_and_the_peers_send_the_same_prices() -> None:
    quotes = ticks.quotes(3, 1, 10)[0]
    text = json.loads(ticks.texts(3, 1, 10)[0].json())
    theirs = {coin["id"]: float(coin["price"]) for coin in text["coins"]}
    ours = {quote.coin_id: float(quote.price) for quote in quotes}
    del ours[ticks.CLOCK], theirs[ticks.CLOCK]
    assert ours == theirs


@pytest.mark.parametrize(
    ("busy", "lost", "closed", "word"),
    [(0.95, 0, 0, "bottleneck"), (0.2, 3, 0, "lost"), (0.2, 0, 1, "closed"), (0.2, 0, 0, "")],
)
def test_a_burst_that_proves_nothing_says_why(
    busy: float, lost: int, closed: int, word: str
) -> None:
    burst = Burst(
        frames=100,
        lost=lost,
        closed=closed,
        cpu=1,
        load_cpu=1,
        load_busy=busy,
        server_busy=0.5,
        p50_ms=1,
        p99_ms=1,
        most_ms=1,
        bytes=1,
        text_bytes=1,
    )
    assert (word in burst.trouble) if word else not burst.trouble
