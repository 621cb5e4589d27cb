"""Which product on which database (contract 11, R25)."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from world.answers import refusal
from world.client import API, Client, Served

VERSION = f"{API}/version"


async def test_any_token_reads_version_and_database(
    request: pytest.FixtureRequest, served: Served, alice: Client
) -> None:
    """Case 117."""
    engine = request.node.callspec.params["database_url"]
    for somebody in (alice, await served.client(), await alice.generate("ROLE_USER")):
        answer = await somebody.get(VERSION)
        assert answer.status_code == 200
        assert answer.json() == {"version": version("backup-repository"), "db_type": engine}


async def test_guests_read_nothing(guest: Client) -> None:
    """Case 117."""
    answer = await guest.get(VERSION)
    assert refusal(answer) == (401, 401, "request.auth-error")
    assert answer.json()["message"] == "JWT Token not found"
