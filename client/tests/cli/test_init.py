"""`init`: a first configuration, by questions or by options."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from realm.configs import COLLECTION, RECIPIENT
from realm.program import Place, collection_of, url_of
from world.instance import Server

FLAGS = ("--url", "https://backups.example.org", "--token-file", "-", "--collection", COLLECTION, "--path", "/etc")


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def test_options_alone_make_a_configuration_that_works(place: Place, listening: Server) -> None:
    collection = collection_of(listening)
    (place.root / "notes ${HOME}").write_text("one\n")
    ran = place.run(
        "init", "--yes", "--url", url_of(listening), "--token-file", "-", "--collection", collection,
        "--path", str(place.root / "notes ${HOME}"), "--name", "notes", words=f"{listening.token}\n",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.out == f"Wrote {place.file}\n"
    ran = place.run("backup", "make", "notes")
    assert ran.code == 0, ran.err
    assert ran.out == 'Uploaded version "1" of "db.tar.gz"\n'
    assert place.run("backup", "verify", "notes").code == 0


def test_all_files_are_for_their_owner_alone(place: Place) -> None:
    assert place.run("init", *FLAGS, words="a-token").code == 0
    assert {path.name: mode(path) for path in place.root.iterdir()} == {
        "bahub.yaml": "0o600",
        "bahub-identity.txt": "0o600",
        "bahub-token": "0o600",
    }
    assert (place.root / "bahub-token").read_text() == "a-token\n"
    checked = place.run("config", "check")
    assert (checked.code, checked.err) == (0, "")


def test_it_says_what_to_keep_safe_and_where_and_what_comes_next(place: Place) -> None:
    ran = place.run("--config", str(place.file), "init", *FLAGS, words="a-token")
    said = ran.err.splitlines()
    assert f"Secret key: {place.root / 'bahub-identity.txt'}" in said
    assert "Keep a copy of it in a safe place, apart from this machine and from the server:" in said
    assert f"  bahub --config {place.file} config check --online" in said
    assert "a-token" not in ran.out + ran.err


def test_the_secret_key_opens_what_the_public_key_in_the_file_closes(place: Place) -> None:
    place.run("init", *FLAGS, words="a-token")
    public = re.findall(r"^# public key: (age1\w+)$", (place.root / "bahub-identity.txt").read_text(), re.MULTILINE)
    (listed,) = place.run("--json", "crypto", "list-keys").objects()
    assert [listed["recipient"]] == public
    assert listed["secret_here"] is True


def test_nothing_is_ever_overwritten(place: Place) -> None:
    place.file.write_text("former")
    ran = place.run("init", *FLAGS, words="a-token")
    assert (ran.code, ran.out) == (1, "")
    assert f"already created: {place.file}" in ran.err
    assert [path.name for path in place.root.iterdir()] == ["bahub.yaml"]
    assert place.file.read_text() == "former"


def test_a_secret_key_that_is_there_is_used_and_stays(place: Place) -> None:
    place.run("init", *FLAGS, words="a-token")
    identity = (place.root / "bahub-identity.txt").read_bytes()
    public = place.run("--json", "crypto", "list-keys").objects()[0]["recipient"]
    place.file.unlink()
    (place.root / "bahub-token").unlink()
    ran = place.run("init", *FLAGS, words="a-token")
    assert ran.code == 0
    assert "(was there already)" in ran.err
    assert (place.root / "bahub-identity.txt").read_bytes() == identity
    assert public in place.file.read_text()


def test_a_token_file_that_is_there_is_named_in_the_configuration(place: Place) -> None:
    (place.root / "token").write_text("a-token\n")
    (place.root / "token").chmod(0o600)
    flags = [str(place.root / "token") if flag == "-" else flag for flag in FLAGS]
    assert place.run("init", *flags).code == 0
    assert 'token_file: "${CONFIG_DIR}/token"' in place.file.read_text()
    assert place.run("config", "check").code == 0


def test_a_given_public_key_makes_no_secret_one(place: Place) -> None:
    ran = place.run("--json", "init", *FLAGS, "--recipient", RECIPIENT, words="a-token")
    assert ran.code == 0
    (said,) = ran.objects()
    assert (said["identity_file"], said["recipients"]) == (None, [RECIPIENT])
    assert not (place.root / "bahub-identity.txt").exists()
    assert place.run("config", "check").code == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--url": "ftp://x"}, "--url must be an address as"),
        ({"--collection": "1"}, "--collection must be an id as"),
        ({"--path": "etc"}, "--path must be an absolute path"),
        ({"--path": ""}, "--path must be an absolute path"),
        ({"--schedule": "daily"}, "--schedule must have five fields"),
        ({"--name": "a/b"}, "--name must be letters"),
        ({"--token-file": "/nowhere/token"}, "--token-file /nowhere/token cannot be read"),
    ],
)
def test_a_wrong_option_writes_nothing(place: Place, changed: dict[str, str], message: str) -> None:
    given = dict(zip(FLAGS[::2], FLAGS[1::2], strict=True)) | changed
    ran = place.run("init", *(word for pair in given.items() for word in pair), words="a-token")
    assert ran.code == 2
    assert message in ran.err
    assert list(place.root.iterdir()) == []


def test_without_a_terminal_nothing_is_asked(place: Place) -> None:
    ran = place.run("init", "--path", "/etc")
    assert ran.code == 2
    assert "--url, --token-file, --collection missing" in ran.err


def test_on_a_terminal_it_asks_and_asks_again(place: Place) -> None:
    code, shown = place.run_on_terminal(
        "init", answers=["example", "https://backups.example.org", COLLECTION, "a-secret-token", "relative", "/etc"]
    )
    assert code == 0, shown
    assert "Address of the server: " in shown
    assert "It must be an address as https://backups.example.org" in shown
    assert "It must be an absolute path" in shown
    assert "a-secret-token" not in shown
    assert (place.root / "bahub-token").read_text() == "a-secret-token\n"
    checked = place.run("config", "check")
    assert (checked.code, checked.err) == (0, "")
