"""Fills a database with as many accounts, collections and versions as a large provider has, in seconds.

Rows are made by the database itself, a statement per table. Beside the many, who are all alike, stand a few who are
not, because they are where a plan goes wrong: an account that sees everything, a member of every collection, one
whose only collection is quiet for long, a robot with very many tokens, and a collection that holds a tenth of all
versions.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from dataclasses import dataclass
from typing import Protocol

import asyncpg

FIRST_UPLOAD = 1_700_000_000
"""Seconds since 1970; the versions follow each other second by second, and everything else is older."""
TAGS = 200
"""Different labels; every tenth version carries two of them."""
RETIRED = 1000
"""Blobs that wait for the sweep."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many of everything; the tables that grow with these grow in proportion."""

    users: int = 10_000
    collections: int = 20_000
    versions: int = 1_000_000

    @property
    def robot_tokens(self) -> int:
        """How many tokens the robot was given; every tenth of them is valid."""
        return self.versions // 20

    @property
    def endless(self) -> int:
        """How many versions the one large collection holds."""
        return self.versions // 10


def user_id(number: int) -> str:
    """The id of an account: 1 auditor, member of everything, 2 of a quiet collection alone, 3 robot, others alike."""
    return _named("a", number)


def collection_id(number: int) -> str:
    """The id of a collection, from 1; `ENDLESS` and `QUIET` are the special ones."""
    return _named("c", number)


ENDLESS, QUIET = 0xE0D1E55, 0x091E7
"""Numbers of the collection with a tenth of all versions, and of one with three old versions."""
AUDITOR, LONELY, ROBOT = 1, 2, 3
"""Numbers of the special accounts."""


def filled(database_url: str, crowd: Crowd) -> None:
    """Fill a migrated database that holds nothing, and let it gather statistics."""
    if database_url.startswith("sqlite"):
        _fill_sqlite(database_url.removeprefix("sqlite:///"), crowd)
    else:
        asyncio.run(_fill_postgresql(database_url, crowd))


def _fill_sqlite(path: str, crowd: Crowd) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("synchronous = OFF", "cache_size = -1000000", "foreign_keys = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        for statement in _statements(crowd, _Sqlite()):
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _fill_postgresql(url: str, crowd: Crowd) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            # rows that are right by construction need no checks of their keys, row by row
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute("SET LOCAL synchronous_commit = off")
            for statement in _statements(crowd, _PostgreSql()):
                await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


class _Dialect(Protocol):
    """The few words in which the engines differ."""

    def numbers(self, count: int) -> str:
        """A table `n(i)` with 1, 2, 3, ..."""

    def digits(self, number: str, width: int) -> str:
        """Lower-case hex digits of a number."""

    def moment(self, seconds: str) -> str:
        """The moment so many seconds after 1970."""

    def later(self, moment: str, seconds: str) -> str:
        """So many seconds after a moment."""

    def json(self, value: str) -> str:
        """A value of a JSON column."""


class _Sqlite:
    def numbers(self, count: int) -> str:
        return f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n) n"

    def digits(self, number: str, width: int) -> str:
        return f"printf('%0{width}x', {number})"

    def moment(self, seconds: str) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', {seconds}, 'unixepoch')"

    def later(self, moment: str, seconds: str) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', {moment}, '+' || ({seconds}) || ' seconds')"

    def json(self, value: str) -> str:
        return f"'{value}'"


class _PostgreSql:
    def numbers(self, count: int) -> str:
        return f"generate_series(1::bigint, {count}::bigint) n(i)"

    def digits(self, number: str, width: int) -> str:
        return f"lpad(to_hex({number}), {width}, '0')"

    def moment(self, seconds: str) -> str:
        return f"to_timestamp({seconds})"

    def later(self, moment: str, seconds: str) -> str:
        return f"{moment} + ({seconds}) * interval '1 second'"

    def json(self, value: str) -> str:
        return f"'{value}'::json"


def _scattered(number: str) -> str:
    """Bring consecutive numbers into an order like that of random ids, none twice."""
    return f"(({number}) * 2654435761 % 4294967296)"


def _named(kind: str, number: int) -> str:
    return f"{number * 2654435761 % 4294967296:08x}-000{kind}-4000-8000-{number:012x}"


def _id(dialect: _Dialect, kind: str, number: str) -> str:
    scattered, whole = dialect.digits(_scattered(number), 8), dialect.digits(number, 12)
    return f"({scattered} || '-000{kind}-4000-8000-' || {whole})"


