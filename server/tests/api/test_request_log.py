"""One log line per request, without secrets."""

from __future__ import annotations

import json
import logging

import pytest
from world.client import COLLECTIONS, HEALTH, PASSWORD, Client, Served

from backup_repository.cli.logs import JsonLines, TextLines

LOGGER = "backup_repository.requests"


def lines(caplog: pytest.LogCaptureFixture, form: logging.Formatter) -> list[str]:
    return [form.format(record) for record in caplog.records if record.name == LOGGER]


async def test_a_request_leaves_one_line_with_who_what_and_how_it_ended(
    caplog: pytest.LogCaptureFixture, alice: Client
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    collection = await alice.create_collection()
    answer = await alice.upload(collection["id"], b"twelve bytes")
    line = json.loads(lines(caplog, JsonLines())[-1])
    assert line["actor"] == alice.id
    assert line["method"] == "POST"
    assert line["route"] == f"{COLLECTIONS}/{{collection_id}}/{{naming}}"
    assert line["status"] == 200
    assert line["received"] == 12
    assert line["sent"] == len(answer.content)
    assert line["seconds"] >= 0
    assert line["request"] == answer.headers["x-request-id"]


async def test_every_request_has_an_id_of_its_own(guest: Client) -> None:
    ids = {(await guest.get("/nowhere")).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("form", [TextLines(), JsonLines()], ids=["text", "json"])
async def test_no_secret_stands_in_the_log(
    caplog: pytest.LogCaptureFixture, form: logging.Formatter, served: Served, alice: Client
) -> None:
    caplog.set_level(logging.INFO)
    guest = served.guest()
    session = await guest.log_in(alice.email)
    code = served.config.health_check_code
    await guest.get(HEALTH, params={"code": code})
    await guest.get(HEALTH, params={"code": "a wrong code"})
    await guest.bearing("a.wrong.token").get(COLLECTIONS)
    await session.get(COLLECTIONS, params={"searchQuery": "private words"})
    await guest.get(f"/nowhere/{session.token}")
    ours = [record for record in caplog.records if not record.name.startswith("http")]  # the test's client logs too
    logged = "\n".join(form.format(record) for record in ours)
    assert logged.count("status") == 6
    for secret in (PASSWORD, session.token, code, "a wrong code", "a.wrong.token", "private words", "?"):
        assert secret not in logged
