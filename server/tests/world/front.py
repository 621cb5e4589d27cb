"""The shipped files of deploy/nginx with the values of this machine: router and application NGINX before a server."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from world import nginx, wire
from world.nginx import APPLICATION, HOST, OBJECTS, ROUTER, Nginx
from world.ports import free_port

_AS_SHIPPED: Mapping[str, str] = {}


class Behind(Protocol):
    """What both files need to know of the application."""

    @property
    def socket(self) -> Path:
        """Its Unix socket."""

    @property
    def incoming(self) -> Path:
        """REVPROXY_STORAGE_DIR."""

    @property
    def storage(self) -> Path:
        """FS_LOCAL_DIRECTORY."""


@dataclass(frozen=True, slots=True)
class Front:
    """The two NGINX of an installation."""

    router: Nginx
    application: Nginx
    public: wire.Address
    """The router's site, with TLS."""
    plain: wire.Address
    """The router's plain http."""
    inner: wire.Address
    """The application's NGINX, as only the router should reach it."""
    certificate: Path
    other_bodies: Path
    """Where the application's NGINX keeps bodies that are no uploads."""


@contextmanager
def front(
    root: Path, served: Behind, *, router: Mapping[str, str] = _AS_SHIPPED, application: Mapping[str, str] = _AS_SHIPPED
) -> Iterator[Front]:
    """Run both files of deploy/nginx in front of a server.

    Args:
        root: an empty directory for everything the two keep.
        served: the application behind them; it need not run.
        router: further replacements in router.conf, for tests of a single line.
        application: the same in application.conf.
    """
    files = Files.write(root, served, router=router, application=application)
    with (
        nginx.running(files.application, files.inner, root / "log" / "nginx-access.log", as_us=True) as inner,
        nginx.running(files.router, files.public, root / "log" / "backup-repository-router-access.log") as outer,
    ):
        yield Front(
            router=outer,
            application=inner,
            public=_tls(files.public[1], files.certificate),
            plain=wire.Address(lambda: socket.create_connection(files.plain, wire.PATIENCE), HOST),
            inner=wire.tcp(*files.inner),
            certificate=files.certificate,
            other_bodies=root / "nginx" / "body",
        )


@dataclass(frozen=True, slots=True)
class Files:
    """Both files of deploy/nginx with the values of one machine."""

    router: Path
    application: Path
    certificate: Path
    public: tuple[str, int]
    plain: tuple[str, int]
    inner: tuple[str, int]

    @classmethod
    def write(
        cls,
        root: Path,
        served: Behind,
        *,
        router: Mapping[str, str] = _AS_SHIPPED,
        application: Mapping[str, str] = _AS_SHIPPED,
    ) -> Files:
        """Write them below a directory, with a certificate of their own and free ports."""
        for name in ("log", "nginx", "router"):
            (root / name).mkdir()
        public, plain, inner = (("127.0.0.1", free_port()) for _ in range(3))
        certificate, key = _certificate(root)
        at_home = f"127.0.0.1:{inner[1]}"
        values = {
            "127.0.0.1:8080": at_home,
            "/run/backup-repository/server.sock": str(served.socket),
            "/var/lib/backup-repository/incoming": str(served.incoming),
            "/var/lib/backup-repository/storage": str(served.storage),
            "/var/lib/backup-repository/nginx": str(root / "nginx"),
            "/var/log/backup-repository": str(root / "log"),
            "/run/backup-repository/nginx.pid": str(root / "application.pid"),
        }
        outer_values = {
            "127.0.0.1:8080": at_home,
            "/etc/ssl/backup-repository/fullchain.pem": str(certificate),
            "/etc/ssl/backup-repository/privkey.pem": str(key),
            "/run/nginx.pid": str(root / "router.pid"),
            "/var/log/nginx": str(root / "log"),
            "/var/lib/nginx": str(root / "router"),
            "listen 443 ssl": f"listen 127.0.0.1:{public[1]} ssl",
            "listen 80": f"listen 127.0.0.1:{plain[1]}",
            # A machine without IPv6 refuses these.
            "listen [::]:443 ssl default_server;": "",
            "listen [::]:443 ssl;": "",
            "listen [::]:80 default_server;": "",
            "listen [::]:80;": "",
        }
        if os.geteuid() != 0:
            outer_values["user www-data;"] = ""
        files = cls(root / "router.conf", root / "application.conf", certificate, public, plain, inner)
        files.application.write_text(nginx.put_in(APPLICATION.read_text(), {**values, **application}))
        files.router.write_text(nginx.put_in(ROUTER.read_text(), {**outer_values, **router}))
        return files


def _tls(port: int, certificate: Path) -> wire.Address:
    trusting = ssl.create_default_context(cafile=str(certificate))

    def open_socket() -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", port), wire.PATIENCE)
        return trusting.wrap_socket(plain, server_hostname=HOST)

    return wire.Address(open_socket, f"{HOST}:{port}")


def fetching_objects(file: Path, values: Mapping[str, str]) -> dict[str, str]:
    """Write objects.conf with these values, and give the replacement in application.conf that includes it."""
    file.write_text(nginx.put_in(OBJECTS.read_text(), values))
    return {"# include /etc/backup-repository/objects.conf;": f"include {file};"}


def _certificate(root: Path) -> tuple[Path, Path]:
    """Make a certificate for the public name and this machine, valid for a day, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST), x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = root / "fullchain.pem", root / "privkey.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, private
