"""The audit log, for administrators (contract 12 and 13)."""

from __future__ import annotations

from starlette.responses import Response

from backup_repository.access.audit import search_of
from backup_repository.api import render, schemas
from backup_repository.api.caller import Authenticated
from backup_repository.api.described import Operation, Parameter, Tag, answers
from backup_repository.api.paging import page_of, page_parameters
from backup_repository.api.shapes import one_of, text
from backup_repository.audit.model import Event
from backup_repository.errors import FieldError, InvalidFields


@Operation(
    "Read the audit log",
    Tag.SERVER,
    answers(schemas.found("data", schemas.AUDIT_ENTRY, schemas.IN_CONTEXT)),
    needs="`security.administrator`",
    query=(
        Parameter("actor", "The id of an account"),
        Parameter("action", "What happened", one_of(*map(str, Event)), codes=(50002,)),
        Parameter("from", "First day or moment", text("2031-05-01"), codes=(41014,)),
        Parameter("to", "Last day or moment", text("2031-05-31"), codes=(41014,)),
        *page_parameters(size_name="limit", default_size=50),
    ),
    codes=(40312,),
)
async def read_audit(call: Authenticated) -> Response:
    """Read the audit log, newest first; `actor`, `action`, `from` and `to` narrow it."""
    call.instance.audit.require_reading(call.actor)
    query = call.query
    problems: dict[str, FieldError] = {}
    try:
        wanted = search_of(
            actor=query.get("actor", ""),
            action=query.get("action", ""),
            first=query.get("from", ""),
            last=query.get("to", ""),
        )
    except InvalidFields as error:
        problems |= error.fields
    try:
        page = page_of(query, size_name="limit", default_size=50)
    except InvalidFields as error:
        problems |= error.fields
    if problems:
        raise InvalidFields(problems)
    found = await call.instance.audit.page(wanted, offset=page.offset, limit=page.size)
    return render.json_response(
        {
            "message": "Matches found" if found.entries else "No matches found",
            "status": True,
            "data": [render.audit_entry(entry) for entry in found.entries],
            "context": {"pagination": render.pagination(page.number, page.size, found.total)},
        }
    )
