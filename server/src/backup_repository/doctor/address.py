"""What is found before the first byte of a body: address, TLS, clock (contract B 2.4)."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from backup_repository.doctor.answers import unexpected
from backup_repository.doctor.case import API, Case
from backup_repository.doctor.conversation import Answer
from backup_repository.doctor.found import Found, fail, ok, skip, warn
from backup_repository.doctor.trouble import Cut, Untrusted
from backup_repository.doctor.wire import Wire

_WHO = f"{API}/version"
"""Any token opens it; without one our server says so in its own words."""
_BAD_REQUEST, _UNAUTHENTICATED, _NOT_FOUND = 400, 401, 404
_DAY = 86400
_SOON = 14 * _DAY
_NOTICEABLE, _HARMFUL = 5.0, 60.0
"""Seconds between two clocks."""
_HALF_A_SECOND = 0.5
"""What `Date` leaves out on average."""


def address(case: Case) -> Found:
    """Ask who answers, without any secret."""
    answer = case.anonymous.ask("GET", _WHO)
    if is_ours(answer):
        return ok(f"Backup Repository answers at {case.target}.")
    advice = ""
    if answer.status == _BAD_REQUEST and not case.target.encrypted:
        advice = "; if the port speaks TLS, give the https address"
    if answer.status == _NOT_FOUND and case.target.prefix:
        advice = f"; give the address without {case.target.prefix}, unless the whole installation is below it"
    return fail(f"{case.target} is not answered by Backup Repository: {unexpected(answer)}{advice}.")


def is_ours(answer: Answer) -> bool:
    """Whether only our server answers a guest so."""
    return answer.status == _UNAUTHENTICATED and answer.document().get("type") == "request.auth-error"


def tls(case: Case) -> Found:
    """Look at the certificate and at what is spoken."""
    if not case.target.encrypted:
        return _plain(case)
    try:
        with Wire(case.target, case.patience, verified=True).open() as conversation:
            certificate, protocol = conversation.certificate, conversation.protocol
    except Untrusted as error:
        if case.insecure:
            return warn(f"Accepted because of --insecure: {error}.")
        return fail(f"The connection is not safe: {error}.")
    return _lasts(certificate, protocol, time.time())


def _plain(case: Case) -> Found:
    with case.anonymous.open() as conversation:
        if conversation.stays_here:
            return ok("Plain http, and nothing leaves this machine.")
    return warn(
        "Plain http: everybody on the way can read tokens and backups; let the router terminate TLS (`listen 443 ssl`, "
        "`ssl_certificate`) and give the https address."
    )


def _lasts(certificate: Mapping[str, Any], protocol: str, now: float) -> Found:
    left = ssl.cert_time_to_seconds(certificate["notAfter"]) - now
    days = int(left // _DAY)
    if left < _SOON:
        return warn(f"The certificate ends in {days} days; renew it and reload NGINX (`ssl_certificate`).")
    return ok(f"The certificate is trusted, names the host and lasts for {days} more days; {protocol} is spoken.")


def clock(case: Case) -> Found:
    """Compare the clock of what answers with the one here, in the middle of the round trip."""
    with case.anonymous.open() as conversation:
        asked, begun = time.time(), time.monotonic()
        conversation.send(case.anonymous.head("GET", _WHO, {"Cache-Control": "no-cache"}))
        answer = conversation.hear(case.patience.answer)
        half = (time.monotonic() - begun) / 2
    if answer is None:
        raise Cut(words="no answer came")
    try:
        shown = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError, OverflowError):
        return skip("The answer has no `Date` that can be read; let the outermost proxy send one.")
    there = (shown if shown.tzinfo else shown.replace(tzinfo=UTC)).timestamp() + _HALF_A_SECOND
    return _apart(there - (asked + half))


def _apart(seconds: float) -> Found:
    apart, way = abs(seconds), "ahead of" if seconds > 0 else "behind"
    if apart <= _NOTICEABLE:
        return ok(f"The clocks there and here agree within {_NOTICEABLE:g} s.")
    found = fail if apart > _HARMFUL else warn
    return found(
        f"The clock there is {apart:.0f} s {way} the one here: lifetimes of tokens and times of versions are wrong; "
        "synchronise both machines by NTP (`timedatectl set-ntp true`)."
    )
