from __future__ import annotations

import gzip
import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realm.methods import compressed, expanded
from realm.streams import BreakingReader, BreakingWriter, Given, Kept
from world.programs import require_program

from bahub.compression import registry
from bahub.config.model import Compression
from bahub.errors import Tampered
from bahub.streams import BLOCK, Broken

METHODS = ["zstd", "gzip", "none"]
REAL = ["zstd", "gzip"]
OPENING = {"zstd": ["zstd", "-dc"], "gzip": ["gunzip", "-c"]}
CLOSING = {"zstd": ["zstd", "-c"], "gzip": ["gzip", "-c"]}
SEVERAL_BLOCKS = os.urandom(BLOCK) + bytes(3 * BLOCK) + b"end" * 100_000


def expanded_by(method: str, packed: bytes) -> bytes:
    plain = Kept()
    registry.method_of(Compression(method, 1)).expand(Given(packed), plain)
    return plain.content


@pytest.mark.parametrize("method", METHODS)
@given(content=st.binary(max_size=5000), level=st.sampled_from([1, 3, 9]))
@settings(max_examples=40, deadline=None)
def test_what_was_compressed_comes_back(method: str, content: bytes, level: int) -> None:
    assert expanded(compressed(method, content, level)) == content


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("block", [1000, BLOCK])
def test_many_blocks_come_back(method: str, block: int) -> None:
    assert expanded(compressed(method, SEVERAL_BLOCKS), block) == SEVERAL_BLOCKS


@pytest.mark.parametrize("method", REAL)
@pytest.mark.parametrize("content", [b"", b"x", SEVERAL_BLOCKS], ids=["empty", "short", "long"])
def test_standard_programs_open_and_make_what_we_make_and_open(method: str, content: bytes) -> None:
    """Case 27."""
    require_program(OPENING[method][0])
    packed = compressed(method, content)
    assert subprocess.run(OPENING[method], input=packed, capture_output=True, check=True).stdout == content
    theirs = subprocess.run(CLOSING[method], input=content, capture_output=True, check=True).stdout
    assert expanded(theirs) == content


@pytest.mark.parametrize("method", REAL)
@pytest.mark.parametrize("block", [1, 50, BLOCK])
def test_several_frames_are_one_content(method: str, block: int) -> None:
    archive = compressed(method, b"first ") + compressed(method, b"") + compressed(method, b"second")
    assert expanded(archive, block) == b"first second"


@pytest.mark.parametrize("method", REAL)
@pytest.mark.parametrize("content", [b"", b"short", os.urandom(3000)], ids=["empty", "short", "random"])
def test_an_archive_cut_short_anywhere_is_refused(method: str, content: bytes) -> None:
    packed = compressed(method, content)
    expander = registry.method_of(Compression(method, 1))
    for length in range(len(packed)):
        with pytest.raises(Tampered, match="cut short"):
            expander.expand(Given(packed[:length]), Kept())


@pytest.mark.parametrize("method", REAL)
@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("block", [7, BLOCK])
@pytest.mark.parametrize("addition", [b"\0", b"garbage that is no frame at all", bytes(5000)])
def test_additions_after_the_end_are_refused(method: str, frames: int, block: int, addition: bytes) -> None:
    with pytest.raises(Tampered):
        expanded(compressed(method, b"content") * frames + addition, block)


@pytest.mark.parametrize("method", REAL)
def test_a_changed_bit_is_refused_or_changes_nothing(method: str) -> None:
    """Some bits mean nothing: padding, times in headers."""
    content = os.urandom(200)
    packed = compressed(method, content)
    refused = 0
    for position in range(len(packed)):
        damaged = packed[:position] + bytes([packed[position] ^ 0x10]) + packed[position + 1 :]
        try:
            assert expanded_by(method, damaged) == content
        except Tampered:
            refused += 1
    assert refused > len(content)


def test_an_archive_that_asks_for_absurd_memory_is_refused() -> None:
    require_program("zstd")
    archive = subprocess.run(
        ["zstd", "-c", "--ultra", "--long=31", "--no-check"],
        input=os.urandom(1000),
        capture_output=True,
        check=True,
    ).stdout
    window = archive[:4] + b"\x00" + bytes([(31 - 10) << 3]) + archive[6:]  # no size in the header: the window counts
    with pytest.raises(Tampered) as raised:
        expanded(window)
    assert "memory" in raised.value.hint


@pytest.mark.parametrize("method", ["zstd", "gzip"])
def test_a_little_archive_of_much_content_is_expanded_in_small_blocks(method: str) -> None:
    packed = compressed(method, bytes(100 * BLOCK))
    plain = Kept()
    registry.expand(Given(packed), plain)
    assert max(map(len, plain.blocks)) <= BLOCK
    assert len(plain.content) == 100 * BLOCK


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"inner", mtime=0), compressed("zstd", b"inner"), b"\x50\x2a\x4d\x18\0\0\0\0", b"age-encryption.org/v1\n",
     b"-----BEGIN PGP MESSAGE-----\n", b"-----BEGIN AGE ENCRYPTED FILE-----\n", b"\x85\x01\x0c\x03", b"\xff"],
)  # fmt: skip
@pytest.mark.parametrize("block", [1, BLOCK])
def test_uncompressed_content_that_looks_compressed_or_encrypted_comes_back_as_it_was(
    content: bytes, block: int
) -> None:
    packed = Kept()
    registry.method_of(Compression("none", 0)).compress(Given(content, block), packed)
    assert expanded(packed.content, block) == content
    assert registry.recognised(packed.content) == "zstd"


@pytest.mark.parametrize("content", [b"", b"-- SQL dump", b"SQLite format 3\0", b"REDIS0011", b"PK\3\4"])
def test_other_uncompressed_content_is_stored_as_it_is(content: bytes) -> None:
    assert compressed("none", content) == content


@pytest.mark.parametrize("method", METHODS)
def test_a_broken_stream_is_never_taken_for_an_end(method: str) -> None:
    compressor = registry.method_of(Compression(method, 1))
    with pytest.raises(Broken):
        compressor.compress(BreakingReader(b"begin"), Kept())
    with pytest.raises(Broken):
        compressor.compress(Given(os.urandom(4 * BLOCK)), BreakingWriter(BLOCK))
    with pytest.raises(Broken):
        compressor.expand(BreakingReader(compressed(method, b"begin")), Kept())


def test_gzip_makes_the_same_archive_of_the_same_content() -> None:
    content = os.urandom(3 * BLOCK)
    assert compressed("gzip", content) == compressed("gzip", content)


def test_gzip_of_several_blocks_is_hardly_larger_than_in_one() -> None:
    content = b"".join(b"line %d of something that repeats itself\n" % number for number in range(150_000))
    assert len(content) > 5 * BLOCK
    assert len(compressed("gzip", content, 6)) < 1.02 * len(gzip.compress(content, 6))
