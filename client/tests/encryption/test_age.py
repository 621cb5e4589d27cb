from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pyrage
import pytest
from realm.methods import age_entry, decrypted, encrypted, opened
from realm.streams import BreakingWriter, Given
from world.programs import require_program

from bahub.config.model import Encryption
from bahub.encryption import age_streams
from bahub.encryption.base import AlreadyCreated
from bahub.encryption.registry import method_of
from bahub.errors import Failed, Misconfigured, Tampered
from bahub.streams import BLOCK, Broken

CONTENT = b"content " * 30_000


def ssh_key(folder: Path, kind: str, passphrase: str = "") -> Path:
    """Make an SSH key and return the path of its private half."""
    require_program("ssh-keygen")
    path = folder / f"id_{kind}"
    size = ["-b", "2048"] if kind == "rsa" else []
    command = ["ssh-keygen", "-q", "-t", kind, *size, "-N", passphrase, "-C", "me@here", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def identity_file(folder: Path, name: str = "other.txt") -> Path:
    path = folder / name
    path.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    return path


def public_key(path: Path) -> str:
    (secret,) = [line for line in path.read_text().splitlines() if line.startswith("AGE-SECRET-KEY-")]
    return str(pyrage.x25519.Identity.from_str(secret).to_public())


@pytest.mark.parametrize("armor", [[], ["--armor"]], ids=["binary", "armored"])
def test_the_program_age_opens_what_we_make_and_we_open_what_it_makes(age: Encryption, armor: list[str]) -> None:
    """Case 27."""
    require_program("age")
    identity, recipient = age.spec["identity_file"], age.spec["recipients"][0]
    ours = encrypted(method_of(age), CONTENT)
    assert subprocess.run(["age", "-d", "-i", identity], input=ours, capture_output=True, check=True).stdout == CONTENT
    command = ["age", *armor, "-r", recipient]
    theirs = subprocess.run(command, input=CONTENT, capture_output=True, check=True).stdout
    assert opened(age, theirs) == CONTENT


def test_an_armored_archive_cut_short_or_changed_is_refused(age: Encryption) -> None:
    recipient = pyrage.x25519.Recipient.from_str(age.spec["recipients"][0])
    archive = pyrage.encrypt(os.urandom(100_000), [recipient], armored=True)
    assert opened(age, archive)
    for length in (0, 20, 36, 100, 400, 5000, len(archive) - 40, len(archive) - 10):
        with pytest.raises(Tampered):
            decrypted(method_of(age), archive[:length])
    for position in (50, 100, 300, 5000, len(archive) - 100):
        changed = archive[:position] + bytes([archive[position] ^ 3]) + archive[position + 1 :]
        with pytest.raises(Tampered):
            decrypted(method_of(age), changed)


def test_every_length_of_a_short_archive_but_the_whole_is_refused(age: Encryption) -> None:
    archive = encrypted(method_of(age), b"content")
    for length in range(len(archive)):
        with pytest.raises(Tampered, match="cut short"):
            decrypted(method_of(age), archive[:length])


def test_archives_cut_between_chunks_are_refused(age: Encryption) -> None:
    chunk = (64 << 10) + 16
    archive = encrypted(method_of(age), bytes(3 << 16))
    header = len(archive) - 3 * chunk
    for chunks in (0, 1, 2):
        with pytest.raises(Tampered, match="cut short"):
            decrypted(method_of(age), archive[: header + chunks * chunk])


def test_each_kind_of_damage_has_its_sentence(age: Encryption, tmp_path: Path) -> None:
    archive = bytearray(encrypted(method_of(age), os.urandom(5 * BLOCK)))
    with pytest.raises(Tampered, match=r"cut short, or its end was changed"):
        decrypted(method_of(age), bytes(archive[:-1]))
    with pytest.raises(Tampered, match=r"not encrypted for a key in .*other\.txt"):
        decrypted(method_of(age_entry(identity_file(tmp_path))), bytes(archive))
    archive[len(archive) // 2] ^= 1
    with pytest.raises(Tampered, match="was changed after it was made: a part of it"):
        decrypted(method_of(age), bytes(archive))
    archive[1] ^= 1
    with pytest.raises(Tampered, match="its beginning is not authentic"):
        decrypted(method_of(age), bytes(archive))


def test_without_the_identity_backups_work_and_restores_say_what_is_missing(age: Encryption, tmp_path: Path) -> None:
    """Case 48; a machine that only makes backups holds the public key alone."""
    backup_only = age_entry(None, *age.spec["recipients"])
    method_of(backup_only).check(opening=False)
    archive = encrypted(method_of(backup_only), CONTENT)
    assert opened(age, archive) == CONTENT
    for entry in (backup_only, age_entry(tmp_path / "missing.txt", *age.spec["recipients"])):
        with pytest.raises(Misconfigured, match=r"encryption\.strong\.identity_file"):
            method_of(entry).check(opening=True)
        with pytest.raises(Misconfigured, match=r"encryption\.strong\.identity_file"):
            opened(entry, archive)


def test_an_archive_is_for_all_recipients_of_the_list_and_of_the_file(age: Encryption, tmp_path: Path) -> None:
    first, second = identity_file(tmp_path, "first"), identity_file(tmp_path, "second")
    listed = tmp_path / "recipients.txt"
    listed.write_text(f"# the second\n\n{public_key(second)}\n")
    entry = Encryption("strong", "age", {"recipients": [public_key(first)], "recipients_file": str(listed)})
    archive = encrypted(method_of(entry), CONTENT)
    assert opened(age_entry(first), archive) == CONTENT
    assert opened(age_entry(second), archive) == CONTENT
    with pytest.raises(Tampered, match="not encrypted for a key"):
        opened(age, archive)


def test_a_failure_that_the_library_swallows_is_raised(age: Encryption, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library does not look whether its last bytes could be written."""
    method, content = method_of(age), bytes(5000)  # so few that all is written at the very end
    archive = encrypted(method, content)
    monkeypatch.setattr(age_streams, "BLOCK", 1)  # hand on every piece at once
    with pytest.raises(Broken):
        method.encrypt(Given(content), BreakingWriter(4000))
    with pytest.raises(Broken):
        method.decrypt(Given(archive), BreakingWriter(4000))


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_ssh_keys_serve_as_well(kind: str, tmp_path: Path) -> None:
    private = ssh_key(tmp_path, kind)
    public = private.with_suffix(".pub").read_text()
    entry = age_entry(private, public)
    assert opened(entry, encrypted(method_of(entry), CONTENT)) == CONTENT
    (key,) = method_of(entry).keys()
    known = subprocess.run(["ssh-keygen", "-l", "-f", str(private)], capture_output=True, text=True, check=True).stdout
    assert key.fingerprint == known.split()[1]
    assert key.secret_here
    assert "me@here" not in key.recipient


def test_no_recipient_is_a_problem_of_the_configuration(age: Encryption) -> None:
    entry = age_entry(Path(age.spec["identity_file"]))
    with pytest.raises(Misconfigured, match=r"encryption\.strong\.recipients: names no key") as refused:
        method_of(entry).check(opening=False)
    assert "generate-keys strong" in refused.value.hint


def test_all_wrong_recipients_are_named_and_never_quoted(age: Encryption) -> None:
    secret = str(pyrage.x25519.Identity.generate())
    entry = age_entry(None, "age1mistyped", *age.spec["recipients"], secret, "ssh-rsa AAAA", "ssh-dss AAAA")
    with pytest.raises(Misconfigured) as refused:
        method_of(entry).check(opening=False)
    assert [problem.path for problem in refused.value.problems] == [
        f"encryption.strong.recipients[{number}]" for number in (0, 2, 3, 4)
    ]
    assert "is a secret key" in refused.value.problems[1].message
    assert secret not in str(refused.value)


def test_a_wrong_line_of_the_recipients_file_is_named(tmp_path: Path) -> None:
    listed = tmp_path / "recipients.txt"
    listed.write_text("# comment\nage1mistyped\n")
    with pytest.raises(Misconfigured, match=r"recipients\.txt, line 2: is none"):
        method_of(Encryption("strong", "age", {"recipients_file": str(listed)})).check(opening=False)


@pytest.mark.parametrize("text", ["", "# nothing\n", "AGE-SECRET-KEY-1MISTYPED\n", "age-encryption.org/v1\n"])
def test_an_identity_file_without_usable_keys_is_refused_and_not_quoted(text: str, tmp_path: Path) -> None:
    path = tmp_path / "identity.txt"
    path.write_text(text)
    with pytest.raises(Misconfigured, match="holds something else than secret keys") as refused:
        method_of(age_entry(path)).check(opening=True)
    assert "MISTYPED" not in str(refused.value)


@pytest.mark.parametrize(("kind", "passphrase"), [("ed25519", "secret"), ("ecdsa", "")])
def test_ssh_keys_that_cannot_be_used_are_refused(kind: str, passphrase: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="without passphrase"):
        method_of(age_entry(ssh_key(tmp_path, kind, passphrase))).check(opening=True)


def test_made_keys_are_for_their_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    """Case 49."""
    path = tmp_path / "new" / "keys" / "identity.txt"
    method = method_of(age_entry(path))
    (key,) = method.generate()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert key.recipient in path.read_text()
    before = path.read_bytes()
    with pytest.raises(AlreadyCreated, match="already created"):
        method.generate()
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["identity.txt"]


def test_an_identity_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match="cannot be made: File exists"):
        method_of(age_entry(tmp_path / "file" / "identity.txt")).generate()
    with pytest.raises(Failed, match="cannot be written: File name too long"):
        method_of(age_entry(tmp_path / ("x" * 300))).generate()
    with pytest.raises(Misconfigured, match="where to write"):
        method_of(age_entry()).generate()


def test_the_advice_names_the_line_that_the_configuration_lacks(age: Encryption, tmp_path: Path) -> None:
    path = tmp_path / "identity.txt"
    method = method_of(age_entry(path, *age.spec["recipients"]))
    made = method.generate()
    advice = "\n".join(method.advice(made))
    assert f'recipients: ["{age.spec["recipients"][0]}", "{made[0].recipient}"]' in advice
    assert str(path) in advice
    complete = method_of(age_entry(path, made[0].recipient))
    assert "recipients" not in "\n".join(complete.advice(made))


def test_keys_are_listed_with_whether_the_secret_one_is_here(age: Encryption, tmp_path: Path) -> None:
    other = identity_file(tmp_path)
    (recipient,) = age.spec["recipients"]
    assert [(key.recipient, key.secret_here) for key in method_of(age).keys()] == [(recipient, True)]  # noqa: SIM118 - no mapping
    mixed = method_of(age_entry(other, recipient))
    listed = [(key.recipient, key.secret_here) for key in mixed.keys()]  # noqa: SIM118 - no mapping
    assert listed == [(recipient, False), (public_key(other), True)]
    assert method_of(age_entry(tmp_path / "missing.txt")).keys() == []
