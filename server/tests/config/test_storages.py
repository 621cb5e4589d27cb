"""Storage names, their variables and adapters (contract B 1.3; cases 5, 6 and 9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from backup_repository.config.load import load
from backup_repository.config.model import AzureStorage, GoogleStorage, LocalStorage, S3Storage
from backup_repository.config.show import Row, show_rows
from backup_repository.errors import ConfigurationError

_S3 = {"FS_RW_NAME": "S3", "FS_S3_ADAPTER": "aws", "FS_S3_BUCKET": "b"}


def _refused(environ: dict[str, str], cwd: Path) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(environ, None, cwd)
    assert "s3cret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "variable",
    ["FS_LOCAL_BUCKET", "FS_LOCAL_DIRECTORY_FILE", "FS_LOCAL_directory", "FS_LOCAL_"],
)
def test_a_key_that_the_adapter_does_not_have_is_refused(variable: str, tmp_path: Path) -> None:
    """Case 5."""
    error = _refused({variable: "s3cret"}, tmp_path)
    assert error.variable == variable
    assert "FS_LOCAL_ADAPTER, FS_LOCAL_DIRECTORY" in error.problem


@pytest.mark.parametrize(
    "variable",
    ["FS_NOBODY_BUCKET", "FS_LOCALLY_DIRECTORY", "FS_RW_DIRECTORY", "FS_RW_ADAPTER", "FS_RO_ADAPTER", "FS_x_ADAPTER", "FS_ADAPTER", "FS_", "FS_RW_NAMES", "FS_RW_NAME_FILE"],
)  # fmt: skip
def test_a_variable_of_no_known_storage_is_refused(variable: str, tmp_path: Path) -> None:
    """Case 5."""
    for value in ("s3cret", ""):
        error = _refused({variable: value}, tmp_path)
        assert error.variable == variable
        assert all(word in error.problem for word in ("known: LOCAL", "ADAPTER", "DIRECTORY", "BUCKET", "ACCOUNT"))


@pytest.mark.parametrize("ending", ["toml", "lines"])
def test_a_variable_of_no_known_storage_is_refused_in_files_too(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"x.{ending}"
    file.write_text("FS_NOBODY_BUCKET='x'\n")
    with pytest.raises(ConfigurationError) as caught:
        load({}, file, tmp_path)
    assert caught.value.variable == "FS_NOBODY_BUCKET"


@pytest.mark.parametrize("adapter", ["ftp", "AWS", "s3"])
def test_an_unknown_adapter_is_refused(adapter: str, tmp_path: Path) -> None:
    """Case 5."""
    error = _refused({"FS_LOCAL_ADAPTER": adapter, "FS_LOCAL_BUCKET": "x"}, tmp_path)
    assert error.variable == "FS_LOCAL_ADAPTER"
    assert error.problem.endswith("accepted: local, aws, gcloud, azure")


@pytest.mark.parametrize(
    ("adapter", "keys"), [("aws", ["BUCKET"]), ("gcloud", ["BUCKET"]), ("azure", ["ACCOUNT", "CONTAINER"])]
)
def test_required_keys_are_demanded_by_name(adapter: str, keys: list[str], tmp_path: Path) -> None:
    """Case 6."""
    complete = {"FS_X_ADAPTER": adapter, **{f"FS_X_{key}": "x" for key in keys}}
    load(complete, None, tmp_path)
    for key in keys:
        absent = {name: text for name, text in complete.items() if name != f"FS_X_{key}"}
        for environ in (absent, {**absent, f"FS_X_{key}": " "}):
            error = _refused(environ, tmp_path)
            assert error.variable == f"FS_X_{key}"
            assert "is required" in error.problem


def test_one_half_of_a_pair_of_credentials_is_refused(tmp_path: Path) -> None:
    for half in ("CREDENTIALS_KEY", "CREDENTIALS_SECRET"):
        error = _refused({**_S3, f"FS_S3_{half}": "s3cret"}, tmp_path)
        assert error.variable == "FS_S3_CREDENTIALS_SECRET"
        assert "CREDENTIALS_KEY" in error.problem


def test_every_key_of_every_adapter_is_taken(tmp_path: Path) -> None:
    environ = {
        **_S3,
        "FS_S3_REGION": "r",
        "FS_S3_ENDPOINT": "http://127.0.0.1:9000/",
        "FS_S3_PREFIX": "/a/b/",
        "FS_S3_CREDENTIALS_KEY": "k",
        "FS_S3_CREDENTIALS_SECRET": "s",
    }
    s3 = S3Storage("S3", "b", "r", "http://127.0.0.1:9000", "a/b", "k", "s")
    assert load(environ, None, tmp_path).config.fs_rw == s3
    environ = {
        "FS_RW_NAME": "G",
        "FS_G_ADAPTER": "gcloud",
        "FS_G_BUCKET": "b",
        "FS_G_PROJECTID": "p",
        "FS_G_KEYFILEPATH": "key.json",
        "FS_G_PREFIX": "x",
        "FS_G_ENDPOINT": "https://g",
    }
    google = GoogleStorage("G", "b", "p", tmp_path / "key.json", "x", "https://g")
    assert load(environ, None, tmp_path).config.fs_rw == google
    environ = {
        "FS_RW_NAME": "Z",
        "FS_Z_ADAPTER": "azure",
        "FS_Z_ACCOUNT": "a",
        "FS_Z_CONTAINER": "c",
        "FS_Z_KEY": "k",
        "FS_Z_PREFIX": "/",
        "FS_Z_ENDPOINT": "https://z",
    }
    assert load(environ, None, tmp_path).config.fs_rw == AzureStorage("Z", "a", "c", "k", "", "https://z")


def test_the_defaults_of_the_keys_are_those_of_the_shapes(tmp_path: Path) -> None:
    assert load(_S3, None, tmp_path).config.fs_rw == S3Storage("S3", "b")
    google = {"FS_RW_NAME": "G", "FS_G_ADAPTER": "gcloud", "FS_G_BUCKET": "b"}
    assert load(google, None, tmp_path).config.fs_rw == GoogleStorage("G", "b")
    azure = {"FS_RW_NAME": "Z", "FS_Z_ADAPTER": "azure", "FS_Z_ACCOUNT": "a", "FS_Z_CONTAINER": "c"}
    assert load(azure, None, tmp_path).config.fs_rw == AzureStorage("Z", "a", "c")


@pytest.mark.parametrize(
    ("variable", "text"),
    [("FS_S3_ENDPOINT", "127.0.0.1:9000"), ("FS_S3_PREFIX", "a/../b"), ("FS_S3_PREFIX", "a//b"), ("FS_S3_BUCKET", "\udcff")],
)  # fmt: skip
def test_an_invalid_key_names_its_variable(variable: str, text: str, tmp_path: Path) -> None:
    assert _refused({**_S3, variable: text}, tmp_path).variable == variable


def test_the_read_storage_is_the_written_one_unless_named(tmp_path: Path) -> None:
    """Case 9, as far as settings decide it."""
    same = load(_S3, None, tmp_path)
    assert same.config.fs_ro == same.config.fs_rw
    assert Row("FS_RO_NAME", "S3", "default") in show_rows(same)
    other = load({**_S3, "FS_RO_NAME": "LOCAL"}, None, tmp_path).config
    assert other.fs_rw == S3Storage("S3", "b")
    assert other.fs_ro == LocalStorage("LOCAL", tmp_path / "var/storage")


def test_a_name_in_use_is_known_without_an_adapter(tmp_path: Path) -> None:
    environ = {"FS_RW_NAME": "DISK", "FS_DISK_DIRECTORY": "d", "FS_RO_NAME": "OLD", "FS_OLD_DIRECTORY": "o"}
    config = load(environ, None, tmp_path).config
    assert config.fs_rw == LocalStorage("DISK", tmp_path / "d")
    assert config.fs_ro == LocalStorage("OLD", tmp_path / "o")


def test_the_longest_name_owns_a_variable(tmp_path: Path) -> None:
    environ = {
        "FS_RW_NAME": "A",
        "FS_RO_NAME": "A_B",
        "FS_A_DIRECTORY": "short",
        "FS_A_B_DIRECTORY": "long",
        "FS_A_B_ADAPTER": "local",
    }
    config = load(environ, None, tmp_path).config
    assert config.fs_rw == LocalStorage("A", tmp_path / "short")
    assert config.fs_ro == LocalStorage("A_B", tmp_path / "long")
    assert _refused({**environ, "FS_A_B_IRECTORY": "x"}, tmp_path).problem.endswith("FS_A_B_ADAPTER, FS_A_B_DIRECTORY")


def test_storages_out_of_use_are_checked_and_shown_too(tmp_path: Path) -> None:
    environ = {"FS_SPARE_ADAPTER": "aws", "FS_SPARE_BUCKET": "b"}
    rows = show_rows(load(environ, None, tmp_path))
    assert Row("FS_SPARE_BUCKET", "b", "environment") in rows
    assert Row("FS_SPARE_REGION", "eu-central-1", "default") in rows
    assert _refused({"FS_SPARE_ADAPTER": "aws"}, tmp_path).variable == "FS_SPARE_BUCKET"


def test_an_empty_adapter_in_the_environment_is_local_whatever_the_file_says(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FS_X_ADAPTER=aws\nFS_RW_NAME=X\n")
    config = load({"FS_X_ADAPTER": ""}, None, tmp_path).config
    assert config.fs_rw == LocalStorage("X", tmp_path / "var/storage")
