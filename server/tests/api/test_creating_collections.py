"""R11: a new collection (contract 6.2, 6.3, 6.5)."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx
from world.answers import MOMENT, against_rules, broken_fields, denied, refusal
from world.client import COLLECTIONS, PER_COLLECTION, STRANGER, TENANT, Client, Serve, Served, collection_fields

from backup_repository.access.model import Permission

OLDEST, ALERT = "delete_oldest_when_adding_new", "alert_when_too_many_versions"
LARGEST = 2**63 - 1


async def create(somebody: Client, **fields: Any) -> httpx.Response:
    return await somebody.post(COLLECTIONS, json=collection_fields(**fields))


async def created(somebody: Client, **fields: Any) -> dict[str, Any]:
    answer = await create(somebody, **fields)
    assert answer.status_code == 201, answer.text
    collection: dict[str, Any] = answer.json()["collection"]
    return collection


async def test_the_answer_is_the_new_collection(alice: Client) -> None:
    """Cases 52 and 54."""
    answer = await create(alice, description="Nightly dumps", strategy=ALERT)
    assert answer.status_code == 201
    document = answer.json()
    collection = document.pop("collection")
    assert document == {"message": "OK", "status": True}
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", collection.pop("id"))
    assert MOMENT.fullmatch(collection.pop("created_at"))
    assert collection == {
        "max_backups_count": 5,
        "max_one_backup_version_size": "1.00MB",
        "max_one_backup_version_size_bytes": 1_000_000,
        "max_collection_size": "10.00MB",
        "max_collection_size_bytes": 10_000_000,
        "strategy": ALERT,
        "description": "Nightly dumps",
        "filename": "db.tar.gz",
        "used_space": "0B",
        "used_space_bytes": 0,
        "versions_count": 0,
    }


async def test_it_is_found_as_it_was_answered(alice: Client) -> None:
    """Case 8."""
    collection = await created(alice)
    read = (await alice.get(f"{COLLECTIONS}/{collection['id']}")).json()["collection"]
    assert read == collection
    (listed,) = (await alice.get(COLLECTIONS)).json()["elements"]
    assert listed == collection


async def test_the_creator_becomes_a_member_with_all_eight(alice: Client) -> None:
    collection = await created(alice)
    (member,) = (await alice.get(f"{COLLECTIONS}/{collection['id']}/access")).json()["users"]
    assert (member["user_id"], member["permissions"]) == (alice.id, list(PER_COLLECTION))


async def test_only_who_may_create_creates(served: Served) -> None:
    """40306, before the fields are looked at; whatever else somebody holds."""
    others = set(Permission) - {Permission.CREATE_COLLECTIONS, Permission.ADMINISTRATOR}
    barred = await served.client(*others)
    assert refusal(await create(barred)) == denied(40306)
    assert refusal(await create(barred, id="no uuid", maxBackupsCount="x")) == denied(40306)


async def test_choosing_an_id_needs_a_permission(alice: Client) -> None:
    """Case 62: also for an id that is none, and before the fields."""
    ids: list[object] = [str(uuid4()), "no uuid", 5, [], False]
    for chosen in ids:
        assert refusal(await create(alice, id=chosen, filename="")) == denied(40305)


async def test_a_chosen_id_is_echoed_in_lower_case(served: Served) -> None:
    """Case 62."""
    chooser = await served.client(*TENANT, Permission.CHOOSE_COLLECTION_IDS)
    chosen = str(uuid4())
    assert (await created(chooser, id=chosen.upper()))["id"] == chosen
    for again in (chosen, chosen.upper()):
        assert refusal(await create(chooser, id=again)) == against_rules(40100)
        assert (await chooser.get(f"{COLLECTIONS}/{again}")).status_code == 200


async def test_a_chosen_id_must_be_a_uuid(admin: Client) -> None:
    """Case 62."""
    cases: list[str] = ["{}x", "x{}", "{{{}}}", "urn:uuid:{}", " {}", "{}\n", "1", "ż"]
    for shape in cases:
        assert refusal(await create(admin, id=shape.format(uuid4()))) == against_rules(40101)
        assert refusal(await create(admin, id=uuid4().hex)) == against_rules(40101)


async def test_an_id_is_judged_after_the_other_rules(admin: Client) -> None:
    """Contract 6.3, rule 7."""
    taken = (await created(admin))["id"]
    for chosen in (taken, "no uuid"):
        assert refusal(await create(admin, id=chosen, maxOneVersionSize="11MB")) == against_rules(40105)
        assert broken_fields(await create(admin, id=chosen, filename="")) == {"filename": 42011}
    assert (await admin.get(COLLECTIONS)).json()["pagination"]["max_pages"] == 1


async def test_broken_fields_are_reported_together(alice: Client) -> None:
    """Case 58."""
    answer = await create(
        alice, maxBackupsCount=-5, maxOneVersionSize="a lot", maxCollectionSize="1111", strategy="sometimes"
    )
    assert broken_fields(answer) == {"maxBackupsCount": 42016, "maxOneVersionSize": 42010, "strategy": 42021}
    fields = answer.json()["fields"]
    assert fields["maxBackupsCount"]["message"] == "Number cannot be negative, got -5"
    assert fields["maxOneVersionSize"]["message"].startswith("Disk space format parsing error")


async def test_an_unknown_strategy_is_quoted_and_both_names_are_listed(alice: Client) -> None:
    """Contract 1.5, 42021: the value stands there as it was sent."""
    cases: list[str] = ["sometimes", "", "DELETE_OLDEST_WHEN_ADDING_NEW", '{"x"}', "{{0}}", "ż{y", "%s"]
    for strategy in cases:
        answer = await create(alice, strategy=strategy)
        assert broken_fields(answer) == {"strategy": 42021}
        text = answer.json()["fields"]["strategy"]["message"]
        assert f'"{strategy}"' in text
        assert text.index(OLDEST) < text.index(ALERT)


async def test_a_missing_strategy_is_42021(alice: Client) -> None:
    cases: list[object] = [None, ...]
    for strategy in cases:
        answer = await create(alice, strategy=strategy)
        assert broken_fields(answer) == {"strategy": 42021}
        assert 'strategy ""' in answer.json()["fields"]["strategy"]["message"]


async def test_sizes_that_are_none_are_42010(alice: Client) -> None:
    """Case 59."""
    wrong: tuple[object, ...] = ("-5MB", "-1", "5K", "1,5GB", True, False, None, -1, 1.5, 5.0, "", " ", "MB", "1 M B")
    wrong += ("+5MB", "5MB5", "0x10", "1e3", ".5MB", "5.MB", "\u0665MB", "5\u00a0MB", [], {}, ["5MB"], "inf", "1MBps")
    wrong += (LARGEST + 1, str(LARGEST + 1), "9.3EB", "1ZB", "0.4B", "0.0001kB", "5MB\0", ...)
    for value in wrong:
        for field in ("maxOneVersionSize", "maxCollectionSize"):
            assert broken_fields(await create(alice, **{field: value})) == {field: 42010}, value


async def test_sizes_in_any_form(alice: Client) -> None:
    """Case 59, contract 6.2 and B."""
    cases: list[tuple[object, int, str]] = [
        ("10mib", 10_485_760, "10.49MB"),
        ("1.5GB", 1_500_000_000, "1.50GB"),
        ("1024KB", 1_024_000, "1.02MB"),
        (1_000_000, 1_000_000, "1.00MB"),
        ("1000000", 1_000_000, "1.00MB"),
        (" 1 MB ", 1_000_000, "1.00MB"),
        ("161", 161, "161B"),
        ("161b", 161, "161B"),
        ("1.9999B", 1, "1B"),
        ("0.001kB", 1, "1B"),
        ("999.995kB", 999_995, "1000.00kB"),
    ]
    for written, size, shown in cases:
        collection = await created(alice, maxBackupsCount=1, maxOneVersionSize=written, maxCollectionSize=written)
        for name in ("max_one_backup_version_size", "max_collection_size"):
            assert (collection[f"{name}_bytes"], collection[name]) == (size, shown)


async def test_limits_are_held_against_the_instance_and_each_other(alice: Client, admin: Client) -> None:
    """Case 60; the maxima bind administrators too."""
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"maxOneVersionSize": "11MB", "maxCollectionSize": "10MB"}, 40105, ""),
        ({"maxOneVersionSize": "50GB"}, 40103, "25.00GB"),
        ({"maxOneVersionSize": 25_000_000_001, "maxCollectionSize": "150GB", "maxBackupsCount": 1}, 40103, "25.00GB"),
        ({"maxCollectionSize": "150TB"}, 40104, "150.00GB"),
        ({"maxCollectionSize": 150_000_000_001}, 40104, "150.00GB"),
        ({"maxBackupsCount": 99_999_999}, 40102, "10"),
        ({"maxBackupsCount": 11}, 40102, "10"),
        ({"maxBackupsCount": 5, "maxOneVersionSize": "5MB", "maxCollectionSize": "5MB"}, 40106, "25.00MB"),
        ({"maxBackupsCount": 2, "maxOneVersionSize": "5MB", "maxCollectionSize": 9_999_999}, 40106, "10.00MB"),
        # several broken at once: the first of the list answers
        ({"maxBackupsCount": 11, "maxOneVersionSize": "50GB", "maxCollectionSize": "150TB"}, 40102, "10"),
        ({"maxOneVersionSize": "50GB", "maxCollectionSize": "151GB"}, 40103, "25.00GB"),
        ({"maxOneVersionSize": "25GB", "maxCollectionSize": "1GB"}, 40105, ""),
    ]
    for fields, code, words in cases:
        for somebody in (alice, admin):
            answer = await create(somebody, **fields)
            assert refusal(answer) == against_rules(code)
            assert words in answer.json()["error"]


async def test_limits_may_be_reached(alice: Client) -> None:
    await created(alice, maxBackupsCount=10, maxOneVersionSize="15GB", maxCollectionSize="150GB")
    await created(alice, maxBackupsCount=6, maxOneVersionSize="25GB", maxCollectionSize="150GB")
    await created(alice, maxBackupsCount=1, maxOneVersionSize="5MB", maxCollectionSize="5MB")


async def test_instance_maxima_of_0_are_off(serve: Serve) -> None:
    served = serve(backup_max_versions=0, backup_one_version_max_size=0, backup_collection_max_size=0)
    alice = await served.client(*TENANT)
    most = await created(alice, maxBackupsCount=1, maxOneVersionSize=LARGEST, maxCollectionSize=str(LARGEST))
    assert most["max_collection_size_bytes"] == LARGEST
    assert await created(alice, maxBackupsCount=LARGEST, maxOneVersionSize=1, maxCollectionSize=LARGEST)
    answer = await create(alice, maxBackupsCount=LARGEST, maxOneVersionSize=LARGEST, maxCollectionSize=LARGEST)
    assert refusal(answer) == against_rules(40106)


async def test_leaving_a_limit_open_needs_a_permission(served: Served, alice: Client, admin: Client) -> None:
    """Case 55, however the zero is written."""
    allowed = await served.client(*TENANT, Permission.UNLIMITED_COLLECTIONS)
    for field, zeros, shown in (
        ("maxOneVersionSize", (0, "0", "0MB", " 0 ", "0.00GiB", "000"), "max_one_backup_version_size"),
        ("maxCollectionSize", (0, "0", "0MB", " 0 ", "0.00GiB", "000"), "max_collection_size"),
    ):
        for zero in zeros:
            assert refusal(await create(alice, **{field: zero})) == denied(40306)
            for somebody in (admin, allowed):
                collection = await created(somebody, **{field: zero})
                assert (collection[shown], collection[f"{shown}_bytes"]) == ("0B", 0)
    for zero in (0, "0", "000", "-0"):
        assert refusal(await create(alice, maxBackupsCount=zero)) == denied(40306)
        for somebody in (admin, allowed):
            assert (await created(somebody, maxBackupsCount=zero))["max_backups_count"] == 0


async def test_an_open_limit_takes_part_in_no_rule(admin: Client) -> None:
    """Cases 55 and 56: 40105 and 40106 are skipped."""
    await created(admin, maxBackupsCount=10, maxOneVersionSize=0, maxCollectionSize=1)
    await created(admin, maxBackupsCount=10, maxOneVersionSize="25GB", maxCollectionSize=0)
    await created(admin, maxBackupsCount=0, maxOneVersionSize="1MB", maxCollectionSize="1MB")
    assert refusal(await create(admin, maxBackupsCount=0, maxOneVersionSize="2MB", maxCollectionSize="1MB")) == (
        against_rules(40105)
    )
    assert refusal(await create(admin, maxBackupsCount=11, maxOneVersionSize=0, maxCollectionSize=0)) == (
        against_rules(40102)
    )


async def test_an_open_limit_is_refused_before_the_maxima(alice: Client) -> None:
    """Contract 6.3, rule 1, and after the fields."""
    assert refusal(await create(alice, maxCollectionSize=0, maxBackupsCount=99)) == denied(40306)
    assert broken_fields(await create(alice, maxCollectionSize=0, filename="")) == {"filename": 42011}


async def test_an_empty_file_name_is_42011(alice: Client) -> None:
    """Case 61."""
    cases: list[object] = ["", None, ...]
    for filename in cases:
        assert broken_fields(await create(alice, filename=filename)) == {"filename": 42011}


async def test_a_file_name_with_other_characters_is_42012(alice: Client) -> None:
    """Case 61."""
    cases: list[str] = [
        "a/b",
        "a\\b",
        "ä.gz",
        "x" * 201,
        "a\nb",
        "db.tar.gz\n",
        'a"b',
        "a'b",
        "a;b",
        "a%20b",
        "a\tb",
        "<a>",
        "a\u00a0b",
        "a{b}",
    ]
    for filename in cases:
        assert broken_fields(await create(alice, filename=filename)) == {"filename": 42012}


async def test_a_file_name_of_allowed_characters_is_kept(alice: Client) -> None:
    """Case 61."""
    cases: list[str] = ["x" * 200, "aZ0.-_+()@![],$ b", ".", "..", " ", ".hidden", "-rf"]
    for filename in cases:
        assert (await created(alice, filename=filename))["filename"] == filename


async def test_a_description_has_ten_thousand_characters(alice: Client) -> None:
    """Characters, not bytes; kept as given."""
    text = " \n<script>\t'\";--żółw 💾" + "ż" * 9_977
    assert len(text) == 9_999
    for description in (text, text + "💾", ""):
        assert (await created(alice, description=description))["description"] == description
    assert broken_fields(await create(alice, description=text + "xy")) == {"description": 40003}


async def test_a_password_has_no_effect(alice: Client) -> None:
    for password in ("", "secret", None):
        collection = await created(alice, password=password)
        assert "secret" not in (await alice.get(f"{COLLECTIONS}/{collection['id']}")).text
    assert broken_fields(await create(alice, password=5)) == {"password": 50002}


async def test_simulation_checks_everything_and_stores_nothing(admin: Client, alice: Client) -> None:
    """Case 63."""
    query = {"simulate": "true"}
    chosen = str(uuid4())
    answer = await admin.post(COLLECTIONS, params=query, json=collection_fields(id=chosen))
    assert answer.status_code == 201
    assert answer.json()["collection"]["id"] == chosen
    assert (await admin.get(f"{COLLECTIONS}/{chosen}")).status_code == 404
    assert (await admin.get(COLLECTIONS)).json()["elements"] == []
    await created(admin, id=chosen)
    refused = await admin.post(COLLECTIONS, params=query, json=collection_fields(id=chosen))
    assert refusal(refused) == against_rules(40100)
    refused = await alice.post(COLLECTIONS, params=query, json=collection_fields(maxBackupsCount=0))
    assert refusal(refused) == denied(40306)


async def test_another_tenant_learns_nothing(served: Served, admin: Client, alice: Client) -> None:
    """An id in use is said to be taken to those who may choose ids; nobody else gets so far."""
    collection = await created(alice, description="secret plan")
    chooser = await served.client(*STRANGER, Permission.CHOOSE_COLLECTION_IDS)
    answer = await create(chooser, id=collection["id"])
    assert refusal(answer) == against_rules(40100)
    assert "secret plan" not in answer.text
    assert refusal(await chooser.get(f"{COLLECTIONS}/{collection['id']}")) == denied(40302)
    stranger = await served.client(*STRANGER)
    assert refusal(await create(stranger, id=collection["id"])) == denied(40305)
    assert (await admin.get(f"{COLLECTIONS}/{collection['id']}")).json()["collection"] == collection
