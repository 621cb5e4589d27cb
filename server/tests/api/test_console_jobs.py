"""What the console asks of an instance, on both databases (contract B 2.2)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from world.client import COLLECTIONS, Client, Served

from backup_repository.database.tables import grants, tokens


async def found(served: Served, text: str = "", *, expired: bool = False) -> list[str]:
    return [user.email async for user in served.instance.accounts.every(text, expired=expired)]


async def test_every_account_is_given_once_in_the_order_of_creation(served: Served) -> None:
    """More of them than a driver fetches at once."""
    served.clock.hold()
    emails = []
    for number in range(300):
        served.clock.advance(seconds=1)
        emails.append((await served.create_user(email=f"user{number:03}@example.org")).email)
    assert await found(served) == emails
    assert await found(served, "USER29") == emails[290:]
    assert await found(served, expired=True) == []


async def test_expired_accounts_are_deleted_one_by_one(served: Served, alice: Client) -> None:
    past = served.clock() - timedelta(seconds=1)
    collection = await alice.create_collection()
    bob, eve = [await served.client(email=f"{name}@example.org", expires_at=past) for name in ("bob", "eve")]
    await alice.grant(collection["id"], eve)
    assert await found(served, expired=True) == ["bob@example.org", "eve@example.org"]
    assert [user.id async for user in served.instance.accounts.delete_expired()] == [bob.id, eve.id]
    assert await found(served) == ["alice@example.org"]
    async with served.instance.database.reading() as tx:
        for table in (grants, tokens):
            assert {row.user_id for row in await tx.execute(select(table))} == {alice.id}


async def test_an_account_whose_expiry_is_moved_meanwhile_stays(served: Served) -> None:
    past = served.clock() - timedelta(seconds=1)
    first, second, third = [await served.create_user(email=f"{n}@example.org", expires_at=past) for n in (1, 2, 3)]
    deleted = []
    async for user in served.instance.accounts.delete_expired():
        deleted.append(user.id)
        if user.id == first.id:
            await served.change_user(second, expires_at=None)
    assert deleted == [first.id, third.id]
    assert await found(served) == [second.email]


async def test_every_collection_is_given_with_the_time_of_its_newest_version(served: Served, alice: Client) -> None:
    served.clock.hold()
    made = []
    for number in range(3):
        served.clock.advance(seconds=1)
        made.append(await alice.create_collection(filename=f"{number}.tar", description="Night" if number else ""))
    for content in (b"one", b"two", b"three"):
        served.clock.advance(seconds=1)
        await alice.upload(made[1]["id"], content)
    await alice.delete(f"{COLLECTIONS}/{made[1]['id']}/versions/latest")
    every = [it async for it in served.instance.collections.every("")]
    assert [(collection.id, newest) for collection, newest in every] == [
        (made[2]["id"], None),
        (made[1]["id"], served.clock() - timedelta(seconds=1)),
        (made[0]["id"], None),
    ]
    narrowed = [collection.filename async for collection, _ in served.instance.collections.every("NIGHT")]
    assert narrowed == ["2.tar", "1.tar"]
