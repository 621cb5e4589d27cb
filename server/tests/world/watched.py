"""Collections of every kind with a history of versions, written straight into the tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy import insert
from world.stored import ALERT, OLDEST, make_collection

from backup_repository.collections.model import Collection
from backup_repository.database.engine import Transaction
from backup_repository.database.tables import blobs, collections, versions

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_GAPS = (timedelta(microseconds=1), timedelta(minutes=20), timedelta(hours=1, microseconds=7), timedelta(days=1))


def made(number: int, random: Random) -> tuple[Collection, list[datetime]]:
    """A collection, and when its versions were stored, the oldest first."""
    usual = random.choice(_GAPS)
    moments, at = [], BEGIN + timedelta(minutes=random.randrange(10_000))
    for _ in range(random.choice((0, 1, 2, 3, 4, 7, 8, 9, 12))):
        moments.append(at)
        at += usual * random.choice((1, 1, 1, 2, 30)) + timedelta(microseconds=random.randrange(3))
    count = len(moments)
    collection = replace(
        make_collection(
            random.choice((0, 0, count, count + 1, max(1, count - 1))),
            0,
            random.choice((0, 0, 10 * count, 10 * count + 1, 5 * count)),
            strategy=random.choice((OLDEST, ALERT)),
            filename=f"watched{number}",
            versions_count=count,
            used_space=10 * count,
        ),
        id=f"c011ec00-0000-4000-8000-{random.randrange(2**40):012x}",
        created_at=BEGIN - timedelta(minutes=random.randrange(3)),
        last_number=count + random.choice((0, 5)),
    )
    return collection, moments


async def written(tx: Transaction, count: int, random: Random) -> dict[str, tuple[Collection, list[datetime]]]:
    """Write so many collections and their versions, as any revision of the schema since 0007 takes them."""
    found = {}
    for number in range(count):
        collection, moments = made(number, random)
        found[collection.id] = collection, moments
        await tx.execute(
            insert(collections).values(
                id=collection.id,
                filename=collection.filename,
                description="",
                strategy=collection.strategy.value,
                max_backups_count=collection.max_backups_count,
                max_one_version_size=0,
                max_collection_size=collection.max_collection_size,
                created_at=collection.created_at,
                last_number=collection.last_number,
                versions_count=collection.versions_count,
                used_space=collection.used_space,
                newest_at=moments[-1] if moments else None,
            )
        )
        for place, moment in enumerate(moments, 1):
            key = f"{number}-{place}"
            await tx.execute(insert(blobs).values(key=key))
            await tx.execute(
                insert(versions).values(
                    id=key,
                    collection_id=collection.id,
                    number=place,
                    filename=key,
                    blob_key=key,
                    size=10,
                    sha256=key,
                    created_at=moment,
                )
            )
    return found
