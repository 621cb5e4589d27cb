"""What content looks like when it is whole, however its bytes are cut into blocks."""

from __future__ import annotations

import random
import tarfile
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bahub.adapters.base import Inspector
from bahub.adapters.content.anything import Anything
from bahub.adapters.content.crc64 import crc64
from bahub.adapters.content.rdb import Rdb
from bahub.adapters.content.sql import MysqlDump, PostgresDump
from bahub.adapters.content.sqlite import Sqlite
from bahub.adapters.content.tar import Tar
from bahub.errors import Tampered


def _look(inspector: Inspector, content: bytes, size: int = 1 << 16) -> str:
    for position in range(0, len(content), size):
        inspector.feed(content[position : position + size])
    return inspector.finish()


def _tar(form: int = tarfile.PAX_FORMAT, *members: tarfile.TarInfo) -> bytes:
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, size in (("a", 0), ("b" * 99, 511), ("c" * 90 + "/" + "d" * 90, 512), ("odd", 513)):
            member = tarfile.TarInfo(name)
            member.size = size
            archive.addfile(member, BytesIO(bytes(size)))
        for member in members:
            archive.addfile(member)
    return file.getvalue()


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("size", [1, 511, 512, 513, 1 << 20])
def test_members_are_counted_in_every_format(form: int, size: int) -> None:
    assert _look(Tar(), _tar(form), size) == "tar archive, 4 members"


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_every_cut_before_the_end_of_a_tar_archive_is_found(form: int) -> None:
    content = _tar(form)
    end = len(content.rstrip(b"\0")) // 512 * 512 + 512
    for length in range(0, end, 256):
        with pytest.raises(Tampered):
            _look(Tar(), content[:length])


def test_bytes_after_the_end_of_a_tar_archive_are_refused() -> None:
    with pytest.raises(Tampered, match="after the end"):
        _look(Tar(), _tar() + b"x" * 512)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("name", ["../" + "x" * 300, "x" * 300 + "/../y"])
def test_long_names_are_judged_too(form: int, name: str) -> None:
    """Case 42: they stand in a member of their own before the one they name."""
    with pytest.raises(Tampered, match="leads outside"):
        _look(Tar(), _tar(form, tarfile.TarInfo(name)))


@pytest.mark.parametrize("name", ["..x", "x..", "a/..b/c", "...", "./a"])
def test_names_that_only_look_like_it_are_fine(name: str) -> None:
    assert _look(Tar(), _tar(tarfile.PAX_FORMAT, tarfile.TarInfo(name))) == "tar archive, 5 members"


@pytest.mark.parametrize("key", ["path", "linkpath", "size", "GNU.sparse.name"])
def test_names_given_to_all_members_at_once_are_refused(key: str) -> None:
    """Case 42."""
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, pax_headers={key: "7"}) as archive:
        archive.addfile(tarfile.TarInfo("harmless"))

    with pytest.raises(Tampered, match="one name or size"):
        _look(Tar(), file.getvalue())


def test_the_name_of_a_sparse_member_is_judged() -> None:
    """Case 42: it stands in an attribute that wins over the name."""
    member = tarfile.TarInfo("GNUSparseFile.0/harmless")
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "../outside"}

    with pytest.raises(Tampered, match=r"'\.\./outside' leads outside"):
        _look(Tar(), _tar(tarfile.PAX_FORMAT, member))


@pytest.mark.parametrize(
    ("kind", "size", "sentence"),
    [(b"2", 512, "has data"), (b"1", 512, "has data"), (b"D", 0, "kind"), (b"M", 0, "kind")],
)
def test_headers_that_programs_could_take_differently_are_refused(kind: bytes, size: int, sentence: str) -> None:
    member = tarfile.TarInfo("odd")
    member.type, member.size, member.linkname = kind, size, "target"

    with pytest.raises(Tampered, match=sentence):
        _look(Tar(), member.tobuf(tarfile.GNU_FORMAT) + bytes(512 + 1024))


@pytest.mark.parametrize("content", [b"", b"x", b"\x1f\x8b" * 600, b"<html>" * 200, bytes(512)])
def test_what_is_no_tar_archive_is_refused(content: bytes) -> None:
    with pytest.raises(Tampered):
        _look(Tar(), content)


@given(st.binary(max_size=2000))
def test_no_bytes_confuse_the_inspectors(content: bytes) -> None:
    """Only ever one of two things happens: they are whole, or `Tampered` says why not."""
    for inspector in (Tar(), Rdb(), Sqlite(), PostgresDump(None), MysqlDump("x"), Anything()):
        assert _verdict(inspector, content)


def _verdict(inspector: Inspector, content: bytes) -> str:
    try:
        return _look(inspector, content, 700)
    except Tampered as refusal:
        return refusal.message


@given(st.data())
def test_damage_to_a_tar_header_never_passes_as_something_else(data: st.DataObject) -> None:
    content = bytearray(_tar(tarfile.USTAR_FORMAT))
    position = data.draw(st.integers(0, 511))
    content[position] ^= data.draw(st.integers(1, 255))

    with pytest.raises(Tampered):
        _look(Tar(), bytes(content))


