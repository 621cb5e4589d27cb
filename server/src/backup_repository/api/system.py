"""Health and the server's own numbers (contract 10)."""

from __future__ import annotations

from importlib.metadata import version

from starlette.responses import PlainTextResponse, Response

from backup_repository.access.decide import Action, may, require
from backup_repository.api import render
from backup_repository.api.caller import FRESH, Authenticated, Public
from backup_repository.api.peer import base_url
from backup_repository.metrics import influxdb
from backup_repository.metrics.names import influxdb_fields
from backup_repository.sizes import format_size

_RECENT = 10


async def health(call: Public) -> Response:
    """R28: can we serve at all?"""
    diagnosis = await call.instance.health.diagnose()
    return render.json_response(diagnosis.document(), 200 if diagnosis.healthy else 503, FRESH)


async def show_version(call: Authenticated) -> Response:
    """R25: which product on which database."""
    return render.json_response({"version": version("backup-repository"), "db_type": call.instance.database.name})


async def report(call: Authenticated) -> Response:
    """R26: the numbers of the whole server, and the newest versions the caller may see."""
    if call.query.get("format") == "influxdb":
        require(call.actor, Action.TECHNICAL_OUTPUT)
        return await influxdb_report(call)
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


async def influxdb_report(call: Public) -> Response:
    """R27: the numbers of the whole server as one line for InfluxDB."""
    config = call.instance.config
    tags = {
        "base_url": base_url(call.request, config.base_url, config.trusted_proxies),
        "app_env": config.app_env,
    }
    fields = influxdb_fields(await call.instance.report.numbers())
    return PlainTextResponse(influxdb.line(tags, fields, call.instance.clock()), headers=FRESH)
