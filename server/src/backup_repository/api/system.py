"""Health and the server's own numbers (contract 10)."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from backup_repository.api import render
from backup_repository.api.caller import Public
from backup_repository.api.peer import base_url
from backup_repository.metrics import influxdb
from backup_repository.metrics.names import influxdb_fields

_FRESH = {"Cache-Control": "no-store"}


async def health(call: Public) -> Response:
    """R28: can we serve at all?"""
    diagnosis = await call.instance.health.diagnose()
    return render.json_response(diagnosis.document(), 200 if diagnosis.healthy else 503, _FRESH)


async def influxdb_report(call: Public) -> Response:
    """R27: the numbers of the whole server as one line for InfluxDB."""
    config = call.instance.config
    tags = {
        "base_url": base_url(call.request, config.base_url, config.trusted_proxies),
        "app_env": config.app_env,
    }
    fields = influxdb_fields(await call.instance.report.numbers())
    return PlainTextResponse(influxdb.line(tags, fields, call.instance.clock()), headers=_FRESH)
