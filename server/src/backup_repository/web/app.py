"""The addresses of the web console on one screen (contract B 5)."""

from __future__ import annotations

import re

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from backup_repository.errors import NotFound
from backup_repository.instance import Instance
from backup_repository.web import (
    assets,
    collections,
    first_run,
    members,
    overview,
    sessions,
    tokens,
    users,
    versions,
)
from backup_repository.web.clothes import Clothes, dress_the_unforeseen, is_for_people
from backup_repository.web.doors import Doors, Serve
from backup_repository.web.failures import page_about
from backup_repository.web.lent import Lent
from backup_repository.web.visit import Visit

_TOKENS = "/security/access-tokens"
_COLLECTION = "/backup/collection/{collection_id}"
_VERSION = _COLLECTION + "/versions/{version_id}"


def console_routes(doors: Doors) -> list[Route]:
    """Return every address with its methods; what is written is always a POST."""
    return [
        _route("/assets/{name}", GET=assets.serve),
        _route("/", GET=doors.open(sessions.show_front)),
        _route("/login", GET=doors.open(sessions.show_login), POST=doors.open_form(sessions.log_in)),
        _route("/login/token", POST=doors.open_form(sessions.use_token)),
        _route("/logout", GET=doors.page(sessions.ask_log_out), POST=doors.form(sessions.log_out, also_read_only=True)),
        _route("/first-run", POST=doors.open_form(first_run.take_first_steps)),
        _route("/overview", GET=doors.page(overview.show_overview)),
        _route("/overview/uploading", GET=doors.page(overview.show_uploading)),
        _route("/users", GET=doors.page(users.list_users)),
        _route("/user", GET=doors.page(users.show_new_user), POST=doors.form(users.create_user)),
        _route("/user/{user_id}", GET=doors.page(users.show_user), POST=doors.form(users.save_user)),
        _route("/user/{user_id}/delete", POST=doors.form(users.delete_user)),
        _route(_TOKENS, GET=doors.page(tokens.list_tokens), POST=doors.form(tokens.generate_token)),
        _route(_TOKENS + "/{token_hash}/revoke", POST=doors.form(tokens.revoke_token)),
        _route("/backup/collections", GET=doors.page(collections.list_collections)),
        _route(
            "/backup/collection",
            GET=doors.page(collections.show_new_collection),
            POST=doors.form(collections.create_collection),
        ),
        _route(_COLLECTION, GET=doors.page(collections.show_collection), POST=doors.form(collections.save_collection)),
        _route(_COLLECTION + "/delete", POST=doors.form(collections.delete_collection)),
        _route(_COLLECTION + "/access", POST=doors.form(members.give_access)),
        _route(_COLLECTION + "/access/{user_id}", POST=doors.form(members.change_access)),
        _route(_COLLECTION + "/access/{user_id}/withdraw", POST=doors.form(members.withdraw_access)),
        _route(_COLLECTION + "/upload-token", POST=doors.form(versions.mint_upload_token)),
        _route(_COLLECTION + "/uploaded", POST=doors.form(versions.show_uploaded)),
        _route(_VERSION, GET=doors.page(versions.download_version)),
        _route(_VERSION + "/delete", POST=doors.form(versions.delete_version)),
    ]


def install(app: Starlette, instance: Instance, lent: Lent) -> None:
    """Put the web console before the API's routes, and its pages where browsers find nothing or meet a failure."""
    doors = Doors(instance, lent)
    app.router.routes[:0] = console_routes(doors)
    app.router.default = _Missing(app.router.default, doors.open(_show_missing))
    app.add_middleware(Clothes, doors=doors)
    dress_the_unforeseen(app, doors)


def _route(path: str, **handlers: Serve) -> Route:
    """Return a path with what serves its methods; the framework refuses the others, and says which there are."""

    async def serve(request: Request) -> Response:
        request.state.route = path  # for the request log, which never shows what stands in the place of names
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    route = Route(path, serve, methods=sorted(handlers))
    # the framework's `$` lets a line feed follow, which makes a different path
    route.path_regex = re.compile(route.path_regex.pattern.removesuffix("$") + r"\Z")
    return route


async def _show_missing(visit: Visit) -> Response:
    return page_about(visit, NotFound())


class _Missing:
    """Shows browsers a page where there is nothing, with the menu of who has a session; programs get the envelope."""

    def __init__(self, otherwise: ASGIApp, page: Serve) -> None:
        self._otherwise = otherwise
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"} and is_for_people(scope):
            response = await self._page(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self._otherwise(scope, receive, send)