def test_the_checksum_has_its_published_value() -> None:
    """That of the test string in Redis' own source of the algorithm's parameters."""
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1000, 4096, 5001, 1 << 16])
def test_the_checksum_of_blocks_is_that_of_the_whole(size: int) -> None:
    """Folded as one number, and byte by byte, which the shortest pieces are."""
    content = random.Random(size).randbytes(size)
    by_bytes = 0
    for byte in content:
        by_bytes = crc64(bytes([byte]), by_bytes)

    assert crc64(content) == by_bytes
    assert crc64(content[size // 3 :], crc64(content[: size // 3])) == by_bytes


def _snapshot(version: bytes = b"0011", body: bytes = b"\xfa content", summed: bool = True) -> bytes:
    content = b"REDIS" + version + body + b"\xff"
    return content + (crc64(content) if summed else 0).to_bytes(8, "little")


@pytest.mark.parametrize("length", [0, 1, 100, (1 << 18) - 18, (1 << 18) - 10, 1 << 18, 3 << 18])
@pytest.mark.parametrize("size", [7, 4096, 1 << 20])
def test_a_snapshot_of_any_length_is_summed_right(length: int, size: int) -> None:
    if length < 1000 or size > 7:
        assert "checksum right" in _look(Rdb(), _snapshot(body=bytes(length)), size)


def test_a_server_that_does_not_sum_is_believed() -> None:
    assert _look(Rdb(), _snapshot(summed=False)).endswith("without a checksum")


def test_versions_before_checksums_end_with_the_mark() -> None:
    assert _look(Rdb(), b"REDIS0004 content\xff").endswith("without a checksum")
    with pytest.raises(Tampered, match="breaks off"):
        _look(Rdb(), b"REDIS0004 content")


@pytest.mark.parametrize(
    "content",
    [b"", b"REDIS", b"REDISxxxx\xff12345678", b"REDIS0000\xff12345678", b"REDIS0011", b"REDIS0011\xff1234567"],
)
def test_what_is_no_snapshot_is_refused(content: bytes) -> None:
    with pytest.raises(Tampered):
        _look(Rdb(), content)


_ONE = b"--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n\nSELECT 1;\n" * 1
_ONE_END = b"--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict x\n\n"
_ALL = b"--\n-- PostgreSQL database cluster dump\n--\n\n"
_ALL_END = b"--\n-- PostgreSQL database cluster dump complete\n--\n\n"
_MARIA = b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n--\n-- Host: 127.0.0.1    Database: %s\n-- ----\n"
_MARIA_END = b"-- Dump completed on 2026-11-23  4:44:59\n"


@pytest.mark.parametrize(
    ("make", "content"),
    [
        (lambda: PostgresDump("shop"), _ONE + _ONE_END),
        (lambda: PostgresDump("shop"), _ONE + b"x" * 100_000 + b"\n" + _ONE_END.replace(b"\\unrestrict x\n", b"")),
        (lambda: PostgresDump(None), _ALL + _ONE + _ONE_END + _ALL_END),
        (lambda: MysqlDump("shop"), _MARIA % b"shop" + _MARIA_END),
        (lambda: MysqlDump(None), _MARIA % b"" + b"x" * 100_000 + b"\n" + _MARIA_END),
    ],
)
@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_dumps_with_their_closing_line_are_whole(make: Callable[[], Inspector], content: bytes, size: int) -> None:
    assert "dump" in _look(make(), content, size)


@pytest.mark.parametrize(
    ("inspector", "content", "sentence"),
    [
        (PostgresDump("shop"), _ONE, "closing line"),
        (PostgresDump("shop"), _ONE + _ONE_END + b"INSERT INTO t\n", "closing line"),
        (PostgresDump(None), _ALL + _ONE + _ONE_END, "closing line"),
        (PostgresDump("shop"), _ALL + _ONE + _ONE_END + _ALL_END, "names one `database`"),
        (PostgresDump(None), _ONE + _ONE_END, "names no `database`"),
        (PostgresDump(None), _MARIA % b"" + _MARIA_END, "no PostgreSQL dump"),
        (MysqlDump("shop"), _MARIA % b"shop", "closing line"),
        (MysqlDump("shop"), _MARIA % b"" + _MARIA_END, "names one `database`"),
        (MysqlDump(None), _MARIA % b"shop" + _MARIA_END, "names no `database`"),
        (MysqlDump(None), _ONE + _ONE_END, "no MySQL or MariaDB dump"),
        (Anything(), b"", "is empty"),
    ],
)
def test_dumps_that_are_not_whole_or_another_are_refused(inspector: Inspector, content: bytes, sentence: str) -> None:
    with pytest.raises(Tampered, match=sentence):
        _look(inspector, content)


def test_another_dump_is_refused_before_the_end_of_it_is_there() -> None:
    """On a restore nothing of it must reach the program."""
    with pytest.raises(Tampered, match="names one"):
        PostgresDump("shop").feed(_ALL + bytes(1 << 16))
