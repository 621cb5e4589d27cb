from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from realm.methods import decrypted, encrypted, gpg_entry, opened
from realm.streams import Given, Kept

from bahub.config.model import Encryption
from bahub.encryption.base import AlreadyCreated
from bahub.encryption.registry import method_of
from bahub.errors import Failed, Misconfigured, Tampered
from bahub.masking import MASK, Secret
from bahub.streams import BLOCK, Broken, Pipe

CONTENT = b"content " * 30_000


def run_gpg(entry: Encryption, *arguments: str, given: bytes = b"", passphrase: str = "") -> bytes:
    """Run the program as a person would."""
    home = str(entry.spec["gnupg_home"])
    reading, writing = os.pipe()
    os.write(writing, f"{passphrase}\n".encode())
    os.close(writing)
    command = ["gpg", "--homedir", home, "--batch", "--trust-model", "always", "--pinentry-mode", "loopback"]
    try:
        return subprocess.run(
            [*command, "--passphrase-fd", str(reading), *arguments],
            input=given, capture_output=True, check=True, pass_fds=[reading],
        ).stdout  # fmt: skip
    finally:
        os.close(reading)
        stop_agent(home)


def stop_agent(home: str) -> None:
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True)


def agents_of(home: Path) -> list[psutil.Process]:
    """Return the agents that serve a directory."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.info["name"] == "gpg-agent" and str(home) in command:
            found.append(process)
    return found


@contextmanager
def stand_in_for_gpg(folder: Path, script: str) -> Iterator[None]:
    """Let encryption, but not the listing of keys, run a shell script instead of gpg."""
    program = folder / "bin" / "gpg"
    program.parent.mkdir()
    real = shutil.which("gpg")
    program.write_text(f'#!/bin/sh\ncase "$*" in *--encrypt*) {script};; *) exec {real} "$@";; esac\n')
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        yield


@pytest.mark.parametrize("armor", [False, True], ids=["binary", "armored"])
def test_the_program_gpg_opens_what_we_make_and_we_open_what_it_makes(own_gpg: Encryption, armor: bool) -> None:
    """Case 27."""
    passphrase = own_gpg.spec["passphrase"].reveal()
    entry = Encryption("strong", "gpg", {**own_gpg.spec, "armor": armor})
    ours = encrypted(method_of(entry), CONTENT)
    assert ours.startswith(b"-----BEGIN PGP MESSAGE-----") is armor
    assert run_gpg(entry, "--decrypt", given=ours, passphrase=passphrase) == CONTENT
    options = ["--armor"] if armor else []
    theirs = run_gpg(entry, *options, "--recipient", "backup@example.org", "--encrypt", given=CONTENT)
    assert opened(own_gpg, theirs) == CONTENT


def test_archives_are_not_compressed_by_gpg(gpg: Encryption) -> None:
    assert len(encrypted(method_of(gpg), bytes(500_000))) > 500_000


def test_the_public_key_alone_encrypts_and_cannot_open(gpg: Encryption, public_only: Encryption) -> None:
    method_of(public_only).check(opening=False)
    archive = encrypted(method_of(public_only), CONTENT)
    assert opened(gpg, archive) == CONTENT
    with pytest.raises(Misconfigured, match=r"encryption\.strong\.gnupg_home: .* holds no secret key"):
        method_of(public_only).check(opening=True)
    with pytest.raises(Tampered, match="not encrypted for a key in"):
        opened(public_only, archive)
    assert [key.secret_here for key in method_of(public_only).keys()] == [False]  # noqa: SIM118 - no mapping
    with pytest.raises(AlreadyCreated, match="its secret key is not here"):
        method_of(public_only).generate()


@pytest.mark.parametrize("passphrase", [None, Secret("a wrong one")], ids=["none", "wrong"])
def test_a_passphrase_that_does_not_open_the_key_is_a_problem_of_the_configuration(
    gpg: Encryption, passphrase: Secret | None
) -> None:
    archive = encrypted(method_of(gpg), CONTENT)
    entry = Encryption("strong", "gpg", {**gpg.spec, "passphrase": passphrase})
    with pytest.raises(Misconfigured, match=r"encryption\.strong\.passphrase: does not open the secret key"):
        opened(entry, archive)


def test_a_message_that_is_only_packed_is_not_taken_for_an_authentic_one(gpg: Encryption) -> None:
    """It opens with status 0."""
    packed = run_gpg(gpg, "--store", given=CONTENT)
    with pytest.raises(Tampered, match="no complete OpenPGP message"):
        decrypted(method_of(gpg), packed)


def test_a_message_without_integrity_protection_is_refused(own_gpg: Encryption) -> None:
    unprotected = ["--rfc2440", "--disable-mdc", "--cipher-algo", "AES256", "--recipient", "backup@example.org"]
    old = run_gpg(own_gpg, *unprotected, "--encrypt", given=CONTENT)
    first_packet = 2 + old[1]  # the session key, with one octet of length
    assert old[first_packet] == 0xC0 | 9, "this gpg makes no data without integrity protection"
    Path(own_gpg.spec["gnupg_home"], "gpg.conf").write_text("ignore-mdc-error\n")
    with pytest.raises(Tampered):
        decrypted(method_of(own_gpg), old)


def test_each_kind_of_damage_has_its_sentence(gpg: Encryption) -> None:
    archive = bytearray(encrypted(method_of(gpg), os.urandom(300_000)))
    for wrong, sentence in (
        (bytes(archive[:2000]), "cut short, or was changed after it was made: it is not authentic"),
        (bytes(archive[:30]), "no complete OpenPGP message"),
        (bytes(archive[:30] + bytes([archive[30] ^ 1]) + archive[31:]), "or its beginning was changed"),
    ):
        with pytest.raises(Tampered, match=sentence) as refused:
            decrypted(method_of(gpg), wrong)
        assert refused.value.exit_code == 6


def test_missing_keys_are_problems_of_the_configuration(gpg: Encryption, tmp_path: Path) -> None:
    nobody = gpg_entry(Path(gpg.spec["gnupg_home"]), "nobody@example.org")
    with pytest.raises(Misconfigured, match=r"encryption\.strong\.email: .* holds no key of nobody@") as refused:
        method_of(nobody).check(opening=False)
    assert "generate-keys strong" in refused.value.hint
    for opening in (False, True):
        with pytest.raises(Misconfigured, match=r"gnupg_home: .* does not exist"):
            method_of(gpg_entry(tmp_path / "missing")).check(opening=opening)


def test_the_e_mail_is_compared_whole(gpg: Encryption) -> None:
    home = Path(gpg.spec["gnupg_home"])
    for wrong in ("up@example.org", "backup@example.or", "backup", "example.org"):
        with pytest.raises(Misconfigured, match="holds no key"):
            method_of(gpg_entry(home, wrong)).check(opening=False)
    (key,) = method_of(gpg).keys()
    for right in ("Backup@Example.org", key.fingerprint):
        method_of(gpg_entry(home, right)).check(opening=False)


def test_a_revoked_key_is_not_encrypted_for(own_gpg: Encryption) -> None:
    home = Path(own_gpg.spec["gnupg_home"])
    (key,) = method_of(own_gpg).keys()
    certificate = (home / "openpgp-revocs.d" / f"{key.fingerprint}.rev").read_text()
    run_gpg(own_gpg, "--import", given=certificate.replace(":-----BEGIN", "-----BEGIN").encode())
    with pytest.raises(Misconfigured, match="no usable key"):
        encrypted(method_of(own_gpg), CONTENT)


def test_a_missing_program_is_a_problem_of_the_configuration(
    gpg: Encryption, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Misconfigured, match="the program gpg is not installed"):
        method_of(gpg).check(opening=False)


def test_keys_never_expire_and_are_never_overwritten(tmp_path: Path) -> None:
    """Case 49."""
    home = tmp_path / "new" / "gnupg"
    entry = gpg_entry(home, username="Nightly Backups")
    (key,) = method_of(entry).generate()
    assert home.stat().st_mode & 0o777 == 0o700
    listed = run_gpg(entry, "--with-colons", "--list-keys").decode().splitlines()
    fields = [line.split(":") for line in listed if line.startswith(("pub", "sub"))]
    assert [field[6] for field in fields] == ["", ""]
    assert any("Nightly Backups <backup@example.org>" in line for line in listed)
    before = sorted((home / "private-keys-v1.d").iterdir())
    with pytest.raises(AlreadyCreated, match=f"already created: the key {key.fingerprint}"):
        method_of(entry).generate()
    assert sorted((home / "private-keys-v1.d").iterdir()) == before
    assert opened(entry, encrypted(method_of(entry), CONTENT)) == CONTENT


def test_rsa_keys_have_the_length_that_was_asked_for(tmp_path: Path) -> None:
    entry = gpg_entry(tmp_path / "home", key_type="rsa", key_length=2048)
    method_of(entry).generate()
    listed = run_gpg(entry, "--with-colons", "--list-keys").decode().splitlines()
    fields = [line.split(":") for line in listed if line.startswith(("pub", "sub"))]
    assert [(field[2], field[3]) for field in fields] == [("2048", "1")] * 2
    assert opened(entry, encrypted(method_of(entry), CONTENT)) == CONTENT


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"key_type": "DSA"}, "key_type"),
        ({"username": "line\n%no-protection"}, "username"),
        ({"email": "a@b.org\nExpire-Date: 1"}, "email"),
        ({"email": "nobody"}, "email"),
    ],
)
def test_keys_that_cannot_be_made_are_problems_of_the_configuration(
    spec: dict[str, str], place: str, tmp_path: Path
) -> None:
    entry = Encryption("strong", "gpg", {**gpg_entry(tmp_path / "home").spec, **spec})
    with pytest.raises(Misconfigured, match=rf"encryption\.strong\.{place}: "):
        method_of(entry).generate()
    assert not (tmp_path / "home").exists()


def test_directories_with_long_paths_work(tmp_path: Path) -> None:
    """The sockets of GnuPG's agent may have 107 bytes."""
    entry = gpg_entry(tmp_path / ("long" * 40) / "home", passphrase=Secret("correct horse"))
    method_of(entry).generate()
    method_of(entry).check(opening=True)
    assert opened(entry, encrypted(method_of(entry), CONTENT)) == CONTENT


