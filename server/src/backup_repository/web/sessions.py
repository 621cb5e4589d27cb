"""Signing in and out (contract B 5: /login, /logout)."""

from __future__ import annotations

import contextlib

from starlette.responses import Response

from backup_repository.access.model import Actor, TokenKind
from backup_repository.access.tokens import CURRENT_SESSION
from backup_repository.errors import DomainError, ReadOnlyInstance, Unauthenticated
from backup_repository.web import cookies
from backup_repository.web.body import Fields
from backup_repository.web.cookies import SessionCookie
from backup_repository.web.notices import BAD, Notice, Said, ends_session, explained, status_of, tell_when
from backup_repository.web.visit import SignedIn, Visit


async def show_front(visit: Visit) -> Response:
    """`/`: the dashboard, the log-in, or the first steps."""
    if isinstance(visit, SignedIn):
        return visit.go("/overview")
    return await show_login(visit)


async def show_login(visit: Visit) -> Response:
    """`/login`: ask who it is; before there is any account, go to the first steps."""
    if isinstance(visit, SignedIn):
        return visit.go("/overview")
    if await visit.instance.first_run.due():
        return visit.page("first_run.html", problems={}, typed=Fields())
    return visit.page("login.html", with_token=visit.query("with") == "token", email="")


async def log_in(visit: Visit, fields: Fields) -> Response:
    """Begin a session with e-mail and password."""
    email, password = fields.text("email"), fields.text("password")
    missing = [said for said, text in ((Said.EMAIL_MISSING, email), (Said.PASSWORD_MISSING, password)) if not text]
    if missing:
        notices = tuple(Notice(BAD, said) for said in missing)
        return visit.page("login.html", status=400, notices=notices, with_token=False, email=email)
    try:
        token = await visit.instance.sessions.log_in(
            email, password, address=visit.address, user_agent=visit.user_agent
        )
    except DomainError as error:
        page = visit.page(
            "login.html", status=status_of(error), notices=(explained(error),), with_token=False, email=email
        )
        tell_when(page, error)
        return page
    return await _begin(visit, token)


async def use_token(visit: Visit, fields: Fields) -> Response:
    """Begin a session with a pasted token, which is checked before it is kept."""
    token = fields.text("token").strip()
    try:
        await identified(visit, token)
    except DomainError as error:
        return visit.page("login.html", status=status_of(error), notices=(explained(error),), with_token=True, email="")
    return await _begin(visit, token)


async def identified(visit: Visit, token: str) -> Actor:
    """Recognise the bearer of a token that is for people.

    Raises:
        Unauthenticated: the token is only for one upload, and as `Sessions.identify`.
        PermissionDenied: as `Sessions.identify`.
    """
    actor = await visit.instance.sessions.identify(token, address=visit.address, user_agent=visit.user_agent)
    if actor.only_collection is not None:
        raise Unauthenticated("This token is for one upload only")
    return actor


async def _begin(visit: Visit, token: str) -> Response:
    """Keep a new session; the guest's secret has done its work, and a log-in that was there before ends."""
    if visit.session is not None and visit.session.token != token:
        await _end(visit, visit.session)
    response = visit.go("/overview")
    cookie = SessionCookie.begin(token, visit.instance.clock())
    cookies.put(response, cookies.SESSION, cookie.write(), secure=visit.links.secure)
    cookies.drop(response, cookies.GUEST, secure=visit.links.secure)
    return response


async def _end(visit: Visit, before: SessionCookie) -> None:
    """Revoke the log-in that this browser held before, if it still is one; nobody holds it afterwards."""
    with contextlib.suppress(DomainError):
        actor = await identified(visit, before.token)
        if actor.token.kind is TokenKind.SESSION and not visit.instance.config.read_only:
            await visit.instance.tokens.revoke(actor, CURRENT_SESSION)


async def ask_log_out(visit: SignedIn) -> Response:
    """`/logout` as an address: nothing is ended by a link alone."""
    return visit.page("logout.html")


async def log_out(visit: SignedIn, _fields: Fields) -> Response:
    """End the session on the server, then forget it here; say aloud when the server could not."""
    try:
        if visit.instance.config.read_only:
            raise ReadOnlyInstance
        await visit.instance.tokens.revoke(visit.actor, CURRENT_SESSION)
    except DomainError as error:
        if ends_session(error):
            raise
        text = f"This browser has forgotten the session, but the server could not revoke it: {error.message}"
        response = Visit(visit.request, visit.instance, visit.lent, visit.guest).go("/login", kind=BAD, text=text)
    else:
        response = Visit(visit.request, visit.instance, visit.lent, visit.guest).go("/login", Said.SIGNED_OUT)
    cookies.drop(response, cookies.SESSION, secure=visit.links.secure)
    return response
