"""Who is looking: the named types that the web console's handlers take.

`Visit` anybody · `SignedIn` the holder of a session. Each is made by a wrapper, so that no handler gets into the route
table without its check; the wrappers of forms also ask where the form comes from, and whether the instance may be
written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from backup_repository.access.decide import Action, may, may_list_tokens
from backup_repository.access.model import Actor, Permissions
from backup_repository.instance import Instance
from backup_repository.web import cookies, forgery, pages
from backup_repository.web.cookies import SessionCookie
from backup_repository.web.lent import Lent
from backup_repository.web.links import Links
from backup_repository.web.notices import OK, Notice, Said


@dataclass(frozen=True)
class Visit:
    """A request of anybody."""

    request: Request
    instance: Instance
    lent: Lent
    guest: str = field(repr=False)
    """The guest's secret."""

    @cached_property
    def links(self) -> Links:
        """Where the web console is."""
        return Links.of(self.request, self.instance.config, self.lent)

    @property
    def secret(self) -> str:
        """What this visitor's forms are signed with."""
        return self.guest

    @property
    def session(self) -> SessionCookie | None:
        """The session's cookie, whether or not it is still good for anything."""
        text = self.request.cookies.get(cookies.name_of(cookies.SESSION, secure=self.links.secure))
        return SessionCookie.read(text) if text else None

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return self.lent.client_address(self.request, self.instance.config.trusted_proxies)

    @property
    def user_agent(self) -> str:
        """The browser's name; empty when missing."""
        return self.request.headers.get("user-agent", "")

    def path(self, name: str) -> str:
        """Return a part of the path by its name in the route."""
        value: str = self.request.path_params[name]
        return value

    def query(self, name: str) -> str:
        """Return a query parameter; empty when missing."""
        return self.request.query_params.get(name, "")

    def page(self, template: str, *, status: int = 200, notices: tuple[Notice, ...] = (), **context: Any) -> Response:
        """Answer with a page.

        Args:
            template: its file.
            status: of the answer.
            notices: what it says first.
            context: what it shows.
        """
        left = self._left_notice()
        everything = {
            "links": self.links,
            "csrf": forgery.signature(self.secret),
            "notices": ((left,) if left else ()) + notices,
            "here": self.request.scope["path"],
            **self._context(),
            **context,
        }
        response = pages.answer(template, everything, status)
        if left is not None:
            cookies.drop(response, cookies.NOTICE, secure=self.links.secure)
        self._keep(response)
        return response

    def part(self, template: str, **context: Any) -> Response:
        """Answer with a piece of a page that a script asks for by itself.

        Nobody did anything: a session is not used by this and times out as if it had not been asked, and a notice
        that waits goes on waiting.
        """
        return pages.answer(template, {"links": self.links, **context}, 200)

    def go(self, path: str, said: Said | None = None, *, kind: str = OK, text: str = "", **query: object) -> Response:
        """Answer with a way to another page, which says the sentence first."""
        response = Response(status_code=303, headers={"Location": self.links.to(path, **query), **pages.PRIVATE})
        sentence = text or (said.value if said else "")
        if sentence:
            packed = cookies.pack_notice(kind, sentence)
            cookies.put(response, cookies.NOTICE, packed, secure=self.links.secure, seconds=60)
        self._keep(response)
        return response

    def _left_notice(self) -> Notice | None:
        packed = self.request.cookies.get(cookies.name_of(cookies.NOTICE, secure=self.links.secure))
        found = cookies.unpack_notice(packed) if packed else None
        return Notice(*found) if found else None

    def _context(self) -> dict[str, Any]:
        return {"me": None, "menu": {}}

    def _keep(self, response: Response) -> None:
        """Send the cookies that keep this visitor recognisable."""
        name = cookies.name_of(cookies.GUEST, secure=self.links.secure)
        if self.request.cookies.get(name) != self.guest:
            cookies.put(response, cookies.GUEST, self.guest, secure=self.links.secure)


@dataclass(frozen=True)
class SignedIn(Visit):
    """A request of the holder of a session."""

    actor: Actor
    cookie: SessionCookie = field(repr=False)

    @property
    def secret(self) -> str:
        """What this session's forms are signed with."""
        return self.cookie.secret

    def may(self, action: Action, entry: Permissions | None = None) -> bool:
        """Whether the session may do this; for showing controls, the jobs decide in any case."""
        return may(self.actor, action, entry)

    def _context(self) -> dict[str, Any]:
        actor = self.actor
        lists_tokens = may_list_tokens(actor, actor.user.id)
        menu = {
            "users": may(actor, Action.SEARCH_USERS),
            "tokens": lists_tokens or may(actor, Action.GENERATE_TOKEN),
            "collections": may(actor, Action.SEARCH_COLLECTIONS),
        }
        return {"me": actor.user, "menu": menu, "database": self.instance.database.name}

    def _keep(self, response: Response) -> None:
        fresh = self.cookie.used(self.instance.clock())
        if fresh is not None:
            cookies.put(response, cookies.SESSION, fresh.write(), secure=self.links.secure)
