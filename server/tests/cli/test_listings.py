"""Every listing of the console: one JSON document, or a table (contract B 2.1; case 17); and `audit list`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from world.console import run
from world.instance import ADMIN, COLLECTIONS, Installation, Server

LISTINGS = (
    "auth list-users",
    "auth clear-expired-users --dry-run",
    "backup list-collections",
    "storage sweep --dry-run",
    "storage check",
    "audit list",
    "db migrate --dry-run",
    "config show",
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one collection of two versions and one empty collection."""
    with Installation.make(tmp_path_factory.mktemp("running")).serve() as server:
        versions = server.create_collection("full.tar", maxBackupsCount=7, maxCollectionSize="1GB", description="Night")
        for content in (b"one", b"three"):
            assert server.direct.ask("POST", versions, server.bearer, content).status == 200
        server.create_collection("empty.tar")
        yield server


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_listing_is_one_json_document(listing: str, running: Server) -> None:
    """Case 17."""
    ran = run(running.installation, *listing.split(), "--json")
    assert ran.code == 0
    assert isinstance(ran.json(), list | dict)


def test_verbose_adds_the_whole_objects_to_a_table(running: Server) -> None:
    plain = run(running.installation, "backup", "list-collections").out
    verbose = run(running.installation, "-v", "backup", "list-collections").out
    assert verbose == plain + run(running.installation, "backup", "list-collections", "--json").out


def test_collections_are_listed_with_what_they_hold(running: Server) -> None:
    empty, full = run(running.installation, "backup", "list-collections", "--json").json()
    answer = running.direct.ask("GET", COLLECTIONS, running.bearer).json()["elements"]
    assert [{**it, "newest_version": ...} for it in (empty, full)] == [{**it, "newest_version": ...} for it in answer]
    newest = running.direct.ask("GET", f"{COLLECTIONS}/{full['id']}/versions", running.bearer).json()["versions"]["2"]
    assert (empty["newest_version"], full["newest_version"]) == ("", newest["details"]["creation_date"])
    assert (full["versions_count"], full["used_space_bytes"]) == (2, 8)


def test_the_table_of_collections_says_the_same(running: Server) -> None:
    ran = run(running.installation, "backup", "list-collections")
    heading, empty, full = ran.out.splitlines()
    columns = [heading.index(name) for name in ("file name", "versions", "used", "largest", "strategy", "newest")]
    cells = [[line[a:b].strip() for a, b in itertools.pairwise(columns)] for line in (empty, full)]
    strategy = "alert_when_too_many_versions"
    assert cells == [
        ["empty.tar", "0", "0B", "unlimited", strategy],
        ["full.tar", "2 of 7", "8B of 1.00GB", "unlimited", strategy],
    ]
    assert full[columns[-1] :].endswith("Z")


def test_collections_can_be_narrowed(running: Server) -> None:
    for text, found in (("NIGHT", ["full.tar"]), ("*tar*", ["empty.tar", "full.tar"]), ("nothing", [])):
        listed = run(running.installation, "backup", "list-collections", "--query", text, "--json").json()
        assert [collection["filename"] for collection in listed] == found


def test_the_audit_log_is_paged_and_filtered(running: Server) -> None:
    def listed(*options: str) -> list[dict[str, str]]:
        entries: list[dict[str, str]] = run(running.installation, "audit", "list", "--json", *options).json()
        return entries

    everything = listed()
    assert [entry["action"] for entry in everything][-1] == "user.created"
    assert listed("--limit", "2") + listed("--limit", "2", "--page", "2") == everything[:4]
    assert listed("--action", "version.uploaded") == [e for e in everything if e["action"] == "version.uploaded"]
    admin = run(running.installation, "auth", "list-users", "--json").json()[0]["id"]
    assert {entry["actor"] for entry in listed("--actor", admin.upper())} == {admin}
    assert {entry["address"] for entry in listed("--actor", "system")} == {"console"}
    assert listed("--from", "2199-12-31") == listed("--to", "2001-01-01") == []
    today = everything[0]["time"][:10]
    assert everything[0] in listed("--to", today)
    assert listed("--from", everything[0]["time"])[0] == everything[0]


def test_the_http_route_shows_the_same_entries(running: Server) -> None:
    shown = running.direct.ask("GET", "/api/stable/audit", running.bearer).json()["data"]
    assert run(running.installation, "audit", "list", "--json").json() == shown


def test_the_table_of_the_log_has_a_heading_and_tells_of_further_pages(running: Server) -> None:
    ran = run(running.installation, "audit", "list", "--limit", "1", "--action", "version.uploaded")
    heading, line = ran.out.splitlines()
    assert heading.split() == ["time", "actor", "address", "action", "target", "result", "detail"]
    assert line[heading.index("action") :].startswith("version.uploaded ")
    assert ran.err == "page 1 of 2, 2 entries\n"


def test_what_is_not_understood_is_explained(running: Server) -> None:
    ran = run(running.installation, "audit", "list", "--action", "nothing", "--from", "x", "--to", "y")
    assert (ran.code, ran.out) == (1, "")
    heading, *lines = ran.err.splitlines()
    assert heading == "Refused:"
    assert [(line.split('"')[1], line[line.rindex("(") :]) for line in lines] == [
        ("action", "(code: 50002)"),
        ("from", "(code: 41014)"),
        ("to", "(code: 41014)"),
    ]


@pytest.mark.parametrize("options", [("--page", "0"), ("--limit", "0"), ("--limit", "1001"), ("--page", "x")])
def test_a_page_that_cannot_be_is_wrong_usage(options: tuple[str, str], running: Server) -> None:
    ran = run(running.installation, "audit", "list", *options)
    assert (ran.code, ran.out) == (2, "")


def test_the_administrator_of_the_tests_is_listed(running: Server) -> None:
    assert [user["email"] for user in run(running.installation, "auth", "list-users", "--json").json()] == [ADMIN]
