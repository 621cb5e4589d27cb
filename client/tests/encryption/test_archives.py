"""What both methods promise of archives."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realm.methods import decrypted, encrypted, opened
from realm.streams import BreakingReader, BreakingWriter, Given, Kept

from bahub.config.model import Encryption
from bahub.encryption.registry import method_of, recognised
from bahub.errors import Misconfigured, Tampered
from bahub.streams import BLOCK, Broken

METHODS = ["age", "gpg"]
AGE_CHUNK = 64 << 10

Named = Callable[[str], Encryption]


@pytest.fixture
def entry(request: pytest.FixtureRequest) -> Named:
    """Return an entry by its method."""

    def named(method: str) -> Encryption:
        found = Encryption("open", "none") if method == "none" else request.getfixturevalue(method)
        assert isinstance(found, Encryption)
        return found

    return named


@given(content=st.binary(max_size=5000))
@settings(max_examples=60, deadline=None)
def test_age_gives_back_what_it_encrypted(age: Encryption, content: bytes) -> None:
    assert opened(age, encrypted(method_of(age), content)) == content


@given(content=st.binary(max_size=5000))
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_gpg_gives_back_what_it_encrypted(gpg: Encryption, content: bytes) -> None:
    assert opened(gpg, encrypted(method_of(gpg), content)) == content


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [0, 1, AGE_CHUNK - 1, AGE_CHUNK, AGE_CHUNK + 1, 3 * BLOCK + 12345])
def test_content_of_every_size_comes_back(entry: Named, method: str, size: int) -> None:
    content = os.urandom(size)
    archive = encrypted(method_of(entry(method)), content)
    assert content not in archive or size < 2
    assert recognised(archive) == method
    assert opened(entry(method), archive) == content


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("left", [0.0, 0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.999999])
def test_an_archive_cut_short_is_refused(entry: Named, method: str, left: float) -> None:
    archive = encrypted(method_of(entry(method)), os.urandom(200_000))
    with pytest.raises(Tampered, match=r"cut short|beginning was changed"):
        decrypted(method_of(entry(method)), archive[: int(left * len(archive))])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", [0.0005, 0.001, 0.01, 0.5, 0.9, 0.999999])
def test_a_changed_bit_is_refused(entry: Named, method: str, place: float) -> None:
    archive = bytearray(encrypted(method_of(entry(method)), os.urandom(200_000)))
    archive[int(place * len(archive))] ^= 1
    with pytest.raises(Tampered):
        decrypted(method_of(entry(method)), bytes(archive))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("addition", [b"\0", b"garbage", bytes(300_000)])
def test_additions_after_the_end_are_refused(entry: Named, method: str, addition: bytes) -> None:
    archive = encrypted(method_of(entry(method)), b"content")
    with pytest.raises(Tampered):
        decrypted(method_of(entry(method)), archive + addition)


@pytest.mark.parametrize("method", METHODS)
def test_an_archive_twice_is_refused(entry: Named, method: str) -> None:
    archive = encrypted(method_of(entry(method)), b"content")
    with pytest.raises(Tampered):
        decrypted(method_of(entry(method)), archive + archive)


@pytest.mark.parametrize("method", METHODS)
def test_a_broken_stream_is_never_taken_for_an_end(entry: Named, method: str) -> None:
    using = method_of(entry(method))
    archive = encrypted(using, os.urandom(3 * BLOCK))
    for job, content in ((using.encrypt, os.urandom(3 * BLOCK)), (using.decrypt, archive)):
        with pytest.raises(Broken):
            job(BreakingReader(content), Kept())
        with pytest.raises(Broken):
            job(Given(content), BreakingWriter(BLOCK + 100))


@pytest.mark.parametrize("method", METHODS)
def test_the_last_bytes_that_cannot_be_written_are_missed(entry: Named, method: str) -> None:
    using = method_of(entry(method))
    archive = encrypted(using, b"few bytes")
    with pytest.raises(Broken):
        using.encrypt(Given(b"few bytes"), BreakingWriter(len(archive) // 2))
    with pytest.raises(Broken):
        using.decrypt(Given(archive), BreakingWriter(5))


@pytest.mark.parametrize(("method", "other"), [("age", "gpg"), ("gpg", "age"), ("none", "age"), ("none", "gpg")])
def test_an_archive_of_another_method_asks_for_its_keys(entry: Named, method: str, other: str) -> None:
    archive = encrypted(method_of(entry(other)), b"content")
    with pytest.raises(Misconfigured, match=f"archive was made with {other}"):
        opened(entry(method), archive)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("content", [b"", b"-- SQL dump", b"\x28\xb5\x2f\xfd and more", b"\x1f\x8b\x08\0\0\0\0\0\0"])
def test_content_that_is_not_encrypted_is_refused_unless_allowed(entry: Named, method: str, content: bytes) -> None:
    """Case 47."""
    with pytest.raises(Tampered, match="not encrypted") as refused:
        opened(entry(method), content)
    assert "--allow-unencrypted" in refused.value.hint
    assert opened(entry(method), content, allow_unencrypted=True) == content


def test_without_encryption_content_passes_as_it_is(entry: Named) -> None:
    unencrypted = method_of(entry("none"))
    assert opened(entry("none"), encrypted(unencrypted, b"content")) == b"content"
    assert unencrypted.keys() == ()
    with pytest.raises(Misconfigured, match=r"encryption\.open\.method"):
        unencrypted.generate()
