"""`auth list-users`, `auth reset-password`, `auth clear-expired-users` (contract B 2.2; cases 13 to 15)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from world.console import run
from world.instance import ADMIN, API, PASSWORD, Installation, Server, log_in
from world.records import rows
from world.wire import as_json

NEW = b"another battery staple!\n"
CREATE = ("auth", "create-user", "--generate-password", "-m")
RESET = ("auth", "reset-password")
CLEAR = ("auth", "clear-expired-users")
VERSION = f"{API}/version"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Installation.make(tmp_path_factory.mktemp("running")).serve() as server:
        yield server


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation with two accounts that have expired, one of them an administrator, and two that have not."""
    return make_aged(tmp_path_factory.mktemp("aged"))


def make_aged(root: Path) -> Installation:
    installation = Installation.make(root)
    assert run(installation, *CREATE, "past@example.org", "--expires=-1 day").code == 0
    assert run(installation, *CREATE, "future@example.org", "--expires", "+1 day").code == 0
    administrator = ("auth", "create-admin-account", "--generate-password", "-m", "retired@example.org")
    assert run(installation, *administrator, "--expires=-1 second").code == 0
    return installation


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def emails(installation: Installation) -> set[str]:
    return {email for (email,) in rows(installation.database, "SELECT email FROM users")}


def test_a_new_password_ends_every_session_and_token(running: Server) -> None:
    """Case 14, first part."""
    session = log_in(running.direct, ADMIN, PASSWORD)
    wanted = as_json({"requestedPermissions": [], "ttl": 3600})
    generated = running.direct.ask("POST", f"{API}/auth/token", bearer(session), wanted).json()["token"]
    place = running.installation
    account = rows(place.database, f"SELECT id FROM users WHERE email = '{ADMIN}'")[0][0]
    ran = run(place, *RESET, ADMIN.upper(), "--password-stdin", words=NEW)
    assert (ran.code, ran.out) == (0, f"{account}\n")
    assert ran.err == "3 sessions and tokens were revoked\n"
    for token in (session, generated, running.token):
        refused = running.direct.ask("GET", VERSION, bearer(token))
        assert (refused.status, refused.json()["code"]) == (403, 40324)
    with pytest.raises(PermissionError):
        log_in(running.direct, ADMIN, PASSWORD)
    assert run(place, *RESET, ADMIN, "--password-stdin", words=PASSWORD.encode()).code == 0


def test_sessions_can_be_kept(running: Server) -> None:
    """Case 14, second part."""
    session = log_in(running.direct, ADMIN, PASSWORD)
    ran = run(running.installation, *RESET, ADMIN, "--keep-sessions", "--password-stdin", words=NEW)
    assert (ran.code, ran.err) == (0, "")
    assert running.direct.ask("GET", VERSION, bearer(session)).status == 200
    log_in(running.direct, ADMIN, NEW.decode().strip())
    assert run(running.installation, *RESET, ADMIN, "--password-stdin", words=PASSWORD.encode()).code == 0


def test_a_generated_password_is_the_last_line_and_works(running: Server) -> None:
    """Case 13, for this command; the account is named by its id."""
    created = run(running.installation, *CREATE, "eve@example.org").out.split()[0]
    ran = run(running.installation, "-v", *RESET, created.upper(), "--generate-password")
    assert ran.code == 0
    first, *middle, last = ran.out.splitlines()
    assert first == created
    assert '    "email": "eve@example.org",' in middle
    log_in(running.direct, "eve@example.org", last)
    assert (ran.out + ran.err).count(last) == 1


def test_an_unknown_account_and_a_bad_password_are_refused_together(running: Server) -> None:
    ran = run(running.installation, *RESET, "nobody@example.org", "--password-stdin", words=b"short\n")
    assert (ran.code, ran.out) == (1, "")
    heading, *lines = ran.err.splitlines()
    assert heading == "Refused:"
    assert [(line.split('"')[1], line[line.rindex("(") :]) for line in lines] == [
        ("password", "(code: 40006)"),
        ("account", "(code: 404)"),
    ]


def test_a_refused_reset_ends_no_session(running: Server) -> None:
    session = log_in(running.direct, ADMIN, PASSWORD)
    assert run(running.installation, *RESET, ADMIN, "--password-stdin", words=b"too plain\n").code == 1
    assert running.direct.ask("GET", VERSION, bearer(session)).status == 200


