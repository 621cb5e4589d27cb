"""Downloads by collection and by file name: bytes, names, headers (contract 8.7, 9.2), on both databases."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from world.answers import refusal
from world.client import API, COLLECTIONS, Client, Served

from backup_repository.access.model import Permission

FILES = f"{API}/repository/file"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def filled(client: Client, *contents: bytes, **fields: Any) -> tuple[str, list[dict[str, Any]]]:
    """Create a collection, upload contents and return the path of its versions and each VERSION."""
    collection = (await client.create_collection(**fields))["id"]
    uploaded = [(await client.upload(collection, content)).json()["version"] for content in contents]
    return f"{COLLECTIONS}/{collection}/versions", uploaded


def own_headers(answer: httpx.Response) -> dict[str, str]:
    """Give the headers that belong to the version, not to the request."""
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


async def test_every_name_leads_to_its_version(alice: Client, admin: Client) -> None:
    """Case 103."""
    versions, uploaded = await filled(alice, b"one", b"two", b"three")
    newest = uploaded[-1]["id"]
    for name in ("latest", "recent", "v3", newest, newest.upper()):
        assert (await alice.get(f"{versions}/{name}")).content == b"three"
    assert (await alice.get(f"{versions}/first")).content == b"one"
    assert (await alice.get(f"{versions}/v2")).content == b"two"
    for naming in ("backup", "backups", "version"):
        path = versions.removesuffix("versions") + naming
        assert (await alice.get(f"{path}/{newest}")).content == b"three"
    upper = versions.replace(versions.split("/")[-2], versions.split("/")[-2].upper())
    assert (await alice.get(f"{upper}/v1")).content == b"one"
    assert (await alice.delete(f"{versions}/v1")).status_code == 200
    assert (await alice.get(f"{versions}/first")).content == b"two"
    filename = uploaded[1]["file"]["filename"]
    assert (await admin.get(f"{FILES}/{filename}")).content == b"two"


async def test_a_version_of_another_collection_is_not_found_here(alice: Client) -> None:
    """Contract 8.7."""
    here, _ = await filled(alice, b"here")
    _, uploaded = await filled(alice, b"there")
    assert refusal(await alice.get(f"{here}/{uploaded[0]['id']}")) == (404, 404, "app.not-found")


@pytest.mark.parametrize("content", [b"abc", b"\0" * 700_001])
async def test_the_headers_of_a_download(alice: Client, admin: Client, content: bytes) -> None:
    """Case 104, on both routes; appendix B."""
    versions, uploaded = await filled(alice, content, filename="zsp.net.pl_database.tar.gz")
    digest = hashlib.sha256(content)
    expected = {
        "content-type": "application/octet-stream",
        "content-length": str(len(content)),
        "content-disposition": 'attachment; filename="zsp.net.pl_database.tar-v1.gz"',
        "accept-ranges": "bytes",
        "etag": f'"{digest.hexdigest()}"',
        "repr-digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:",
        "cache-control": "private, no-cache, no-transform",
        "x-content-type-options": "nosniff",
    }
    made = datetime.fromisoformat(uploaded[0]["creation_date"])
    for client, path in ((alice, f"{versions}/latest"), (admin, f"{FILES}/{uploaded[0]['file']['filename']}")):
        answer = await client.get(path)
        assert (answer.status_code, answer.content) == (200, content)
        headers = own_headers(answer)
        modified = headers.pop("last-modified")
        assert headers == expected
        assert modified.endswith(" GMT")
        assert parsedate_to_datetime(modified) == made.replace(microsecond=0)
        head = await client.request("HEAD", path)
        assert (head.status_code, head.content, own_headers(head)) == (200, b"", own_headers(answer))


async def test_the_name_of_the_file_is_quoted(alice: Client) -> None:
    """RFC 6266, with every unusual character that a file name may have."""
    versions, uploaded = await filled(alice, b"x", filename="a b+c(d)@e![f],$_-.x")
    answer = await alice.get(f"{versions}/v1")
    assert answer.headers["content-disposition"] == 'attachment; filename="a b+c(d)@e![f],$_--v1.x"'
    assert uploaded[0]["file"]["filename"][10:] == "a b+c(d)@e![f],$_--v1.x"


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate, br, zstd", "identity;q=0, *;q=1"])
async def test_nothing_is_compressed_on_the_way(alice: Client, accepted: str) -> None:
    """Case 104."""
    content = b"easily compressed " * 10_000
    versions, _ = await filled(alice, content)
    answer = await alice.get(f"{versions}/latest", headers={"Accept-Encoding": accepted})
    assert int(answer.headers["content-length"]) == len(content)
    assert "content-encoding" not in answer.headers
    assert answer.content == content


async def test_the_right_to_any_file_is_needed_for_file_names(
    served: Served, alice: Client, charlie: Client, guest: Client
) -> None:
    """Case 110 and contract 9.2: 403 before 404, so that nobody else learns which names exist."""
    _, uploaded = await filled(alice, b"x")
    name = uploaded[0]["file"]["filename"]
    for somebody in (alice, charlie):
        for asked in (name, "0123456789db.tar-v1.gz"):
            assert refusal(await somebody.get(f"{FILES}/{asked}")) == (403, 40302, "request.auth-error")
    assert (await guest.get(f"{FILES}/{name}")).status_code == 401
    reader = await served.client(Permission.VIEW_ANY_FILE)
    assert (await reader.get(f"{FILES}/{name}")).content == b"x"
    for asked in ("0123456789db.tar-v1.gz", name.upper(), f"{name}%00", "%00", "%ff", "..%5c", f"x{name}"):
        assert refusal(await reader.get(f"{FILES}/{asked}")) == (404, 42000, "app.not-found")
    for asked in (f"x/{name}", f"..%2f{name}", "%2e%2e%2fx", ""):
        answer = await reader.get(f"{FILES}/{asked}")
        assert answer.status_code == 404
    assert (await alice.delete(f"{COLLECTIONS}/{uploaded[0]['id']}")).status_code == 404


async def test_bytes_removed_behind_the_servers_back_are_missed(served: Served, alice: Client, admin: Client) -> None:
    """Case 109: the text has no path in it, and nothing of the answer's body was promised before."""
    versions, uploaded = await filled(alice, b"precious", b"other")
    (gone,) = (file for file in served.storage.rglob("*") if file.is_file() and file.read_bytes() == b"precious")
    gone.unlink()
    for client, path in ((alice, f"{versions}/v1"), (admin, f"{FILES}/{uploaded[0]['file']['filename']}")):
        for headers in ({}, {"Range": "bytes=0-1"}):
            answer = await client.get(path, headers=headers)
            assert refusal(answer) == (500, 42002, "app.fatal-error")
            assert "/" not in answer.json()["error"]
            assert "etag" not in answer.headers
        assert (await client.request("HEAD", path)).status_code == 500
    assert (await alice.get(f"{versions}/v2")).content == b"other"
    assert (await alice.delete(f"{versions}/v1")).status_code == 200


async def test_a_shortened_file_is_no_download(served: Served, alice: Client) -> None:
    """Contract 1.5, 42004: what does not have its length is refused before a byte of it goes out."""
    versions, _ = await filled(alice, b"precious")
    (file,) = (file for file in served.storage.rglob("*") if file.is_file())
    file.write_bytes(b"preci")
    assert refusal(await alice.get(f"{versions}/v1")) == (500, 42004, "app.fatal-error")


@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
async def test_a_link_in_place_of_a_file_is_not_followed(
    served: Served, alice: Client, tmp_path: Path, target: str
) -> None:
    """Contract 1.5, 42013."""
    versions, _ = await filled(alice, b"precious")
    (file,) = (file for file in served.storage.rglob("*") if file.is_file())
    (tmp_path / "elsewhere").write_bytes(b"/etc/sha")
    file.unlink()
    file.symlink_to(tmp_path / target)
    answer = await alice.get(f"{versions}/v1")
    assert refusal(answer) == (500, 42013, "app.fatal-error")
    assert str(tmp_path) not in answer.text
