"""Values as text whose order is theirs: what the sort keys of tables and indexes are made of.

SQLite's order of any two values (NULL < numbers < text < blobs) is the order of their encodings,
compared by code point as Python does or by UTF-8 byte as DynamoDB and SQLite do: for valid text
the two orders are one. No encoding is the beginning of another, so encodings set side by side
keep the order of tuples. A value begins with its class:

| value    | encoding                                                                        |
|----------|---------------------------------------------------------------------------------|
| NULL     | `0`                                                                             |
| number   | `1`, sign, exponent, significant digits, end: 42 is `16a142!` (4.2 * 10^1)      |
| text     | `2`, the characters, `\\x01`                                                     |
| blob     | `3`, hexadecimal digits, `\\x01`                                                 |
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from math import inf
from typing import TypeAlias
from zlib import crc32

#: Sorts after every continuation of an encoding; no encoding contains it.
HIGH = "\U0010ffff"
#: Bytes of UTF-8 that a primary key, and the columns of an index's sort key, may take; together
#: they are the 1024 that DynamoDB gives a sort key. Its partition keys end at 2048.
KEY_LIMIT = 512
SORT_LIMIT = 512
PARTITION_LIMIT = 1024

_END = "\x01"
_CUT = "\x02\x06"
_DIGEST = 22  # characters of 16 bytes in base64
_CUT_TAIL = len(_CUT) + _DIGEST + len(_END)
#: What a cut may take off beyond its place: the rest of a character, and half an escape.
_RAGGED = 3 + 4
#: Bytes that are left whole in an index of many columns: every number and moment.
_SHORT = 40
# The last code point is escaped so that HIGH sorts after it, whatever follows it in a text.
_ESCAPES = {
    0: "\x02\x03",
    1: "\x02\x04",
    2: "\x02\x05",
    0x10FFFE: "\U0010fffe\x03",
    0x10FFFF: "\U0010fffe\x04",
}
_COMPLEMENT = str.maketrans("0123456789", "9876543210")
_DOUBLE_IS_EXACT, _INTEGERS_END = 2.0**53, 2.0**64

Encodable: TypeAlias = int | float | Decimal | str | bytes | None


def encode(value: Encodable, limit: int | None = None) -> str:
    """Return the encoding of a value, cut to `limit` bytes of UTF-8 when it is longer.

    A float counts as the shortest decimal that reads back as it, or exactly where integers of
    64 bits lie closer together than floats do; NaN is NULL, as in SQLite.
    """
    if value is None:
        return "0"
    if isinstance(value, str):
        encoded = f"2{_escape(value)}{_END}"
    elif isinstance(value, int):
        return _integer(value)
    elif isinstance(value, float):
        return _float(value)
    elif isinstance(value, Decimal):
        encoded = _decimal(value)
    else:
        encoded = f"3{bytes(value).hex()}{_END}"
    return encoded if limit is None else cut(encoded, limit)


def encode_all(values: Iterable[Encodable], limit: int) -> str:
    """Return the encodings of a key's values side by side, each with its share of the limit."""
    values = tuple(values)
    share = limit // (len(values) or 1)
    return "".join([encode(value, share) for value in values])


def cut(encoded: str, limit: int) -> str:
    """Return an encoding, or its beginning and a digest when it has no room in `limit` bytes.

    The digest keeps cut encodings distinct; their order is that of what is left of them. Between
    encodings of which only one is cut the order is the values', because all that are longer than
    what is left of a cut one are cut themselves (in an index of up to eight columns).
    """
    whole = max(limit - _CUT_TAIL - _RAGGED, min(limit, _SHORT))
    if len(encoded) * 4 <= whole or len(encoded.encode()) <= whole:
        return encoded
    digest = b64encode(hashlib.blake2b(encoded.encode(), digest_size=16).digest(), b"-_")
    kept = _beginning(encoded, limit - _CUT_TAIL)
    return f"{kept}{_CUT}{digest.decode().rstrip('=')}{_END}"


def is_cut(encoded: str) -> bool:
    """Tell whether any value in an encoding was cut, so that its order is not the values'."""
    return _CUT in encoded


def lower_bound(value: Encodable, limit: int | None = None) -> str:
    """Return an inclusive bound that excludes nothing that is not less than the value.

    `limit` must be the one that the stored encodings were cut to.
    """
    encoded = encode(value)
    # No longer than what is left of any cut encoding, or it might lie on the wrong side of it.
    return encoded if limit is None else _beginning(encoded, limit - _CUT_TAIL - _RAGGED)


def upper_bound(value: Encodable, limit: int | None = None) -> str:
    """Return an inclusive bound that excludes nothing up to the value, whatever follows it."""
    return lower_bound(value, limit) + HIGH


def shard_of(key: str, shards: int) -> str:
    """Return the number of the shard that holds a row, as the partition key has it."""
    return "0" if shards == 1 else str(crc32(key.encode()) % shards)


def _beginning(encoded: str, size: int) -> str:
    """Return what of an encoding fits into this many bytes; at least what class it is of."""
    if len(encoded) * 4 <= size:
        return encoded
    kept = encoded.encode()
    if len(kept) <= size:
        return encoded
    # Half an escape would run into what comes after it.
    return kept[: max(size, 1)].decode(errors="ignore").rstrip("\x02\U0010fffe")


def _escape(text: str) -> str:
    # Most text is free of what must be escaped, and asking is cheaper than translating.
    if text.isprintable() or (text.isascii() and min(text) > "\x02"):
        return text
    return text.translate(_ESCAPES)


def _integer(value: int) -> str:
    digits = f"{value:d}"
    if value > 0:
        return f"16{_exponent(len(digits) - 1)}{digits.rstrip('0')}!"
    return _number(is_negative=True, digits=digits[1:], exponent=len(digits) - 2) if value else "15"


def _float(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN
        return "0"
    if value in {inf, -inf}:
        return "19" if value > 0 else "10"
    if _DOUBLE_IS_EXACT <= abs(value) < _INTEGERS_END:
        return _integer(int(value))
    return _decimal(Decimal(repr(value)))


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        return "0" if value.is_nan() else "19" if value > 0 else "10"
    if not value:
        return "15"
    digits = "".join(map(str, value.as_tuple().digits))
    return _number(is_negative=value.is_signed(), digits=digits, exponent=value.adjusted())


def _number(*, is_negative: bool, digits: str, exponent: int) -> str:
    digits = digits.rstrip("0")
    if is_negative:
        return f"14{_exponent(-exponent)}{digits.translate(_COMPLEMENT)}~"
    return f"16{_exponent(exponent)}{digits}!"


@lru_cache(maxsize=1000)
def _exponent(number: int) -> str:
    """Return an integer with a letter for its length before it: S9 < a0 < a5 < b12."""
    digits = str(abs(number))
    if number < 0:
        return chr(ord("T") - len(digits)) + digits.translate(_COMPLEMENT)
    return chr(ord("`") + len(digits)) + digits
