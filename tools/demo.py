"""Store a real directory on a real server, get it back, compare every byte, and let old versions rotate out.

Uses the console and HTTP alone, with the built-in defaults (SQLite, a local directory) in a temporary directory that is
removed at the end. Needs nothing but Python's own library, `tar`, and the installed server. Exit code 0: every step did
what it says; 1: a step did not, and the last line says which.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

CONSOLE = Path(sys.executable).with_name("backup-repository")
ADMINISTRATOR = "admin@example.org"
KEPT_VERSIONS = 2
AT_LEAST = 300_000_000
"""Bytes of the directory that is saved."""
BLOCK = 1 << 20
SECONDS_TO_START = 60
API = "/api/stable"
UPLOAD_SCOPE = ["upload.all", "collections.upload_to_allowed_collections"]


class DemoError(Exception):
    """A step did not do what it says."""


class Server:
    """The HTTP side, as any client sees it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.token = ""

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> HTTPResponse:
        """Send a request with the present token; a body that is no JSON document goes out chunked."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=600)
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        connection.request(method, API + path, body, sent | (headers or {}), encode_chunked=True)
        return connection.getresponse()

    def answer(self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str) -> dict[str, Any]:
        """Send a request and return its JSON answer.

        Raises:
            DemoError: another status came than expected.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.ask(method, path, body, named) as response:
            text = response.read().decode()
            if response.status != status:
                raise DemoError(f"{method} {path} answered {response.status}: {text}")
            document: dict[str, Any] = json.loads(text)
            return document


def main() -> None:
    """Run every step and tell about it."""
    place = Path(tempfile.mkdtemp(prefix="backup-repository-demo-"))
    try:
        saved = place / "saved"
        make_directory(saved)
        email_and_password, collection = set_up(place)
        with running_server(place) as server:
            session, upload_only = log_in(server, *email_and_password)
            server.token = upload_only
            digest = upload(server, collection, saved)
            refuse_download(server, collection)
            server.token = session
            restore(server, collection, digest, place / "restored")
            compare(saved, place / "restored")
            rotate(server, collection, saved, upload_only)
    finally:
        shutil.rmtree(place)
    tell("all done; the temporary directory is gone")


def make_directory(directory: Path) -> None:
    """Fill a directory with real files, awkward ones, and bulk until it is large enough."""
    shutil.copytree(sysconfig.get_path("purelib"), directory / "python", symlinks=True)
    awkward = directory / "awkward" / "a name with blanks" / "déjà vu"
    awkward.mkdir(parents=True)
    (awkward / "empty").touch()
    (awkward / "one byte").write_bytes(b"\0")
    (awkward / "link").symlink_to("one byte")
    (directory / "large").mkdir()
    number = 0
    while (size := size_of(directory)) < AT_LEAST:
        (directory / "large" / f"{number:02}.bin").write_bytes(os.urandom(min(32 * BLOCK, AT_LEAST - size)))
        number += 1
    tell(f"made a directory of {len(files_in(directory))} files, {megabytes(size_of(directory))}")


def set_up(place: Path) -> tuple[tuple[str, str], str]:
    """Create an administrator and a collection with the console; return e-mail and password, and the collection."""
    account = console(place, "auth", "create-admin-account", "--email", ADMINISTRATOR, "--generate-password", "--json")
    tell(f"created the administrator {ADMINISTRATOR} with a generated password")
    limits = [
        "--max-backups-count",
        str(KEPT_VERSIONS),
        "--max-one-version-size",
        "2GB",
        "--max-collection-size",
        "6GB",
    ]
    collection = console(
        place, "backup", "create-collection", "--filename", "directory.tar", *limits, "--owner", ADMINISTRATOR, "--json"
    )
    tell(f"created the collection {collection['id']}, which keeps {KEPT_VERSIONS} versions of directory.tar")
    return (ADMINISTRATOR, str(account["password"])), str(collection["id"])


