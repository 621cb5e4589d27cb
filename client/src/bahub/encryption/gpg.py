"""GnuPG (contract B 3.3), by the program `gpg`: archives that `gpg -d` opens.

Encrypting needs the public key alone, and no agent. What was decrypted counts only when gpg says that the message was
whole and unchanged: by its exit status, `DECRYPTION_OKAY` and `GOODMDC`; each alone also comes with messages that
are not encrypted, or whose end is missing.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bahub.config.model import Encryption
from bahub.encryption.base import AlreadyCreated, Key
from bahub.encryption.gpg_home import agent_answers, reachable
from bahub.encryption.gpg_keys import KINDS, Listed, listed, listed_secret, make
from bahub.encryption.gpg_program import Outcome, stream
from bahub.errors import BahubError, Failed, Misconfigured, Problem, Tampered
from bahub.masking import Secret
from bahub.streams import Reader, Writer

_HOME: Final = "~/.bahub-gnupg"
_KEY_TYPE, _KEY_LENGTH = "RSA", 4096
_KIND_ALIASES: Final = {"EDDSA": "ECC", "ED25519": "ECC"}
_ENCRYPT: Final = ("--cipher-algo", "AES256", "--compress-algo", "none", "--no-encrypt-to")
_PROVEN: Final = frozenset({"DECRYPTION_OKAY", "GOODMDC"})
_NO_KEY: Final = "NO_SECKEY"
_PASSPHRASE_ERRORS: Final = {11, 177}
"""Of libgpg-error: a wrong passphrase, and none."""
_NO_SUCH_USER: Final = frozenset("\0\r\n<>")
"""Characters that names and e-mails of keys cannot hold."""


class Gpg:
    """Encryption with GnuPG."""

    def __init__(self, entry: Encryption) -> None:
        spec = entry.spec
        self._place = f"encryption.{entry.name}"
        self._name = entry.name
        self._home = Path(str(spec.get("gnupg_home") or _HOME)).expanduser().absolute()
        self._email = str(spec.get("email") or "")
        self._username = str(spec.get("username") or "")
        self._passphrase = _secret(spec.get("passphrase"))
        self._key_type = str(spec.get("key_type") or _KEY_TYPE).upper()
        self._key_length = int(spec.get("key_length") or _KEY_LENGTH)
        self._armor = bool(spec.get("armor"))

    def check(self, *, opening: bool) -> None:
        """Look for the program, and for a public key to encrypt for or any secret key to open with.

        Raises:
            Misconfigured: one is missing.
            Failed: gpg failed.
        """
        if not opening:
            self._recipient()
        elif not self._listed(secret=True):
            raise self._misconfigured("gnupg_home", f"{self._home} holds no secret key: archives cannot be opened")

    def encrypt(self, plain: Reader, sealed: Writer) -> None:
        """Encrypt for the recipient.

        Raises:
            Misconfigured: its key is missing.
            Failed: gpg failed.
        """
        options = [*_ENCRYPT, *(["--armor"] if self._armor else []), "--recipient", self._recipient().fingerprint]
        outcome = stream(self._home, [*options, "--encrypt"], plain, sealed)
        if outcome.status != 0:
            raise outcome.failed("encrypt")

    def decrypt(self, sealed: Reader, plain: Writer) -> None:
        """Open a binary or armored message with a secret key that is here.

        Raises:
            Tampered: it was changed, cut short, or is for other keys.
            Misconfigured: the directory is missing, or the passphrase does not open the key.
            Failed: gpg failed.
        """
        self._needed_home()
        with reachable(self._home) as home:
            outcome = stream(home, ["--decrypt"], sealed, plain, self._passphrase)
            if _NO_KEY in outcome.reports and not agent_answers(home):
                raise outcome.failed("reach its agent")
        if outcome.status != 0 or not outcome.reports.keys() >= _PROVEN:
            error = self._refusal(outcome)
            error.details = outcome.last_lines
            raise error

    def generate(self) -> Sequence[Key]:
        """Make a key that does not expire.

        Raises:
            AlreadyCreated: there is a key of this e-mail, public or secret.
            Misconfigured: the entry does not say for whom, or asks for a key that cannot be made.
            Failed: gpg failed.
        """
        kind, user = self._kind(), self._user()
        self._needed_program()
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Failed(f"{self._home} cannot be made: {error.strerror}") from error
        if existing := self.keys():
            secret = "" if existing[0].secret_here else "; its secret key is not here"
            raise AlreadyCreated(f"the key {existing[0].fingerprint} of {self._email} in {self._home}{secret}")
        with reachable(self._home) as home:
            fingerprint = make(home, kind.format(length=self._key_length), user, self._passphrase)
        return [Key("gpg", self._email, fingerprint, secret_here=True)]

    def advice(self, made: Sequence[Key]) -> Sequence[str]:
        """Say what to keep, and how machines that only make backups get the public key."""
        gpg = f"gpg --homedir {shlex.quote(str(self._home))}"
        fingerprints = " ".join(key.fingerprint for key in made)
        return [
            f"Keep a copy of {self._home}" + (" and the passphrase" if self._passphrase else "")
            + " in a safe place, apart from this machine and from the server:",
            "whoever has it can read every archive, and without it nobody can.",
            f"Machines that only make backups need the public key alone: {gpg} --armor --export {fingerprints}",
        ]  # fmt: skip

    def keys(self) -> Sequence[Key]:
        """List the keys of this entry's e-mail.

        Raises:
            Misconfigured: gpg is not installed.
            Failed: gpg failed.
        """
        if not self._home_exists():
            return ()
        own = {key.fingerprint for key in self._listed(secret=True)}
        return [
            Key("gpg", self._email, key.fingerprint, secret_here=key.fingerprint in own)
            for key in self._listed()
            if key.belongs_to(self._email)
        ]

    def _recipient(self) -> Listed:
        """Return the newest usable key of the e-mail."""
        theirs = [key for key in self._listed() if key.belongs_to(self._email)]
        usable = [key for key in theirs if key.usable]
        if usable:
            return usable[0]
        state = "no usable key (revoked, expired, disabled, or not for encryption)" if theirs else "no key"
        hint = f"`bahub crypto generate-keys {self._name}` makes one; `gpg --homedir {self._home} --import` brings one"
        raise self._misconfigured("email", f"{self._home} holds {state} of {self._email}", "" if theirs else hint)

    def _listed(self, *, secret: bool = False) -> list[Listed]:
        self._needed_home()
        if not secret:
            return listed(self._home)
        with reachable(self._home) as home:
            return listed_secret(home)

    def _needed_home(self) -> None:
        self._needed_program()
        if not self._home_exists():
            hint = f"`bahub crypto generate-keys {self._name}` makes it, with a key in it"
            raise self._misconfigured("gnupg_home", f"{self._home} does not exist", hint)

    def _home_exists(self) -> bool:
        try:
            return self._home.is_dir()
        except OSError as error:
            raise self._misconfigured("gnupg_home", f"{self._home} cannot be read: {error.strerror}") from error

    def _needed_program(self) -> None:
        for program in ("gpg", "gpgconf"):
            if shutil.which(program) is None:
                raise self._misconfigured("method", f"is gpg, but the program {program} is not installed")

    def _kind(self) -> str:
        kind = KINDS.get(_KIND_ALIASES.get(self._key_type, self._key_type))
        if kind is None:
            raise self._misconfigured("key_type", f"cannot be made; expected one of {', '.join(KINDS)}")
        return kind

    def _user(self) -> tuple[str, str]:
        for key, value in (("username", self._username), ("email", self._email)):
            if _NO_SUCH_USER.intersection(value):
                raise self._misconfigured(key, "must be one line without < and >")
        if "@" not in self._email:
            raise self._misconfigured("email", "must be an e-mail address to make a key for it")
        return self._username, self._email

    def _refusal(self, outcome: Outcome) -> BahubError:
        """Turn what gpg reported into an error."""
        if outcome.status < 0:
            return outcome.failed("decrypt")
        if outcome.error("pkdecrypt_failed") in _PASSPHRASE_ERRORS:
            return self._misconfigured("passphrase", "does not open the secret key")
        return Tampered(self._reason(outcome))

    def _reason(self, outcome: Outcome) -> str:
        reports = outcome.reports.keys()
        if "DECRYPTION_KEY" not in reports and _NO_KEY in reports:
            return f"The archive is not encrypted for a key in {self._home}"
        if outcome.error("pkdecrypt_failed") is not None:
            return f"The archive is not encrypted for a key in {self._home}, or its beginning was changed"
        if reports >= _PROVEN:
            return "Something was added after the end of the archive"
        if "DECRYPTION_KEY" in reports:
            return "The archive was cut short, or was changed after it was made: it is not authentic"
        return "The archive is no complete OpenPGP message: it was cut short, or its beginning was changed"

    def _misconfigured(self, key: str, message: str, hint: str = "") -> Misconfigured:
        return Misconfigured([Problem(f"{self._place}.{key}", message)], hint=hint)


def _secret(value: object) -> Secret | None:
    if value is None or isinstance(value, Secret):
        return value
    return Secret(str(value))
