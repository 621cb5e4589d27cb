"""Whose signature is believed, at once and when it was seen before (contract 3.1, 3.4)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from world.actors import NOW, make_user

from backup_repository.access.keys import KeyPair, load_keys
from backup_repository.access.model import TokenKind
from backup_repository.access.signing import REMEMBERED, Claims, Verifier, hash_of, sign
from backup_repository.errors import Unauthenticated

LIFETIME = 600
COLLECTION = "c0111ec7-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """What the installation signs with."""
    return made(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def other_keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """What it signed with before, or another installation does."""
    return made(tmp_path_factory.mktemp("other"))


def made(directory: Path) -> KeyPair:
    return load_keys(directory / "private.pem", directory / "public.pem", "")


def token(keys: KeyPair, collection_id: str | None = None) -> str:
    """Sign a token that is valid for `LIFETIME` seconds."""
    user = make_user()
    signed, _ = sign(
        keys,
        user,
        TokenKind.GENERATED,
        frozenset(),
        lifetime=LIFETIME,
        description="",
        now=NOW,
        collection_id=collection_id,
    )
    return signed


def refusal(verifier: Verifier, text: str, seconds: float = 0) -> str:
    """Return the words of the refusal so long after it was signed; empty when it is believed."""
    try:
        verifier.verify(text, NOW + timedelta(seconds=seconds))
    except Unauthenticated as error:
        return str(error)
    return ""


def test_a_remembered_token_says_what_it_said_at_first(keys: KeyPair) -> None:
    verifier = Verifier(keys)
    for collection in (None, COLLECTION):
        text = token(keys, collection)
        said = Claims(make_user().id, hash_of(text), collection)
        assert [verifier.verify(text, NOW) for _ in range(3)] == [said] * 3


def test_a_remembered_token_expires_at_its_very_moment(keys: KeyPair) -> None:
    verifier, text = Verifier(keys), token(keys)
    assert [refusal(verifier, text, seconds) for seconds in (0, LIFETIME - 1e-6)] == ["", ""]
    assert [refusal(verifier, text, seconds) for seconds in (LIFETIME, LIFETIME + 1)] == ["Expired JWT Token"] * 2


def test_a_forged_token_is_refused_each_time_and_never_remembered(keys: KeyPair, other_keys: KeyPair) -> None:
    verifier, good = Verifier(keys), token(keys)
    assert refusal(verifier, good) == ""
    head, claims, signature = good.split(".")
    other_claims = token(keys).split(".")[1]
    forged = (
        f"{head}.{other_claims}.{signature}",
        f"{head}.{claims}.{signature[::-1]}",
        f"{head}.{claims}.",
        f"{good} ",
        f"{good}.x",
        good.swapcase(),
        token(other_keys),
        hash_of(good),
    )
    for _ in range(3):
        assert {refusal(verifier, text) for text in forged} == {"Invalid JWT Token"}
    assert list(verifier._remembered) == [hash_of(good)]


def test_with_another_key_nothing_is_remembered(keys: KeyPair, other_keys: KeyPair) -> None:
    """After the keys were changed, what the old one signed is worth nothing, however often it was believed."""
    before, after, text = Verifier(keys), Verifier(other_keys), token(keys)
    assert [refusal(before, text) for _ in range(2)] == ["", ""]
    assert [refusal(after, text) for _ in range(2)] == ["Invalid JWT Token"] * 2


def test_only_the_last_tokens_are_remembered_and_never_their_text(keys: KeyPair) -> None:
    verifier = Verifier(keys)
    often, once = token(keys), token(keys)
    assert refusal(verifier, once) == ""
    others = [token(keys) for _ in range(REMEMBERED)]
    for text in others:
        assert refusal(verifier, text) == refusal(verifier, often) == ""
    remembered = list(verifier._remembered)
    assert remembered == [hash_of(text) for text in [*others[1 - REMEMBERED :], often]]
    assert refusal(verifier, once) == ""
