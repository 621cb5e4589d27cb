"""What the fields of an account may hold, on creation and on edit (contract 5.2, 5.8)."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Any, Protocol

import httpx
import pytest
from world.accounts import edit_fields
from world.answers import against_rules, broken_fields, refusal
from world.client import PASSWORD, USERS, Client, Served, user_fields

from backup_repository.access.model import Permission
from backup_repository.users.expiry import parse_expiry


class Send(Protocol):
    """Creates or edits an account with these fields."""

    def __call__(self, **fields: Any) -> Awaitable[httpx.Response]: ...


@pytest.fixture(params=["create", "edit"])
async def send(request: pytest.FixtureRequest, served: Served, admin: Client) -> Send:
    """Both routes by which fields come in."""

    async def create(**fields: Any) -> httpx.Response:
        return await admin.post(USERS, json=user_fields(**fields))

    user = await served.create_user(Permission.ROLE_USER, organization="Example", about="A machine")

    async def edit(**fields: Any) -> httpx.Response:
        passwords = {"repeatPassword": fields["password"]} if "password" in fields else {}
        return await admin.put(f"{USERS}/{user.id}", json=edit_fields(user, **passwords | fields))

    return create if request.param == "create" else edit


def shown(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in {200, 201}, answer.text
    user: dict[str, Any] = answer.json()["user"]
    return user


NO_TEXT: tuple[Any, ...] = (7, 1.5, True, ["x"], {"x": 1}, "a\0b", "\ud800")
NO_LIST_OF_TEXTS: tuple[Any, ...] = ("x", 7, True, {}, {"x": 1}, [7], [None], [["x"]], ["a\0b"], ["\ud800"])
SPECIAL_PASSWORDS = ("12345678<", "12345678>", "12345678}")
BROKEN = {
    "permissions": [*NO_LIST_OF_TEXTS, ...],
    "data": ["x", 7, True, None, ["x"], ...],
    "organization": NO_TEXT,
    "about": NO_TEXT,
    "active": ["true", "", 1, 0, [], {}],
    "password": NO_TEXT,
}
BROKEN_DATA = {
    "tags": [*NO_LIST_OF_TEXTS, [""], ["t" * 65], ["fine", ""]],
    "maxAllowedFileSize": ["", "x", "1.0", " 1", "+1", "1MB", 1.5, 5.0, True, [], {}, 2**63, str(2**63), -(2**63) - 1],
    "allowedIpAddresses": [
        *NO_LIST_OF_TEXTS,
        ["300.1.1.1"],
        ["10.0.0.0/33"],
        ["10.0.0.0/"],
        ["10.0.0.0/255.0.0.0"],
        ["2001:db8::/129"],
        ["fe80::1%eth0"],
        ["example.org"],
        [""],
        [" 10.0.0.1"],
        ["10.0.0.1", "nowhere"],
    ],
    "allowedUserAgents": NO_LIST_OF_TEXTS,
}


async def test_a_value_of_the_wrong_type_is_reported_under_its_field(send: Send) -> None:
    """Case 4."""
    for field, values in BROKEN.items():
        for value in values:
            assert broken_fields(await send(**{field: value})) == {field: 50002}, (field, value)


async def test_a_broken_rule_of_data_is_reported_under_the_full_name(send: Send) -> None:
    """Case 49; contract 13: bad tags are 50002."""
    for field, values in BROKEN_DATA.items():
        for value in values:
            assert broken_fields(await send(data={field: value})) == {f"data.{field}": 50002}, (field, value)


async def test_a_negative_file_size_is_named(send: Send) -> None:
    for value in (-5, "-5"):
        answer = await send(data={"maxAllowedFileSize": value})
        assert answer.json()["fields"] == {
            "data.maxAllowedFileSize": {"message": "Number cannot be negative, got -5", "code": 42016}
        }


async def test_long_texts_are_refused_from_the_first_character_too_many(send: Send) -> None:
    """Case 39; lengths are characters, not bytes (contract 1.1)."""
    assert broken_fields(await send(organization="ö" * 65, about="ö" * 1025)) == {"organization": 40003, "about": 40003}
    user = shown(await send(organization="𝄞" * 64, about="𝄞" * 1024))
    assert (user["organization"], user["about"]) == ("𝄞" * 64, "𝄞" * 1024)


async def test_the_first_broken_rule_of_a_password_is_reported(send: Send) -> None:
    """Case 37."""
    for password, code in (
        ("seven77", 40006),
        (" ", 40006),
        ("a" * 1025, 40007),
        ("lettersonly", 40008),
        (" letters/only? ", 40008),
        (" leading!", 40009),
        ("trailing!\t", 40009),
        ("trailing!\u00a0", 40009),
    ):
        assert broken_fields(await send(password=password)) == {"password": code}, password


async def test_a_good_password_opens_a_session(served: Served, send: Send) -> None:
    """Case 37."""
    for password in ("pässwör!", "!" * 1024, "in between!", *SPECIAL_PASSWORDS):
        user = shown(await send(password=password))
        assert (await served.guest().log_in(user["email"], password)).token


async def test_an_unknown_permission_is_refused_with_the_names_that_may_be_used(send: Send) -> None:
    """Case 32."""
    for names in (["upload.nothing"], ["upload.all", "UPLOAD.ALL"], [""], ["ROLE_USER "], ["{}"]):
        answer = await send(permissions=names)
        assert refusal(answer) == against_rules(40010)
        assert answer.json()["error"].startswith("Invalid permission selected")
        assert all(name.value in answer.json()["error"] for name in Permission)


async def test_fields_are_checked_before_the_names_of_permissions(send: Send) -> None:
    """Contract 1.4, 5.3, 5.6."""
    assert broken_fields(await send(permissions=["upload.nothing"], about="a" * 1025)) == {"about": 40003}


async def test_all_broken_fields_are_reported_together(send: Send) -> None:
    answer = await send(
        permissions="x",
        password="short",
        organization="o" * 65,
        about=7,
        expires="someday",
        active="yes",
        data={
            "tags": [""],
            "maxAllowedFileSize": -1,
            "allowedIpAddresses": ["300.1.1.1"],
            "allowedUserAgents": "x",
        },
    )
    assert broken_fields(answer) == {
        "permissions": 50002,
        "password": 40006,
        "organization": 40003,
        "about": 50002,
        "expirationDate": 41014,
        "active": 50002,
        "data.tags": 50002,
        "data.maxAllowedFileSize": 42016,
        "data.allowedIpAddresses": 50002,
        "data.allowedUserAgents": 50002,
    }


async def test_everything_that_is_allowed_reads_back_as_sent(admin: Client, send: Send) -> None:
    """Case 29; contract 13: addresses are echoed as sent, networks may have host bits."""
    data = {
        "tags": ["t" * 64, "ü", "two words", "t" * 64],
        "maxAllowedFileSize": 2**63 - 1,
        "allowedIpAddresses": ["10.1.2.3/8", "198.51.100.7", "2001:DB8::/32", "::ffff:192.0.2.1"],
        "allowedUserAgents": ["curl/8.0", "", " blank "],
    }
    names = ["upload.all", "ROLE_USER", "upload.only_once_successful", "upload.all"]
    fields = {"permissions": names, "organization": "Müller & Söhne", "about": "line\nline", "active": False}
    user = shown(await send(data=data, expires="2031-05-01 01:06:01", **fields))
    expected = {
        "active": False,
        "expired": False,
        "expires": "2031-05-01T01:06:01.000000Z",
        "data": {
            "tags": data["tags"],
            "max_allowed_filesize": 2**63 - 1,
            "allowed_ip_addresses": data["allowedIpAddresses"],
            "allowed_user_agents": data["allowedUserAgents"],
        },
        "permissions": ["ROLE_USER", "upload.all", "upload.only_once_successful"],
        "organization": "Müller & Söhne",
        "about": "line\nline",
        "is_administrator": False,
    }
    assert user == {"id": user["id"], "email": user["email"]} | expected
    assert list(user)[:5] == ["id", "email", "active", "expired", "expires"]
    assert (await admin.get(f"{USERS}/{user['id']}")).json()["user"] == user


async def test_lenient_forms_count_as_what_they_mean(send: Send) -> None:
    """Contract 1.1, 13: strings of digits, `[]` for an object, null for a list and for an unlimited size."""
    user = shown(await send(permissions=None, data=[], expires=None, active=None))
    assert (user["permissions"], user["expires"], user["active"]) == ([], "", True)
    user = shown(await send(data={"maxAllowedFileSize": "161", "tags": None, "allowedUserAgents": None}))
    assert user["data"] == {
        "tags": [],
        "max_allowed_filesize": 161,
        "allowed_ip_addresses": [],
        "allowed_user_agents": [],
    }
    user = shown(await send(data={"maxAllowedFileSize": None, "unknown": "key"}, unknown="key"))
    assert user["data"]["max_allowed_filesize"] == 0


MOMENTS = (
    ("2031-05-01 01:06:01", "2031-05-01T01:06:01.000000Z"),
    ("2031-05-01T01:06:01.000Z", "2031-05-01T01:06:01.000000Z"),
    ("2031-05-01T01:06:01.1234567+02:00", "2031-04-30T23:06:01.123456Z"),
    ("2031-05-01 01:06-0130", "2031-05-01T02:36:00.000000Z"),
    ("2031-05-01", "2031-05-01T00:00:00.000000Z"),
    ("0001-01-01", "0001-01-01T00:00:00.000000Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ("never", ""),
    ("auto", ""),
    ("automatic", ""),
    ("", ""),
    (None, ""),
    (..., ""),
)


async def test_an_expiry_is_that_moment(admin: Client, send: Send) -> None:
    """Case 38."""
    for expires, moment in MOMENTS:
        user = shown(await send(expires=expires))
        assert user["expires"] == moment
        assert user["expired"] == (moment[:4] == "0001")
        assert (await admin.get(f"{USERS}/{user['id']}")).json()["user"] == user


async def test_a_relative_expiry_counts_from_now(served: Served, send: Send) -> None:
    """Case 38."""
    for expires in ("+10 years", "+1 hour", "+2 weeks", "+90 days", "+1month", "-1 second"):
        earliest = parse_expiry(expires, served.clock())
        user = shown(await send(expires=expires))
        latest = parse_expiry(expires, served.clock())
        assert earliest is not None
        assert latest is not None
        assert earliest <= datetime.fromisoformat(user["expires"]) <= latest
        assert user["expired"] == (expires == "-1 second")


async def test_an_expiry_that_is_not_understood_is_refused(send: Send) -> None:
    """Case 38."""
    not_understood: tuple[Any, ...] = (
        "someday",
        "Never",
        " never",
        "2031-02-29",
        "2031-05-01 25:00",
        "2031-05-01T01:06:01+25:00",
        "2031-05-01T01:06:01ZZ",
        "1 hour",
        "+1 fortnight",
        "+1 hour +1 day",
        "+9000 years",
        "-9000 years",
        "9999-12-31T23:59:59-01:00",
        "2031-05-01\0",
        "\ud800",
        1935363961,
        True,
        False,
        [],
        {},
    )
    for expires in not_understood:
        assert broken_fields(await send(expires=expires)) == {"expirationDate": 41014}, expires


async def test_no_answer_shows_a_password_or_its_hash(served: Served, admin: Client, send: Send) -> None:
    answers = [await send(password=PASSWORD), await send(password=f" {PASSWORD}")]
    user = answers[0].json()["user"]
    answers += [await admin.get(f"{USERS}/{user['id']}"), await admin.get(USERS)]
    stored = await served.instance.accounts.find(user_id=user["id"])
    assert stored is not None
    assert stored.password_hash.startswith("$argon2id$")
    for answer in answers:
        assert PASSWORD not in answer.text
        assert "argon2" not in answer.text