def console(place: Path, *arguments: str) -> dict[str, Any]:
    """Run a console command and return the JSON object it prints.

    Raises:
        DemoError: the command failed.
    """
    result = subprocess.run(
        [CONSOLE, *arguments], cwd=place, env=plain_environment(), capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise DemoError(f"{' '.join(arguments[:2])} ended with {result.returncode}: {result.stderr}")
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def plain_environment() -> dict[str, str]:
    """Return an environment without settings, so that only defaults count."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


@contextmanager
def running_server(place: Path) -> Iterator[Server]:
    """Run the real server as long as the context lasts.

    Raises:
        DemoError: it does not start, or does not stop properly.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    log = place / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [CONSOLE, "serve", "--bind", "127.0.0.1", "--port", str(port)],
            cwd=place,
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_ready(process, port, log)
        tell(f"started the server, process {process.pid}, on port {port}")
        yield Server(port)
        process.send_signal(signal.SIGTERM)
        if process.wait(timeout=60) not in {0, -signal.SIGTERM}:
            raise DemoError(f"the server ended with {process.returncode}:\n{log.read_text()}")
        tell("stopped the server")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the port answers.

    Raises:
        DemoError: the server ended, or takes too long.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise DemoError(f"the server did not start:\n{log.read_text()}")


def log_in(server: Server, email: str, password: str) -> tuple[str, str]:
    """Log in, and generate a token that can do nothing but upload; return both."""
    server.token = server.answer("POST", "/login_check", {"username": email, "password": password})["token"]
    scope = {"requestedPermissions": UPLOAD_SCOPE, "ttl": 3600, "description": "demo"}
    upload_only = server.answer("POST", "/auth/token", scope)["token"]
    tell("logged in, and generated a token that may upload and nothing else")
    return server.token, upload_only


def upload(server: Server, collection: str, directory: Path) -> str:
    """Send the directory as a tar stream, chunked, and return the SHA-256 of what was sent.

    Raises:
        DemoError: the server recorded another digest.
    """
    digest, sent, started = hashlib.sha256(), 0, time.monotonic()

    def archive() -> Iterator[bytes]:
        nonlocal sent
        with subprocess.Popen(["tar", "-C", directory, "-cf", "-", "."], stdout=subprocess.PIPE) as tar:
            while tar.stdout is not None and (block := tar.stdout.read(BLOCK)):
                digest.update(block)
                sent += len(block)
                yield block
        if tar.returncode != 0:
            raise DemoError(f"tar ended with {tar.returncode}")

    path = f"/repository/collection/{collection}/versions"
    version = server.answer("POST", path, archive(), Transfer_Encoding="chunked")["version"]
    if version["checksum"]["value"] != digest.hexdigest() or version["file"]["filesize_bytes"] != sent:
        raise DemoError("the server recorded other bytes than were sent")
    seconds = time.monotonic() - started
    tell(f"uploaded v{version['version']}: {megabytes(sent)} in {seconds:.1f} s, sha256 {digest.hexdigest()[:16]}…")
    return digest.hexdigest()


def refuse_download(server: Server, collection: str) -> None:
    """See that the upload token cannot read back what it sent."""
    refusal = server.answer("GET", f"/repository/collection/{collection}/versions/latest", status=403)
    tell(f"a download with the upload token is refused ({refusal['code']}: {refusal['error']})")


def restore(server: Server, collection: str, digest: str, directory: Path) -> None:
    """Download the newest version straight into `tar -x`.

    Raises:
        DemoError: other bytes came than were stored.
    """
    directory.mkdir()
    received, started = hashlib.sha256(), time.monotonic()
    with (
        server.ask("GET", f"/repository/collection/{collection}/versions/latest") as response,
        subprocess.Popen(["tar", "-C", directory, "-xpf", "-"], stdin=subprocess.PIPE) as tar,
    ):
        while tar.stdin is not None and (block := response.read(BLOCK)):
            received.update(block)
            tar.stdin.write(block)
    if response.status != 200 or received.hexdigest() != digest or tar.returncode != 0:
        raise DemoError(f"the download is not what was stored (status {response.status}, tar {tar.returncode})")
    tell(f"downloaded and unpacked it in {time.monotonic() - started:.1f} s, the digest is the same")


def compare(saved: Path, restored: Path) -> None:
    """Compare both directories, every name and every byte.

    Raises:
        DemoError: they differ.
    """
    names = files_in(saved)
    if names != files_in(restored):
        raise DemoError("the restored directory has other files")
    for name in names:
        one, other = saved / name, restored / name
        same = one.readlink() == other.readlink() if one.is_symlink() else filecmp.cmp(one, other, shallow=False)
        if not same:
            raise DemoError(f"{name} differs")
    tell(f"compared {len(names)} files byte by byte: all the same")


def rotate(server: Server, collection: str, saved: Path, upload_only: str) -> None:
    """Upload until the oldest version has to go.

    Raises:
        DemoError: other versions remain than promised.
    """
    session = server.token
    for number in range(2, KEPT_VERSIONS + 2):
        (saved / "diary").write_text(f"Day {number}\n")
        server.token = upload_only
        upload(server, collection, saved)
        server.token = session
        tell(f"the collection now holds {', '.join(list_versions(server, collection))}")
    if list_versions(server, collection) != ["v2", "v3"]:
        raise DemoError("the oldest version should have been rotated out")


def list_versions(server: Server, collection: str) -> list[str]:
    """Return the versions that the collection holds."""
    return [
        f"v{number}" for number in server.answer("GET", f"/repository/collection/{collection}/versions")["versions"]
    ]


def files_in(directory: Path) -> list[str]:
    """Return the relative names of all files and links, sorted."""
    return sorted(
        str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_symlink() or path.is_file()
    )


def size_of(directory: Path) -> int:
    """Return the bytes of all files."""
    return sum(path.lstat().st_size for path in directory.rglob("*") if path.is_file())


def megabytes(size: int) -> str:
    """Write a size for people."""
    return f"{size / 1_000_000:.1f} MB"


def tell(sentence: str) -> None:
    """Print one step, with the seconds since the start."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {sentence}", flush=True)


STARTED = time.monotonic()

if __name__ == "__main__":
    try:
        main()
    except DemoError as error:
        sys.exit(f"demo: {error}")
