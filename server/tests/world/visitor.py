"""Somebody who uses the web console without a script: loads pages, reads their forms, sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx
from world.client import ADDRESS, Client, Served

from backup_repository.api.content import content_response
from backup_repository.api.peer import base_url, client_address
from backup_repository.web import cookies
from backup_repository.web.app import install
from backup_repository.web.cookies import SessionCookie
from backup_repository.web.lent import Lent

LENT = Lent(client_address=client_address, base_url=base_url, content=content_response)
URL = "http://backups.example.org"
"""What the instance of the tests calls itself; its pages say so."""
_NONE: Mapping[str, str] = {}


def with_console(served: Served) -> Served:
    """Put the web console before the instance's routes, as `main.py` does."""
    install(served.app, served.instance, LENT)
    return served


@dataclass
class Form:
    """One form of a page, with what it would send unchanged."""

    method: str
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """As much of a page as tests look at."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.assets: list[str] = []
        self.inline: list[str] = []
        """What a strict policy would block."""
        self.said: list[str] = []
        """The texts of the notices."""
        self.words = ""
        self._area: str | None = None
        self._select = ""
        self._text: list[str] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.assets += [given[name] for name in ("src",) if name in given]
        if tag == "link":
            self.assets.append(given["href"])
        if tag == "a":
            self.links.append(given["href"])
        if tag == "form":
            self.forms.append(Form(given.get("method", "get"), given.get("action", "")))
        if tag == "span" and given.get("class") == "text":
            self._text = []
        self._control(tag, given)

    def _control(self, tag: str, given: Mapping[str, str]) -> None:
        if not self.forms or "disabled" in given:
            return
        fields, name = self.forms[-1].fields, given.get("name", "")
        ticked = given.get("type") != "checkbox" or "checked" in given
        if tag == "input" and name and ticked:
            fields.append((name, given.get("value", "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            fields.append((self._select, given["value"]))
        elif tag == "textarea":
            self._area = name
            fields.append((name, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        if tag == "span" and self._text is not None:
            self.said.append("".join(self._text))
            self._text = None

    def handle_data(self, data: str) -> None:
        self.words += data
        if self._text is not None:
            self._text.append(data)
        if self._area is not None:
            self.forms[-1].fields[-1] = (self._area, self.forms[-1].fields[-1][1] + data.removeprefix("\n"))

    def form(self, action: str) -> Form:
        """Find a form by the end of its address."""
        return next(form for form in self.forms if form.action.endswith(action) and form.method == "post")

    def offers(self, text: str) -> bool:
        """Whether a form or a link leads to an address with this text."""
        return any(text in address for address in (*self.links, *(form.action for form in self.forms)))


@dataclass(frozen=True)
class Visitor:
    """Somebody with a browser and its cookies."""

    http: httpx.AsyncClient
    client: Client
    """The same somebody at the API."""

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """Load a page."""
        return await self.http.get(path, headers={"Accept": "text/html", **options.pop("headers", {})}, **options)

    async def page(self, path: str) -> Page:
        """Load a page and read it, after the ways to other pages."""
        answer = await self.get(path, follow_redirects=True)
        return Page(answer.text)

    async def send(self, form: Form, headers: Mapping[str, str] = _NONE, /, **changes: Any) -> httpx.Response:
        """Send a form, some of its fields changed; `None` leaves one out, a list sends it several times."""
        pairs = [(name, value) for name, value in form.fields if name not in changes]
        for name, value in changes.items():
            pairs += [(name, one) for one in (value if isinstance(value, list) else [value]) if one is not None]
        body = urlencode(pairs)
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html", **headers}
        return await self.http.post(form.action, content=body, headers=sent)

    async def does(self, at: str, action: str, **changes: Any) -> Page:
        """Load a page, send one of its forms, and read where that leads."""
        answer = await self.send((await self.page(at)).form(action), **changes)
        while answer.is_redirect:
            answer = await self.get(answer.headers["location"])
        return Page(answer.text)

    @property
    def cookies(self) -> dict[str, str]:
        """What the browser keeps."""
        return {cookie.name: cookie.value or "" for cookie in self.http.cookies.jar}


def visitor(served: Served, *, url: str = URL, address: str | None = ADDRESS) -> Visitor:
    """A guest."""
    client = served.guest(address, url=url)
    return Visitor(client.http, client)


async def signed_in(served: Served, client: Client, *, token: str = "", url: str = URL) -> Visitor:
    """Somebody with a session, made below the log-in."""
    somebody = visitor(served, url=url)
    cookie = SessionCookie.begin(token or client.token, served.clock())
    somebody.http.cookies.set(cookies.SESSION, cookie.write(), domain=httpx.URL(url).host)
    return Visitor(somebody.http, client)