def _statements(crowd: Crowd, dialect: _Dialect) -> list[str]:
    return [
        *_people(crowd, dialect),
        _failures(crowd, dialect),
        *_collections(crowd, dialect),
        *_versions(crowd, dialect),
        *_sums(crowd, dialect),
        _log(crowd, dialect),
        *_counts(),
    ]


def _people(crowd: Crowd, dialect: _Dialect) -> list[str]:
    user, token = _id(dialect, "a", "i"), dialect.digits(_scattered("i"), 8)
    permissions = '["ROLE_USER", "upload.all", "collections.can_use_listing_endpoint", "security.list_permissions"]'
    searched = "role_user\x1fupload.all\x1fcollections.can_use_listing_endpoint\x1fsecurity.list_permissions"
    none = dialect.json("[]")
    older = FIRST_UPLOAD - crowd.users
    others = crowd.users * 20
    valid = f"i % 10 = 0 OR i > {others + crowd.robot_tokens - 2}"
    owner = _id(dialect, "a", f"CASE WHEN i > {others} THEN {ROBOT} ELSE 1 + i % {crowd.users} END")
    return [
        f"""INSERT INTO users (id, email, email_folded, password_hash, permissions, tags, max_allowed_file_size,
            allowed_ip_addresses, allowed_user_agents, organization, about, active, created_at, searched)
        SELECT {user}, 'person' || i || '@example.org', 'person' || i || '@example.org', '', {dialect.json(permissions)}, {none}, 0,
            {none}, {none}, 'Organization ' || (i % 300), 'Backs up the databases of department ' || i, i % 50 <> 0,
            {dialect.moment(f"{older} + i")}, {user} || '\x1fperson' || i || '@example.org\x1forganization ' || (i % 300)
            || '\x1fbacks up the databases of department ' || i || '\x1f{searched}'
        FROM {dialect.numbers(crowd.users)}""",
        f"""INSERT INTO tokens (id, token_hash, user_id, kind, scope, issued_at, expires_at, description, active)
        SELECT {_id(dialect, "7", "i")}, {" || ".join([token] * 7)} || {dialect.digits("i", 8)}, {owner}, 'session',
            {dialect.json(permissions)}, {dialect.moment(f"{older} + i / 30")},
            CASE WHEN {valid} THEN {dialect.moment("4000000000")} ELSE {dialect.moment(f"{older} + i / 30 + 7200")} END,
            'Login', i % 20 <> 0 OR i > {others}
        FROM {dialect.numbers(others + crowd.robot_tokens)}""",
    ]


def _failures(crowd: Crowd, dialect: _Dialect) -> str:
    never_forgotten = dialect.moment("4000000000 + i")
    return f"""INSERT INTO login_failures (pair, failed_at) SELECT {" || ".join([dialect.digits("i", 32)] * 2)},
        {never_forgotten} FROM {dialect.numbers(crowd.users)}"""


def _collections(crowd: Crowd, dialect: _Dialect) -> list[str]:
    columns = """(id, filename, description, strategy, max_backups_count, max_one_version_size, max_collection_size,
            created_at, last_number, versions_count, used_space, searched)"""
    created = dialect.moment(f"{FIRST_UPLOAD - crowd.collections} + i")
    collection = _id(dialect, "c", "i")
    given = dialect.json('["collections.list_versions_for_allowed_collections"]')
    special = [
        f"""INSERT INTO collections {columns} VALUES ('{collection_id(number)}', 'db.tar', '',
            'delete_oldest_when_adding_new', 0, 0, 0, {dialect.moment(str(FIRST_UPLOAD - number % 7))}, 0, 0, 0,
            '{collection_id(number)}\x1f\x1fdb.tar')"""
        for number in (ENDLESS, QUIET)
    ]
    return [
        f"""INSERT INTO collections {columns} SELECT {collection}, 'database' || i || '.tar.gz',
            'The nightly dump of database ' || i || ' of department ' || (i % 300), 'delete_oldest_when_adding_new', 0, 0,
            1000000000000, {created}, 0, 0, 0, {collection} || '\x1fthe nightly dump of database ' || i ||
            ' of department ' || (i % 300) || '\x1fdatabase' || i || '.tar.gz' FROM {dialect.numbers(crowd.collections)}""",
        *special,
        f"""INSERT INTO grants (collection_id, user_id, permissions)
        SELECT {collection}, {_id(dialect, "a", f"{ROBOT} + 1 + i % ({crowd.users} - {ROBOT})")}, {given}
        FROM {dialect.numbers(crowd.collections)}
        UNION ALL SELECT id, '{user_id(AUDITOR)}', {given} FROM collections
        UNION ALL SELECT '{collection_id(QUIET)}', '{user_id(LONELY)}', {given}""",
    ]


