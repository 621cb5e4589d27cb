"""The key pair that signs tokens (contract 3.1 and B 1.2): loaded, or made once when neither file exists."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from backup_repository.errors import ConfigurationError

PrivateKey: TypeAlias = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey: TypeAlias = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey

_SECRET, _PUBLIC, _PASSPHRASE = "JWT_SECRET_KEY", "JWT_PUBLIC_KEY", "JWT_PASSPHRASE"
_UNWRITABLE = "the key file cannot be written; a writable directory is needed"
_MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A signing key, its public half and the one algorithm that they accept."""

    private: PrivateKey
    public: PublicKey
    algorithm: str
    """`EdDSA`, `ES256` or `RS256`."""


def load_keys(secret_file: Path, public_file: Path, passphrase: str) -> KeyPair:
    """Load the key pair; when neither file exists, make an Ed25519 pair (mode 0600 and 0644) first.

    Raises:
        ConfigurationError: one file is missing, unreadable or open to others, the passphrase is wrong, the kind of key
            is not accepted, or the two do not match.
    """
    _make_missing(secret_file, public_file, passphrase)
    private = _load_private(secret_file, passphrase)
    try:
        public = load_pem_public_key(_read(_PUBLIC, public_file))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(_PUBLIC, "is not a public key in PEM form") from error
    if _raw(public) != _raw(private.public_key()):
        raise ConfigurationError(_PUBLIC, "does not match the signing key; give the public half of JWT_SECRET_KEY")
    return KeyPair(private, private.public_key(), _algorithm(private))


def _make_missing(secret_file: Path, public_file: Path, passphrase: str) -> None:
    """Make the pair when neither file exists; of processes that start together the first one does."""
    if secret_file.exists() and public_file.exists():
        return
    with _turn(secret_file.parent):
        if secret_file.exists() and public_file.exists():
            return
        if secret_file.exists():
            raise ConfigurationError(
                _PUBLIC, "does not exist although the signing key does; give both files or neither"
            )
        if public_file.exists():
            raise ConfigurationError(_SECRET, "does not exist although the public key does; give both files or neither")
        key = ed25519.Ed25519PrivateKey.generate()
        protection: KeySerializationEncryption = (
            BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        )
        private_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
        public_pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        _write(_SECRET, secret_file, private_pem, 0o600)
        _write(_PUBLIC, public_file, public_pem, 0o644)


@contextlib.contextmanager
def _turn(directory: Path) -> Iterator[None]:
    """Keep other processes from making keys in a directory, which is made where it is missing."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigurationError(_SECRET, _UNWRITABLE) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(variable: str, file: Path, content: bytes, mode: int) -> None:
    """Let a file appear under its name with all its content, for others look for it without waiting for their turn."""
    draft = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(file)
    except OSError as error:
        raise ConfigurationError(variable, _UNWRITABLE) from error


def _load_private(file: Path, passphrase: str) -> PrivateKey:
    pem = _read(_SECRET, file)
    if not passphrase and stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise ConfigurationError(_SECRET, "is open to group or others without a passphrase; use mode 0600")
    try:
        key = load_pem_private_key(pem, passphrase.encode() if passphrase and b"ENCRYPTED" in pem else None)
    except TypeError as error:
        raise ConfigurationError(_PASSPHRASE, "is needed, the signing key is protected by one") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if b"ENCRYPTED" in pem:
            raise ConfigurationError(_PASSPHRASE, "does not open the signing key") from error
        raise ConfigurationError(_SECRET, "is not a private key in PEM form") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ConfigurationError(_SECRET, "must be an Ed25519, P-256 or RSA key")
    return key


def _algorithm(key: PrivateKey) -> str:
    match key:
        case ed25519.Ed25519PrivateKey():
            return "EdDSA"
        case ec.EllipticCurvePrivateKey() if isinstance(key.curve, ec.SECP256R1):
            return "ES256"
        case rsa.RSAPrivateKey() if key.key_size >= _MIN_RSA_BITS:
            return "RS256"
    raise ConfigurationError(_SECRET, "must be an Ed25519 key, a P-256 key or an RSA key of at least 2048 bits")


def _read(variable: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(variable, "the key file cannot be read; a PEM file is needed") from error


def _raw(key: object) -> bytes:
    if not isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise ConfigurationError(_PUBLIC, "must be an Ed25519, P-256 or RSA key")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
