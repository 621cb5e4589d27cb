"""Leave a server running in the foreground, with the built-in defaults, and say how to use it.

It keeps everything in ./var of the directory it is started in. On the first run it creates an administrator and prints
the generated password, once. Settings in the environment or in ./.env count as they do for `backup-repository serve`,
which this becomes in the end.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The working copy; its docs/ are the first thing to save."""

CONSOLE = Path(sys.executable).with_name("backup-repository")
ADMINISTRATOR = "admin@example.org"
ADDRESS = "127.0.0.1"

COMMANDS = """\
First commands, ready to paste into another terminal:

  # 1. log in
  TOKEN=$(curl -sS {url}/api/stable/login_check \\
    -d {login} |
    sed -n 's/.*"token": "\\([^"]*\\)".*/\\1/p')

  # 2. create a collection that keeps the three newest versions
  COLLECTION=$(curl -sS {url}/api/stable/repository/collection -H "Authorization: Bearer $TOKEN" -d '{{
    "filename": "documents.tar.gz", "strategy": "delete_oldest_when_adding_new",
    "maxBackupsCount": 3, "maxOneVersionSize": "1GB", "maxCollectionSize": "3GB"}}' |
    sed -n 's/.*"id": "\\([^"]*\\)".*/\\1/p')
  VERSIONS={url}/api/stable/repository/collection/$COLLECTION/versions

  # 3. upload a version
  tar -cz -C {root} docs | curl -sS -X POST -T - $VERSIONS -H "Authorization: Bearer $TOKEN"

  # 4. list the versions
  curl -sS $VERSIONS -H "Authorization: Bearer $TOKEN"

  # 5. download the newest
  curl -sS -o documents.tar.gz $VERSIONS/latest -H "Authorization: Bearer $TOKEN" && tar -tzf documents.tar.gz
"""


def main() -> None:
    """Create the administrator where none is there yet, print what one needs to know, become the server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000, help="where to listen on 127.0.0.1")
    port: int = parser.parse_args().port
    if is_taken(port):
        sys.exit(f"serve: something listens on port {port} already; choose another one: make serve PORT={port + 1}")
    password = first_password()
    print(f"Backup Repository: http://{ADDRESS}:{port}")
    print(f"Administrator:     {ADMINISTRATOR}")
    if password is not None:
        print(f"Password:          {password}   (shown this once)")
    print(f"Data:              {Path('var').absolute()}\n")
    login = json.dumps({"username": ADMINISTRATOR, "password": password or "THE PASSWORD"})
    print(
        COMMANDS.format(url=f"http://{ADDRESS}:{port}", login=shlex.quote(login), root=shlex.quote(str(ROOT))),
        flush=True,
    )
    command = [str(CONSOLE), "serve", "--bind", ADDRESS, "--port", str(port)]
    os.execv(CONSOLE, command)  # noqa: S606 - the server takes this process over; no shell is wanted


def is_taken(port: int) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((ADDRESS, port)) == 0


def first_password() -> str | None:
    """Create the administrator; return the generated password, or None where the account was there before."""
    create = ["auth", "create-admin-account", "--email", ADMINISTRATOR, "--generate-password", "--json"]
    result = subprocess.run(
        [CONSOLE, *create, "--ignore-error-if-already-exists"], stdout=subprocess.PIPE, text=True, check=False
    )
    if result.returncode != 0:
        sys.exit(result.returncode)
    password: str | None = json.loads(result.stdout).get("password")
    return password


if __name__ == "__main__":
    main()
