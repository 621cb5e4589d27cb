"""`/overview`: are we safe? (contract B 5)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from backup_repository.access.decide import Action
from backup_repository.health.check import Diagnosis
from backup_repository.health.freshness import State
from backup_repository.health.report import Numbers
from backup_repository.health.survey import Day
from backup_repository.sizes import format_size
from backup_repository.versions.model import Version
from backup_repository.web import plots
from backup_repository.web.visit import SignedIn

_RECENT = 10


@dataclass(frozen=True, slots=True)
class Recent:
    """One of the newest versions, with the name of its collection."""

    version: Version
    filename: str


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
    """Say first how the collections are, then what came last, then the numbers of the server."""
    instance = visit.instance
    survey = await instance.surveys.look(visit.actor)
    versions = await instance.files.recent(visit.actor, _RECENT)
    names = await instance.surveys.names([version.collection_id for version in versions])
    recent = [Recent(version, names.get(version.collection_id, "")) for version in versions]
    server = await _server(visit) if visit.may(Action.VIEW_METRICS) else None
    return visit.page("overview.html", survey=survey, recent=recent, server=server, State=State)


async def _server(visit: SignedIn) -> Server:
    instance = visit.instance
    days = await instance.surveys.days(visit.actor)
    return Server(
        numbers=await instance.report.numbers(),
        diagnosis=await instance.health.diagnose(),
        days=days,
        uploads=plots.bars([day.uploads for day in days], [f"{day.begins:%b %d}: {day.uploads}" for day in days]),
        stored=plots.bars(
            [day.stored for day in days], [f"{day.begins:%b %d}: {format_size(day.stored)}" for day in days]
        ),
    )