def _versions(crowd: Crowd, dialect: _Dialect) -> list[str]:
    alike = crowd.versions - crowd.endless
    where = f"1 + (i - 4) % {crowd.collections}"
    place = f"CASE WHEN i <= 3 THEN {QUIET} WHEN i > {alike} THEN {ENDLESS} ELSE {where} END"
    number = f"CASE WHEN i <= 3 THEN i WHEN i > {alike} THEN i - {alike} ELSE 1 + (i - 4) / {crowd.collections} END"
    scattered = dialect.digits(_scattered("i"), 8)
    key = f"({scattered} || {scattered} || {dialect.digits('i', 16)})"
    # the uploads of the large collection are spread over the whole time
    at = f"{FIRST_UPLOAD} + CASE WHEN i > {alike} THEN (i - {alike}) * 9 ELSE i END"
    return [
        f"INSERT INTO blobs (key) SELECT {key} FROM {dialect.numbers(crowd.versions)}",
        f"""INSERT INTO blobs (key, retired_at) SELECT {key}, {dialect.moment(f"{FIRST_UPLOAD} + i")}
        FROM (SELECT {crowd.versions} + i AS i FROM {dialect.numbers(RETIRED)}) n""",
        f"""INSERT INTO versions (id, collection_id, number, filename, blob_key, size, sha256, created_at)
        SELECT {_id(dialect, "b", "i")}, {_id(dialect, "c", place)}, {number},
            {scattered} || '00database' || (i % {crowd.collections}) || '.tar-v' || ({number}) || '.gz', {key},
            1000 + i % 100000, {key} || {key}, {dialect.moment(at)} FROM {dialect.numbers(crowd.versions)}""",
        f"""INSERT INTO version_tags (file_id, tag, position)
        SELECT file_id, 'label' || ((file_id / 10 + place) % {TAGS}), place
        FROM versions CROSS JOIN (SELECT 0 AS place UNION ALL SELECT 7) AS places WHERE file_id % 10 = 0""",
    ]


def _sums(crowd: Crowd, dialect: _Dialect) -> list[str]:
    # twice the gap between any two versions of a collection, and an hour at least
    special = f"id IN ('{collection_id(ENDLESS)}', '{collection_id(QUIET)}')"
    patience = f"CASE WHEN {special} THEN 3600 ELSE {max(3600, 2 * crowd.collections)} END"
    return [
        """UPDATE collections SET last_number = real.last, versions_count = real.count, used_space = real.size,
            newest_at = (SELECT created_at FROM versions WHERE collection_id = collections.id ORDER BY number DESC LIMIT 1)
        FROM (SELECT collection_id, max(number) AS last, count(*) AS count, sum(size) AS size FROM versions
              GROUP BY collection_id) AS real WHERE real.collection_id = collections.id""",
        f"UPDATE collections SET due_at = {dialect.later('newest_at', patience)} WHERE versions_count > 2",
        "DELETE FROM totals",
        """INSERT INTO totals (part, collections, versions, used_space, declared_millions, declared_rest)
        SELECT 0, count(*), sum(versions_count), sum(used_space), sum(max_collection_size / 1000000),
            sum(max_collection_size % 1000000) FROM collections""",
    ]


def _log(crowd: Crowd, dialect: _Dialect) -> str:
    actor = _id(dialect, "a", f"CASE WHEN i % 3 = 0 THEN {ROBOT} ELSE 1 + i % {crowd.users} END")
    event = "CASE WHEN i % 10 = 0 THEN 'login' WHEN i % 100 = 1 THEN 'access.given' ELSE 'version.uploaded' END"
    return f"""INSERT INTO audit (at, actor_id, address, event, target, outcome, detail)
        SELECT {dialect.moment(f"{FIRST_UPLOAD} + i")}, {actor}, '198.51.100.7', {event}, {_id(dialect, "b", "i")}, 'ok',
            'v' || i FROM {dialect.numbers(crowd.versions + crowd.versions // 4)}"""


def _counts() -> list[str]:
    return [
        f"""INSERT INTO audit_counts (actor_id, event, entries, until_id)
        SELECT {actor}, {event}, count(*), (SELECT max(id) FROM audit) FROM audit GROUP BY 1, 2"""
        for actor in ("actor_id", "''")
        for event in ("event", "''")
    ]
