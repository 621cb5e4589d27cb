"""A server with something of everything in it, and schemathesis sent at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from world import wire
from world.document import operations
from world.instance import ADMIN, API, PASSWORD, Server, log_in

SETTINGS = {"HEALTH_CHECK_CODE": "health secret", "METRICS_CODE": "metrics secret"}
"""What the server needs besides the usual, so that everything can be reached."""

_COLLECTION: Mapping[str, Any] = {
    "maxBackupsCount": 3,
    "maxOneVersionSize": "1MB",
    "maxCollectionSize": "3MB",
    "strategy": "delete_oldest_when_adding_new",
    "filename": "db.tar.gz",
}


Stock = Mapping[str, Sequence[str]]
"""What requests may address, by kind; what is doomed may be deleted, so that the rest stays for other requests."""

_PLACES = {
    "path.id": "collections",
    "path.userId": "users",
    "path.versionId": "versions",
    "path.filename": "filenames",
    "path.tokenHash": "tokens",
    "query.user": "users",
    "body.id": "collections",
    "body.user": "users",
}
"""Where which kind goes."""
_DELETING = ("deleteUser", "deleteCollection", "deleteVersion")
_DOOMED = {"path.id": "doomed_collections", "path.userId": "doomed_users", "path.versionId": "versions"}

_NOT_EXPECTED = (
    # What fits the schema may still break a rule that no schema can say, which is 400 by contract: a taken id, a date
    # that nobody understands, limits that contradict each other.
    "positive_data_acceptance",
)
"""Checks of schemathesis that do not hold here."""


def stocked(server: Server) -> Stock:
    """Make some of everything, an account and a collection with the ids of the description's examples among it.

    Raises:
        RuntimeError: the server refused; the text is its answer.
    """
    stock: dict[str, list[str]] = {"versions": ["latest", "first", "v1"], "filenames": []}
    examples = {operation.id: operation.example for operation in operations()}
    for number in range(6):
        doom = "doomed_" if number % 2 else ""
        user = {"email": f"user{number}@example.org", "password": PASSWORD, "permissions": ["ROLE_USER"], "data": {}}
        wanted = dict(_COLLECTION)
        if number == 0:
            user["id"], wanted["id"] = examples["grantAccess"]["user"], examples["editCollection"]["id"]
        stock.setdefault(f"{doom}users", []).append(_made(server, f"{API}/auth/user", user)["user"]["id"])
        collection = _made(server, f"{API}/repository/collection", wanted)["collection"]["id"]
        stock.setdefault(f"{doom}collections", []).append(collection)
        versions = f"{API}/repository/collection/{collection}/versions"
        version = _sent(server, versions, b"some bytes of a backup")["version"]
        stock["versions"].append(version["id"])
        stock["filenames"].append(version["file"]["filename"])
        _made(server, f"{API}/auth/token", {"requestedPermissions": ["ROLE_USER"], "ttl": 3600})
    listed = server.direct.ask("GET", f"{API}/auth/token?perPageLimit=6", server.bearer).json()["data"]
    return stock | {"tokens": [token["token_hash"] for token in listed]}


def fuzz(server: Server, stock: Stock, place: Path, *, examples: int, seed: int) -> subprocess.CompletedProcess[str]:
    """Send schemathesis at every operation of a server; its exit code is 0 when it has nothing to say against it.

    Args:
        server: a running one.
        stock: what is there to be addressed.
        place: an empty directory for its settings.
        examples: random requests per operation and phase.
        seed: decides which.
    """
    settings = place / "schemathesis.toml"
    settings.write_text(_settings(server, stock))
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", settings, "run"),
            *(f"http://{server.direct.host}{API}/doc.json", "--no-color", "--continue-on-failure"),
            *("--seed", str(seed), "--max-examples", str(examples), "--generation-database", "none"),
        ],
        cwd=place,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _settings(server: Server, stock: Stock) -> str:
    """Write what schemathesis must know: who it is, what is there, and what it must not expect."""
    own = log_in(server.direct, ADMIN, PASSWORD)
    codes = {"healthCode": "HEALTH_CHECK_CODE", "metricsCode": "METRICS_CODE"}
    lines = [
        *("[auth.openapi]", f'bearer = {{bearer = "{server.token}"}}'),
        *(f'{scheme} = {{api_key = "{SETTINGS[name]}"}}' for scheme, name in codes.items()),
        f'metricsBearer = {{bearer = "{SETTINGS["METRICS_CODE"]}"}}',
        *("[dictionaries]", *(f"{kind}.values = {json.dumps(ids)}" for kind, ids in stock.items())),
        *("[parameters]", *_bindings(_PLACES)),
        *("[[operations]]", f"include-operation-id = {json.dumps(_DELETING)}"),
        *("[operations.parameters]", *_bindings(_DOOMED)),
        # what is revoked here may be the session itself, so it is one of its own
        *("[[operations]]", 'include-operation-id = "revokeToken"', f'headers = {{Authorization = "Bearer {own}"}}'),
        # the description has no links along which requests could follow each other
        *("[phases]", "stateful.enabled = false"),
        *("[checks]", *(f"{name}.enabled = false" for name in _NOT_EXPECTED)),
    ]
    return "\n".join(lines) + "\n"


def _bindings(kinds: Mapping[str, str]) -> Iterable[str]:
    return (f'"{place}" = {{dictionary = "{kind}", probability = 0.8}}' for place, kind in kinds.items())


def _made(server: Server, path: str, fields: Mapping[str, Any]) -> Any:
    return _sent(server, path, wire.as_json(fields))


def _sent(server: Server, path: str, body: bytes) -> Any:
    answer = server.direct.ask("POST", path, server.bearer, body)
    if answer.status not in {200, 201}:
        raise RuntimeError(answer.body.decode())
    return answer.json()
