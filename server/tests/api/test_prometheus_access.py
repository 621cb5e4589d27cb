"""`GET /metrics`: who may read it, and what it never shows (contract 2)."""

from __future__ import annotations

import logging

import httpx
import pytest
from world.answers import refusal
from world.client import PASSWORD, Client, Serve, Served

from backup_repository.cli.logs import JsonLines, TextLines

PATH = "/metrics"
DENIED = (403, 403, "app.fatal-error")
CODE = {"code": "metrics secret"}
BEARER = {"Authorization": "Bearer metrics secret"}


@pytest.mark.parametrize("words", ["Bearer metrics secret", "bearer metrics secret", "BEARER   metrics secret"])
async def test_the_code_may_come_as_a_bearer(served: Served, words: str) -> None:
    answer = await served.guest().get(PATH, headers={"Authorization": words})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


async def test_a_code_beyond_ascii_opens_both_ways(serve: Serve) -> None:
    guest = serve(metrics_code="żółw").guest()
    assert (await guest.get(PATH, params={"code": "żółw"})).status_code == 200
    headers = {b"Authorization": "Bearer żółw".encode()}
    assert (await guest.http.get(PATH, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "words",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Bearer health secret", "Basic metrics secret", "metrics secret"],
)
async def test_no_other_bearer_is_let_in(served: Served, serve: Serve, words: str) -> None:
    """Case 113."""
    for somebody in (served.guest(), serve(metrics_code="").guest()):
        answer = await somebody.get(PATH, headers={"Authorization": words})
        assert refusal(answer) == DENIED
        assert answer.headers["cache-control"] == "no-store"


async def test_without_the_right_code_nothing_is_said(served: Served, serve: Serve, admin: Client) -> None:
    """Case 113: an administrator's token is no code either."""
    closed = serve(metrics_code="").guest()
    for query in ("", "code", "code=", "code=wrong", "code=health+secret", "code=metrics+secret&code=metrics+secret"):
        for somebody in (served.guest(), closed, admin):
            answer = await somebody.get(f"{PATH}?{query}")
            assert refusal(answer) == DENIED, query
            assert answer.headers["cache-control"] == "no-store"
    assert refusal(await closed.get(PATH, params=CODE)) == DENIED
    assert refusal(await closed.get(PATH, headers=BEARER)) == DENIED


async def test_two_bearers_are_none(served: Served) -> None:
    headers = [("Authorization", "Bearer metrics secret"), ("Authorization", "Bearer metrics secret")]
    assert refusal(await served.guest().request("GET", PATH, headers=headers)) == DENIED


async def test_head_sends_no_metrics(served: Served) -> None:
    answer = await served.guest().request("HEAD", PATH, params=CODE)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_nothing_secret_is_shown_or_logged(
    served: Served, alice: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    guest = served.guest()
    session = await guest.log_in(alice.email)
    collection = await alice.create_collection(description="private words")
    await alice.upload(collection["id"], b"abc")
    await guest.get("/health", params={"code": "health secret"})
    await guest.get(f"/nowhere/{session.token}", params={"q": "private words"})
    await guest.get(PATH, params={"code": "a wrong code"})
    await guest.get(PATH, headers={"Authorization": "Bearer a wrong code"})
    answers: list[httpx.Response] = [
        await guest.get(PATH, params=CODE),
        await guest.get(PATH, headers=BEARER),
    ]
    shown = "".join(answer.text for answer in answers)
    ours = [record for record in caplog.records if not record.name.startswith("http")]  # the test's client logs too
    logged = "\n".join(form.format(record) for record in ours for form in (TextLines(), JsonLines()))
    assert logged.count(PATH) >= 8
    secrets = (PASSWORD, session.token, "metrics secret", "health secret", "a wrong code", "private words", alice.email)
    for secret in (*secrets, alice.id, "127.0.0.1"):
        assert secret not in shown
        if secret not in {alice.id, "127.0.0.1"}:
            assert secret not in logged
