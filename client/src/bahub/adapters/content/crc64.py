"""The checksum at the end of a Redis snapshot: CRC-64 with Jones' polynomial, reflected, starting with 0.

Byte by byte, Python would do a few megabytes a second. Here a block becomes one large integer, a polynomial over two
elements, and is folded: its first half times `x**r` is moved onto the second. `x**r` modulo the polynomial has at most
64 terms, and for a well-chosen `r` only a dozen, each of which is one shift and one exclusive-or over half the block,
done by the interpreter at the speed of memory.
"""

from __future__ import annotations

from functools import cache, lru_cache

_POLYNOMIAL = 0xAD93D23594C935A9
_REFLECTED = int(f"{_POLYNOMIAL:064b}"[::-1], 2)
_SMALL = 256
"""Bytes below which a table is quicker."""
_TRIED = 2048
"""Places of the cut among which the one with the fewest terms is chosen."""
_MASK = (1 << 64) - 1


def crc64(data: bytes, crc: int = 0) -> int:
    """Return the checksum of `data`, going on from that of what came before.

    Quickest for blocks of always the same length: the places of the cuts are found once for each length.
    """
    size = len(data) * 8
    if len(data) < _SMALL:
        return _slow(data, crc)
    # Bit 0 of byte 0 is the highest power: the number is the polynomial backwards.
    number = int.from_bytes(data, "little") ^ crc
    while size >= _SMALL * 8:
        kept, terms = _cut(size)
        cut = size - kept
        first = number & ((1 << cut) - 1)
        number >>= cut
        folded = 0
        for term in terms:
            folded ^= first << (63 - term)
        number ^= folded << (kept - cut - 63)
        size = kept
    return _slow(number.to_bytes(-(-size // 8), "little"), 0) if size % 8 == 0 else _bits(number, size)


def _slow(data: bytes, crc: int) -> int:
    table = _table()
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def _bits(number: int, size: int) -> int:
    whole = size // 8 * 8
    crc = _slow((number & ((1 << whole) - 1)).to_bytes(whole // 8, "little"), 0) ^ (number >> whole)
    for _ in range(size - whole):
        crc = (crc >> 1) ^ (_REFLECTED if crc & 1 else 0)
    return crc


@cache
def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_REFLECTED if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


@lru_cache(maxsize=64)
def _cut(size: int) -> tuple[int, tuple[int, ...]]:
    """Return how many of so many bits to keep, and the exponents of `x**kept` modulo the polynomial.

    What is kept must hold the part that is folded and 64 bits more.
    """
    kept = size // 2 + 64
    power = _power(kept)
    best = (kept, power)
    for tried in range(kept + 1, kept + min(_TRIED, size // 8)):
        power = _times_x(power)
        if power.bit_count() < best[1].bit_count():
            best = (tried, power)
    kept, power = best
    return kept, tuple(term for term in range(64) if power >> term & 1)


def _times_x(value: int) -> int:
    value <<= 1
    return (value & _MASK) ^ _POLYNOMIAL if value >> 64 else value


def _power(exponent: int) -> int:
    """Return `x**exponent` modulo the polynomial."""
    result = 1
    for bit in f"{exponent:b}":
        result = _product(result, result)
        if bit == "1":
            result = _times_x(result)
    return result


def _product(left: int, right: int) -> int:
    result = 0
    for bit in range(63, -1, -1):
        result = _times_x(result)
        if left >> bit & 1:
            result ^= right
    return result
