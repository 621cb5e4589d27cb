"""`auth create-user` and `auth create-admin-account` (contract B 2.2; cases 10, 11)."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from world.console import run
from world.instance import ADMIN, Installation
from world.records import rows

USER, ADMINISTRATOR = ("auth", "create-user"), ("auth", "create-admin-account")
CAROL = "ca401000-0000-4000-8000-00000000000a"
IGNORING = ("--ignore-error-if-user-exists", "--ignore-error-if-already-exists")


def accounts(installation: Installation) -> list[tuple[object, ...]]:
    return sorted(rows(installation.database, "SELECT * FROM users"))


def test_a_user_is_created_and_only_the_id_is_printed(installation: Installation) -> None:
    ran = run(installation, *USER, "-m", "first@example.org", "--password-stdin", words=b"a-good-password\n")
    assert (ran.code, ran.err) == (0, "")
    stored = rows(installation.database, f"SELECT email FROM users WHERE id = '{ran.out.strip()}'")
    assert ran.out == f"{ran.out.strip()}\n"
    assert stored == [("first@example.org",)]


def test_every_option_reaches_the_account(installation: Installation) -> None:
    options = (
        *("--email", "carol@example.org", "--generate-password", "--id", CAROL.upper(), "--json"),
        *("--permissions", "upload.all, collections.create_new", "--tags", "nightly,db"),
        *("--max-file-size", "5000", "--expires", "2199-12-31"),
    )
    ran = run(installation, *USER, *options)
    assert (ran.code, ran.err) == (0, "")
    account = ran.json()
    assert account["id"] == CAROL
    assert account["email"] == "carol@example.org"
    assert account["permissions"] == ["upload.all", "collections.create_new"]
    assert account["data"]["tags"] == ["nightly", "db"]
    assert account["data"]["max_allowed_filesize"] == 5000
    assert account["expires"].startswith("2199-12-31")
    assert account["is_administrator"] is False


def test_an_administrator_expires_after_ten_years_unless_told_otherwise(installation: Installation) -> None:
    ran = run(installation, *ADMINISTRATOR, "-m", "second@example.org", "--generate-password", "--json")
    assert (ran.code, ran.err) == (0, "")
    account = ran.json()
    assert account["is_administrator"] is True
    assert account["permissions"][0] == "security.administrator"
    expires = datetime.fromisoformat(account["expires"]).replace(tzinfo=UTC)
    ten_years = timedelta(days=3650)
    assert ten_years - timedelta(days=2) < expires - datetime.now(UTC) < ten_years + timedelta(days=4)


def test_verbose_adds_the_whole_account(installation: Installation) -> None:
    ran = run(installation, "-v", *USER, "-m", "verbose@example.org", "--password-stdin", words=b"a-good-password\n")
    assert (ran.code, ran.err) == (0, "")
    identifier, account = ran.out.split("\n", 1)
    assert f'"id": "{identifier}"' in account
    assert '"email": "verbose@example.org"' in account


def test_every_refused_field_has_its_line(installation: Installation) -> None:
    """Case 11, first part."""
    before = accounts(installation)
    options = (
        *("--email", "nonsense", "--password-stdin", "--id", "nonsense", "--expires", "nonsense"),
        *("--tags", "a" * 65, "--max-file-size", "-1"),
    )
    ran = run(installation, *USER, *options, words=b"short\n")
    assert (ran.code, ran.out) == (1, "")
    heading, *lines = ran.err.splitlines()
    assert heading == "Refused:"
    assert [(line.split('"')[1], line[line.rindex("(") :]) for line in lines] == [
        ("email", "(code: 40005)"),
        ("password", "(code: 40006)"),
        ("data.tags", "(code: 50002)"),
        ("data.maxAllowedFileSize", "(code: 42016)"),
        ("id", "(code: 40021)"),
        ("expirationDate", "(code: 41014)"),
    ]
    assert all(line.startswith(' Field "') for line in lines)
    assert accounts(installation) == before


def test_a_refusal_without_a_field_has_one_line(installation: Installation) -> None:
    ran = run(installation, *USER, "-m", "x@example.org", "--generate-password", "--permissions", "nonsense")
    assert (ran.code, ran.out) == (1, "")
    heading, line = ran.err.splitlines()
    assert heading == "Refused:"
    assert line.startswith(" Invalid permission selected")
    assert line.endswith("(code: 40010)")


def test_an_existing_account_is_refused_or_with_either_switch_named(installation: Installation) -> None:
    """Case 11, second part."""
    before = accounts(installation)
    administrator = rows(installation.database, f"SELECT id FROM users WHERE email = '{ADMIN}'")[0][0]
    again = ("-m", ADMIN.upper(), "--generate-password")
    refused = run(installation, *USER, *again)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == 'Refused:\n Field "id": User already exists (code: 40001)\n'
    for command, switch in itertools.product((USER, ADMINISTRATOR), IGNORING):
        ignored = run(installation, *command, *again, switch)
        assert (ignored.code, ignored.out, ignored.err) == (0, f"{administrator}\n", ""), (command, switch)
    by_id = run(
        *(installation, *USER, "-m", "new@example.org", "--generate-password", "--json"),
        *("-i", administrator.upper(), IGNORING[0]),
    )
    assert by_id.code == 0
    assert by_id.json()["email"] == ADMIN
    assert "password" not in by_id.json(), "the account keeps its password"
    assert accounts(installation) == before


def test_the_switch_ignores_nothing_but_an_existing_account(installation: Installation) -> None:
    ran = run(installation, *USER, "-m", "nonsense", "--generate-password", IGNORING[0])
    assert (ran.code, ran.out) == (1, "")
    assert "(code: 40005)" in ran.err


def test_a_read_only_instance_creates_no_account(installation: Installation) -> None:
    """Case 10, first part."""
    before = accounts(installation)
    closed = installation.with_settings(READ_ONLY="true")
    ran = run(closed, *USER, "-m", "late@example.org", "--generate-password")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "Refused:\n This instance is read-only (code: 42005)\n"
    assert accounts(installation) == before
