"""Addresses by which a proxy can fetch a blob from an object store itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from world.buckets import BUCKET, REGION, S3Bucket, azure, google, moto, rclone
from world.disk import Disk

from backup_repository.config.model import AzureStorage, GoogleStorage, S3Storage
from backup_repository.errors import BlobMissing
from backup_repository.storage.base import SignedAddress, Storage, new_key
from backup_repository.storage.contract import CONTENT, put
from backup_repository.storage.drivers.objects import ObjectStorage
from backup_repository.storage.open import open_one
from backup_repository.storage.wrappers.fallback import FallbackStorage

OFFERED = {"CLOUD"}
KEY = "0" * 32


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Bucket]:
    """A store that gives ranges and looks at no signature."""
    with moto(tmp_path_factory.mktemp("moto")) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Bucket]:
    """A store that checks signatures, and answers 200 to a range."""
    with rclone(tmp_path_factory.mktemp("rclone")) as bucket:
        yield bucket


async def url_of(settings: Any) -> str | None:
    """Give the whole address, as the driver hears it."""
    storage: Any = open_one(settings, Path("unused"), 0)
    driver: ObjectStorage = storage._storage
    return None if driver._address is None else await driver._address(KEY)


def key_file(directory: Path) -> Path:
    private = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = directory / "key.json"
    words = {"private_key": private.decode(), "private_key_id": "1", "client_email": "server@example.org"}
    file.write_text(json.dumps(words))
    return file


async def test_an_address_gives_the_bytes_to_anybody_for_a_while(strict: S3Bucket) -> None:
    storage = strict.storage()
    key = await put(storage, CONTENT)
    address = await storage.signed(key, OFFERED, in_part=False)
    assert address is not None
    assert (address.storage, address.size) == ("CLOUD", len(CONTENT))
    assert "X-Amz-Expires=300&" in address.target
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(f"{strict.url}/{address.target}")).content == CONTENT
        assert (await anybody.get(f"{strict.url}/{address.target[:-4]}0000")).status_code == 403


async def test_an_address_is_given_only_where_it_can_be_used(loose: S3Bucket, strict: S3Bucket) -> None:
    storage = loose.storage()
    key = await put(storage, CONTENT)
    assert await storage.signed(key, {"OTHER"}, in_part=False) is None
    for in_part in (True, False):
        found = await storage.signed(key, {"OTHER", "CLOUD"}, in_part=in_part)
        assert found is not None
        assert found.size == len(CONTENT)
        with pytest.raises(BlobMissing):
            await storage.signed(new_key(), OFFERED, in_part=in_part)
    storage = strict.storage()
    assert await storage.signed(await put(storage, CONTENT), OFFERED, in_part=True) is None


def test_an_address_is_not_shown() -> None:
    assert "secret" not in repr(SignedAddress("CLOUD", "bucket/key?signature=secret", 1))


HOSTS: dict[str, tuple[Any, str]] = {
    "amazon": (
        S3Storage("CLOUD", BUCKET, region=REGION, credentials_key="key", credentials_secret="secret"),
        f"https://{BUCKET}.s3.{REGION}.amazonaws.com/{KEY}?",
    ),
    "amazon, dots in the name": (
        S3Storage("CLOUD", "my.backups", region=REGION, credentials_key="key", credentials_secret="secret"),
        f"https://s3.{REGION}.amazonaws.com/my.backups/{KEY}?",
    ),
    "another": (
        S3Storage("CLOUD", BUCKET, credentials_key="k", credentials_secret="s", endpoint="https://store:9000/x"),
        f"https://store:9000/x/{BUCKET}/{KEY}?",
    ),
    "azure": (
        AzureStorage("CLOUD", "account", BUCKET, key="a2V5"),
        f"https://account.blob.core.windows.net/{BUCKET}/{KEY}?",
    ),
}


@pytest.mark.parametrize("name", HOSTS)
async def test_addresses_are_at_the_hosts_that_the_guide_names(name: str) -> None:
    settings, begins = HOSTS[name]
    assert str(await url_of(settings)).startswith(begins)


async def test_google_signs_with_a_key_file_only(tmp_path: Path) -> None:
    settings = GoogleStorage("CLOUD", BUCKET, keyfilepath=key_file(tmp_path))
    assert str(await url_of(settings)).startswith(f"https://storage.googleapis.com/{BUCKET}/{KEY}?")
    assert await url_of(replace(settings, keyfilepath=None)) is None


async def test_a_key_that_signs_nothing_is_no_failure(tmp_path: Path) -> None:
    """The bytes are streamed then."""
    with google(tmp_path) as bucket:
        storage = bucket.storage()
        assert await storage.signed(await put(storage, b"content"), OFFERED, in_part=False) is None


async def test_azure_signs_with_a_key_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_TOKEN", "of-the-machine")
    with azure(tmp_path) as bucket:
        for key, signs in ((bucket.fixed["key"], True), ("", False)):
            storage = bucket.storage(replace(bucket.settings(), key=key))
            found = await storage.signed(await put(storage, b"content"), OFFERED, in_part=True)
            assert (found is not None) == signs


async def test_of_two_storages_the_address_leads_to_the_one_that_is_read(loose: S3Bucket, disk: Disk) -> None:
    old, new = replace(loose.settings(), name="OLD"), loose.settings()
    pairs: tuple[tuple[Storage, str | None], ...] = ((loose.storage(old), "OLD"), (disk.open(), None))
    for first, name in pairs:
        written = loose.storage(new)
        storage = FallbackStorage(first, written)
        moved, fresh = await put(first, b"moved"), await put(written, b"fresh")
        both = {"OLD", "CLOUD"}
        found = [await storage.signed(key, both, in_part=False) for key in (moved, fresh)]
        assert [address and address.storage for address in found] == [name, "CLOUD"]
        assert await storage.signed(moved, {"CLOUD"}, in_part=False) is None
        with pytest.raises(BlobMissing):
            await storage.signed(new_key(), both, in_part=False)
