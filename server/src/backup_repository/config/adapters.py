"""The keys of each storage adapter, required ones first (contract B 1.3); `FS_<NAME>_<KEY>` sets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from backup_repository.config import addresses, values
from backup_repository.config.directories import Need
from backup_repository.config.model import AzureStorage, GoogleStorage, LocalStorage, S3Storage, StorageSettings
from backup_repository.config.variable import Variable


def _mounted(path: Path) -> Need:
    return Need(path)


def _paired(secret: str, above: Mapping[str, Any]) -> None:
    key = above["CREDENTIALS_KEY"]
    if secret and not key:
        raise ValueError("is given without CREDENTIALS_KEY")
    if key and not secret:
        raise ValueError("is missing although CREDENTIALS_KEY is given")


_BUCKET = Variable(
    name="BUCKET",
    default="",
    required=True,
    accepted="the name of a bucket",
    meaning="bucket that holds the blobs",
    parse=values.any_text,
)
_PREFIX = Variable(
    name="PREFIX",
    default="",
    accepted="a path inside the bucket or container",
    meaning="what every object name begins with",
    parse=values.object_prefix,
)
_ENDPOINT = Variable(
    name="ENDPOINT",
    default="",
    accepted="an absolute http or https URL",
    meaning="address of the service; empty: the provider's own; with aws a set one means path-style addressing",
    parse=addresses.http_url,
)

ADAPTERS: Mapping[str, tuple[Variable, ...]] = {
    "local": (
        Variable(
            name="DIRECTORY",
            default="./var/storage",
            accepted="an existing directory, or one below ./var",
            meaning="directory that holds the blobs",
            parse=values.path,
            place=values.below,
            need=_mounted,
        ),
    ),
    "aws": (
        _BUCKET,
        Variable(
            name="REGION",
            default="eu-central-1",
            accepted="the name of a region",
            meaning="region of the bucket",
            parse=values.any_text,
        ),
        _ENDPOINT,
        _PREFIX,
        Variable(
            name="CREDENTIALS_KEY",
            default="",
            accepted="an access key, together with CREDENTIALS_SECRET",
            meaning="access key; empty, like the secret: the provider's own credential chain",
            parse=values.any_text,
            secret=True,
        ),
        Variable(
            name="CREDENTIALS_SECRET",
            default="",
            accepted="a secret key, together with CREDENTIALS_KEY",
            meaning="secret key; empty, like the access key: the provider's own credential chain",
            parse=values.any_text,
            secret=True,
            agree=_paired,
        ),
    ),
    "gcloud": (
        _BUCKET,
        Variable(
            name="PROJECTID",
            default="",
            accepted="the id of a project",
            meaning="project that owns the bucket",
            parse=values.any_text,
        ),
        Variable(
            name="KEYFILEPATH",
            default="",
            accepted="a file",
            meaning="key file of the service account; empty: the provider's own credential chain",
            parse=values.path,
            empty=None,
            place=values.below,
        ),
        _PREFIX,
        _ENDPOINT,
    ),
    "azure": (
        Variable(
            name="ACCOUNT",
            default="",
            required=True,
            accepted="the name of a storage account",
            meaning="storage account",
            parse=values.any_text,
        ),
        Variable(
            name="CONTAINER",
            default="",
            required=True,
            accepted="the name of a container",
            meaning="container that holds the blobs",
            parse=values.any_text,
        ),
        Variable(
            name="KEY",
            default="",
            accepted="an account key",
            meaning="key of the storage account; empty: managed identity",
            parse=values.any_text,
            secret=True,
        ),
        _PREFIX,
        _ENDPOINT,
    ),
}
"""Adapter → its keys."""

ADAPTER = Variable(
    name="ADAPTER",
    default="local",
    accepted=", ".join(ADAPTERS),
    meaning="kind of the storage",
    parse=values.one_of(*ADAPTERS),
)
"""The key that every storage has."""

SHAPES: Mapping[str, Callable[..., StorageSettings]] = {
    "local": LocalStorage,
    "aws": S3Storage,
    "gcloud": GoogleStorage,
    "azure": AzureStorage,
}
"""Adapter → the settings made of its keys."""


def keys_of(adapter: str) -> dict[str, Variable]:
    """Return the keys of an adapter, `ADAPTER` first."""
    return {key.name: key for key in (ADAPTER, *ADAPTERS[adapter])}


def storage_variable(name: str, key: Variable) -> Variable:
    """Return the key as the variable `FS_<NAME>_<KEY>`."""
    return replace(key, name=f"FS_{name}_{key.name}")
