"""Every check, in order (contract B 2.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backup_repository.doctor.address import address, clock, tls
from backup_repository.doctor.bodies import body_size, buffering, pauses
from backup_repository.doctor.case import Case, Check
from backup_repository.doctor.endpoints import closed_endpoints, health
from backup_repository.doctor.forged import forged_header
from backup_repository.doctor.found import Finding, Found, Verdict, fail, skip
from backup_repository.doctor.round_trip import round_trip
from backup_repository.doctor.trouble import Trouble, Unreachable, Untrusted

ADDRESS = "address"
_BEFORE_HTTP: Mapping[str, Check] = {"TLS": tls, "clock": clock}
"""Worth looking at whoever answers."""
_OF_SERVER: Mapping[str, Check] = {
    "body size": body_size,
    "buffering": buffering,
    "time-outs": pauses,
    "forged hand-over header": forged_header,
    "health": health,
    "closed endpoints": closed_endpoints,
    "round trip": round_trip,
}
CHECKS = (ADDRESS, *_BEFORE_HTTP, *_OF_SERVER)
"""Their names."""


def examine(case: Case) -> Iterator[Finding]:
    """Make every check, one after the other; whatever happens to one, all have a finding.

    Nothing is left behind, also when the generator is closed or a check interrupted by an exception.
    """
    try:
        found, reached = _made(case, ADDRESS, address), True
    except Unreachable as trouble:
        found, reached = fail(f"{case.target} cannot be reached: {trouble}."), False
    yield _finding(case, ADDRESS, found)
    for name, check in _BEFORE_HTTP.items():
        yield _finding(case, name, _found(case, name, check) if reached else skip("Needs an address that answers."))
    answered = found.verdict is Verdict.OK
    for name, check in _OF_SERVER.items():
        yield _finding(
            case, name, _found(case, name, check) if answered else skip("Needs a Backup Repository at the address.")
        )


def _found(case: Case, name: str, check: Check) -> Found:
    try:
        return _made(case, name, check)
    except Untrusted as trouble:
        return skip(f"No secret is sent, because {trouble}; --insecure sends it nevertheless.")
    except Unreachable as trouble:
        return fail(f"No connection: {trouble}.")


def _made(case: Case, name: str, check: Check) -> Found:
    """Make one check.

    Raises:
        Unreachable: no connection could be made.
    """
    case.tell(f"{name} ...")
    try:
        return check(case)
    except Unreachable:
        raise
    except Trouble as trouble:
        return fail(f"No answer: {trouble}.")


def _finding(case: Case, name: str, found: Found) -> Finding:
    return Finding(name, found.verdict, case.masked(found.sentence))
