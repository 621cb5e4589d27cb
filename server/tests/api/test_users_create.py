"""Creating accounts (contract 5.3)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from world.answers import NO_JSON, READ_ONLY, against_rules, broken_fields, denied, refusal
from world.client import ADMINISTRATOR, USERS, Client, Serve, Served, user_fields

from backup_repository.access.model import Permission

CREATOR = (Permission.ROLE_USER, Permission.CREATE_USERS)
ID = "a11ce000-0000-4000-8000-00000000000f"


def taken() -> dict[str, Any]:
    problem = {"message": "User already exists", "code": 40001}
    return {"error": "JSON payload validation error", "fields": {"id": problem}, "type": "validation.error"}


async def test_an_account_is_created_with_what_was_sent(admin: Client) -> None:
    """Case 29."""
    fields = user_fields(email="Dora@Example.org", permissions=["upload.all", "ROLE_USER"], data={"tags": ["a", "b"]})
    answer = await admin.post(USERS, json=fields)
    assert answer.status_code == 201
    assert {name: value for name, value in answer.json().items() if name != "user"} == {
        "message": "User created",
        "status": True,
    }
    user = answer.json()["user"]
    assert user["email"] == "Dora@Example.org"
    assert user["active"] is True
    assert user["data"] == {
        "tags": ["a", "b"],
        "max_allowed_filesize": 0,
        "allowed_ip_addresses": [],
        "allowed_user_agents": [],
    }
    assert (user["expires"], user["organization"], user["about"]) == ("", "", "")
    assert user["permissions"] == ["ROLE_USER", "upload.all"]


async def test_an_administrators_list_is_shown_expanded(served: Served, admin: Client) -> None:
    """Contract 5.1: full control first, then the other 34 grants, then the restrictions of the account."""
    names = ["upload.only_once_successful", "upload.all", "security.administrator"]
    user = (await admin.post(USERS, json=user_fields(permissions=names))).json()["user"]
    assert user["is_administrator"] is True
    assert user["permissions"][0] == "security.administrator"
    assert user["permissions"][-1] == "upload.only_once_successful"
    assert len(user["permissions"]) == len(set(user["permissions"])) == 36
    stored = await served.instance.accounts.find(user_id=user["id"])
    assert stored is not None
    assert stored.permissions == set(names)


async def test_guests_create_nobody(guest: Client) -> None:
    """Case 30."""
    assert (await guest.post(USERS, json=user_fields())).status_code == 401


async def test_without_the_permission_nobody_is_created(served: Served, charlie: Client) -> None:
    """Case 33; the permission comes before the fields, the syntax before the permission (contract 1.4)."""
    fields = user_fields()
    assert refusal(await charlie.post(USERS, json=fields)) == denied(40300)
    assert refusal(await charlie.post(USERS, json={})) == denied(40300)
    assert refusal(await charlie.post(USERS, json=fields | {"id": "no uuid"})) == denied(40300)
    assert refusal(await charlie.post(USERS, content=b"[")) == NO_JSON
    assert await served.instance.accounts.find(email=fields["email"]) is None


async def test_choosing_an_id_needs_a_permission_of_its_own(served: Served) -> None:
    """Case 33."""
    creator = await served.client(*CREATOR)
    given: tuple[Any, ...] = (ID, "no uuid", 7)
    for chosen in given:
        assert refusal(await creator.post(USERS, json={"id": chosen})) == denied(40301)
    absences: tuple[Any, ...] = ("", None, ...)
    for absent in absences:
        assert (await creator.post(USERS, json=user_fields(id=absent))).status_code == 201
    chooser = await served.client(*CREATOR, Permission.CHOOSE_USER_IDS)
    assert (await chooser.post(USERS, json=user_fields(id=ID))).json()["user"]["id"] == ID


async def test_only_an_administrator_makes_an_administrator(served: Served, admin: Client) -> None:
    """Case 34; any other permission may be given, held or not."""
    creator = await served.client(*CREATOR)
    everything_else = [name.value for name in Permission if name != ADMINISTRATOR]
    assert (await creator.post(USERS, json=user_fields(permissions=everything_else))).status_code == 201
    fields = user_fields(permissions=["security.administrator"])
    assert refusal(await creator.post(USERS, json=fields)) == denied(40315)
    scoped = await admin.generate(Permission.CREATE_USERS)
    assert refusal(await scoped.post(USERS, json=fields)) == denied(40315)
    assert (await admin.post(USERS, json=fields)).json()["user"]["is_administrator"] is True


async def test_an_unknown_permission_comes_before_the_missing_right(served: Served) -> None:
    """Contract 5.3: E1, 40010, 40315."""
    creator = await served.client(*CREATOR)
    answer = await creator.post(USERS, json=user_fields(permissions=["security.administrator", "nothing"]))
    assert refusal(answer) == against_rules(40010)


async def test_a_chosen_id_is_kept_in_lower_case_and_taken_once(admin: Client) -> None:
    """Case 35."""
    answer = await admin.post(USERS, json=user_fields(id=ID.upper()))
    assert answer.json()["user"]["id"] == ID
    for spelling in (ID, ID.upper()):
        again = await admin.post(USERS, json=user_fields(id=spelling))
        assert (again.status_code, again.json()) == (400, taken())


async def test_an_email_is_taken_in_any_case(admin: Client) -> None:
    """Case 35."""
    for first, second in (
        ("dora@example.org", "DORA@EXAMPLE.ORG"),
        ("Emil@STRASSE.example", "emil@straße.example"),
        ("fritz@ÉCOLE.example", "FRITZ@école.example"),
    ):
        assert (await admin.post(USERS, json=user_fields(email=first))).status_code == 201
        again = await admin.post(USERS, json=user_fields(email=second))
        assert (again.status_code, again.json()) == (400, taken())


async def test_a_refused_creation_leaves_no_trace(admin: Client) -> None:
    """Contract 1.4: a request that is refused at any step changes nothing."""
    fields = user_fields(id=ID)
    assert (await admin.post(USERS, json=fields)).status_code == 201
    before = (await admin.get(USERS)).json()
    same_email = fields | {"id": str(uuid4())}
    same_id = user_fields(id=ID)
    for body in (same_email, same_id, user_fields(permissions=["nothing"]), user_fields(password="short")):
        assert (await admin.post(USERS, json=body)).status_code == 400
    assert (await admin.get(USERS)).json() == before


@pytest.mark.parametrize("chosen", ["no uuid", "a11ce00000004000800000000000000f", f"{{{ID}}}", f"{ID}\n", f" {ID}"])
async def test_a_chosen_id_must_be_a_uuid(admin: Client, chosen: str) -> None:
    """Case 35."""
    assert broken_fields(await admin.post(USERS, json=user_fields(id=chosen))) == {"id": 40021}


async def test_an_id_of_the_wrong_type_is_reported(admin: Client) -> None:
    wrong: tuple[Any, ...] = (7, True, [ID], {}, "\0", f"{ID}\0")
    for chosen in wrong:
        assert broken_fields(await admin.post(USERS, json=user_fields(id=chosen))) == {"id": 50002}, chosen


async def test_email_and_password_are_required(admin: Client) -> None:
    """Case 36."""
    missing: tuple[Any, ...] = (..., None, "")
    for value in missing:
        answer = await admin.post(USERS, json=user_fields(email=value, password=value))
        assert broken_fields(answer) == {"email": 40005, "password": 40006}
    assert broken_fields(await admin.post(USERS, json={})) == {
        "email": 40005,
        "password": 40006,
        "permissions": 50002,
        "data": 50002,
    }


async def test_an_email_of_bad_form_is_refused(admin: Client) -> None:
    for email in (
        "dora",
        "dora@example",
        "dora @example.org",
        "döra@example.org",
        "d@e@f.org",
        "d@" + "e" * 250 + ".de",
    ):
        assert broken_fields(await admin.post(USERS, json=user_fields(email=email))) == {"email": 40005}, email
    wrong_types: tuple[Any, ...] = (7, True, ["dora@example.org"], "dora@example.org\0")
    for value in wrong_types:
        assert broken_fields(await admin.post(USERS, json=user_fields(email=value))) == {"email": 50002}, value


async def test_the_longest_email_is_accepted_in_any_script(served: Served, admin: Client) -> None:
    """Folding its case makes some text longer."""
    for letter in ("e", "ΐ", "ß", "𝄞"):
        email = f"d@{letter * 249}.de"
        answer = await admin.post(USERS, json=user_fields(email=email))
        assert answer.status_code == 201
        assert answer.json()["user"]["email"] == email
        assert (await served.guest().log_in(email)).token


async def test_null_texts_are_empty(admin: Client) -> None:
    user = (await admin.post(USERS, json=user_fields(organization=None, about=None))).json()["user"]
    assert (user["organization"], user["about"]) == ("", "")


async def test_a_read_only_instance_creates_nobody(serve: Serve, admin: Client) -> None:
    """Case 9: also before the syntax and the permission are looked at."""
    assert admin.user is not None
    frozen = await serve(read_only=True).session(admin.user)
    assert refusal(await frozen.post(USERS, json=user_fields())) == READ_ONLY
    assert refusal(await frozen.post(USERS, content=b"[")) == READ_ONLY
