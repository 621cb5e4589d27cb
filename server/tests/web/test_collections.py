"""Collections, their versions and who has access, as people without a script use them."""

from __future__ import annotations

import hashlib

from world.client import Serve, Served
from world.visitor import Page, Visitor, signed_in

from backup_repository.access.model import COLLECTION_PERMISSIONS, Permission

FIELDS = {"filename": "wiki.tar", "maxBackupsCount": "5", "maxOneVersionSize": "50MB", "maxCollectionSize": "250MB"}


async def created(somebody: Visitor, **fields: str) -> str:
    """Create a collection by its form and return its page."""
    answer = await somebody.send(
        (await somebody.page("/backup/collection")).form("/backup/collection"), **FIELDS | fields
    )
    return str(answer.headers["location"])


async def test_a_collection_is_created_edited_and_deleted(alice: Visitor) -> None:
    page = await alice.does("/backup/collection", "/backup/collection", **FIELDS)
    assert page.said == ["Collection created"]
    assert "5x50.00MB (250.00MB)" in page.words
    at = page.form("/delete").action.removesuffix("/delete")
    page = await alice.does(at, at, description="nightly", strategy="alert_when_too_many_versions")
    assert page.said == ["Changes saved"]
    assert dict(page.form(at).fields)["strategy"] == "alert_when_too_many_versions"
    assert dict(page.form(at).fields)["maxOneVersionSize"] == "50MB"
    assert "nightly" in (await alice.page("/backup/collections")).words
    assert (await alice.does(at, "/delete", typed="wiki.tar")).said == ["Collection deleted"]
    assert (await alice.get(at)).status_code == 404


async def test_saving_a_collection_unchanged_changes_nothing(alice: Visitor) -> None:
    at = await created(alice, maxOneVersionSize="10MiB", maxCollectionSize="52428801", description="two\nlines")
    before = (await alice.client.get(at.replace("/backup", "/api/stable/repository"))).json()
    await alice.does(at, at)
    assert (await alice.client.get(at.replace("/backup", "/api/stable/repository"))).json() == before


async def test_unlimited_limits_are_said_in_words(admin: Visitor) -> None:
    at = await created(admin, maxBackupsCount="0", maxOneVersionSize="0", maxCollectionSize="0")
    assert "any number x any size (unlimited)" in (await admin.page(at)).words
    at = await created(admin, maxBackupsCount="3", maxOneVersionSize="0", maxCollectionSize="1GB")
    assert "3x any size (1.00GB)" in (await admin.page(at)).words


async def test_wrong_fields_are_marked_and_what_was_typed_stays(alice: Visitor) -> None:
    page = await alice.does(
        "/backup/collection", "/backup/collection", filename="a/b", maxBackupsCount="-5", maxOneVersionSize="5K"
    )
    assert page.said == ["Please correct what is marked"]
    assert "maxBackupsCount: Number cannot be negative, got -5" in page.words
    assert "maxOneVersionSize: Disk space format parsing error" in page.words
    assert dict(page.form("/backup/collection").fields)["filename"] == "a/b"
    page = await alice.does("/backup/collection", "/backup/collection", **FIELDS | {"maxCollectionSize": "1MB"})
    assert page.said == ["One version cannot be larger than the whole collection"]


async def test_nothing_is_deleted_until_the_exact_name_is_typed(alice: Visitor) -> None:
    """Case 75, the server's half."""
    at = await created(alice)
    for typed in ("", "WIKI.TAR", "wiki.tar "):
        page = await alice.does(at, "/delete", typed=typed)
        assert page.said == ["Nothing was deleted: the name that was typed is another one"]
    assert (await alice.get(at)).status_code == 200


