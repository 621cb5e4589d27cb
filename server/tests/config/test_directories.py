"""Directories of settings: looked at in table order, made below `./var` only (contract B 1.1, 1.3; case 6)."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup_repository.config.load import load, load_and_prepare, prepare_directories
from backup_repository.config.model import Config, LocalStorage
from backup_repository.errors import ConfigurationError

_NOBODY = 65534


def _refused(environ: dict[str, str], cwd: Path) -> ConfigurationError:
    before = sorted(cwd.rglob("*"))
    with pytest.raises(ConfigurationError) as caught:
        load_and_prepare(environ, None, cwd)
    assert sorted(cwd.rglob("*")) == before, "a refused start leaves nothing behind"
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


def test_missing_directories_below_var_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    """Case 1, as far as directories go."""
    load_and_prepare({}, None, tmp_path)
    made = {path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert made == {"var": 0o700, "var/tmp": 0o700, "var/jwt": 0o700, "var/storage": 0o700}
    load_and_prepare({}, None, tmp_path)


def test_every_directory_of_a_chain_below_var_is_made(tmp_path: Path) -> None:
    environ = {
        "DATABASE_URL": "sqlite:///var/d%20b/x/y.db",
        "TEMP_DIRECTORY": str(tmp_path / "var/a/b"),
        "REVPROXY_STORAGE_DIR": "var/c/../bodies",
        "JWT_SECRET_KEY": "var/k/private.pem",
        "FS_RO_NAME": "OLD",
        "FS_OLD_DIRECTORY": "var/old",
    }
    loaded = load_and_prepare(environ, None, tmp_path)
    expected = ("d b/x", "a/b", "bodies", "k", "jwt", "storage", "old")
    assert all((tmp_path / "var" / path).is_dir() for path in expected)
    assert isinstance(loaded.config.fs_ro, LocalStorage)
    assert loaded.config.fs_ro.directory.is_dir()


def test_loading_alone_leaves_no_trace(tmp_path: Path) -> None:
    load({"TEMP_DIRECTORY": "/does/not/exist"}, None, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "sqlite:////does/not/exist/x.db"),
        ("TEMP_DIRECTORY", "/does/not/exist"),
        ("TEMP_DIRECTORY", "var/../elsewhere"),
        ("TEMP_DIRECTORY", "variable"),
        ("REVPROXY_STORAGE_DIR", "/does/not/exist"),
        ("JWT_SECRET_KEY", "/does/not/exist/private.pem"),
        ("JWT_PUBLIC_KEY", "/does/not/exist/public.pem"),
        ("FS_LOCAL_DIRECTORY", "/does/not/exist"),
        ("FS_LOCAL_DIRECTORY", "storage"),
    ],
)
def test_a_missing_directory_outside_var_is_never_made(name: str, text: str, tmp_path: Path) -> None:
    """Case 6: an unmounted disk is never replaced by an empty folder."""
    error = _refused({name: text}, tmp_path)
    assert error.variable == name
    assert "does not exist" in error.problem
    assert "accepted: " in error.problem
    assert name != "DATABASE_URL" or "/does/not" not in error.problem, "the address of the database is a secret"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "sqlite:///file/x.db"),
        ("TEMP_DIRECTORY", "file"),
        ("TEMP_DIRECTORY", "file/below"),
        ("REVPROXY_STORAGE_DIR", "file"),
        ("JWT_SECRET_KEY", "file/private.pem"),
        ("FS_LOCAL_DIRECTORY", "file"),
        ("FS_LOCAL_DIRECTORY", "file/below"),
    ],
)
def test_a_file_is_no_directory(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    error = _refused({name: text}, tmp_path)
    assert error.variable == name
    assert "is not a directory" in error.problem


def test_a_broken_link_or_a_file_below_var_is_not_built_upon(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var/storage").symlink_to(tmp_path / "unmounted")
    assert _refused({}, tmp_path).variable == "FS_LOCAL_DIRECTORY"
    (tmp_path / "var/tmp").touch()
    assert _refused({}, tmp_path).variable == "TEMP_DIRECTORY"


def test_a_message_with_an_odd_path_is_still_one_line(tmp_path: Path) -> None:
    error = _refused({"TEMP_DIRECTORY": 'a\nb"c'}, tmp_path)
    assert r"a\nb\"c" in error.problem


def test_only_storages_in_use_need_their_directory(tmp_path: Path) -> None:
    environ = {"FS_RW_NAME": "S3", "FS_S3_ADAPTER": "aws", "FS_S3_BUCKET": "b", "FS_LOCAL_DIRECTORY": "/does/not/exist"}
    load_and_prepare(environ, None, tmp_path)
    assert not (tmp_path / "var/storage").exists()
    assert _refused({**environ, "FS_RO_NAME": "LOCAL"}, tmp_path).variable == "FS_LOCAL_DIRECTORY"


def test_another_database_needs_no_directory(tmp_path: Path) -> None:
    load_and_prepare({"DATABASE_URL": "postgresql://u@127.0.0.1/x"}, None, tmp_path)


@pytest.mark.parametrize("later", [{"JWT_LIFETIME": "soon"}, {"FS_NOBODY_BUCKET": "x"}, {"FS_LOCAL_ADAPTER": "ftp"}])
def test_a_wrong_directory_is_told_before_wrong_settings_further_down(later: dict[str, str], tmp_path: Path) -> None:
    assert _refused({"TEMP_DIRECTORY": "/does/not/exist", **later}, tmp_path).variable == "TEMP_DIRECTORY"
    error = _refused({"TEMP_DIRECTORY": "/does/not/exist", "READ_ONLY": "maybe", **later}, tmp_path)
    assert error.variable == "READ_ONLY"


def test_settings_made_by_hand_are_prepared_too(tmp_path: Path) -> None:
    prepare_directories(Config(), tmp_path)
    assert (tmp_path / "var/storage").is_dir()
    gone = LocalStorage("GONE", tmp_path / "gone")
    with pytest.raises(ConfigurationError) as caught:
        prepare_directories(Config(fs_ro=gone), tmp_path)
    assert caught.value.variable == "FS_GONE_DIRECTORY"


@pytest.fixture
def owned_by_nobody() -> Iterator[Path]:
    """A working directory whose permissions bind this process, also when the superuser runs the tests."""
    with tempfile.TemporaryDirectory() as name:
        cwd = Path(name)
        user = os.geteuid()
        if user == 0:
            os.chown(cwd, _NOBODY, -1)
            os.seteuid(_NOBODY)
        try:
            yield cwd
        finally:
            os.seteuid(user)


@pytest.mark.parametrize(
    ("name", "text", "mode", "problem"),
    [
        ("TEMP_DIRECTORY", "closed", 0o500, "is not writable"),
        ("TEMP_DIRECTORY", "closed/below", 0o000, "cannot be used"),
        ("DATABASE_URL", "sqlite:///closed/x.db", 0o500, "is not writable"),
        ("REVPROXY_STORAGE_DIR", "closed", 0o300, "is not readable"),
    ],
)
def test_a_directory_must_permit_what_it_is_for(
    name: str, text: str, mode: int, problem: str, owned_by_nobody: Path
) -> None:
    directory = owned_by_nobody / Path(text.removeprefix("sqlite:///")).parts[0]
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(ConfigurationError) as caught:
        load_and_prepare({name: text}, None, owned_by_nobody)
    directory.chmod(0o700)
    assert caught.value.variable == name
    assert problem in caught.value.problem


def test_nothing_can_be_made_in_a_closed_var(owned_by_nobody: Path) -> None:
    (owned_by_nobody / "var").mkdir(0o500)
    with pytest.raises(ConfigurationError) as caught:
        load_and_prepare({"DATABASE_URL": "postgresql://u@127.0.0.1/x"}, None, owned_by_nobody)
    assert caught.value.variable == "TEMP_DIRECTORY"
    assert "cannot be made" in caught.value.problem


def test_a_storage_that_cannot_be_looked_at_does_not_stop_the_start(owned_by_nobody: Path) -> None:
    """Contract B 1.3: the health endpoint reports it, and it may come back."""
    (owned_by_nobody / "mount/storage").mkdir(parents=True)
    (owned_by_nobody / "mount").chmod(0o000)
    load_and_prepare({"FS_LOCAL_DIRECTORY": "mount/storage"}, None, owned_by_nobody)
    (owned_by_nobody / "mount").chmod(0o700)
