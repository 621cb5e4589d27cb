"""The wrappers that let visitors in: who has a session, whose form is ours, and what happens when neither is so."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from backup_repository.access.model import TokenKind
from backup_repository.access.tokens import CURRENT_SESSION
from backup_repository.errors import DomainError, Kind, ReadOnlyInstance
from backup_repository.instance import Instance
from backup_repository.web import cookies, forgery
from backup_repository.web.body import Fields, read_form
from backup_repository.web.failures import bad, failure_page, page_about
from backup_repository.web.lent import Lent
from backup_repository.web.notices import BAD, Said, ends_session
from backup_repository.web.sessions import identified
from backup_repository.web.visit import SignedIn, Visit

_log = logging.getLogger(__name__)

_OF_THE_SERVER = frozenset({Kind.BROKEN, Kind.UNAVAILABLE, Kind.DATABASE_DOWN})
"""Kinds of failures that whoever runs the server should know of."""

Serve = Callable[[Request], Awaitable[Response]]
"""What the route table holds."""


class Doors:
    """The wrappers of one instance."""

    def __init__(self, instance: Instance, lent: Lent) -> None:
        self._instance = instance
        self._lent = lent

    def open(self, handler: Callable[[Visit], Awaitable[Response]]) -> Serve:
        """Show a page to anybody; whoever has a session is a `SignedIn`."""

        async def serve(request: Request) -> Response:
            guest = self._guest(request)
            try:
                return await handler(await self._recognised(guest) or guest)
            except DomainError as error:
                return _ended(guest, error.message) if ends_session(error) else self._refused(guest, error)

        return serve

    def open_form(self, handler: Callable[[Visit, Fields], Awaitable[Response]]) -> Serve:
        """Take a form of anybody."""

        async def serve(request: Request) -> Response:
            guest = self._guest(request)
            try:
                fields = await read_form(request)
                if not _is_ours(guest, fields):
                    return _foreign(guest)
                return await handler(guest, fields)
            except DomainError as error:
                return self._refused(guest, error)

        return serve

    def page(self, handler: Callable[[SignedIn], Awaitable[Response]]) -> Serve:
        """Show a page to who has a session; others are sent to Login."""

        async def serve(request: Request) -> Response:
            return await self._for_session(request, handler)

        return serve

    def form(
        self, handler: Callable[[SignedIn, Fields], Awaitable[Response]], *, also_read_only: bool = False
    ) -> Serve:
        """Take a form of who has a session; with `also_read_only` the handler itself refuses what cannot be written."""

        async def with_fields(visit: SignedIn) -> Response:
            fields = await read_form(visit.request)
            if not _is_ours(visit, fields):
                return _foreign(visit)
            if self._instance.config.read_only and not also_read_only:
                raise ReadOnlyInstance
            return await handler(visit, fields)

        async def serve(request: Request) -> Response:
            return await self._for_session(request, with_fields)

        return serve

    async def _for_session(self, request: Request, handler: Callable[[SignedIn], Awaitable[Response]]) -> Response:
        guest = self._guest(request)
        try:
            visit = await self._recognised(guest)
        except DomainError as error:
            return _ended(guest, error.message) if ends_session(error) else self._refused(guest, error)
        if visit is None:
            return _ended(guest, Said.TIMED_OUT if guest.session else "")
        try:
            return await handler(visit)
        except DomainError as error:
            return _ended(guest, error.message) if ends_session(error) else self._refused(visit, error)

    async def _recognised(self, guest: Visit) -> SignedIn | None:
        """Return the holder of a session; None: there is none, or it has timed out and was ended."""
        cookie = guest.session
        if cookie is None:
            return None
        actor = await identified(guest, cookie.token)
        guest.request.state.actor = actor.user.id
        if cookie.timed_out(self._instance.clock()):
            # a pasted token may be needed elsewhere; only log-ins belong to the browser alone
            if actor.token.kind is TokenKind.SESSION and not self._instance.config.read_only:
                await self._instance.tokens.revoke(actor, CURRENT_SESSION)
            return None
        visit = SignedIn(guest.request, self._instance, self._lent, guest.guest, actor, cookie)
        guest.request.state.visit = visit
        return visit

    def visit_of(self, request: Request) -> Visit:
        """Return who was recognised when the request came in, else a guest; nobody is asked anew."""
        known: Visit | None = getattr(request.state, "visit", None)
        return known or self._guest(request)

    def _refused(self, visit: Visit, error: DomainError) -> Response:
        self._instance.counters.failure(error)
        if error.kind in _OF_THE_SERVER:
            _log.warning("refused a page: %s", error.message, extra={"cause": type(error.__cause__).__name__})
        return page_about(visit, error)

    def _guest(self, request: Request) -> Visit:
        visit = Visit(request, self._instance, self._lent, cookies.new_guest())
        known = request.cookies.get(cookies.name_of(cookies.GUEST, secure=visit.links.secure))
        return Visit(request, self._instance, self._lent, known) if known else visit


def _is_ours(visit: Visit, fields: Fields) -> bool:
    return forgery.is_ours(visit.request.headers, fields.text(forgery.FIELD), visit.secret, visit.links.origins)


def _foreign(visit: Visit) -> Response:
    return failure_page(visit, 403, bad(Said.FOREIGN_FORM))


def _ended(guest: Visit, text: str) -> Response:
    """Return to Login with the reason, and forget the session."""
    response = guest.go("/login", kind=BAD, text=text)
    cookies.drop(response, cookies.SESSION, secure=guest.links.secure)
    return response
