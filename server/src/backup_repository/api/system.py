"""Health and the server's own numbers (contract 10)."""

from __future__ import annotations

from importlib.metadata import version

from starlette.responses import PlainTextResponse, Response

from backup_repository.access.decide import Action, may, require
from backup_repository.api import render, schemas
from backup_repository.api.caller import FRESH, Authenticated, Public
from backup_repository.api.described import JSON, Answer, Operation, Parameter, Tag, answers
from backup_repository.api.peer import base_url
from backup_repository.api.shapes import one_of, record, text
from backup_repository.metrics import influxdb
from backup_repository.metrics.names import influxdb_fields
from backup_repository.sizes import format_size

_RECENT = 10

_LINE = {"text/plain": text("backup_repository_report,base_url=http://localhost:8000,app_env=prod backup_versions=0 1")}

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_METRICS = {"text/plain": text("backup_repository_versions 0.0\n")}


@Operation(
    "Is the server able to serve?",
    Tag.SERVER,
    {
        200: Answer("Everything works", {JSON: schemas.HEALTH}),
        503: Answer("Something does not", {JSON: schemas.HEALTH}),
    },
    details="Tries the database and the storage for real.",
)
async def health(call: Public) -> Response:
    """R28: can we serve at all?"""
    diagnosis = await call.instance.health.diagnose()
    return render.json_response(diagnosis.document(), 200 if diagnosis.healthy else 503, FRESH)


@Operation(
    "Which version of the server runs",
    Tag.SERVER,
    answers(record({"version": text("5.0.0"), "db_type": one_of("sqlite", "postgresql")})),
    needs="any token",
)
async def show_version(call: Authenticated) -> Response:
    """R25: which product on which database."""
    return render.json_response({"version": version("backup-repository"), "db_type": call.instance.database.name})


@Operation(
    "The numbers of the whole server",
    Tag.SERVER,
    {200: Answer("The numbers", {JSON: record({"status": schemas.TRUE, "data": schemas.METRICS}), **_LINE})},
    needs="any token; for the numbers, and for `format=influxdb`, `view.metrics`",
    query=(Parameter("format", "`influxdb`: one line for InfluxDB instead of JSON", text("json")),),
    codes=(40312,),
)
async def report(call: Authenticated) -> Response:
    """R26: the numbers of the whole server, and the newest versions the caller may see."""
    if call.query.get("format") == "influxdb":
        require(call.actor, Action.TECHNICAL_OUTPUT)
        return await _line(call)
    numbers = await call.instance.report.numbers() if may(call.actor, Action.VIEW_METRICS) else None
    recent = await call.instance.files.recent(call.actor, _RECENT)
    data = {
        "storage": {
            "declared_space": numbers and format_size(numbers.declared_space),
            "used_space": numbers and format_size(numbers.used_space),
        },
        "users": {
            "active_accounts": numbers and numbers.active_accounts,
            "active_jwt_keys": numbers and numbers.active_tokens,
        },
        "backup": {
            "versions": numbers and numbers.versions,
            "collections": numbers and numbers.collections,
            "recent_versions": [render.version(stored) for stored in recent],
        },
        "resources": {"tags": numbers and numbers.tags},
    }
    return render.json_response({"status": True, "data": data})


@Operation(
    "The numbers as one line for InfluxDB",
    Tag.SERVER,
    {200: Answer("One line, ended by a line feed", _LINE)},
)
async def influxdb_report(call: Public) -> Response:
    """R27: the numbers of the whole server as one line for InfluxDB."""
    return await _line(call)


@Operation(
    "The numbers for Prometheus",
    Tag.SERVER,
    {200: Answer("The metrics in Prometheus' text format", _METRICS)},
    details="What the server counts while it runs, what is stored, and how every collection fares.",
)
async def prometheus_metrics(call: Public) -> Response:
    """Contract 2: everything there is to watch, for Prometheus."""
    return Response(await call.instance.scrape.text(), media_type=_PROMETHEUS, headers=FRESH)


async def _line(call: Public) -> Response:
    config = call.instance.config
    tags = {
        "base_url": base_url(call.request, config.base_url, config.trusted_proxies),
        "app_env": config.app_env,
    }
    fields = influxdb_fields(await call.instance.report.numbers())
    return PlainTextResponse(influxdb.line(tags, fields, call.instance.clock()), headers=FRESH)
