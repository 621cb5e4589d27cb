"""What each variable accepts, and how a refusal reads (contract B 1.2; cases 1 and 4)."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from backup_repository.config.load import load
from backup_repository.config.model import Config, LocalStorage
from backup_repository.config.settings import VARIABLES
from backup_repository.errors import ConfigurationError

_BAD_TEXT = "sup3r-s3cret\udcff"

_INVALID: dict[str, list[str]] = {
    "APP_ENV": ["production", "PROD", "prod,test"],
    "BASE_URL": [
        "example.org", "/backups", "ftp://example.org", "http://", "https:///x", "https://u:p@example.org",
        "https://example.org/?a=b", "https://example.org/#a", "https://example.org:99999", "https://example.org:x",
        "https://exa mple.org", "https://[::1", "https://[1.2.3]", "https://example.org\nX: y", "https://a,https://b", "https://a:0",
    ],
    "DATABASE_URL": [
        "mysql://root:sup3r-s3cret@db/x", "postgresql+asyncpg://u:sup3r-s3cret@db/x", "sup3r-s3cret", "sqlite:x.db",
        "sqlite://", "sqlite:///", "sqlite:////", "sqlite://x.db", "sqlite:///:memory:", "sqlite:///var/", "sqlite:///.", "sqlite:///a#b",
        "postgresql://u:sup3r-s3cret@db:port/x", "postgresql://u:sup3r-s3cret@db:99999/x", "postgresql://u:sup3r-s3cret@db", "postgres://db/",
        "postgresql://u:sup3r-s3cret/x@db/x", "postgresql://u:sup3r-s3cret#x@db/x", "postgresql://u:sup3r s3cret@db/x", "postgresql://[sup3r-s3cret/x",
    ],
    "HEALTH_CHECK_CODE": [_BAD_TEXT],
    "METRICS_CODE": [_BAD_TEXT],
    "READ_ONLY": ["maybe", "on", "2", "tru"],
    "TEMP_DIRECTORY": [_BAD_TEXT],
    "REVPROXY_STORAGE_DIR": [_BAD_TEXT],
    "BACKUP_MAX_VERSIONS": ["-1", "1.5", "many", "0x10", "\u0661", "2147483648", "1" * 5000, "1 000"],
    "BACKUP_ONE_VERSION_MAX_SIZE": ["-1", "5K", "1,5GB", "big", "9223372036854775808", "GB"],
    "BACKUP_COLLECTION_MAX_SIZE": ["-5MB", "much", "29GB", "1"],
    "JWT_SECRET_KEY": [_BAD_TEXT],
    "JWT_PUBLIC_KEY": [_BAD_TEXT],
    "JWT_PASSPHRASE": [_BAD_TEXT],
    "JWT_LIFETIME": ["0", "0 hours", "-1 hour", "soon", "2 fortnights", "1001 years"],
    "TRUSTED_PROXIES": ["proxy", "10.0.0.0/33", "10.0.0.1,,10.0.0.2", "10.0.0.1,", "10.0.0.0/0.0.0.0", "fe80::1%eth0", "300.1.1.1", "10", "*"],
    "TRUSTED_HOSTS": ["*", "a b", "example.org:80", "http://a", "a,,b", "*.*.org", "a.*.org", ".org", "-a", "exämple.org", "[::1", "a..b"],
    "LONG_EXECUTION_TIME": ["0", "-1", "1 hour", "x", "2147483648"],
    "FS_RW_NAME": ["local", "RW", "RO", "1A", "_A", "A-B", "A B", "Ä"],
    "FS_RO_NAME": ["local", "RW", "RO", "1A"],
    "SENTRY_DSN": ["sup3r-s3cret", "https://example.org/1", "https://sup3r-s3cret@/1", "https://sup3r-s3cret@example.org/", "ftp://sup3r-s3cret@a/1",
                   "https://sup3r-s3cret@a:x/1", "https://sup3r-s3cret@a/ 1"],
    "POST_INSTALL_CMD": [_BAD_TEXT],
    "WAIT_FOR_DB_TIMEOUT": ["-1", "30s", "x"],
}  # fmt: skip


def test_every_variable_has_invalid_values_in_the_list() -> None:
    assert list(_INVALID) == [variable.name for variable in VARIABLES]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in _INVALID.items() for text in texts])
def test_an_invalid_value_is_one_line_that_names_the_variable_and_nothing_of_the_value(
    name: str, text: str, tmp_path: Path
) -> None:
    """Case 4, as far as it is decided before anything starts."""
    with pytest.raises(ConfigurationError) as caught:
        load({name: text}, None, tmp_path)
    line = str(caught.value)
    variable = next(variable for variable in VARIABLES if variable.name == name)
    assert caught.value.variable == name
    assert line.endswith(f"; accepted: {variable.accepted}")
    assert len(line.splitlines()) == 1
    assert "s3cret" not in line
    assert "s3cret" not in repr(caught.value)


_VALID: list[tuple[str, str, Any]] = [
    ("APP_ENV", "test", "test"),
    ("BASE_URL", "https://Backups.example.org:8443/a/b%20c/", "https://Backups.example.org:8443/a/b%20c"),
    ("BASE_URL", "http://[::1]:8000", "http://[::1]:8000"),
    ("BASE_URL", " http://server ", "http://server"),
    ("DATABASE_URL", "sqlite:////srv/b.sqlite3?timeout=5", "sqlite:////srv/b.sqlite3?timeout=5"),
    ("DATABASE_URL", "postgres://u:p%40@db:5432/x?sslmode=require", "postgresql://u:p%40@db:5432/x?sslmode=require"),
    ("DATABASE_URL", "PostgreSQL://u@db/x", "postgresql://u@db/x"),
    ("DATABASE_URL", "postgresql:///x?host=/run/postgresql", "postgresql:///x?host=/run/postgresql"),
    ("HEALTH_CHECK_CODE", " a b ", " a b "),
    ("METRICS_CODE", "żółw", "żółw"),
    *[("READ_ONLY", text, True) for text in ("true", "1", "yes", "True")],
    *[("READ_ONLY", text, False) for text in ("false", "0", "no", "NO")],
    ("TEMP_DIRECTORY", "/srv/tmp", Path("/srv/tmp")),
    ("REVPROXY_STORAGE_DIR", "/srv/bodies", Path("/srv/bodies")),
    ("BACKUP_MAX_VERSIONS", "0", 0),
    ("BACKUP_MAX_VERSIONS", "007", 7),
    ("BACKUP_ONE_VERSION_MAX_SIZE", "0MB", 0),
    ("BACKUP_ONE_VERSION_MAX_SIZE", "1.5GiB", 1_610_612_736),
    ("BACKUP_COLLECTION_MAX_SIZE", "30GB", 30_000_000_000),
    ("BACKUP_COLLECTION_MAX_SIZE", "0", 0),
    ("JWT_SECRET_KEY", "/srv/private.pem", Path("/srv/private.pem")),
    ("JWT_PUBLIC_KEY", "/srv/public.pem", Path("/srv/public.pem")),
    ("JWT_PASSPHRASE", "x ", "x "),
    ("JWT_LIFETIME", "1d 12h", 129_600),
    ("TRUSTED_PROXIES", "10.1.2.3/8, ::1", (ip_network("10.0.0.0/8"), ip_network("::1/128"))),
    ("TRUSTED_PROXIES", "::ffff:10.1.2.0/120", (ip_network("10.1.2.0/24"),)),
    ("TRUSTED_HOSTS", "Example.org, *.example.org, a_b", ("example.org", "*.example.org", "a_b")),
    ("TRUSTED_HOSTS", "127.0.0.1,[::1],::0:2", ("127.0.0.1", "[::1]", "[::2]")),
    ("LONG_EXECUTION_TIME", "1", 1),
    ("SENTRY_DSN", "https://k3y@example.org/a/1", "https://k3y@example.org/a/1"),
    ("POST_INSTALL_CMD", "a && b", "a && b"),
    ("WAIT_FOR_DB_TIMEOUT", "0", 0),
]


@pytest.mark.parametrize(("name", "text", "value"), _VALID)
def test_a_valid_value_is_taken(name: str, text: str, value: object, tmp_path: Path) -> None:
    loaded = load({name: text}, None, tmp_path)
    assert getattr(loaded.config, name.lower()) == value
    assert loaded.warnings == ()


def test_relative_paths_are_relative_to_the_working_directory(tmp_path: Path) -> None:
    odd = tmp_path / "a ?%"
    environ = {"DATABASE_URL": "sqlite:///d%20b/x.db?timeout=5", "TEMP_DIRECTORY": "t", "JWT_SECRET_KEY": "../k"}
    config = load(environ, None, odd).config
    assert config.database_url == f"sqlite:///{tmp_path}/a%20%3F%25/d%20b/x.db?timeout=5"
    assert config.temp_directory == odd / "t"
    assert config.jwt_secret_key == odd / "../k"
    assert config.fs_rw == LocalStorage("LOCAL", odd / "var/storage")


def test_without_any_setting_the_defaults_of_the_model_hold(tmp_path: Path) -> None:
    """Case 1."""
    expected = Config()
    here: dict[str, Any] = {
        setting.name: tmp_path / value
        for setting in dataclasses.fields(Config)
        if isinstance(value := getattr(expected, setting.name), Path)
    }
    local = LocalStorage("LOCAL", tmp_path / "var/storage")
    database = f"sqlite:///{tmp_path}/var/backup-repository.sqlite3"
    expected = dataclasses.replace(expected, **here, fs_rw=local, fs_ro=local, database_url=database)
    loaded = load({}, None, tmp_path)
    assert loaded.config == expected
    assert loaded.warnings == ()
    assert list(tmp_path.iterdir()) == []


def test_the_maximum_of_a_collection_may_be_low_when_that_of_a_version_is_off(tmp_path: Path) -> None:
    environ = {"BACKUP_ONE_VERSION_MAX_SIZE": "0", "BACKUP_COLLECTION_MAX_SIZE": "1"}
    assert load(environ, None, tmp_path).config.backup_collection_max_size == 1


def test_the_maximum_of_a_collection_must_hold_one_version(tmp_path: Path) -> None:
    environ = {"BACKUP_ONE_VERSION_MAX_SIZE": "2GB", "BACKUP_COLLECTION_MAX_SIZE": "1.99GB"}
    with pytest.raises(ConfigurationError) as caught:
        load(environ, None, tmp_path)
    assert caught.value.variable == "BACKUP_COLLECTION_MAX_SIZE"
    assert "BACKUP_ONE_VERSION_MAX_SIZE" in caught.value.problem


@pytest.mark.parametrize(("first", "second"), list(zip(list(_INVALID), list(_INVALID)[1:], strict=False)))
def test_of_two_wrong_settings_the_first_in_table_order_is_told(first: str, second: str, tmp_path: Path) -> None:
    environ = {second: _INVALID[second][0], first: _INVALID[first][0], "FS_NOBODY_BUCKET": "x"}
    with pytest.raises(ConfigurationError) as caught:
        load(environ, None, tmp_path)
    assert caught.value.variable == first


def test_no_secret_is_in_the_representation_of_what_was_loaded(tmp_path: Path) -> None:
    environ = {
        "DATABASE_URL": "postgresql://u:sup3r-s3cret@db/x",
        "HEALTH_CHECK_CODE": "sup3r-s3cret",
        "METRICS_CODE": "sup3r-s3cret",
        "JWT_PASSPHRASE": "sup3r-s3cret",
        "SENTRY_DSN": "https://sup3r-s3cret@example.org/1",
        "FS_S3_ADAPTER": "aws",
        "FS_S3_BUCKET": "b",
        "FS_S3_CREDENTIALS_KEY": "sup3r-s3cret",
        "FS_S3_CREDENTIALS_SECRET": "sup3r-s3cret",
        "FS_BLUE_ADAPTER": "azure",
        "FS_BLUE_ACCOUNT": "a",
        "FS_BLUE_CONTAINER": "c",
        "FS_BLUE_KEY": "sup3r-s3cret",
        "FS_RW_NAME": "S3",
        "FS_RO_NAME": "BLUE",
    }
    loaded = load(environ, None, tmp_path)
    assert "s3cret" not in repr(loaded)
