"""The wrappers that let visitors in: who has a session, whose form is ours, and what happens when neither is so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from backup_repository.access.model import TokenKind
from backup_repository.access.tokens import CURRENT_SESSION
from backup_repository.errors import DomainError, NotFound, ReadOnlyInstance
from backup_repository.instance import Instance
from backup_repository.web import cookies, forgery
from backup_repository.web.body import Fields, read_form
from backup_repository.web.cookies import SessionCookie
from backup_repository.web.lent import Lent
from backup_repository.web.notices import BAD, Notice, Said, ends_session, explained, status_of
from backup_repository.web.visit import SignedIn, Visit

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
                return _refused(guest, error)

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
                return _refused(guest, error)

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
            return _ended(guest, error.message) if ends_session(error) else _refused(guest, error)
        if visit is None:
            return _ended(guest, Said.TIMED_OUT if self._cookie(guest) else "")
        try:
            return await handler(visit)
        except DomainError as error:
            return _ended(guest, error.message) if ends_session(error) else _refused(visit, error)

    async def _recognised(self, guest: Visit) -> SignedIn | None:
        """Return the holder of a session; None: there is none, or it has timed out and was ended."""
        cookie = self._cookie(guest)
        if cookie is None:
            return None
        actor = await self._instance.sessions.identify(cookie.token, address=guest.address, user_agent=guest.user_agent)
        guest.request.state.actor = actor.user.id
        if cookie.timed_out(self._instance.clock()):
            # a pasted token may be needed elsewhere; only log-ins belong to the browser alone
            if actor.token.kind is TokenKind.SESSION and not self._instance.config.read_only:
                await self._instance.tokens.revoke(actor, CURRENT_SESSION)
            return None
        return SignedIn(guest.request, self._instance, self._lent, guest.guest, actor, cookie)

    def _guest(self, request: Request) -> Visit:
        visit = Visit(request, self._instance, self._lent, cookies.new_guest())
        known = request.cookies.get(cookies.name_of(cookies.GUEST, secure=visit.links.secure))
        return Visit(request, self._instance, self._lent, known) if known else visit

    def _cookie(self, guest: Visit) -> SessionCookie | None:
        text = guest.request.cookies.get(cookies.name_of(cookies.SESSION, secure=guest.links.secure))
        return SessionCookie.read(text) if text else None


def not_found(visit: Visit) -> Response:
    """Show that there is nothing at this address."""
    return visit.page("missing.html", status=404)


def _is_ours(visit: Visit, fields: Fields) -> bool:
    return forgery.is_ours(visit.request.headers, fields.text(forgery.FIELD), visit.secret, visit.links.origins)


def _foreign(visit: Visit) -> Response:
    return visit.page("refused.html", status=403, notices=(Notice(BAD, Said.FOREIGN_FORM),))


def _refused(visit: Visit, error: DomainError) -> Response:
    if isinstance(error, NotFound):
        return not_found(visit)
    return visit.page("refused.html", status=status_of(error), notices=(explained(error),))


def _ended(guest: Visit, text: str) -> Response:
    """Return to Login with the reason, and forget the session."""
    response = guest.go("/login", kind=BAD, text=text)
    cookies.drop(response, cookies.SESSION, secure=guest.links.secure)
    return response
