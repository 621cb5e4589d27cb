"""Where values come from and which one counts (contract B 1.1; cases 1, 2 and 3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from backup_repository.config.load import Loaded, load
from backup_repository.config.settings import VARIABLES
from backup_repository.config.show import Row, show_rows
from backup_repository.errors import ConfigurationError

_SECRETS = {
    "DATABASE_URL": "postgresql://u:sup3r-s3cret@db/x",
    "HEALTH_CHECK_CODE": "sup3r-s3cret",
    "METRICS_CODE": "sup3r-s3cret",
    "JWT_PASSPHRASE": "sup3r-s3cret",
    "SENTRY_DSN": "https://sup3r-s3cret@example.org/1",
    "FS_S3_CREDENTIALS_KEY": "sup3r-s3cret",
    "FS_S3_CREDENTIALS_SECRET": "sup3r-s3cret",
    "FS_BLUE_KEY": "sup3r-s3cret",
}
_STORAGES = {
    "FS_S3_ADAPTER": "aws",
    "FS_S3_BUCKET": "b",
    "FS_S3_CREDENTIALS_KEY": "k",
    "FS_S3_CREDENTIALS_SECRET": "s",
    "FS_BLUE_ADAPTER": "azure",
    "FS_BLUE_ACCOUNT": "a",
    "FS_BLUE_CONTAINER": "c",
}


def _write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def _row(loaded: Loaded, name: str) -> Row:
    return next(row for row in show_rows(loaded) if row.variable == name)


def _secret(loaded: Loaded, name: str) -> str:
    return next(setting.text for setting in loaded.sources if setting.variable == name)


def _without(name: str) -> dict[str, str]:
    return {variable: text for variable, text in _STORAGES.items() if variable != name}


def test_without_any_setting_everything_is_a_default(tmp_path: Path) -> None:
    """Case 1."""
    rows = show_rows(load({"PATH": "/bin"}, None, tmp_path))
    assert [row.variable for row in rows] == [
        *[variable.name for variable in VARIABLES],
        "FS_LOCAL_ADAPTER",
        "FS_LOCAL_DIRECTORY",
    ]
    assert {row.source for row in rows} == {"default"}


def test_the_environment_beats_the_file_which_beats_the_default(tmp_path: Path) -> None:
    """Case 2."""
    _write(tmp_path / ".env", "APP_ENV=test\nREAD_ONLY=yes\n")
    loaded = load({"APP_ENV": "dev"}, None, tmp_path)
    assert _row(loaded, "APP_ENV") == Row("APP_ENV", "dev", "environment")
    assert _row(loaded, "READ_ONLY") == Row("READ_ONLY", "true", "file")
    assert _row(loaded, "JWT_LIFETIME") == Row("JWT_LIFETIME", "2 hours", "default")
    assert (loaded.config.app_env, loaded.config.read_only) == ("dev", True)


def test_a_set_but_empty_variable_overrides_the_file_and_gives_the_default(tmp_path: Path) -> None:
    _write(tmp_path / ".env", "APP_ENV=test\nBASE_URL=http://a\nHEALTH_CHECK_CODE=x\nJWT_LIFETIME=\n")
    loaded = load({"APP_ENV": "", "BASE_URL": " ", "HEALTH_CHECK_CODE": ""}, None, tmp_path)
    assert _row(loaded, "APP_ENV") == Row("APP_ENV", "prod", "default")
    assert _row(loaded, "BASE_URL") == Row("BASE_URL", "", "default")
    assert _row(loaded, "HEALTH_CHECK_CODE") == Row("HEALTH_CHECK_CODE", "(empty)", "default")
    assert _row(loaded, "JWT_LIFETIME") == Row("JWT_LIFETIME", "2 hours", "default")


def test_lines_and_equivalent_nested_toml_show_the_same(tmp_path: Path) -> None:
    """Case 2."""
    lines = _write(
        tmp_path / "settings",
        "BASE_URL=https://example.org/x/\nREAD_ONLY=1\nBACKUP_MAX_VERSIONS=7\nBACKUP_ONE_VERSION_MAX_SIZE=1000\n"
        "JWT_LIFETIME='1d 12h'\nJWT_PASSPHRASE=x\nTRUSTED_PROXIES=10.1.2.3/8, ::1\nTRUSTED_HOSTS=A.org,b\n"
        "FS_RW_NAME=S3\nFS_S3_ADAPTER=aws\nFS_S3_BUCKET=b\nFS_LOCAL_DIRECTORY=/srv/x\n",
    )
    toml = _write(
        tmp_path / "settings.toml",
        """
        base_url = "https://example.org/x"
        read_only = true
        TRUSTED_PROXIES = ["10.0.0.0/8", "::1"]
        trusted_hosts = "a.org, B"
        [jwt]
        lifetime = "1d 12h"
        passphrase = "x"
        [backup]
        max_versions = 7
        [backup.one.version]
        max_size = 1000
        [fs]
        rw_name = "S3"
        [fs.s3]
        adapter = "aws"
        bucket = "b"
        [fs.local]
        directory = "/srv/x"
        """,
    )
    from_lines, from_toml = load({}, lines, tmp_path), load({}, toml, tmp_path)
    assert from_lines.config == from_toml.config
    assert show_rows(from_lines) == show_rows(from_toml)
    assert from_lines.warnings == from_toml.warnings == ()


def test_the_option_beats_the_variable_which_beats_the_usual_file(tmp_path: Path) -> None:
    _write(tmp_path / ".env", "BASE_URL=http://usual\n")
    _write(tmp_path / "named", "BASE_URL=http://named\n")
    _write(tmp_path / "option", "BASE_URL=http://option\n")
    named = {"BACKUP_REPOSITORY_CONFIG": "named"}
    assert load(named, Path("option"), tmp_path).config.base_url == "http://option"
    assert load(named, None, tmp_path).config.base_url == "http://named"
    assert load({"BACKUP_REPOSITORY_CONFIG": ""}, None, tmp_path).config.base_url == "http://usual"


def test_a_virtual_environment_called_like_the_usual_file_is_no_configuration(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load({}, None, tmp_path).config.base_url == ""


def test_a_named_file_must_be_readable(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({}, Path("absent"), tmp_path)
    assert caught.value.variable == "--config"
    with pytest.raises(ConfigurationError) as caught:
        load({"BACKUP_REPOSITORY_CONFIG": "absent.toml"}, None, tmp_path)
    assert caught.value.variable == "BACKUP_REPOSITORY_CONFIG"
    (tmp_path / ".env").write_bytes(b"A=\xff")
    with pytest.raises(ConfigurationError) as caught:
        load({}, None, tmp_path)
    assert caught.value.variable == ".env"


def test_an_unknown_name_is_ignored_in_the_environment_a_warning_in_lines_and_an_error_in_toml(tmp_path: Path) -> None:
    assert load({"BASE_URLL": "x"}, None, tmp_path).warnings == ()
    lines = _write(tmp_path / "lines", "BASE_URLL=sup3r\nbase_url=sup3r\nBASE_URL_FILE=sup3r\n")
    (warning,) = load({}, lines, tmp_path).warnings
    assert warning.startswith(f"{lines}: ")
    assert all(name in warning for name in ("BASE_URLL", "base_url", "BASE_URL_FILE"))
    assert "sup3r" not in warning
    toml = _write(tmp_path / "x.toml", '[base]\nurll = "sup3r"\n')
    with pytest.raises(ConfigurationError) as caught:
        load({}, toml, tmp_path)
    assert caught.value.variable == "BASE_URLL"
    assert "sup3r" not in str(caught.value)


@pytest.mark.parametrize("value", ["2020-01-01", '["http://a"]', "[{a = 1}]"])
def test_a_toml_value_of_a_wrong_type_names_its_variable(value: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({}, _write(tmp_path / "x.toml", f"base_url = {value}"), tmp_path)
    assert caught.value.variable == "BASE_URL"


@pytest.mark.parametrize("name", list(_SECRETS))
@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_may_stand_in_a_file_of_its_own(name: str, ending: str, tmp_path: Path) -> None:
    """Case 3."""
    path = tmp_path / "secret"
    path.write_bytes(f"{_SECRETS[name]}{ending}".encode())
    path.chmod(0o600)
    loaded = load({**_without(name), f"{name}_FILE": "secret"}, None, tmp_path)
    assert _secret(loaded, name) == _SECRETS[name]
    assert _row(loaded, name) == Row(name, "********", "environment")
    assert loaded.warnings == ()


def test_only_one_line_break_is_dropped(tmp_path: Path) -> None:
    """Case 3."""
    (tmp_path / "secret").write_bytes(b" x \n\n")
    assert load({"JWT_PASSPHRASE_FILE": "secret"}, None, tmp_path).config.jwt_passphrase == " x \n"


@pytest.mark.parametrize("name", list(_SECRETS))
def test_both_forms_in_one_source_are_an_error(name: str, tmp_path: Path) -> None:
    """Case 3."""
    _write(tmp_path / "secret", _SECRETS[name])
    both = {**_without(name), name: _SECRETS[name], f"{name}_FILE": "secret"}
    in_file = _write(tmp_path / "lines", "".join(f"{variable}={text}\n" for variable, text in both.items()))
    for environ, file in ((both, None), ({}, in_file), ({name: _SECRETS[name]}, in_file)):
        with pytest.raises(ConfigurationError) as caught:
            load(environ, file, tmp_path)
        assert caught.value.variable == name
        assert f"{name}_FILE" in caught.value.problem
        assert "s3cret" not in str(caught.value)


def test_the_higher_source_wins_in_either_form(tmp_path: Path) -> None:
    _write(tmp_path / "secret", "from a file")
    plain = _write(tmp_path / "plain", "METRICS_CODE=plain\n")
    filed = _write(tmp_path / "filed.toml", '[metrics]\ncode_file = "secret"\n')
    assert load({"METRICS_CODE_FILE": "secret"}, plain, tmp_path).config.metrics_code == "from a file"
    assert load({"METRICS_CODE": "x"}, filed, tmp_path).config.metrics_code == "x"
    assert load({"METRICS_CODE": ""}, filed, tmp_path).config.metrics_code == ""
    assert load({"METRICS_CODE_FILE": ""}, plain, tmp_path).config.metrics_code == ""
    assert _row(load({}, filed, tmp_path), "METRICS_CODE") == Row("METRICS_CODE", "********", "file")


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\r\n", b"\xffsup3r-s3cret"])
def test_a_secret_file_that_cannot_be_used_is_an_error_that_tells_nothing_of_it(
    content: bytes | None, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "sup3r-s3cret").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load({"DATABASE_URL_FILE": "sup3r-s3cret"}, None, tmp_path)
    assert caught.value.variable == "DATABASE_URL_FILE"
    assert "s3cret" not in str(caught.value)


def test_a_secret_file_with_an_invalid_value_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mysql://root:sup3r-s3cret@db/x\n")
    with pytest.raises(ConfigurationError) as caught:
        load({"DATABASE_URL_FILE": "secret"}, None, tmp_path)
    assert caught.value.variable == "DATABASE_URL"
    assert "s3cret" not in str(caught.value)


def test_files_with_secrets_that_everybody_can_read_give_warnings(tmp_path: Path) -> None:
    secret = _write(tmp_path / "secret", "sup3r-s3cret", 0o604)
    lines = _write(tmp_path / "lines", "METRICS_CODE=sup3r-s3cre\nHEALTH_CHECK_CODE_FILE=secret\n", 0o644)
    warnings = load({}, lines, tmp_path).warnings
    assert [warning.partition(": ")[0] for warning in warnings] == ["HEALTH_CHECK_CODE_FILE", str(lines)]
    assert all("everybody" in warning and "s3cre" not in warning for warning in warnings)
    secret.chmod(0o640)
    lines.chmod(0o640)
    assert load({}, lines, tmp_path).warnings == ()


def test_a_file_without_secrets_may_be_readable_by_everybody(tmp_path: Path) -> None:
    _write(tmp_path / "secret", "x")
    lines = _write(tmp_path / "lines", "METRICS_CODE=\nBASE_URL=http://a\nHEALTH_CHECK_CODE_FILE=secret\n", 0o644)
    assert load({}, lines, tmp_path).warnings == ()


def test_equal_codes_of_health_and_metrics_give_a_warning(tmp_path: Path) -> None:
    (warning,) = load({"HEALTH_CHECK_CODE": "s3cret", "METRICS_CODE": "s3cret"}, None, tmp_path).warnings
    assert warning.startswith("METRICS_CODE: ")
    assert "HEALTH_CHECK_CODE" in warning
    assert "s3cret" not in warning
    assert load({"HEALTH_CHECK_CODE": "s3cret", "METRICS_CODE": "S3cret"}, None, tmp_path).warnings == ()


def test_rows_mask_every_secret_and_nothing_else(tmp_path: Path) -> None:
    """Case 22, second half."""
    environ = {**_STORAGES, **_SECRETS, "POST_INSTALL_CMD": "echo open"}
    rows = show_rows(load(environ, None, tmp_path))
    masked = {row.variable for row in rows if row.value == "********"}
    assert masked == set(_SECRETS)
    assert "s3cret" not in repr(rows)
    assert Row("POST_INSTALL_CMD", "echo open", "environment") in rows
    empty = show_rows(load({}, None, tmp_path))
    assert {row.variable for row in empty if row.value == "(empty)"} == {
        "HEALTH_CHECK_CODE",
        "METRICS_CODE",
        "JWT_PASSPHRASE",
        "SENTRY_DSN",
    }
    assert Row("DATABASE_URL", "********", "default") in empty
