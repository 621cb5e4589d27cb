"""A Redis server's data (contract B 3.4, 3.7), as the snapshot that its replicas would get.

The server itself writes no file. The snapshot goes through a private file over here: only when it is complete can
`redis-cli` cut off the mark that ends the transfer.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping

from bahub.adapters import base
from bahub.adapters.base import WARNING, Inspector, RestoreOptions, RestorePlan, Script, Spec
from bahub.adapters.beside import (
    FIND_DIRECTORY,
    FORGET,
    LIKE_BEFORE,
    PRIVATE_DIRECTORY,
    RECEIVE,
    RENAME,
    SEND_COPY,
    names,
)
from bahub.adapters.content.rdb import Rdb
from bahub.adapters.minimal import refuse_to
from bahub.adapters.needs import need
from bahub.errors import BadUsage
from bahub.masking import Secret

_TEXT = {"type": "string", "minLength": 1}
_STANDARD_PORT = 6379

Definition = base.Definition(
    schema={
        "type": "object",
        "properties": {
            "host": _TEXT,
            "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": _STANDARD_PORT},
            "username": _TEXT,
            "password": {**_TEXT, "writeOnly": True},
            "rdb_path": {
                "type": "string",
                "pattern": r"^/[^\x00]*[^\x00/]$",
                "description": "the absolute path of a file",
            },
        },
        "required": ["host"],
        "additionalProperties": False,
    },
    example="""\
meta:
  type: redis
  access: main
  encryption: strong
  collection_id: 0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e
spec:
  host: 127.0.0.1
  port: 6379
  password_file: /etc/bahub/redis-password
  rdb_path: /var/lib/redis/dump.rdb  # needed for restore
""",
)

_NEED = need("redis-cli", "redis-tools")
_COPY = """\
redis-cli {place} --rdb "$directory/copy" >"$directory/words" 2>&1 ||
  {{ grep -v '^sending REPLCONF' "$directory/words" >&2; exit 1; }}
"""
_NOT_ANSWERING = """\
answer=$(redis-cli {place} PING 2>&1)
case $answer in
  *'Could not connect'*) ;;
  *) echo 'the Redis server answers: stop it first, otherwise it would write over the file' >&2; exit 1 ;;
esac
"""
_APPEND_ONLY = f"""\
for log in "$directory"appendonlydir "$directory"appendonly.aof; do
  if [ -e "$log" ]; then
    printf '{WARNING}%s is there: with appendonly on, the server loads that, not the restored file\\n' "$log" >&2
  fi
done
"""


class Adapter:
    """Saves all databases of one server."""

    def backup(self, spec: Spec) -> Script:
        """Return what fetches the snapshot and sends it."""
        return Script(f"{_NEED}{PRIVATE_DIRECTORY}{_COPY.format(place=_place(spec))}{SEND_COPY}", _secrets(spec))

    def restore(self, spec: Spec, options: RestoreOptions) -> RestorePlan:
        """Return how the snapshot becomes the file that the server loads when it starts.

        Raises:
            BadUsage: nobody said which file that is.
        """
        refuse_to(options)
        if "rdb_path" not in spec:
            raise BadUsage(
                "this backup has no `rdb_path`: the file that the server loads when it starts",
                hint="`redis-cli CONFIG GET dir` and `CONFIG GET dbfilename` tell it; or use --download FILE",
            )
        files = names(spec["rdb_path"], secrets.token_hex(6))
        stopped = _NOT_ANSWERING.format(place=_place(spec))
        return RestorePlan(
            prepare=Script(f"{_NEED}{files}{FIND_DIRECTORY}{stopped}", _secrets(spec)),
            feed=Script(f"{files}{RECEIVE}"),
            finish=Script(f"{files}{FIND_DIRECTORY}{LIKE_BEFORE}{stopped}{RENAME}{_APPEND_ONLY}", _secrets(spec)),
            undo=Script(f"{files}{FORGET}"),
            half_restored=False,
        )

    def inspector(self, spec: Spec) -> Inspector:
        """Return a look at header and checksum."""
        del spec
        return Rdb()

    def check(self, spec: Spec) -> Script:
        """Return what looks for `redis-cli`."""
        del spec
        return Script(_NEED)


def _place(spec: Spec) -> str:
    options = ["-h", str(spec["host"]), "-p", str(spec.get("port", _STANDARD_PORT))]
    if "username" in spec:
        options += ["--user", str(spec["username"])]
    return shlex.join([*options, "--no-auth-warning"])


def _secrets(spec: Spec) -> Mapping[str, Secret]:
    return {"REDISCLI_AUTH": spec["password"]} if "password" in spec else {}