async def test_a_search_is_in_the_address_and_pages_carry_it(admin: Visitor) -> None:
    for number in range(45):
        await admin.client.create_collection(filename=f"db-{number:02}")
    await admin.client.create_collection(filename="other")
    page = await admin.page("/backup/collections?q=db-&from=2020-01-01&page=2")
    assert "21 to 40 of 45" in page.words
    assert "/backup/collections?q=db-&from=2020-01-01&page=3" in page.links
    assert "No matches found" in (await admin.page("/backup/collections?to=2020-01-01")).words
    assert "No matches found" in (await admin.page("/backup/collections?q=db-&page=99")).words
    refused = await admin.get("/backup/collections?from=soon")
    assert (refused.status_code, Page(refused.text).said) == (400, ["Please correct what is marked"])


async def test_versions_are_listed_newest_first_with_what_rotation_removes_next(alice: Visitor) -> None:
    at = await created(alice, maxBackupsCount="2")
    collection = at.rpartition("/")[2]
    for content in (b"one", b"two", b"three"):
        await alice.client.upload(collection, content)
    words = (await alice.page(at)).words
    assert words.index("v3") < words.index("v2 goes") if "v2 goes" in words else "goes next" in words
    assert "v2 goes: with the new version there would be 3, at most 2 may stay" in words
    assert hashlib.sha256(b"three").hexdigest() in words


async def test_a_version_is_downloaded_by_range_and_deleted_by_name(alice: Visitor) -> None:
    """Case 73, without a script."""
    at = await created(alice)
    collection = at.rpartition("/")[2]
    await alice.client.upload(collection, b"0123456789")
    answer = await alice.get(f"{at}/versions/v1")
    assert answer.content == b"0123456789"
    assert answer.headers["content-disposition"] == 'attachment; filename="wiki-v1.tar"'
    part = await alice.get(f"{at}/versions/v1", headers={"Range": "bytes=4-", "If-Range": answer.headers["etag"]})
    assert (part.status_code, part.content) == (206, b"456789")
    assert (await alice.does(at, "/versions/v1/delete", typed="v2")).said != ["Version deleted"]
    assert (await alice.does(at, "/versions/v1/delete", typed="v1")).said == ["Version deleted"]
    assert (await alice.get(f"{at}/versions/v1")).status_code == 404


async def test_a_token_for_an_upload_can_do_it_once_and_nothing_else(alice: Visitor) -> None:
    at = await created(alice)
    collection = at.rpartition("/")[2]
    form = (await alice.page(at)).form("/uploaded")
    form.action = f"{at}/upload-token"
    minted = (await alice.send(form)).json()
    machine = alice.client.bearing(minted["token"])
    assert (await machine.get(minted["address"])).json()["code"] == 40311
    await alice.client.upload(collection, b"not for machines to see")
    report = (await machine.get("/api/stable/metrics")).json()
    assert report["data"]["backup"]["recent_versions"] == []
    other = await alice.client.create_collection()
    assert (await machine.upload(other["id"], b"bytes")).json()["code"] == 40308
    assert (await machine.post(minted["address"], content=b"bytes")).status_code == 200
    assert (await machine.post(minted["address"], content=b"more")).json()["code"] == 40324
    listed = (await alice.client.get("/api/stable/auth/token")).json()["data"]
    token = next(one for one in listed if one["description"].startswith("Upload from a browser"))
    assert collection in minted["address"]
    assert token["permissions"] == ["upload.all", "upload.only_once_successful", Permission.UPLOAD.value]


async def test_a_token_for_an_upload_must_begin_within_minutes(served: Served, alice: Visitor) -> None:
    at = await created(alice)
    form = (await alice.page(at)).form("/uploaded")
    form.action = f"{at}/upload-token"
    minted = (await alice.send(form)).json()
    served.clock.advance(minutes=5, seconds=1)
    answer = await alice.client.bearing(minted["token"]).post(minted["address"], content=b"bytes")
    assert answer.json()["message"] == "Expired JWT Token"