def test_without_a_terminal_a_password_option_is_needed(running: Server) -> None:
    assert run(running.installation, *RESET, ADMIN).code == 2


def test_accounts_are_listed_in_columns_under_a_heading(aged: Installation) -> None:
    ran = run(aged, "auth", "list-users")
    assert (ran.code, ran.err) == (0, "")
    heading, *lines = ran.out.splitlines()
    assert heading.split("  ")[0] == "id"
    column = heading.index("e-mail")
    assert [line[column:].split()[0] for line in lines] == [
        ADMIN,
        "past@example.org",
        "future@example.org",
        "retired@example.org",
    ]
    administrators = [line[heading.index("administrator") :].split()[0] for line in lines]
    assert administrators == ["yes", "no", "no", "yes"]


def test_listed_accounts_can_be_narrowed(aged: Installation) -> None:
    def found(*options: str) -> list[str]:
        return [user["email"] for user in run(aged, "auth", "list-users", "--json", *options).json()]

    assert found("--expired") == ["past@example.org", "retired@example.org"]
    assert found("--query", "FUTURE") == ["future@example.org"]
    assert found("--query", "security.administrator", "--expired") == ["retired@example.org"]
    assert found("--query", "nobody") == []
    nothing = run(aged, "auth", "list-users", "--query", "nobody")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "Nothing found\n")


def test_a_dry_run_lists_the_expired_and_deletes_none(aged: Installation) -> None:
    """Case 15, second part."""
    announced = run(aged, *CLEAR, "--dry-run")
    assert (announced.code, announced.err) == (0, "")
    assert [line.split()[1] for line in announced.out.splitlines()] == ["past@example.org", "retired@example.org"]
    assert len(emails(aged)) == 4


def test_only_expired_accounts_are_deleted_with_all_they_had(tmp_path: Path) -> None:
    """Case 15, first part."""
    aged = make_aged(tmp_path)
    owned = ("--owner", "past@example.org", "--owner", "future@example.org")
    assert run(aged, "backup", "create-collection", "-f", "db.tar", *owned).code == 0
    announced = run(aged, *CLEAR, "--dry-run", "--json").json()
    cleared = run(aged, *CLEAR, "--json")
    assert (cleared.code, cleared.json(), cleared.err) == (0, announced, "")
    assert {user["email"]: user["expired"] for user in announced} == {
        "past@example.org": True,
        "retired@example.org": True,
    }
    assert emails(aged) == {ADMIN, "future@example.org"}
    members = rows(aged.database, "SELECT email FROM grants JOIN users ON users.id = grants.user_id")
    assert members == [("future@example.org",)]
    assert rows(aged.database, "SELECT count(*) FROM grants") == [(1,)]
    again = run(aged, *CLEAR)
    assert (again.code, again.out, again.err) == (0, "", "")


@pytest.mark.parametrize("command", [(*RESET, ADMIN, "--generate-password"), CLEAR], ids=["reset", "clear"])
def test_a_read_only_instance_is_left_as_it_is(command: tuple[str, ...], aged: Installation) -> None:
    before = rows(aged.database, "SELECT * FROM users")
    ran = run(aged.with_settings(READ_ONLY="true"), *command)
    assert (ran.code, ran.out) == (1, "")
    assert "(code: 42005)" in ran.err
    assert rows(aged.database, "SELECT * FROM users") == before
    assert run(aged.with_settings(READ_ONLY="true"), *CLEAR, "--dry-run").out.count("\n") == 2


def test_what_people_wrote_gives_a_terminal_no_orders(running: Server) -> None:
    escape = "\x1b[2J"
    account = as_json(
        {"email": "mallory@example.org", "password": PASSWORD, "permissions": [], "data": {}, "organization": escape}
    )
    session = log_in(running.direct, ADMIN, PASSWORD)
    assert running.direct.ask("POST", f"{API}/auth/user", bearer(session), account).status == 201
    ran = run(running.installation, "auth", "list-users", "--query", "mallory")
    assert "\x1b" not in ran.out
    assert r"\x1b[2J" in ran.out
