"""Certificates for a public name: good ones, expired ones, those of somebody else, self-signed ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_EARLIER = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Authority:
    """Somebody who signs certificates."""

    root: Path
    """The directory for what it makes."""
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @classmethod
    def make(cls, root: Path) -> Authority:
        """Make one in an existing directory."""
        made = cls(root, ec.generate_private_key(ec.SECP256R1()), _name(f"authority at {root.name}"))
        certificate = (
            made._certificate(made.name, made.key, timedelta(days=365), -_EARLIER)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(made.key, hashes.SHA256())
        )
        made.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return made

    @property
    def file(self) -> Path:
        """What those trust who trust it."""
        return self.root / "trusted.pem"

    def sign(self, host: str, *, begins: float = -365, ends: float = 90) -> tuple[Path, Path]:
        """Make a certificate and its key; the days count from now, negative ones backwards."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._written(host, key, self.key, self._certificate(_name(host), key, _days(ends), _days(begins)))

    def self_signed(self, host: str) -> tuple[Path, Path]:
        """Make a certificate that nobody else has signed, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        nobody = Authority(self.root, key, _name(host))
        return self._written(host, key, key, nobody._certificate(_name(host), key, _days(90), -_EARLIER))

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, ends: timedelta, begins: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return x509.CertificateBuilder(
            self.name, subject, key.public_key(), x509.random_serial_number(), now + begins, now + ends
        )

    def _written(
        self,
        host: str,
        key: ec.EllipticCurvePrivateKey,
        signer: ec.EllipticCurvePrivateKey,
        builder: x509.CertificateBuilder,
    ) -> tuple[Path, Path]:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = builder.add_extension(names, critical=False).sign(signer, hashes.SHA256())
        chain, private = (self.root / f"{certificate.serial_number:x}.{ending}" for ending in ("pem", "key"))
        chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return chain, private


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _days(number: float) -> timedelta:
    return timedelta(days=number)