def test_no_agent_stays_behind(own_gpg: Encryption) -> None:
    home = Path(own_gpg.spec["gnupg_home"])
    method = method_of(own_gpg)
    method.check(opening=True)
    decrypted(method, encrypted(method, CONTENT))
    psutil.wait_procs(agents_of(home), timeout=30)
    assert agents_of(home) == []


def test_an_agent_that_somebody_else_started_stays(own_gpg: Encryption) -> None:
    home = Path(own_gpg.spec["gnupg_home"])
    subprocess.run(["gpg-agent", "--homedir", str(home), "--daemon"], check=True, capture_output=True)
    try:
        (agent,) = agents_of(home)
        method_of(own_gpg).check(opening=True)
        decrypted(method_of(own_gpg), encrypted(method_of(own_gpg), CONTENT))
        assert agents_of(home) == [agent]
    finally:
        stop_agent(str(home))


def test_an_agent_that_cannot_be_started_is_a_failure_and_no_tampering(own_gpg: Encryption) -> None:
    archive = encrypted(method_of(own_gpg), CONTENT)
    Path(own_gpg.spec["gnupg_home"], "gpg.conf").write_text("agent-program /bin/false\n")
    for job in (lambda: decrypted(method_of(own_gpg), archive), lambda: method_of(own_gpg).check(opening=True)):
        with pytest.raises(Failed, match="could not reach its agent") as failure:
            job()
        assert failure.value.exit_code == 1