async def test_an_administrator_who_is_no_member_is_told_how_to_upload(alice: Visitor, admin: Visitor) -> None:
    at = await created(alice)
    page = await admin.page(at)
    assert not page.offers("/uploaded")
    assert "give yourself access" in page.words
    form = page.form("/access")
    form.action = f"{at}/upload-token"
    assert (await admin.send(form)).status_code == 403


async def test_access_is_given_changed_and_withdrawn(admin: Visitor, alice: Visitor) -> None:
    at = await created(admin)
    collection = at.rpartition("/")[2]
    assert (await admin.does(at, "/access", user="ALICE@example.org")).said == ["Changes saved"]
    assert (await alice.get(at)).status_code == 200
    assert (await alice.client.upload(collection, b"x")).status_code == 403
    change = f"/access/{alice.client.id}"
    page = await admin.does(at, change, permissions=[Permission.UPLOAD.value, Permission.LIST_VERSIONS.value])
    assert page.said == ["Changes saved"]
    assert len([name for name, _ in page.form(change).fields if name == "permissions"]) == 2
    assert (await alice.client.upload(collection, b"x")).status_code == 200
    assert (await admin.does(at, f"{change}/withdraw")).said == ["Access revoked"]
    assert (await alice.get(at)).status_code == 403
    assert "There is no account with this e-mail" in (await admin.does(at, "/access", user="no@example.org")).words


async def test_a_member_is_offered_only_what_it_may_and_refused_when_it_forces_more(
    admin: Visitor, alice: Visitor
) -> None:
    at = await created(admin)
    collection = at.rpartition("/")[2]
    await admin.client.upload(collection, b"secret bytes")
    await admin.client.grant(collection, alice.client, Permission.LIST_VERSIONS)
    page, forced = await alice.page(at), await admin.page(at)
    for address in ("/delete", "/uploaded", "/access", "/versions/v1"):
        assert not page.offers(at + address)
    csrf = dict(page.form("/logout").fields)["csrf"]
    for form in forced.forms:
        if form.action.startswith(at):
            answer = await alice.send(form, csrf=csrf, typed="v1")
            expected = 303 if form.action.endswith("/uploaded") else 403  # which changes nothing
            assert (form.action, answer.status_code) == (form.action, expected)
    assert (await alice.get(f"{at}/versions/v1")).status_code == 403


async def test_another_tenant_learns_nothing(alice: Visitor, charlie: Visitor) -> None:
    at = await created(alice, description="her secrets")
    collection = at.rpartition("/")[2]
    await alice.client.upload(collection, b"secret bytes")
    for path in (at, f"{at}/versions/v1"):
        answer = await charlie.get(path)
        assert answer.status_code == 403
        assert "her secrets" not in answer.text
        assert "wiki" not in answer.text
    for path in ("/overview", "/backup/collections"):
        assert "wiki" not in (await charlie.page(path)).words


async def test_a_member_with_all_eight_permissions_is_offered_everything(alice: Visitor) -> None:
    at = await created(alice)
    await alice.client.upload(at.rpartition("/")[2], b"bytes")
    page = await alice.page(at)
    assert all(page.offers(at + address) for address in ("/uploaded", "/access", "/versions/v1", "/versions/v1/delete"))
    assert len(COLLECTION_PERMISSIONS) == len(
        [1 for name, _ in page.form(f"/access/{alice.client.id}").fields if name == "permissions"]
    )


async def test_a_read_only_instance_offers_no_changes_and_refuses_forced_ones(serve: Serve, admin: Visitor) -> None:
    at = await created(admin)
    form = (await admin.page(at)).form("/delete")
    reader = await signed_in(serve(read_only=True), admin.client)
    page = await reader.page(at)
    assert [form.action for form in page.forms if form.method == "post"] == ["/logout"]
    answer = await reader.send(form, typed="wiki.tar", csrf=dict(page.forms[0].fields)["csrf"])
    assert answer.status_code in {403, 503}
    assert (await admin.get(at)).status_code == 200
