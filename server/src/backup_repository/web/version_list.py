"""The versions on a collection's page: newest first, on a time line, with what rotation will remove next and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backup_repository.access.decide import Action
from backup_repository.access.door import Opened
from backup_repository.collections.due import LOOKED_AT
from backup_repository.health.freshness import Verdict, judge
from backup_repository.rotation.choose import choose
from backup_repository.sizes import format_size
from backup_repository.versions.model import Version
from backup_repository.versions.plan import may_leave
from backup_repository.web import plots
from backup_repository.web.paging import PAGE_SIZE, Paging
from backup_repository.web.visit import SignedIn

_ON_THE_LINE = 60
_MOST_LEAVING = 5
"""Of so many leaving versions the page names each."""


@dataclass(frozen=True, slots=True)
class Versions:
    """What the page shows."""

    rows: tuple[Version, ...]
    """One page, newest first."""
    paging: Paging
    line: tuple[plots.Bar, ...]
    first_on_line: Version | None
    verdict: Verdict
    next: tuple[str, ...]
    """What happens to the stored versions when one more arrives, one sentence each."""
    leaving: frozenset[int]
    """Numbers of the versions that the next one will push out."""


async def of(visit: SignedIn, opened: Opened) -> Versions | None:
    """Read what the page shows; None when the session may not list versions here."""
    if not visit.may(Action.LIST_VERSIONS, opened.entry):
        return None
    paging = Paging.read(visit.query("page"))
    async with visit.instance.downloads.listing(visit.actor, opened.collection.id) as listing:
        total = listing.count
        paging = paging.of(total)
        found = await listing.excerpt(
            newest=_ON_THE_LINE, skip=paging.offset, limit=PAGE_SIZE, oldest=min(may_leave(opened.collection), total)
        )
    last, oldest = found.newest, found.oldest
    now = visit.instance.clock()
    plan = choose(opened.collection.strategy)(oldest, opened.collection.max_backups_count, unseen=total - len(oldest))
    return Versions(
        rows=tuple(reversed(found.page)),
        paging=paging,
        line=plots.along(
            [version.created_at for version in last],
            [version.size for version in last],
            [_title(version) for version in last],
            now,
        ),
        first_on_line=last[0] if last else None,
        verdict=judge(opened.collection, [version.created_at for version in last[-LOOKED_AT:]], now),
        next=_few(plan.reasons),
        leaving=frozenset(version.number for version in plan.retire),
    )


def _title(version: Version) -> str:
    return f"v{version.number}, {format_size(version.size)}, {version.created_at:%Y-%m-%d %H:%M} UTC"


def _few(reasons: Sequence[str]) -> tuple[str, ...]:
    if len(reasons) <= _MOST_LEAVING:
        return tuple(reasons)
    return (*reasons[:_MOST_LEAVING], f"and {len(reasons) - _MOST_LEAVING} more")
