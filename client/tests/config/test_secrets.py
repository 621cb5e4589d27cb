"""Secrets come from anywhere, and are seen nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from realm.configs import ACCESSES, ENCRYPTION, ENVIRONMENT, backup, loaded, problems, schema_of

from bahub.config.load import load
from bahub.masking import MASK, masked


def test_every_secret_may_be_a_file(tmp_path: Path) -> None:
    for name in ("token", "pass", "word", "hook", "dsn"):
        (tmp_path / name).write_text(f"content-of-{name}\r\n")
        (tmp_path / name).chmod(0o600)
    text = (
        "accesses: {main: {url: 'https://x.example', token_file: token}}\n"
        "encryption: {strong: {method: gpg, email: a@example.org, passphrase_file: pass}}\n"
        "notifiers: {chat: {type: slack, url_file: hook}}\n"
        "error_handlers: {errors: {type: sentry, url_file: dsn}}\n"
    ) + backup(kind="mysql", spec="{host: x, password_file: word}")
    config = loaded(tmp_path, text)
    hook = config.notifiers["chat"].url
    assert hook is not None
    assert [
        config.accesses["main"].token.reveal(),
        config.encryption["strong"].spec["passphrase"].reveal(),
        config.backups["www"].spec["password"].reveal(),
        hook.reveal(),
        config.error_handlers["errors"].url.reveal(),
    ] == ["content-of-token", "content-of-pass", "content-of-word", "content-of-hook", "content-of-dsn"]
    assert "password_file" not in config.backups["www"].spec
    assert config.warnings == ()


def test_no_secret_shows_in_the_records_or_in_texts(tmp_path: Path) -> None:
    text = ACCESSES + ENCRYPTION + backup(kind="mysql", spec="{host: x, password: hunter-and-gatherer}")
    config = loaded(tmp_path, text, API_TOKEN="a-token-of-tokens")
    assert "hunter-and-gatherer" not in repr(config)
    assert "a-token-of-tokens" not in repr(config)
    assert masked("said hunter-and-gatherer, a-token-of-tokens") == f"said {MASK}, {MASK}"


def test_problems_never_quote_a_secret(tmp_path: Path) -> None:
    text = (
        "accesses: {main: {url: 'https://x.example', token: 'not a token'}}\n"
        "notifiers: {chat: {type: slack, url: [https://hook.example]}}\n"
    ) + backup(kind="mysql", spec="{host: x, password: [quite-secret]}")
    found = "\n".join(problems(tmp_path, text))
    assert "accesses.main.token" in found
    assert "notifiers.chat.url" in found
    assert "backups.www.spec.password" in found
    for secret in ("not a token", "hook.example", "quite-secret"):
        assert secret not in found


def test_a_literal_secret_that_others_can_read_gives_a_warning(tmp_path: Path) -> None:
    text = "accesses: {main: {url: 'https://x.example', token: literal}}\n"
    path = tmp_path / "bahub.yaml"
    assert loaded(tmp_path, text).warnings == ()
    for mode, warned in ((0o640, 1), (0o604, 1), (0o600, 0)):
        assert len(_warnings(path, mode)) == warned, oct(mode)
    assert _warnings(path, 0o644) == (
        f"{path} holds a secret (accesses.main.token) and others can read it; chmod 600 it",
    )


def test_a_secret_from_the_environment_may_stand_in_a_file_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "bahub.yaml"
    path.write_text(ACCESSES)
    assert _warnings(path, 0o644) == ()


def test_a_file_of_a_secret_that_others_can_read_gives_a_warning(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    (tmp_path / "token").chmod(0o644)
    config = loaded(tmp_path, "accesses: {main: {url: 'https://x.example', token_file: token}}\n")
    assert config.warnings == (f"{tmp_path / 'token'} holds a secret and others can read it; chmod 600 it",)


def test_a_secret_key_that_others_can_read_gives_a_warning(tmp_path: Path) -> None:
    (tmp_path / "identity").write_text("AGE-SECRET-KEY-1")
    text = f"{ACCESSES}encryption: {{strong: {{recipients: [age1x], identity_file: identity}}}}\n"
    for mode, expected in (
        (0o600, ()),
        (0o644, (f"{tmp_path / 'identity'} holds a secret and others can read it; chmod 600 it",)),
    ):
        (tmp_path / "identity").chmod(mode)
        assert loaded(tmp_path, text).warnings == expected


@pytest.mark.parametrize("password", ["two\nlines", "a\0b"])
def test_a_secret_is_one_line(tmp_path: Path, password: str) -> None:
    text = ACCESSES + ENCRYPTION + backup(kind="mysql", spec='{host: x, password: "${P}"}')
    assert problems(tmp_path, text, P=password) == ["backups.www.spec.password (line 6): must be one line"]


def test_unchecked_certificates_and_archives_without_encryption_give_warnings(tmp_path: Path) -> None:
    text = (
        "accesses: {main: {url: 'https://x.example', token: '${API_TOKEN}', insecure_tls: true}}\n"
        "encryption: {plain: {method: none}}\n"
    )
    config = loaded(tmp_path, text)
    assert [warning.split(":")[0] for warning in config.warnings] == ["accesses.main", "encryption.plain"]


def _warnings(path: Path, mode: int) -> tuple[str, ...]:
    path.chmod(mode)
    return load(path, ENVIRONMENT, adapter=schema_of, transport=schema_of).warnings
