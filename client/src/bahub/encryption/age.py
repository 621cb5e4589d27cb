"""age (contract B 3.3): binary archives that `age -d` opens; no program is needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyrage

from bahub.config.model import Encryption
from bahub.encryption.age_keys import Identity, Recipient, identities_in, recipients_in, recipients_of
from bahub.encryption.age_streams import Source, Target, raise_first
from bahub.encryption.base import AlreadyCreated, Key
from bahub.errors import Failed, Misconfigured, Problem, Tampered
from bahub.streams import Reader, Writer


class Age:
    """Encryption with age."""

    def __init__(self, entry: Encryption) -> None:
        self._place = f"encryption.{entry.name}"
        self._name = entry.name
        self._recipients: Sequence[str] = entry.spec.get("recipients") or ()
        self._recipients_file = _path(entry.spec.get("recipients_file"))
        self._identity_file = _path(entry.spec.get("identity_file"))

    def check(self, *, opening: bool) -> None:
        """Look for at least one recipient, or for the identity.

        Raises:
            Misconfigured: it is missing.
        """
        if opening:
            self._identities()
        else:
            self._needed_recipients()

    def encrypt(self, plain: Reader, sealed: Writer) -> None:
        """Encrypt for every recipient.

        Raises:
            Misconfigured: there is none.
            Failed: the library failed.
        """
        recipients = [recipient.key for recipient in self._needed_recipients()]
        source, target = Source(plain), Target(sealed)
        try:
            pyrage.encrypt_io(source, target, recipients)  # type: ignore[arg-type]  # it needs `read` and `write` alone
        except (pyrage.EncryptError, OSError) as error:
            raise_first(source, target)
            raise Failed(f"age cannot encrypt: {error}") from error
        raise_first(source, target)
        target.finish()

    def decrypt(self, sealed: Reader, plain: Writer) -> None:
        """Open a binary or armored archive with one of our identities.

        Raises:
            Tampered: it was changed, cut short, or is for other keys.
            Misconfigured: there is no identity.
        """
        identities = self._identities()
        source, target = Source(sealed), Target(plain)
        try:
            pyrage.decrypt_io(source, target, identities)  # type: ignore[arg-type]  # likewise
        except (pyrage.DecryptError, OSError) as error:
            raise_first(source, target)
            raise Tampered(self._reason(str(error), source)) from error
        raise_first(source, target)
        target.finish()

    def generate(self) -> Sequence[Key]:
        """Write a new identity, readable by its owner alone.

        Raises:
            AlreadyCreated: the file exists.
            Misconfigured: no `identity_file` is given.
            Failed: it cannot be written.
        """
        path = self._identity_path("says where to write the secret key, and is missing")
        identity = pyrage.x25519.Identity.generate()
        public = str(identity.to_public())
        made = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Failed(f"{path.parent} cannot be made: {error.strerror}") from error
        try:
            _write_new(path, f"# created: {made}\n# public key: {public}\n{identity}\n")
        except FileExistsError as error:
            raise AlreadyCreated(f"the identity {path}") from error
        except OSError as error:
            raise Failed(f"{path} cannot be written: {error.strerror}") from error
        return [_key(recipient, [identity]) for recipient in recipients_of([public], self._place)]

    def advice(self, made: Sequence[Key]) -> Sequence[str]:
        """Say what to keep, and the line that the configuration lacks."""
        lines = [
            f"Keep a copy of {self._identity_file} in a safe place, apart from this machine and from the server:",
            "whoever has it can read every archive, and without it nobody can.",
        ]
        known = {recipient.text for recipient in self._all_recipients()}
        if lacking := [key.recipient for key in made if key.recipient not in known]:
            lines.append(f"No archive is encrypted for the new key yet. Add it to {self._place} of the configuration:")
            texts = ", ".join(f'"{text}"' for text in (*self._recipients, *lacking))
            lines.append(f"    recipients: [{texts}]")
        return lines

    def keys(self) -> Sequence[Key]:
        """List the recipients, and identities for which nothing is encrypted.

        Raises:
            Misconfigured: a file exists but cannot be read, or a recipient is none.
        """
        identities = self._identities() if self._identity_file is not None and _exists(self._identity_file) else []
        named = self._all_recipients()
        own = [str(identity.to_public()) for identity in identities if isinstance(identity, pyrage.x25519.Identity)]
        known = {recipient.text for recipient in named}
        others = recipients_of([text for text in own if text not in known], self._place)
        return [_key(recipient, identities) for recipient in (*named, *others)]

    def _all_recipients(self) -> list[Recipient]:
        found = recipients_of(self._recipients, f"{self._place}.recipients")
        if self._recipients_file is not None:
            found += recipients_in(self._recipients_file, f"{self._place}.recipients_file")
        return list({recipient.text: recipient for recipient in found}.values())

    def _needed_recipients(self) -> list[Recipient]:
        found = self._all_recipients()
        if not found:
            problem = Problem(f"{self._place}.recipients", "names no key to encrypt for")
            hint = f"`bahub crypto generate-keys {self._name}` makes one and says the line to add"
            raise Misconfigured([problem], hint=hint)
        return found

    def _identities(self) -> list[Identity]:
        path = self._identity_path("is missing: archives cannot be opened without the secret key")
        return identities_in(path, f"{self._place}.identity_file")

    def _identity_path(self, missing: str) -> Path:
        if self._identity_file is None:
            raise Misconfigured([Problem(f"{self._place}.identity_file", missing)])
        return self._identity_file

    def _reason(self, said: str, source: Source) -> str:
        """Turn what the library said into a sentence; it means the same by several words."""
        if said == "No matching keys found":
            return f"The archive is not encrypted for a key in {self._identity_file}, or its beginning was changed"
        if said == "last chunk has been processed":
            return "Something was added after the end of the archive"
        if said.startswith("Header"):
            return "The archive was changed after it was made: its beginning is not authentic"
        if source.ended:
            return "The archive was cut short, or its end was changed after it was made"
        return "The archive was changed after it was made: a part of it is not authentic"


def _path(value: object) -> Path | None:
    return None if value is None else Path(str(value)).expanduser()


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass  # whoever opens it says why it cannot be read
    return True


def _key(recipient: Recipient, identities: Sequence[Identity]) -> Key:
    return Key("age", recipient.text, recipient.fingerprint, secret_here=recipient.opened_by(identities))


def _write_new(path: Path, text: str) -> None:
    """Write a file where there is none, for its owner alone.

    Raises:
        FileExistsError: there is one.
        OSError: it cannot be written; then there is none.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink()
        raise
