"""Back up a real directory and a real database with bahub, end-to-end encrypted, and get both back.

Two machines are played by two configuration files. The one that is backed up holds a token that may only upload, and
the public key alone; the administrator's holds the private key and a token that may read. Everything else is the
built-in default (SQLite, a local directory) in a temporary directory that is removed at the end. Needs nothing but
Python, `tar` and the installed programs. Exit code 0: every step did what it says; 1: a step did not, and the last
line says which.
"""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias
from urllib.request import Request, urlopen

PROGRAMS = Path(sys.executable).parent
ADMINISTRATOR = "admin@example.org"
KEPT_VERSIONS = 2
AT_LEAST = 300_000_000
"""Bytes of the directory that is saved."""
ROWS = 50_000
"""Rows of the database that is saved."""
BLOCK = 1 << 20
SECONDS_TO_START = 60
Backups: TypeAlias = dict[str, tuple[str, str, dict[str, Any]]]
"""By name: adapter, collection, spec."""
UPLOAD_SCOPE = ["upload.all", "collections.upload_to_allowed_collections"]


class DemoError(Exception):
    """A step did not do what it says."""


def main() -> None:
    """Run every step and tell about it."""
    place = Path(tempfile.mkdtemp(prefix="backup-repository-demo-"))
    try:
        saved, database = place / "saved", place / "members.sqlite3"
        make_directory(saved)
        make_database(database)
        with running_server(place) as url:
            client, administrator = set_up(place, url, saved, database)
            back_up_until_rotation(client, administrator, saved)
            refuse_to_read(client, administrator, place)
            verify(administrator)
            restore_directory(administrator, saved, place / "restored")
            restore_database(administrator, database)
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


def make_database(file: Path) -> None:
    """Fill an SQLite database."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE members (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
        connection.executemany("INSERT INTO members (name) VALUES (?)", ((f"member {row}",) for row in range(ROWS)))
    tell(f"made an SQLite database with {ROWS} rows")


def set_up(place: Path, url: str, saved: Path, database: Path) -> tuple[Path, Path]:
    """Create account, collections, tokens and keys; return the client's and the administrator's configuration."""
    account = console(place, "auth", "create-admin-account", "--email", ADMINISTRATOR, "--generate-password", "--json")
    collections = {
        name: create_collection(place, filename)
        for name, filename in {"directory": "saved.tar.zst.age", "database": "members.sqlite3.zst.age"}.items()
    }
    tell(f"created {ADMINISTRATOR} and two collections that keep {KEPT_VERSIONS} versions each")
    session = ask(url, "/login_check", {"username": ADMINISTRATOR, "password": account["password"]})
    scope = {"requestedPermissions": UPLOAD_SCOPE, "ttl": 3600, "description": "demo"}
    upload_only = ask(url, "/auth/token", scope, session)
    tell("logged in, and generated a token that may upload and nothing else")
    backups: Backups = {
        "directory": ("filesystem", collections["directory"], {"paths": [str(saved)]}),
        "database": ("sqlite", collections["database"], {"path": str(database)}),
    }
    keys: dict[str, Any] = {"identity_file": str(place / "administrator" / "identity.txt")}
    administrator = write_configuration(place / "administrator", url, session, keys, backups)
    public_key = json.loads(bahub(administrator, "--json", "crypto", "generate-keys", "strong").splitlines()[-1])
    keys = {"recipients": [public_key["recipient"]]}
    tell("generated a key pair; the machine that is backed up gets the public one only")
    return write_configuration(place / "client", url, upload_only, keys, backups), administrator


def create_collection(place: Path, filename: str) -> str:
    """Create a collection with the console and return its id."""
    limits = ("--max-backups-count", str(KEPT_VERSIONS), "--max-one-version-size", "2GB")
    owned = ("--max-collection-size", "6GB", "--owner", ADMINISTRATOR)
    return str(console(place, "backup", "create-collection", "--filename", filename, *limits, *owned, "--json")["id"])


def write_configuration(directory: Path, url: str, token: str, keys: dict[str, Any], backups: Backups) -> Path:
    """Write bahub's configuration (JSON is YAML) with its token beside it, and return the file."""
    directory.mkdir(mode=0o700)
    (directory / "token").write_text(token)
    document = {
        "accesses": {"demo": {"url": url, "token_file": "${CONFIG_DIR}/token"}},
        "encryption": {"strong": {"method": "age", **keys}},
        "backups": {
            name: {
                "meta": {"type": kind, "access": "demo", "encryption": "strong", "collection_id": collection},
                "spec": spec,
            }
            for name, (kind, collection, spec) in backups.items()
        },
        "state_directory": "${CONFIG_DIR}/state",
    }
    file = directory / "bahub.yaml"
    file.write_text(json.dumps(document, indent=2))
    for secret in (file, directory / "token"):
        secret.chmod(0o600)
    return file


