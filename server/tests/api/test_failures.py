"""What the client sees when the server itself fails (contract 1.3 E7)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import text
from world.answers import broken_fields, refusal
from world.client import (
    COLLECTIONS,
    LOGIN,
    METRICS,
    PASSWORD,
    TOKENS,
    USERS,
    Client,
    Serve,
    Served,
    collection_fields,
    user_fields,
)

OUT_OF_REACH = (503, 503, "app.fatal-error")
FAILED = (500, 500, "app.fatal-error")
REQUESTS = (
    ("GET", TOKENS, None),
    ("POST", TOKENS, {"requestedPermissions": [], "ttl": 60}),
    ("DELETE", f"{TOKENS}/current-session", None),
    ("POST", USERS, user_fields(email="dora@example.org")),
    ("GET", COLLECTIONS, None),
    ("POST", COLLECTIONS, collection_fields()),
    ("PUT", COLLECTIONS, collection_fields(id="c011ec00-0000-4000-8000-000000000001")),
)


@contextlib.asynccontextmanager
async def broken_schema(served: Served, table: str) -> AsyncIterator[None]:
    """Hide a table, so that statements fail although the database is there."""
    async with served.instance.database.transaction() as tx:
        await tx.execute(text(f"ALTER TABLE {table} RENAME TO hidden"))
    try:
        yield
    finally:
        async with served.instance.database.transaction() as tx:
            await tx.execute(text(f"ALTER TABLE hidden RENAME TO {table}"))


async def test_a_database_out_of_reach_is_503_everywhere(
    serve: Serve, admin: Client, tmp_path: Path, database_url: str
) -> None:
    """Case 6."""
    nowhere = "postgresql://user:hunter2@127.0.0.1:1/none" if "postgresql" in database_url else f"sqlite:///{tmp_path}"
    lost = serve(database_url=nowhere).guest()
    for method, path, body in REQUESTS:
        answer = await lost.bearing(admin.token).request(method, path, json=body)
        assert refusal(answer) == OUT_OF_REACH
        assert answer.json()["error"] == "Internal server error"
        assert "hunter2" not in answer.text
    credentials = {"username": "admin@example.org", "password": PASSWORD}
    assert refusal(await lost.post(LOGIN, json=credentials)) == OUT_OF_REACH
    assert refusal(await lost.get(METRICS, params={"code": "metrics secret"})) == OUT_OF_REACH


async def test_what_needs_no_database_is_answered_without_one(serve: Serve, tmp_path: Path) -> None:
    lost = serve(database_url=f"sqlite:///{tmp_path}").guest()
    assert (await lost.get("/api/stable/unknown")).status_code == 404
    assert (await lost.request("PATCH", COLLECTIONS)).status_code == 405
    assert (await lost.get(COLLECTIONS)).status_code == 401
    assert (await lost.bearing("damaged").get(COLLECTIONS)).json()["message"] == "Invalid JWT Token"
    assert broken_fields(await lost.post(LOGIN, json={})) == {"username": 50002, "password": 50002}


async def test_an_unforeseen_failure_is_500_and_says_nothing(served: Served, alice: Client) -> None:
    """Case 6."""
    bearer = served.guest(failures_surface=False).bearing(alice.token)
    async with broken_schema(served, "grants"):
        for method, path, body in (("GET", COLLECTIONS, None), ("POST", COLLECTIONS, collection_fields())):
            answer = await bearer.request(method, path, json=body)
            assert refusal(answer) == FAILED
            assert answer.json()["error"] == "Internal server error"
            assert not [word for word in ("grants", "hidden", "table", "relation") if word in answer.text]
            assert answer.headers["connection"] == "close"
    assert (await bearer.get(COLLECTIONS)).json()["elements"] == []


async def test_a_failure_in_the_middle_changes_nothing(served: Served, alice: Client, admin: Client) -> None:
    """Contract 1.4: a creation whose second statement fails leaves no collection behind."""
    bearer = served.guest(failures_surface=False).bearing(alice.token)
    async with broken_schema(served, "grants"):
        assert refusal(await bearer.post(COLLECTIONS, json=collection_fields())) == FAILED
    assert (await admin.get(COLLECTIONS)).json()["elements"] == []
    assert (await bearer.post(COLLECTIONS, json=collection_fields())).status_code == 201


async def test_codes_stand_in_the_text_with_one_space(admin: Client) -> None:
    """Case 6."""
    fields = user_fields(email="dora@example.org")
    assert (await admin.post(USERS, json=fields)).status_code == 201
    answer = await admin.post(USERS, json=fields)
    assert broken_fields(answer) == {"id": 40001}
    assert '"code": 40001' in answer.text
    assert answer.text == (
        '{\n    "error": "JSON payload validation error",\n    "fields": {\n        "id": {\n'
        '            "message": "User already exists",\n            "code": 40001\n        }\n    },\n'
        '    "type": "validation.error"\n}'
    )
