"""The cookies of the web console: the session, a guest's secret, and the notice that survives one redirect.

All are HttpOnly and SameSite=Strict; over https they are also Secure and carry the prefix that pins them to the host.
The session's holds the very token that the API knows and records, with when it began and when it was last used, signed
by the token itself: who can forge that has the token already.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from starlette.responses import Response

IDLE_SECONDS = 1800
"""A session that is not used for this long ends."""
LONGEST_SECONDS = 12 * 3600
"""A session ends after this long however much it is used; a log-in ends with its token, mostly earlier."""
_STEP_SECONDS = 60
"""How much later a use must be to be written down again."""

SESSION, GUEST, NOTICE = "session", "guest", "notice"
_VALUE = re.compile(r"(?P<begun>[0-9]{1,12})\.(?P<seen>[0-9]{1,12})\.(?P<mac>[0-9a-f]{64})\.(?P<token>.+)", re.ASCII)
_MAX_NOTICE = 2000


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """What the session's cookie says."""

    token: str
    begun: int
    """Seconds since 1970."""
    seen: int
    """Likewise; the last use."""

    @classmethod
    def begin(cls, token: str, now: datetime) -> SessionCookie:
        """Begin a session."""
        return cls(token, int(now.timestamp()), int(now.timestamp()))

    @classmethod
    def read(cls, text: str) -> SessionCookie | None:
        """Read a cookie; None when it was not written here."""
        match = _VALUE.fullmatch(text)
        if match is None:
            return None
        cookie = cls(match["token"], int(match["begun"]), int(match["seen"]))
        return cookie if hmac.compare_digest(cookie._mac(), match["mac"]) else None

    def write(self) -> str:
        """Return the cookie's text."""
        return f"{self.begun}.{self.seen}.{self._mac()}.{self.token}"

    def timed_out(self, now: datetime) -> bool:
        """Whether the session was idle for too long, or is too old."""
        moment = int(now.timestamp())
        return moment - self.seen > IDLE_SECONDS or moment - self.begun > LONGEST_SECONDS

    def used(self, now: datetime) -> SessionCookie | None:
        """Return the cookie to send back; None: the one that is there will do."""
        moment = int(now.timestamp())
        return replace(self, seen=moment) if moment - self.seen >= _STEP_SECONDS else None

    @property
    def secret(self) -> str:
        """What forms are signed with: another one for each log-in, known to nobody else."""
        return f"{self.begun}.{self.token}"

    def _mac(self) -> str:
        return hmac.new(self.token.encode(), f"{self.begun}.{self.seen}".encode(), hashlib.sha256).hexdigest()


def name_of(cookie: str, *, secure: bool) -> str:
    """Return a cookie's full name."""
    return f"__Host-{cookie}" if secure else cookie


def put(response: Response, cookie: str, value: str, *, secure: bool, seconds: int | None = None) -> None:
    """Set a cookie; without seconds it ends with the browser."""
    name = name_of(cookie, secure=secure)
    response.set_cookie(name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="strict")


def drop(response: Response, cookie: str, *, secure: bool) -> None:
    """Forget a cookie."""
    name = name_of(cookie, secure=secure)
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")


def new_guest() -> str:
    """Make the secret of a guest, with which the log-in form is signed."""
    return secrets.token_urlsafe(24)


def pack_notice(kind: str, text: str) -> str:
    """Write a notice for a cookie."""
    return base64.urlsafe_b64encode(json.dumps([kind, text[:_MAX_NOTICE]]).encode()).decode()


def unpack_notice(value: str) -> tuple[str, str] | None:
    """Read a notice from a cookie; None when it is none."""
    try:
        found = json.loads(base64.urlsafe_b64decode(value.encode()))
    except (ValueError, RecursionError):
        return None
    match found:
        case [str(kind), str(text)]:
            return kind, text
    return None
