from __future__ import annotations

import pytest
from realm.methods import compressed
from realm.streams import Given, Kept

from bahub.compression import registry as compression
from bahub.config.model import Compression
from bahub.encryption.registry import HEAD, recognised

SEALED = {
    b"age-encryption.org/v1\n": "age",
    b"-----BEGIN AGE ENCRYPTED FILE-----\n": "age",
    b"-----BEGIN PGP MESSAGE-----\n": "gpg",
    b"\x85\x01\x0c\x03\xa0\x67\x5a\x76": "gpg",  # old format, two octets of length, version 3
    b"\x84\x5e\x03\x9a\x3c\x29\xc8\x19": "gpg",  # old format, one octet
    b"\xc1\xc0\x4c\x03\xa0\x67\x5a\x76": "gpg",  # new format, two octets
    b"\xc1\x5e\x06\x9a\x3c\x29\xc8\x19": "gpg",  # version 6
    b"\x8c\x0d\x04\x09\x03\x02\xaa\xbb": "gpg",  # for a passphrase
}


@pytest.mark.parametrize(("head", "method"), SEALED.items())
def test_archives_are_recognised_by_their_beginning(head: bytes, method: str) -> None:
    assert recognised(head) == method


@pytest.mark.parametrize(
    "head",
    [b"", b"\x85", b"age", b"-----BEGIN CERTIFICATE-----", b"\xff" * HEAD, b"\x80\0\0\0\0\0\0\0", b"SQLite format"],
)
def test_other_content_is_not_taken_for_an_archive(head: bytes) -> None:
    assert recognised(head) == "none"


@pytest.mark.parametrize("head", SEALED)
def test_whatever_is_recognised_is_framed_when_it_is_stored_without_compression(head: bytes) -> None:
    packed = Kept()
    compression.method_of(Compression("none", 0)).compress(Given(head), packed)
    assert recognised(packed.content) == "none"
    assert compression.recognised(packed.content) == "zstd"


@pytest.mark.parametrize("method", ["zstd", "gzip"])
def test_compressed_content_is_not_taken_for_an_archive(method: str) -> None:
    assert recognised(compressed(method, b"content")) == "none"
