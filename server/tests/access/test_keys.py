"""The key pair that signs tokens: made once, checked on every start (contract 3.1, B 1.2; case 8)."""

from __future__ import annotations

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from world.console import run
from world.instance import ADMIN, PASSWORD, Installation, log_in

from backup_repository.access.keys import KeyPair, load_keys
from backup_repository.errors import ConfigurationError

Private: TypeAlias = (
    ed25519.Ed25519PrivateKey
    | ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | dsa.DSAPrivateKey
    | ed448.Ed448PrivateKey
)
PASSPHRASE = "correct-horse"
MAKERS: dict[str, Callable[[], Private]] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
}


class Files:
    """Where a pair is kept."""

    def __init__(self, directory: Path) -> None:
        self.secret = directory / "private.pem"
        self.public = directory / "public.pem"

    def write(self, key: Private, *, passphrase: str = "", mode: int = 0o600) -> None:
        protection: KeySerializationEncryption = NoEncryption()
        if passphrase:
            protection = BestAvailableEncryption(passphrase.encode())
        self.secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
        self.secret.chmod(mode)
        self.write_public(key)

    def write_public(self, key: Private) -> None:
        self.public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def load(self, passphrase: str = "") -> KeyPair:
        return load_keys(self.secret, self.public, passphrase)

    def refused(self, passphrase: str = "") -> str:
        """Return the variable of the refusal, whose text shows no secret."""
        with pytest.raises(ConfigurationError) as caught:
            self.load(passphrase)
        assert PASSPHRASE not in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
        return caught.value.variable


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def der(key: KeyPair) -> bytes:
    return key.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_a_missing_pair_is_made_once(passphrase: str, tmp_path: Path) -> None:
    files = Files(tmp_path / "keys")
    made = files.load(passphrase)
    assert made.algorithm == "EdDSA"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (files.secret.parent, files.secret, files.public)] == [
        0o700,
        0o600,
        0o644,
    ]
    assert (b"ENCRYPTED" in files.secret.read_bytes()) is bool(passphrase)
    contents = files.secret.read_bytes(), files.public.read_bytes()
    assert der(files.load(passphrase)) == der(made)
    assert (files.secret.read_bytes(), files.public.read_bytes()) == contents


def test_processes_that_start_together_share_one_pair(tmp_path: Path) -> None:
    """Again and again: none may see a file that another has only begun."""
    with ThreadPoolExecutor(8) as processes:
        for start in range(30):
            files = Files(tmp_path / str(start))
            pairs = list(processes.map(lambda _, files=files: files.load(), range(8)))
            assert len({der(pair) for pair in pairs}) == 1


@pytest.mark.parametrize("algorithm", MAKERS)
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_each_kind_of_key_signs_what_it_verifies(algorithm: str, passphrase: str, files: Files) -> None:
    files.write(MAKERS[algorithm](), passphrase=passphrase)
    pair = files.load(passphrase)
    assert pair.algorithm == algorithm
    token = jwt.encode({"sub": "x"}, pair.private, algorithm=pair.algorithm)
    assert jwt.decode(token, pair.public, algorithms=[pair.algorithm]) == {"sub": "x"}


@pytest.mark.parametrize("lost", ["secret", "public"])
def test_one_file_alone_is_refused_and_left_alone(lost: str, files: Files) -> None:
    files.write(ed25519.Ed25519PrivateKey.generate())
    missing: Path = getattr(files, lost)
    missing.unlink()
    assert files.refused() == {"secret": "JWT_SECRET_KEY", "public": "JWT_PUBLIC_KEY"}[lost]
    assert not missing.exists()


def test_halves_of_different_pairs_are_refused(files: Files) -> None:
    files.write(ed25519.Ed25519PrivateKey.generate())
    files.write_public(ed25519.Ed25519PrivateKey.generate())
    assert files.refused() == "JWT_PUBLIC_KEY"
    files.write_public(MAKERS["RS256"]())
    assert files.refused() == "JWT_PUBLIC_KEY"