def test_a_killed_gpg_is_a_failure_with_its_last_words_masked(public_only: Encryption, tmp_path: Path) -> None:
    """Case 32: the encryption is killed."""
    secret = Secret("hunter2-hunter2")
    stand_in = stand_in_for_gpg(tmp_path, f"echo 'cannot use {secret.reveal()}' >&2; read x; kill -KILL $$")
    with stand_in, pytest.raises(Failed, match="gpg could not encrypt: it was killed by signal 9") as failure:
        method_of(public_only).encrypt(Given(CONTENT), Kept())
    assert failure.value.exit_code == 1
    assert failure.value.details[-1] == f"cannot use {MASK}"


def test_a_gpg_killed_while_the_source_is_silent_is_noticed_at_once(public_only: Encryption, tmp_path: Path) -> None:
    silent = Pipe()
    with stand_in_for_gpg(tmp_path, "kill -KILL $$"), pytest.raises(Failed, match="killed by signal 9"):
        method_of(public_only).encrypt(silent, Kept())
    silent.fail()


def test_a_gpg_that_fails_without_reading_is_a_failure(public_only: Encryption, tmp_path: Path) -> None:
    with stand_in_for_gpg(tmp_path, "echo no >&2; exit 7"), pytest.raises(Failed, match="status 7") as failure:
        method_of(public_only).encrypt(Given(bytes(20 * BLOCK)), Kept())
    assert failure.value.details == ("no",)


def test_a_broken_source_kills_gpg_instead_of_ending_its_input(public_only: Encryption, tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    source, sealed = Pipe(), Kept()
    source.write(CONTENT)
    breaking = threading.Timer(0, source.fail)
    breaking.start()
    with stand_in_for_gpg(tmp_path, f"cat >/dev/null; touch {ended}"), pytest.raises(Broken):
        method_of(public_only).encrypt(source, sealed)
    breaking.join()
    assert not ended.exists()


def test_no_secret_is_in_the_arguments_or_the_environment_of_gpg(own_gpg: Encryption) -> None:
    """Case 52."""
    passphrase = own_gpg.spec["passphrase"].reveal()
    archive = encrypted(method_of(own_gpg), os.urandom(8 * BLOCK))
    seen: list[str] = []

    class Watching(Kept):
        def write(self, data: bytes, /) -> int:
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):  # it has ended
                    seen.append(" ".join(child.cmdline()))
                    seen.extend(child.environ().values())
            return super().write(data)

    method_of(own_gpg).decrypt(Given(archive), Watching())
    assert any("--decrypt" in line for line in seen)
    assert not [line for line in seen if passphrase in line]
