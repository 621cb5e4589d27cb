"""`/overview`: are we safe? (contract B 5)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.responses import Response

from backup_repository.access.decide import Action
from backup_repository.health.check import Diagnosis
from backup_repository.health.freshness import State
from backup_repository.health.report import Numbers
from backup_repository.health.survey import Day
from backup_repository.sizes import format_size
from backup_repository.web import plots
from backup_repository.web.visit import SignedIn

_RECENT = 10


@dataclass(frozen=True, slots=True)
class Server:
    """What only those see who may see the numbers of the whole server."""

    numbers: Numbers
    diagnosis: Diagnosis
    days: tuple[Day, ...]
    uploads: tuple[plots.Bar, ...]
    stored: tuple[plots.Bar, ...]

    @property
    def share(self) -> int | None:
        """How many percent of the declared space are used; None: nothing is declared."""
        declared = self.numbers.declared_space
        return min(100, round(100 * self.numbers.used_space / declared)) if declared else None


async def show_overview(visit: SignedIn) -> Response:
    """Say first how the collections are, then what is under way and what came last, then the numbers of the server."""
    instance = visit.instance
    return visit.page(
        "overview.html",
        survey=await instance.surveys.look(visit.actor),
        uploading=await instance.running.look(visit.actor),
        recent=await instance.surveys.newest(visit.actor, _RECENT),
        server=await _server(visit) if visit.may(Action.VIEW_METRICS) else None,
        State=State,
    )


async def show_uploading(visit: SignedIn) -> Response:
    """Show the running uploads alone, for the script that keeps them up to date."""
    return visit.part("uploading.html", uploading=await visit.instance.running.look(visit.actor))


async def _server(visit: SignedIn) -> Server:
    instance = visit.instance
    try:
        async with asyncio.TaskGroup() as group:  # a storage that hangs keeps the check waiting, but not the others
            numbers = group.create_task(instance.report.numbers())
            diagnosis = group.create_task(instance.health.diagnose())
            looking = group.create_task(instance.surveys.days(visit.actor))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    days = looking.result()
    return Server(
        numbers=numbers.result(),
        diagnosis=diagnosis.result(),
        days=days,
        uploads=plots.bars([day.uploads for day in days], [f"{day.begins:%b %d}: {day.uploads}" for day in days]),
        stored=plots.bars(
            [day.stored for day in days], [f"{day.begins:%b %d}: {format_size(day.stored)}" for day in days]
        ),
    )