@pytest.mark.parametrize("given", ["", "battery-staple"])
def test_a_wrong_passphrase_is_refused(given: str, files: Files) -> None:
    files.write(ed25519.Ed25519PrivateKey.generate(), passphrase=PASSPHRASE)
    assert files.refused(given) == "JWT_PASSPHRASE"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_touch_needs_a_passphrase(mode: int, files: Files) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    files.write(key, mode=mode)
    assert files.refused() == "JWT_SECRET_KEY"
    files.write(key, mode=mode, passphrase=PASSPHRASE)
    assert files.load(PASSPHRASE).algorithm == "EdDSA"


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 - which is why it is refused
        lambda: ec.generate_private_key(ec.SECP384R1()),
        ed448.Ed448PrivateKey.generate,
        lambda: dsa.generate_private_key(2048),
    ],
    ids=["short RSA", "P-384", "Ed448", "DSA"],
)
def test_other_kinds_of_keys_are_refused(make: Callable[[], Private], files: Files) -> None:
    files.write(make())
    assert files.refused() in {"JWT_SECRET_KEY", "JWT_PUBLIC_KEY"}


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\xff"])
@pytest.mark.parametrize(("damaged", "variable"), [("secret", "JWT_SECRET_KEY"), ("public", "JWT_PUBLIC_KEY")])
def test_a_damaged_file_is_refused(content: bytes, damaged: str, variable: str, files: Files) -> None:
    files.write(ed25519.Ed25519PrivateKey.generate())
    file: Path = getattr(files, damaged)
    file.write_bytes(content)
    assert files.refused() == variable


def test_a_directory_in_place_of_a_key_is_refused(files: Files) -> None:
    files.secret.mkdir()
    files.public.touch()
    assert files.refused() == "JWT_SECRET_KEY"


def test_keys_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert Files(tmp_path / "file").refused() == "JWT_SECRET_KEY"


def broken(files: Files, how: str) -> None:
    """Break a good pair in one of the ways of case 8."""
    match how:
        case "only one file":
            files.public.unlink()
        case "wrong passphrase":
            files.write(ed25519.Ed25519PrivateKey.generate(), passphrase="battery-staple")
        case "mismatched pair":
            files.write_public(ed25519.Ed25519PrivateKey.generate())
        case "too open":
            files.secret.chmod(0o644)


@pytest.mark.parametrize("how", ["only one file", "wrong passphrase", "mismatched pair", "too open"])
def test_a_bad_pair_stops_the_start_with_78(how: str, tmp_path: Path) -> None:
    """Case 8, second part, as an operator sees it."""
    (tmp_path / "var" / "jwt").mkdir(parents=True)
    files = Files(tmp_path / "var" / "jwt")
    files.write(ed25519.Ed25519PrivateKey.generate())
    broken(files, how)
    settings = {"JWT_PASSPHRASE": PASSPHRASE} if how == "wrong passphrase" else {}
    ran = run(Installation(tmp_path, settings), "serve", "--uds", "server.sock")
    assert (ran.code, ran.out) == (78, "")
    assert ran.err.startswith("configuration: JWT_")
    assert ran.err.count("\n") == 1
    assert PASSPHRASE not in ran.err
    assert not (tmp_path / "server.sock").exists()


def test_sessions_survive_a_restart(tmp_path: Path) -> None:
    """Case 8, first part."""
    installation = Installation.make(tmp_path)
    with installation.serve() as first:
        token = first.token
    with installation.serve() as second:
        assert second.direct.ask("GET", "/api/stable/version", {"Authorization": f"Bearer {token}"}).status == 200


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_people_log_in_with_tokens_of_each_kind_of_key(algorithm: str, tmp_path: Path) -> None:
    installation = Installation(tmp_path, {})
    (tmp_path / "var" / "jwt").mkdir(parents=True)
    Files(tmp_path / "var" / "jwt").write(MAKERS[algorithm](), passphrase=PASSPHRASE)
    protected = installation.with_settings(JWT_PASSPHRASE=PASSPHRASE)
    protected.console("auth", "create-admin-account", "-m", ADMIN, "--password-stdin", words=PASSWORD)
    with protected.serve() as server:
        token = log_in(server.direct, ADMIN, PASSWORD)
        assert jwt.get_unverified_header(token)["alg"] == algorithm
        assert server.direct.ask("GET", "/api/stable/version", server.bearer).status == 200
