"""From the settings of an object store to what obstore needs to reach it (contract B 1.3).

Bounds on waiting: a connection must stand within seconds, and a store that takes or gives no byte for a minute counts
as dead; how long a transfer takes in all is not limited. What fails is tried again for some seconds, part by part.

Addresses that a proxy may fetch from are signed where that needs no further request: with the credentials of `aws`, the
key of `azure` and the key file of `gcloud`.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from backup_repository.config.model import AzureStorage, GoogleStorage, S3Storage
from backup_repository.errors import ConfigurationError
from backup_repository.storage.drivers.objects import ObjectStorage, part_size
from backup_repository.storage.multiparts import Multiparts

T = TypeVar("T")

_CONNECT = timedelta(seconds=5)
_SILENCE = timedelta(seconds=60)
_SLOWEST = 1_000_000
"""Bytes per second that a line to the store carries at least; larger parts wait longer for their answer."""
_WHOLE_REQUEST = timedelta(days=365)
"""Stands for no limit, which cannot be said."""
_SIGNED = timedelta(minutes=5)
"""How long a signed address can be used to begin a download: at once, but our clock and the store's may differ."""
_RETRIES: Any = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}


def amazon(settings: S3Storage, largest: int) -> ObjectStorage:
    """Return the storage of adapter `aws`, for versions of so many bytes at the most (0: no maximum)."""
    part = part_size(largest)
    options: dict[str, Any] = {}
    if settings.credentials_key:
        # handed over as a whole, or a session token of the environment would be added to them
        found = {
            "access_key_id": settings.credentials_key,
            "secret_access_key": settings.credentials_secret,
            "token": None,
            "expires_at": None,
        }
        options["credential_provider"] = lambda: found
    if settings.endpoint:
        options["endpoint"] = settings.endpoint
    if _is_amazon(settings.endpoint):
        options["checksum_algorithm"] = "SHA256"  # without, a bucket with a lock takes nothing; others refuse it
    store = S3Store(
        settings.bucket,
        prefix=settings.prefix or None,
        region=settings.region,
        # Amazon's certificates cover no dots in front of its own name
        virtual_hosted_style_request=not settings.endpoint and "." not in settings.bucket,
        disable_bulk_delete=True,  # one is deleted at a time, with the request that every store knows
        client_options=_client(settings.endpoint, part),
        retry_config=_RETRIES,
        **options,
    )
    return ObjectStorage(store, part, Multiparts(settings).clear, name=settings.name, address=_signing(store))


def google(settings: GoogleStorage, largest: int) -> ObjectStorage:
    """Return the storage of adapter `gcloud`, for versions of so many bytes at the most (0: no maximum).

    Raises:
        ConfigurationError: the key file cannot be used.
    """
    part = part_size(largest)
    options: dict[str, Any] = {}
    if settings.endpoint:
        options["base_url"] = settings.endpoint
    if settings.keyfilepath is not None:
        options["service_account"] = str(settings.keyfilepath)

    def open_store() -> GCSStore:
        return GCSStore(
            settings.bucket,
            prefix=settings.prefix or None,
            client_options=_client(settings.endpoint, part),
            retry_config=_RETRIES,
            **options,
        )

    problem = "cannot be used; accepted: the readable key file of a service account"
    store = _usable(open_store, f"FS_{settings.name}_KEYFILEPATH", problem)
    address = None if settings.keyfilepath is None else _signing(store)
    return ObjectStorage(store, part, name=settings.name, address=address)


def azure(settings: AzureStorage, largest: int) -> ObjectStorage:
    """Return the storage of adapter `azure`, for versions of so many bytes at the most (0: no maximum).

    Raises:
        ConfigurationError: the key is none.
    """
    part = part_size(largest)
    options: dict[str, Any] = {}
    if settings.endpoint:
        options["endpoint"] = settings.endpoint
    if settings.key:
        problem = "is no account key; accepted: what the portal shows, in base64"
        _usable(lambda: base64.b64decode(settings.key, validate=True), f"FS_{settings.name}_KEY", problem)
        found = {"access_key": settings.key, "expires_at": None}
        options["credential_provider"] = lambda: found
    store = AzureStore(
        settings.container,
        account_name=settings.account,
        prefix=settings.prefix or None,
        client_options=_client(settings.endpoint, part),
        retry_config=_RETRIES,
        **options,
    )
    return ObjectStorage(store, part, name=settings.name, address=_signing(store) if settings.key else None)


def _signing(store: S3Store | GCSStore | AzureStore) -> Callable[[str], Awaitable[str | None]]:
    """Return what gives an address that fetches an object for a few minutes, or None when that fails."""

    async def address(key: str) -> str | None:
        try:
            return await obstore.sign_async(store, "GET", key, _SIGNED)
        except BaseError:  # for want of credentials, of which reading will tell
            return None

    return address


def _is_amazon(endpoint: str) -> bool:
    return not endpoint or str(urlsplit(endpoint).hostname).endswith(".amazonaws.com")


def _client(endpoint: str, part: int) -> Any:
    return {
        "allow_http": endpoint.startswith("http:"),
        "connect_timeout": _CONNECT,
        "read_timeout": _SILENCE + timedelta(seconds=part / _SLOWEST),
        "timeout": _WHOLE_REQUEST,
    }


def _usable(make: Callable[[], T], variable: str, problem: str) -> T:
    try:
        return make()
    except (BaseError, OSError, ValueError) as error:
        raise ConfigurationError(variable, problem) from error
