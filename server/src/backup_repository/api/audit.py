"""The audit log, for administrators (contract 12 and 13)."""

from __future__ import annotations

from starlette.datastructures import QueryParams
from starlette.responses import Response

from backup_repository.api import render
from backup_repository.api.caller import Authenticated
from backup_repository.api.paging import page_of
from backup_repository.audit.model import Event, Search
from backup_repository.errors import FieldError, InvalidFields
from backup_repository.users.expiry import parse_last_moment, parse_moment


async def read_audit(call: Authenticated) -> Response:
    """Read the audit log, newest first; `actor`, `action`, `from` and `to` narrow it."""
    call.instance.audit.require_reading(call.actor)
    problems: dict[str, FieldError] = {}
    wanted = _search(call.query, problems)
    try:
        page = page_of(call.query, size_name="limit", default_size=50)
    except InvalidFields as error:
        raise InvalidFields(problems | error.fields) from error
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


def _search(query: QueryParams, problems: dict[str, FieldError]) -> Search:
    event = None
    if query.get("action"):
        try:
            event = Event(query["action"])
        except ValueError:
            problems["action"] = FieldError(f"Unknown action, available: {', '.join(Event)}", 50002)
    moments = {}
    for name, parse in (("from", parse_moment), ("to", parse_last_moment)):
        try:
            moments[name] = parse(query[name]) if query.get(name) else None
        except ValueError:
            problems[name] = FieldError("The date is not understood, expected for example 2031-05-01", 41014)
    actor = query.get("actor", "").lower().replace("\0", "")
    return Search(actor_id=actor or None, event=event, first=moments.get("from"), last=moments.get("to"))
