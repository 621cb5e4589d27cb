"""`backup create-collection` (contract B 2.2; case 16)."""

from __future__ import annotations

import json

import pytest
from world.console import run
from world.instance import ADMIN, Installation
from world.records import rows

from backup_repository.access.model import COLLECTION_PERMISSIONS

CREATE = ("backup", "create-collection", "--filename")
CHOSEN = "c011ec00-0000-4000-8000-0000000000ab"


def count(installation: Installation) -> int:
    number: int = rows(installation.database, "SELECT count(*) FROM collections")[0][0]
    return number


def test_only_the_id_is_printed_and_nobody_receives_access(installation: Installation) -> None:
    ran = run(installation, *CREATE, "alone.tar")
    assert (ran.code, ran.err) == (0, "")
    identifier = ran.out.strip()
    assert ran.out == f"{identifier}\n"
    assert rows(installation.database, f"SELECT filename FROM collections WHERE id = '{identifier}'") == [
        ("alone.tar",)
    ]
    assert rows(installation.database, f"SELECT * FROM grants WHERE collection_id = '{identifier}'") == []


def test_each_owner_receives_all_eight_permissions(installation: Installation) -> None:
    """Case 16, first part."""
    created = run(installation, "auth", "create-user", "-m", "Bob@example.org", "--generate-password", "--json")
    owners = ("--owner", ADMIN, "--owner", "bob@example.org", "--owner", "BOB@EXAMPLE.ORG")
    ran = run(installation, *CREATE, "owned.tar", *owners, "--json")
    assert (ran.code, ran.err) == (0, "")
    query = f"SELECT user_id, permissions FROM grants WHERE collection_id = '{ran.json()['id']}'"
    given = dict(rows(installation.database, query))
    assert len(given) == 2
    assert created.json()["id"] in given
    assert len(COLLECTION_PERMISSIONS) == 8
    for permissions in given.values():
        assert set(json.loads(permissions)) == {permission.value for permission in COLLECTION_PERMISSIONS}


def test_omitted_limits_take_the_maxima_of_the_instance(installation: Installation) -> None:
    bounded = installation.with_settings(
        BACKUP_MAX_VERSIONS="7", BACKUP_ONE_VERSION_MAX_SIZE="1GB", BACKUP_COLLECTION_MAX_SIZE="10GB"
    )
    collection = run(bounded, *CREATE, "maxima.tar", "--json").json()
    assert collection["max_backups_count"] == 7
    assert collection["max_one_backup_version_size_bytes"] == 10**9
    assert collection["max_collection_size_bytes"] == 10**10
    assert collection["strategy"] == "delete_oldest_when_adding_new"
    assert collection["description"] == ""


def test_every_option_reaches_the_collection(installation: Installation) -> None:
    options = (
        *("-b", "3", "-o", "1.5MiB", "-c", "1 GB", "-s", "alert_when_too_many_versions"),
        *("-d", "every night: ü", "-p", "no effect", "--json"),
    )
    ran = run(installation, *CREATE, "all options.tar", *options)
    assert (ran.code, ran.err) == (0, "")
    collection = ran.json()
    assert collection["filename"] == "all options.tar"
    assert collection["max_backups_count"] == 3
    assert collection["max_one_backup_version_size_bytes"] == 1024 * 1536
    assert collection["max_collection_size_bytes"] == 10**9
    assert collection["strategy"] == "alert_when_too_many_versions"
    assert collection["description"] == "every night: ü"


def test_the_console_may_leave_every_limit_open(installation: Installation) -> None:
    bounded = installation.with_settings(BACKUP_COLLECTION_MAX_SIZE="100GB")
    collection = run(bounded, *CREATE, "open.tar", "-b", "0", "-o", "0", "-c", "0", "--json").json()
    assert collection["max_backups_count"] == 0
    assert collection["max_one_backup_version_size_bytes"] == 0
    assert collection["max_collection_size_bytes"] == 0


def test_a_taken_id_is_refused_or_with_the_switch_named(installation: Installation) -> None:
    """Case 16, second part."""
    first = run(installation, *CREATE, "first.tar", "--id", CHOSEN.upper())
    assert (first.code, first.out) == (0, f"{CHOSEN}\n")
    before = count(installation)
    refused = run(installation, *CREATE, "second.tar", "-i", CHOSEN)
    assert (refused.code, refused.out) == (1, "")
    assert "(code: 40100)" in refused.err
    ignored = run(installation, *CREATE, "second.tar", "-i", CHOSEN.upper(), "--ignore-error-if-exists", "-b", "1")
    assert (ignored.code, ignored.out, ignored.err) == (0, f"{CHOSEN}\n", "")
    assert count(installation) == before
    assert rows(installation.database, f"SELECT filename FROM collections WHERE id = '{CHOSEN}'") == [("first.tar",)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            ("not/allowed", "-b", "-1", "-o", "much", "-c", "-1", "-s", "random"),
            {
                "filename": "42012",
                "maxBackupsCount": "42016",
                "maxOneVersionSize": "42010",
                "maxCollectionSize": "42010",
                "strategy": "42021",
            },
        ),
        (("x.tar", "--owner", "nobody@example.org"), {"owner": "404"}),
        (("x.tar", "-b", "101"), {None: "40102"}),
    ],
    ids=["fields", "owner", "above the maximum"],
)
def test_refusals_have_a_heading_and_a_line_each(
    options: tuple[str, ...], expected: dict[str | None, str], installation: Installation
) -> None:
    before = count(installation)
    ran = run(installation, *CREATE, *options)
    assert (ran.code, ran.out) == (1, "")
    heading, *lines = ran.err.splitlines()
    assert heading == "Refused:"
    found = {line.split('"')[1] if line.startswith(' Field "') else None: line for line in lines}
    assert {name: line[line.rindex("(code: ") + 7 : -1] for name, line in found.items()} == expected
    assert count(installation) == before


def test_a_read_only_instance_creates_no_collection(installation: Installation) -> None:
    before = count(installation)
    ran = run(installation.with_settings(READ_ONLY="true"), *CREATE, "late.tar", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "(code: 42005)" in ran.err
    assert count(installation) == before
