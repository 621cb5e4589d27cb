"""`crypto generate-keys` and `crypto list-keys`, as people call them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from realm.configs import COLLECTION
from world.programs import require_program

PASSPHRASE = "correct horse battery"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a configuration; nothing else exists yet."""
    config = tmp_path / "bahub.yaml"
    config.write_text(
        "accesses: {main: {url: 'https://backups.example.org', token: '${API_TOKEN}'}}\n"
        "encryption:\n"
        "  strong: {method: age, identity_file: '${CONFIG_DIR}/keys/identity.txt'}\n"
        "  old: {method: aes256, gnupg_home: '${CONFIG_DIR}/gnupg', email: backup@example.org,\n"
        "        key_type: ECC, passphrase: '${PASSPHRASE}'}\n"
        "backups:\n"
        "  www:\n"
        f"    meta: {{type: filesystem, access: main, encryption: strong, collection_id: {COLLECTION}}}\n"
        "    spec: {paths: [/srv]}\n"
    )
    config.chmod(0o600)
    return tmp_path


def bahub(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program."""
    command = [sys.executable, "-c", "from bahub.cli.main import main; main()", *arguments]
    secrets = {"CONFIG": str(folder / "bahub.yaml"), "API_TOKEN": "eyJ.token.xyz", "PASSPHRASE": PASSPHRASE}
    return subprocess.run(command, env=os.environ | secrets, capture_output=True, text=True, check=False)


def test_keys_are_made_once_and_then_already_created(folder: Path) -> None:
    """Case 49."""
    made = bahub(folder, "crypto", "generate-keys", "strong")
    assert made.returncode == 0, made.stderr
    identity = folder / "keys" / "identity.txt"
    before = identity.read_bytes()
    (public,) = [word for word in made.stdout.split() if word.startswith("age1")]
    assert f'recipients: ["{public}"]' in made.stderr
    assert str(identity) in made.stderr
    assert "AGE-SECRET-KEY" not in made.stdout + made.stderr
    again = bahub(folder, "crypto", "generate-keys", "strong")
    assert again.returncode == 1
    assert "already created" in again.stderr
    assert bahub(folder, ":crypto:generate-keys", "strong", "--ignore-errors").returncode == 0
    assert identity.read_bytes() == before


def test_a_definition_stands_for_the_entry_it_uses(folder: Path) -> None:
    assert bahub(folder, "crypto", "generate-keys", "www").returncode == 0
    assert bahub(folder, "crypto", "generate-keys", "strong").returncode == 1
    listed = bahub(folder, "--json", "crypto", "list-keys", "--definition", "www")
    (row,) = [json.loads(line) for line in listed.stdout.splitlines()]
    assert row["method"] == "age"
    assert row["encryption"] == "strong"
    assert row["secret_here"] is True
    assert row["recipient"].startswith("age1")


def test_no_keys_are_a_failure(folder: Path) -> None:
    listed = bahub(folder, "crypto", "list-keys")
    assert listed.returncode == 1
    assert listed.stdout == ""
    assert "no keys were found" in listed.stderr


def test_keys_of_gpg_are_made_and_listed_without_telling_the_passphrase(folder: Path) -> None:
    """Cases 28 and 52."""
    require_program("gpg")
    made = bahub(folder, "--debug", "crypto", "generate-keys", "old")
    assert made.returncode == 0, made.stderr
    listed = bahub(folder, "crypto:list-keys", "--definition", "old")
    assert listed.returncode == 0, listed.stderr
    row = listed.stdout.splitlines()[1].split()
    assert row[:3] == ["old", "gpg", "backup@example.org"]
    assert row[3] in made.stdout
    assert row[4] == "yes"
    assert PASSPHRASE not in made.stdout + made.stderr + listed.stdout + listed.stderr


def test_an_unknown_name_is_a_problem_of_the_configuration(folder: Path) -> None:
    for command in (["generate-keys", "strnog"], ["list-keys", "--definition", "strnog"]):
        ended = bahub(folder, "crypto", *command)
        assert ended.returncode == 3
        assert "did you mean strong?" in ended.stderr


def test_an_identity_that_others_can_read_is_warned_of(folder: Path) -> None:
    bahub(folder, "crypto", "generate-keys", "strong")
    identity = folder / "keys" / "identity.txt"
    assert "others can read it" not in bahub(folder, "crypto", "list-keys").stderr
    identity.chmod(0o644)
    assert f"warning: {identity} holds a secret and others can read it" in bahub(folder, "crypto", "list-keys").stderr
