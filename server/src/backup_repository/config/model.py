"""The settings of one instance, one docstring each (contract B 1.2 and 1.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class LocalStorage:
    """A directory of this machine (adapter `local`)."""

    name: str
    directory: Path


@dataclass(frozen=True, slots=True)
class S3Storage:
    """A bucket of Amazon S3 or of anything that speaks its protocol (adapter `aws`)."""

    name: str
    bucket: str
    region: str = "eu-central-1"
    endpoint: str = ""
    """URL of the service without trailing slash, then addressed path-style; empty: Amazon's."""
    prefix: str = ""
    """What every object name begins with, without slashes around it."""
    credentials_key: str = field(default="", repr=False)
    """Access key; given together with the secret or not at all. Secret."""
    credentials_secret: str = field(default="", repr=False)
    """Secret key; both empty: the provider's own credential chain. Secret."""


@dataclass(frozen=True, slots=True)
class GoogleStorage:
    """A bucket of Google Cloud Storage (adapter `gcloud`)."""

    name: str
    bucket: str
    projectid: str = ""
    keyfilepath: Path | None = None
    """Key file of the service account; None: the provider's own credential chain."""
    prefix: str = ""
    """What every object name begins with, without slashes around it."""
    endpoint: str = ""
    """URL of the service without trailing slash; empty: Google's."""


@dataclass(frozen=True, slots=True)
class AzureStorage:
    """A container of Azure Blob Storage (adapter `azure`)."""

    name: str
    account: str
    container: str
    key: str = field(default="", repr=False)
    """Account key; empty: managed identity. Secret."""
    prefix: str = ""
    """What every object name begins with, without slashes around it."""
    endpoint: str = ""
    """URL of the service without trailing slash; empty: Azure's."""


StorageSettings: TypeAlias = LocalStorage | S3Storage | GoogleStorage | AzureStorage
"""Where blobs live, one shape per adapter; `name` is the one of `FS_<NAME>_…`."""


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of an instance, checked; field names are the variable names in lower case.

    Paths that were loaded are absolute; the defaults here are relative to the working directory of the process.
    """

    app_env: str = "prod"
    """Names the environment in logs and in the metrics tag."""
    base_url: str = ""
    """Public address without trailing slash; empty: derived from the request."""
    database_url: str = field(default="sqlite:///var/backup-repository.sqlite3", repr=False)
    """Where the records are: `sqlite:///…`, its path percent-encoded, or `postgresql://…`. Secret."""
    health_check_code: str = field(default="", repr=False)
    """Secret of `/health`; empty closes the endpoint."""
    metrics_code: str = field(default="", repr=False)
    """Secret of the metrics endpoints; empty closes them."""
    read_only: bool = False
    """Every write is refused."""
    temp_directory: Path = Path("var/tmp")
    """Staging area of one instance."""
    revproxy_storage_dir: Path | None = None
    """Where the application's NGINX leaves request bodies; None: hand-over is off."""
    backup_max_versions: int = 100
    """Instance maximum of versions per collection; 0: off."""
    backup_one_version_max_size: int = 30_000_000_000
    """Instance maximum of one version in bytes; 0: off."""
    backup_collection_max_size: int = 0
    """Instance maximum of a collection in bytes; 0: off."""
    jwt_secret_key: Path = Path("var/jwt/private.pem")
    """The signing key, PEM."""
    jwt_public_key: Path = Path("var/jwt/public.pem")
    """The matching public key, PEM."""
    jwt_passphrase: str = field(default="", repr=False)
    """Protects the signing key's file. Secret."""
    jwt_lifetime: int = 7200
    """Lifetime of a login session in seconds."""
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose `X-Forwarded-*` and `X-Internal-*` headers are believed."""
    trusted_hosts: tuple[str, ...] = ()
    """Accepted `Host` values; empty: any."""
    long_execution_time: int = 3600
    """Seconds without a byte after which a transfer is ended."""
    fs_rw: StorageSettings = field(default_factory=lambda: LocalStorage("LOCAL", Path("var/storage")))
    """The storage that is written."""
    fs_ro: StorageSettings = field(default_factory=lambda: LocalStorage("LOCAL", Path("var/storage")))
    """The storage that is read; a blob absent there is looked up in the written one."""
    sentry_dsn: str = field(default="", repr=False)
    """Where unexpected exceptions are reported; empty: off. Secret."""
    post_install_cmd: str = ""
    """Container only: a shell command line run after migrations."""
    wait_for_db_timeout: int = 30
    """Container only: seconds to wait for the database."""
