"""The addresses of the web console on one screen (contract B 5)."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

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
from backup_repository.web.doors import Doors, Serve, not_found
from backup_repository.web.lent import Lent
from backup_repository.web.visit import Visit

_COLLECTION = "/backup/collection/{collection_id}"
_VERSION = _COLLECTION + "/versions/{version_id}"


def console_routes(doors: Doors) -> list[Route]:
    """Return every address with its methods; what is written is always a POST."""
    return [
        _get("/assets/{name}", assets.serve),
        _get("/", doors.open(sessions.show_front)),
        _get("/login", doors.open(sessions.show_login)),
        _post("/login", doors.open_form(sessions.log_in)),
        _post("/login/token", doors.open_form(sessions.use_token)),
        _get("/logout", doors.page(sessions.ask_log_out)),
        _post("/logout", doors.form(sessions.log_out, also_read_only=True)),
        _post("/first-run", doors.open_form(first_run.take_first_steps)),
        _get("/overview", doors.page(overview.show_overview)),
        _get("/users", doors.page(users.list_users)),
        _get("/user", doors.page(users.show_new_user)),
        _post("/user", doors.form(users.create_user)),
        _get("/user/{user_id}", doors.page(users.show_user)),
        _post("/user/{user_id}", doors.form(users.save_user)),
        _post("/user/{user_id}/delete", doors.form(users.delete_user)),
        _get("/security/access-tokens", doors.page(tokens.list_tokens)),
        _post("/security/access-tokens", doors.form(tokens.generate_token)),
        _post("/security/access-tokens/{token_hash}/revoke", doors.form(tokens.revoke_token)),
        _get("/backup/collections", doors.page(collections.list_collections)),
        _get("/backup/collection", doors.page(collections.show_new_collection)),
        _post("/backup/collection", doors.form(collections.create_collection)),
        _get(_COLLECTION, doors.page(collections.show_collection)),
        _post(_COLLECTION, doors.form(collections.save_collection)),
        _post(_COLLECTION + "/delete", doors.form(collections.delete_collection)),
        _post(_COLLECTION + "/access", doors.form(members.give_access)),
        _post(_COLLECTION + "/access/{user_id}", doors.form(members.change_access)),
        _post(_COLLECTION + "/access/{user_id}/withdraw", doors.form(members.withdraw_access)),
        _post(_COLLECTION + "/upload-token", doors.form(versions.mint_upload_token)),
        _post(_COLLECTION + "/uploaded", doors.form(versions.show_uploaded)),
        _get(_VERSION, doors.page(versions.download_version)),
        _post(_VERSION + "/delete", doors.form(versions.delete_version)),
    ]


def install(app: Starlette, instance: Instance, lent: Lent) -> None:
    """Put the web console before the API's routes, and its page where browsers find nothing."""
    doors = Doors(instance, lent)
    app.router.routes[:0] = console_routes(doors)
    app.router.default = _Missing(app.router.default, doors.open(_show_missing))


def _get(path: str, serve: Serve) -> Route:
    return Route(path, _named(path, serve), methods=["GET"])


def _post(path: str, serve: Serve) -> Route:
    return Route(path, _named(path, serve), methods=["POST"])


def _named(path: str, serve: Serve) -> Serve:
    async def serve_named(request: Request) -> Response:
        request.state.route = path  # for the request log, which never shows what stands in the place of names
        return await serve(request)

    return serve_named


async def _show_missing(visit: Visit) -> Response:
    return not_found(visit)


class _Missing:
    """Shows browsers a page where there is nothing; programs, and whoever asks the API, get the API's answer."""

    def __init__(self, otherwise: ASGIApp, page: Serve) -> None:
        self._otherwise = otherwise
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            request = Request(scope, receive, send)
            for_people = "text/html" in request.headers.get("accept", "") and request.method in {"GET", "HEAD"}
            if for_people and not request.url.path.startswith("/api/"):
                response = await self._page(request)
                await response(scope, receive, send)
                return
        await self._otherwise(scope, receive, send)
