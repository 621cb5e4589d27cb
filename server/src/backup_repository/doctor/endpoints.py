"""What the server says of itself, with its code and without (contract B 2.4)."""

from __future__ import annotations

from urllib.parse import quote

from backup_repository.doctor.answers import unexpected
from backup_repository.doctor.case import Case
from backup_repository.doctor.found import Found, fail, ok, skip, warn

_HEALTH = "/health"
_CLOSED = {
    _HEALTH: "HEALTH_CHECK_CODE",
    "/metrics": "METRICS_CODE",
    "/metrics/backup_repository_report/influxdb": "METRICS_CODE",
}
"""What no guest may read, and the setting that closes it."""
_OPEN, _WRONG_CODE, _FIRST_OF_SERVER = 200, 403, 500


def health(case: Case) -> Found:
    """Ask whether storage and database work."""
    if not case.health_code:
        return skip("Needs --health-code-file with the HEALTH_CHECK_CODE of the server.")
    answer = case.confidential.ask("GET", f"{_HEALTH}?code={quote(case.health_code, safe='')}")
    if answer.status == _WRONG_CODE:
        return fail("The code is refused: it is not the HEALTH_CHECK_CODE of the server, or the server has none.")
    document = answer.document()
    if not isinstance(document.get("global_status"), bool):
        return fail(f"The health endpoint cannot be read: {unexpected(answer)}.")
    if document["global_status"]:
        return ok("Storage and database are healthy.")
    return fail(f"Not healthy, {_ailing(document)}; look at FS_* and DATABASE_URL, and into the log of the server.")


def _ailing(document: dict[str, object]) -> str:
    """Name what does not work, with what the server says of it."""
    status, messages = _first(document.get("status")), _first(document.get("messages"))
    ailing = [name for name in ("storage", "database") if status.get(name) is not True]
    words = {name: messages.get(name) for name in ailing}
    return "; ".join(
        f"{name}: {', '.join(map(str, said))}" if isinstance(said, list) else name for name, said in words.items()
    )


def _first(items: object) -> dict[str, object]:
    return items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}


def closed_endpoints(case: Case) -> Found:
    """Ask for health and metrics without a code, and with an empty one."""
    unclear = []
    for path, setting in _CLOSED.items():
        for query in ("", "?code="):
            answer = case.anonymous.ask("GET", path + query)
            if answer.status == _OPEN or "global_status" in answer.document():
                return fail(
                    f"{path} answers without a code: set {setting}, and let no proxy add a code or answer in its place."
                )
            if answer.status >= _FIRST_OF_SERVER:
                unclear.append(f"{path}: {unexpected(answer)}")
    if unclear:
        return warn(f"Nobody can tell whether all are closed; {unclear[0]}.")
    return ok("Health and metrics are closed to everybody without a code.")