def back_up_until_rotation(client: Path, administrator: Path, saved: Path) -> None:
    """Back up until the oldest version has to go.

    Raises:
        DemoError: other versions remain than promised.
    """
    for number in range(1, KEPT_VERSIONS + 2):
        (saved / "diary").write_text(f"Day {number}\n")
        started = time.monotonic()
        names = ("directory", "database") if number == 1 else ("directory",)
        said = bahub(client, "backup", "make", *names).strip().replace("\n", ", ")
        tell(f"backed up {' and '.join(names)} in {time.monotonic() - started:.1f} s: {said}")
    kept = [line["version"] for line in json_lines(bahub(administrator, "--json", "backup", "list", "directory"))]
    tell(f"the collection now holds {', '.join(f'v{number}' for number in kept)}")
    if kept != [2, 3]:
        raise DemoError("the oldest version should have been rotated out")


def refuse_to_read(client: Path, administrator: Path, place: Path) -> None:
    """See that the machine that is backed up can neither fetch nor open what it sent.

    Raises:
        DemoError: it can.
    """
    fetched = place / "fetched"
    refusal = run(client, "backup", "restore", "directory", "--download", str(fetched), "--raw")
    if refusal.returncode != 4:
        raise DemoError(f"a download with the upload token ended with {refusal.returncode}: {refusal.stderr}")
    bahub(administrator, "backup", "restore", "database", "--download", str(fetched), "--raw")
    if not fetched.read_bytes().startswith(b"age-encryption.org/v1\n"):
        raise DemoError("the stored bytes are not encrypted")
    tell("the upload token may not download, and what is stored is encrypted")


def verify(administrator: Path) -> None:
    """Prove both backups restorable without restoring them."""
    for name in ("directory", "database"):
        bahub(administrator, "backup", "verify", name)
    tell("verified both: digest, encryption and content")


def restore_directory(administrator: Path, saved: Path, restored: Path) -> None:
    """Restore into another directory and compare every name and every byte.

    Raises:
        DemoError: they differ.
    """
    started = time.monotonic()
    bahub(administrator, "backup", "restore", "directory", "--to", str(restored))
    tell(f"restored the directory in {time.monotonic() - started:.1f} s")
    found = restored / saved.relative_to("/")
    names = files_in(saved)
    if names != files_in(found):
        raise DemoError("the restored directory has other files")
    for name in names:
        one, other = saved / name, found / name
        same = one.readlink() == other.readlink() if one.is_symlink() else filecmp.cmp(one, other, shallow=False)
        if not same or one.lstat().st_mode != other.lstat().st_mode:
            raise DemoError(f"{name} differs")
    tell(f"compared {len(names)} files byte by byte: all the same")


def restore_database(administrator: Path, file: Path) -> None:
    """Lose rows, restore, and count.

    Raises:
        DemoError: rows are missing.
    """
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM members")
    bahub(administrator, "backup", "restore", "database")
    with closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM members").fetchone()
    if count != ROWS:
        raise DemoError(f"the restored database has {count} rows")
    tell(f"deleted every row of the database, restored it: all {count} rows are back")


def bahub(configuration: Path, *arguments: str) -> str:
    """Run a bahub command and return what it prints.

    Raises:
        DemoError: the command failed.
    """
    result = run(configuration, *arguments)
    if result.returncode != 0:
        raise DemoError(f"bahub {' '.join(arguments)} ended with {result.returncode}: {result.stderr}")
    return result.stdout


def run(configuration: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a bahub command to its end, whatever that is."""
    command = [str(PROGRAMS / "bahub"), "--config", str(configuration), *arguments]
    return subprocess.run(command, env=plain_environment(), capture_output=True, text=True, check=False)


def console(place: Path, *arguments: str) -> dict[str, Any]:
    """Run a console command and return the JSON object it prints.

    Raises:
        DemoError: the command failed.
    """
    command = [str(PROGRAMS / "backup-repository"), *arguments]
    result = subprocess.run(command, cwd=place, env=plain_environment(), capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise DemoError(f"{' '.join(arguments[:2])} ended with {result.returncode}: {result.stderr}")
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def ask(url: str, path: str, body: dict[str, Any], token: str = "") -> str:
    """Ask the API for a token."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    with urlopen(Request(f"{url}/api/stable{path}", json.dumps(body).encode(), headers)) as answer:
        return str(json.load(answer)["token"])


def json_lines(text: str) -> list[dict[str, Any]]:
    """Read one JSON object per line."""
    return [json.loads(line) for line in text.splitlines()]


def plain_environment() -> dict[str, str]:
    """Return an environment without settings, so that only defaults count."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


@contextmanager
def running_server(place: Path) -> Iterator[str]:
    """Run the real server as long as the context lasts, and give its address.

    Raises:
        DemoError: it does not start, or does not stop properly.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    log = place / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [PROGRAMS / "backup-repository", "serve", "--bind", "127.0.0.1", "--port", str(port)],
            cwd=place,
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_ready(process, port, log)
        tell(f"started the server, process {process.pid}, on port {port}")
        yield f"http://127.0.0.1:{port}"
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
