"""Paths and methods, before anybody is asked who they are (contract 1.1, 1.4 step 1, 2)."""

from __future__ import annotations

import json

import pytest
from world.answers import NOT_FOUND, refusal, steady_headers
from world.client import API, COLLECTIONS, HEALTH, LOGIN, METRICS, TOKENS, USERS, Client, Serve, Served

ID = "c011ec00-0000-4000-8000-000000000001"
# The database decides about no route.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
VARIABLE = (ID, "0" * 64, "current-session")
"""Last parts of a path that may be anything."""
OFFERED = {
    LOGIN: {"POST"},
    TOKENS: {"GET", "POST"},
    f"{TOKENS}/{'0' * 64}": {"DELETE"},
    f"{TOKENS}/current-session": {"DELETE"},
    COLLECTIONS: {"GET", "POST", "PUT"},
    f"{COLLECTIONS}/{ID}": {"GET", "DELETE"},
    f"{COLLECTIONS}/{ID}/access": {"GET", "POST", "PUT"},
    f"{COLLECTIONS}/{ID}/access/{ID}": {"DELETE"},
    HEALTH: {"GET"},
    METRICS: {"GET"},
}
"""What contract 2 lists, of the routes outside versions and user administration."""
PROTECTED = {
    (method, path) for path, methods in OFFERED.items() if path.startswith(API) and path != LOGIN for method in methods
} | {("POST", USERS)}


async def test_an_unknown_path_is_not_found_for_guests(guest: Client) -> None:
    """Cases 1 and 7."""
    cases: list[str] = [
        "/db/backup",
        "/db/restore",
        "/test/errors/500",
        "/api",
        API,
        "/api/v1/login_check",
        f"{API}/nothing",
        f"{API}/repository/collections",
        f"{COLLECTIONS}/{ID}/foo",
        f"{COLLECTIONS}/{ID}/access/{ID}/more",
        "/metrics/backup_repository_report",
        "/metrics/backup_repository_report/prometheus",
    ]
    for path in cases:
        for method in METHODS:
            answer = await guest.request(method, path)
            assert answer.status_code == 404
            assert method == "HEAD" or refusal(answer) == NOT_FOUND
        assert json.loads(answer.text)["error"] == "Route or resource not found"


async def test_another_spelling_of_a_path_is_unknown(guest: Client, admin: Client) -> None:
    cases: list[str] = [USERS, *(path for path in OFFERED if not path.endswith(VARIABLE))]
    for path in cases:
        for somebody in (guest, admin):
            for other in (
                f"{path}/",
                f"{path}%0A",
                f"http://testserver/{path}",
                path.replace("/", "/%00", 1),
                path.swapcase(),
            ):
                answer = await somebody.post(other, json={}, params={"code": "health secret"})
                # what follows a variable part belongs to it
                addressed = other.endswith("%0A") and path.startswith(COLLECTIONS + "/")
                assert addressed or refusal(answer) == NOT_FOUND, other


async def test_a_method_that_is_not_offered_is_405_with_allow(guest: Client) -> None:
    """Case 1."""

    for path, methods in OFFERED.items():
        offered = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        for method in sorted({*METHODS, "BREW"} - offered):
            answer = await guest.request(method, path)
            assert answer.status_code == 405
            assert method == "HEAD" or refusal(answer) == (405, 405, "app.fatal-error")
            assert set(answer.headers["allow"].split(", ")) == offered


async def test_put_on_login_check_is_405(guest: Client) -> None:
    """Case 1."""
    answer = await guest.put(LOGIN, content=b"{")
    assert refusal(answer) == (405, 405, "app.fatal-error")
    assert answer.headers["allow"] == "OPTIONS, POST"


async def test_options_says_what_is_allowed(guest: Client) -> None:
    cases: list[str] = [*OFFERED, USERS]
    for path in cases:
        answer = await guest.request("OPTIONS", path)
        assert (answer.status_code, answer.content) == (204, b"")
        allowed = set(answer.headers["allow"].split(", "))
        assert allowed >= OFFERED.get(path, {"POST"}) | {"OPTIONS"}
        for method in allowed - {"OPTIONS"}:
            assert (await guest.request(method, path)).status_code != 405


async def test_a_protected_route_wants_a_token(guest: Client) -> None:
    """Case 2, case 30."""
    cases: list[tuple[str, str]] = sorted(PROTECTED)
    for method, path in cases:
        answer = await guest.request(method, path)
        assert refusal(answer) == (401, 401, "request.auth-error")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["message"] == answer.json()["error"] == "JWT Token not found"


async def test_there_are_no_built_in_credentials(guest: Client) -> None:
    """Case 7."""
    cases: list[tuple[str, str]] = sorted(PROTECTED)
    for method, path in cases:
        answer = await guest.request(method, path, headers={"test-token": "test-token-full-permissions"})
        assert refusal(answer) == (401, 401, "request.auth-error")
        answer = await guest.request(method, path, headers={"Authorization": "Bearer test-token-full-permissions"})
        assert answer.json()["message"] == "Invalid JWT Token"


async def test_head_answers_like_get_without_body(alice: Client) -> None:
    collection = await alice.create_collection()
    for path in (
        TOKENS,
        COLLECTIONS,
        f"{COLLECTIONS}/{collection['id']}",
        f"{COLLECTIONS}/{collection['id']}/access",
        f"{COLLECTIONS}/{ID}",
    ):
        whole, head = await alice.get(path), await alice.request("HEAD", path)
        assert head.status_code == whole.status_code
        assert steady_headers(head) == steady_headers(whole)
        assert head.content == b""
        assert int(head.headers["content-length"]) == len(whole.content)


async def test_no_cors_headers_are_sent(guest: Client, alice: Client) -> None:
    asking = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    for somebody in (guest, alice):
        for method in ("OPTIONS", "GET", "POST"):
            answer = await somebody.request(method, COLLECTIONS, headers=asking)
            assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_only_configured_hosts_are_served(serve: Serve) -> None:
    served = serve(trusted_hosts=("backups.example.org", "*.internal.example", "::1", "[::1]"))

    async def status(host: str, path: str = f"{HEALTH}?code=health secret") -> int:
        return (await served.guest().get(path, headers={"Host": host})).status_code

    for host in ("backups.example.org", "BACKUPS.example.org:8443", "a.internal.example", "a.b.internal.example:80"):
        assert await status(host) == 200
    for host in (
        "",
        "example.org",
        "internal.example",
        "xinternal.example",
        "backups.example.org.evil.example",
        "[::2]",
    ):
        assert await status(host) == 400
        assert await status(host, "/unknown") == 400


async def test_a_refused_host_gets_an_error_envelope(serve: Serve) -> None:
    answer = await serve(trusted_hosts=("backups.example.org",)).guest().get(HEALTH)
    assert refusal(answer) == (400, 400, "app.fatal-error")


async def test_any_host_is_served_when_none_is_configured(served: Served) -> None:
    for host in ("", "anything.example", "[::1]:9", "[", "a b", "x:y:z"):
        answer = await served.guest().get(HEALTH, headers={"Host": host}, params={"code": "health secret"})
        assert answer.status_code == 200
