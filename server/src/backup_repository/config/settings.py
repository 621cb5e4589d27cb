"""The one list of variables, in the contract's order (contract B 1.2).

Loading, `config show`, the configuration reference and `deploy/environment.*` all follow it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backup_repository.config import addresses, values
from backup_repository.config.directories import Need
from backup_repository.config.variable import Variable


def _database_directory(url: str) -> Need | None:
    if not addresses.is_sqlite(url):
        return None
    return Need(addresses.sqlite_file(url).parent, os.R_OK | os.W_OK | os.X_OK, shown=False)


def _staging(path: Path) -> Need:
    return Need(path, os.R_OK | os.W_OK | os.X_OK)


def _handed_over(path: Path | None) -> Need | None:
    return None if path is None else Need(path, os.R_OK | os.X_OK)


def _key_directory(path: Path) -> Need:
    return Need(path.parent)


def _holds_one_version(size: int, above: Mapping[str, Any]) -> None:
    if 0 < size < above["BACKUP_ONE_VERSION_MAX_SIZE"]:
        raise ValueError("is below BACKUP_ONE_VERSION_MAX_SIZE")


VARIABLES: tuple[Variable, ...] = (
    Variable(
        name="APP_ENV",
        default="prod",
        accepted="prod, test, dev",
        meaning="names the environment in logs and in the metrics tag; changes no behaviour of the API",
        parse=values.one_of("prod", "test", "dev"),
    ),
    Variable(
        name="BASE_URL",
        default="",
        accepted="an absolute http or https URL, path prefix allowed",
        meaning="public address used in links and in the metrics tag; empty: derived from the request",
        parse=addresses.http_url,
    ),
    Variable(
        name="DATABASE_URL",
        default="sqlite:///var/backup-repository.sqlite3",
        accepted="sqlite:///relative/file, sqlite:////absolute/file, postgres://user:password@host:port/database, "
        "postgresql://user:password@host:port/database",
        meaning="where the records are; query parameters such as sslmode are passed to the driver; "
        "PostgreSQL must be 11 or newer",
        parse=addresses.database_url,
        secret=True,
        place=addresses.database_below,
        need=_database_directory,
    ),
    Variable(
        name="HEALTH_CHECK_CODE",
        default="",
        accepted="text",
        meaning="secret of the health endpoint; empty: the endpoint is closed",
        parse=values.any_text,
        secret=True,
    ),
    Variable(
        name="METRICS_CODE",
        default="",
        accepted="text",
        meaning="secret of the metrics endpoint, separate from the health code; empty: the endpoint is closed",
        parse=values.any_text,
        secret=True,
    ),
    Variable(
        name="READ_ONLY",
        default="false",
        accepted="true, false, 1, 0, yes, no",
        meaning="every write is refused, through the API and on the console",
        parse=values.truth,
    ),
    Variable(
        name="TEMP_DIRECTORY",
        default="./var/tmp",
        accepted="a writable directory",
        meaning="staging area of one instance, never shared; with a local storage it should share its file system",
        parse=values.path,
        place=values.below,
        need=_staging,
    ),
    Variable(
        name="REVPROXY_STORAGE_DIR",
        default="",
        accepted="a readable directory",
        meaning="where the application's NGINX leaves request bodies; empty: hand-over is off",
        parse=values.path,
        empty=None,
        place=values.below,
        need=_handed_over,
    ),
    Variable(
        name="BACKUP_MAX_VERSIONS",
        default="100",
        accepted="a whole number from 0 to 2147483647",
        meaning="instance maximum of versions per collection; 0: off",
        parse=values.integer(0),
    ),
    Variable(
        name="BACKUP_ONE_VERSION_MAX_SIZE",
        default="30GB",
        accepted="a size such as 1.5GB, 10MiB or 1024",
        meaning="instance maximum of one version; 0: off",
        parse=values.size,
    ),
    Variable(
        name="BACKUP_COLLECTION_MAX_SIZE",
        default="0",
        accepted="a size such as 1.5TB, 10GiB or 1024, 0 or at least BACKUP_ONE_VERSION_MAX_SIZE",
        meaning="instance maximum of a collection; 0: off; when both are on it must not be below the previous one",
        parse=values.size,
        agree=_holds_one_version,
    ),
    Variable(
        name="JWT_SECRET_KEY",
        default="./var/jwt/private.pem",
        accepted="a PEM file in an existing directory, or in one below ./var",
        meaning="signing key: Ed25519, P-256 or RSA of at least 2048 bit; made together with the public key when "
        "neither file exists",
        parse=values.path,
        place=values.below,
        need=_key_directory,
    ),
    Variable(
        name="JWT_PUBLIC_KEY",
        default="./var/jwt/public.pem",
        accepted="a PEM file in an existing directory, or in one below ./var",
        meaning="public key, which must match the signing key",
        parse=values.path,
        place=values.below,
        need=_key_directory,
    ),
    Variable(
        name="JWT_PASSPHRASE",
        default="",
        accepted="text",
        meaning="protects the signing key's file; empty: the file must not be readable by group or others",
        parse=values.any_text,
        secret=True,
    ),
    Variable(
        name="JWT_LIFETIME",
        default="2 hours",
        accepted="a duration of more than 0 such as 7200, 90m, 2 hours or 1d 12h",
        meaning="lifetime of a login session",
        parse=values.positive_duration,
    ),
    Variable(
        name="TRUSTED_PROXIES",
        default="",
        accepted="a comma list of addresses and CIDR networks",
        meaning="peers whose X-Forwarded-* and X-Internal-* headers are believed; a Unix-socket peer is always trusted",
        parse=values.networks,
        empty=(),
        listed=True,
    ),
    Variable(
        name="TRUSTED_HOSTS",
        default="",
        accepted="a comma list of names without port, *.example.org allowed",
        meaning="accepted Host values; empty: any",
        parse=values.hosts,
        empty=(),
        listed=True,
    ),
    Variable(
        name="LONG_EXECUTION_TIME",
        default="3600",
        accepted="a whole number of seconds from 1 to 2147483647",
        meaning="an upload or download that moves no byte for this long is ended; also the limit for finishing an "
        "upload after its last byte",
        parse=values.integer(1),
    ),
    Variable(
        name="FS_RW_NAME",
        default="LOCAL",
        accepted="a storage name: capital letters, digits and _, beginning with a letter, neither RW nor RO",
        meaning="storage that is written",
        parse=values.storage_name,
    ),
    Variable(
        name="FS_RO_NAME",
        default="",
        default_of="FS_RW_NAME",
        accepted="a storage name: capital letters, digits and _, beginning with a letter, neither RW nor RO",
        meaning="storage that is read; a blob absent there is looked up in the written one",
        parse=values.storage_name,
    ),
    Variable(
        name="SENTRY_DSN",
        default="",
        accepted="a DSN, https://key@host/project",
        meaning="unexpected exceptions are reported there, with secrets, bodies and authorization headers removed; "
        "empty: off",
        parse=addresses.error_collector,
        secret=True,
    ),
    Variable(
        name="POST_INSTALL_CMD",
        default="",
        accepted="a shell command line",
        meaning="container only: run after the migrations on every start; empty: nothing is run",
        parse=values.any_text,
    ),
    Variable(
        name="WAIT_FOR_DB_TIMEOUT",
        default="30",
        accepted="a whole number of seconds from 0 to 2147483647",
        meaning="container only: how long the start waits for the database",
        parse=values.integer(0),
    ),
)
"""Every variable except those of single storages, in table order."""
