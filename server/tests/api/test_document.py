"""What guests read: the description of the API as it is served, and the pages over it (contract 11, case 116)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import pytest
from world.client import ADMINISTRATOR, API, COLLECTIONS, USERS, Client, Served
from world.document import document, operations

# The database decides about no description.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PAGES = ("/", f"{API}/doc")


async def test_guests_read_the_document(guest: Client) -> None:
    """Case 116."""
    answer = await guest.get(f"{API}/doc.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["openapi"].startswith("3.1")


def sent_example(name: str, **changes: Any) -> Any:
    return next(operation.example for operation in operations() if operation.id == name) | changes


async def test_every_example_of_a_body_is_accepted(admin: Client, guest: Client) -> None:
    """With ids that exist here."""
    created = await admin.post(USERS, json=sent_example("createUser"))
    user = created.json()["user"]["id"]
    collection = (await admin.post(COLLECTIONS, json=sent_example("createCollection"))).json()["collection"]["id"]
    access = f"{COLLECTIONS}/{collection}/access"
    sent: list[tuple[str, Client, str, str, dict[str, Any]]] = [
        ("logIn", guest, "POST", f"{API}/login_check", {}),
        ("generateToken", admin, "POST", f"{API}/auth/token", {}),
        ("editUser", admin, "PUT", f"{USERS}/{user}", {}),
        ("editCollection", admin, "PUT", COLLECTIONS, {"id": collection}),
        ("grantAccess", admin, "POST", access, {"user": user}),
        ("grantAccessWithPut", admin, "PUT", access, {"user": user}),
    ]
    for name, somebody, method, path, ids in sent:
        answer = await somebody.request(method, path, json=sent_example(name, **ids))
        assert answer.status_code == 200, (name, answer.text)
    everything = {name for name, *_ in sent} | {"createUser", "createCollection"}
    assert everything == {operation.id for operation in operations() if operation.example is not None}


@pytest.mark.parametrize("path", PAGES)
async def test_guests_read_the_pages(guest: Client, path: str) -> None:
    """Case 116."""
    for method in ("GET", "HEAD"):
        answer = await guest.request(method, path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "{{" not in (await guest.get(path)).text


@pytest.mark.parametrize("path", [*PAGES, f"{API}/doc.json"])
async def test_nothing_refers_to_another_host(guest: Client, path: str) -> None:
    """Case 116."""
    text = (await guest.get(path)).text
    hosts = set(re.findall(r"(?:https?:)?//([a-z0-9][\w.-]*)", text))
    assert hosts <= {"localhost"}


async def test_a_page_may_run_and_load_nothing_but_itself(guest: Client) -> None:
    """Its own style and script are allowed by their hashes, everything else is forbidden."""
    for path in PAGES:
        answer = await guest.get(path)
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        expected = {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"}
        expected |= {"img-src": "data:", "style-src": f"'{digest_of('style', answer.text)}'"}
        if "<script>" in answer.text:
            expected |= {"script-src": f"'{digest_of('script', answer.text)}'", "connect-src": "'self'"}
        assert policy == expected
        assert re.findall(r"\s(?:on\w+|style)=", answer.text.partition("<script>")[0]) == []


def digest_of(tag: str, html: str) -> str:
    """Hash the only element of this kind, as a browser does."""
    (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


async def test_the_pages_hold_no_secrets(served: Served, guest: Client) -> None:
    admin = await served.client(ADMINISTRATOR, email="root@secret.example")
    await admin.create_collection(description="a secret description")
    for path in (*PAGES, f"{API}/doc.json"):
        text = (await guest.get(path)).text
        for word in ("secret.example", "secret description", "health secret", "metrics secret", str(served.storage)):
            assert word not in text


async def test_the_document_is_the_same_for_everybody(guest: Client, admin: Client, alice: Client) -> None:
    answers = [await somebody.get(f"{API}/doc.json") for somebody in (guest, admin, alice, guest.bearing("damaged"))]
    assert len({answer.content for answer in answers}) == 1
    assert json.loads(answers[0].content) == document()
