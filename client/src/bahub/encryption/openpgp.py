"""What encrypted OpenPGP messages begin with (RFC 9580, 4.2 and 5.1; contract B 3.3)."""

from __future__ import annotations

from typing import Final

_ARMOR: Final = b"-----BEGIN PGP MESSAGE-----"
_MARKED: Final = 0x80
"""Every packet begins with a byte that has this bit."""
_NEW_FORMAT: Final = 0x40
"""Set in packets whose length is written the new way."""
_VERSIONS: Final = {1: {3, 6}, 3: {4, 5, 6}}
"""Versions of the packets with the session key, by tag: for a public key, for a passphrase."""
_LENGTHS: Final = {0: 1, 1: 2, 2: 4}
"""Octets that an old length takes, by its type."""
_ENOUGH: Final = 7
"""A tag, the longest length, a version."""
_TWO_OCTETS: Final = range(192, 224)
_FIVE_OCTETS: Final = 255
"""First octets of new lengths of two and of five."""


def begins_message(head: bytes) -> bool:
    """Say whether an encrypted message, binary or armored, begins like this; some 20 bytes are enough."""
    return head.startswith(_ARMOR) or _begins_with_session_key(head)


def _begins_with_session_key(head: bytes) -> bool:
    if len(head) < _ENOUGH or not head[0] & _MARKED:
        return False
    if head[0] & _NEW_FORMAT:
        tag, length = head[0] & 0x3F, _new_length(head[1])
    else:
        tag, length = head[0] >> 2 & 0xF, _LENGTHS.get(head[0] & 3, 0)
    return length > 0 and head[1 + length] in _VERSIONS.get(tag, ())


def _new_length(first: int) -> int:
    """Return how many octets the length takes; 0 for a partial one, which such packets never have."""
    if first < _TWO_OCTETS.start:
        return 1
    return 2 if first in _TWO_OCTETS else 5 if first == _FIVE_OCTETS else 0
