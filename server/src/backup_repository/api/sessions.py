"""Log-ins and tokens (contract 3)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import PlainValidator
from starlette.responses import Response

from backup_repository.access.decide import Action, require
from backup_repository.access.model import Permission
from backup_repository.access.tokens import (
    MAX_DESCRIPTION,
    MAX_LIFETIME,
    MIN_LIFETIME,
    check_description,
    check_lifetime,
)
from backup_repository.api import render, schemas
from backup_repository.api.body import Form, check, json_object
from backup_repository.api.caller import Authenticated, Public, Writing
from backup_repository.api.described import Operation, Parameter, Tag, answers
from backup_repository.api.fields import (
    INTEGER,
    OPTIONAL_TEXT,
    PERMISSIONS,
    TEXT,
    Text,
    Texts,
    broken,
    optional_text,
    parse_integer,
    shown,
)
from backup_repository.api.paging import page_of, page_parameters
from backup_repository.api.peer import client_address
from backup_repository.api.shapes import always, record, text

_NEW_TOKEN = record({"token": text("eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl").meaning("A JWT; it cannot be shown again")})


class LoginForm(Form):
    """Body of R1."""

    example: ClassVar[dict[str, Any]] = {"username": "alice@example.org", "password": "correct horse battery!"}

    username: Annotated[Text, shown(TEXT, "The e-mail of the account")]
    password: Text


@Operation(
    "Log in",
    Tag.TOKENS,
    answers(_NEW_TOKEN, "A login session"),
    body=LoginForm,
    codes=(401, 40322, 40323, 40325),
)
async def log_in(call: Public) -> Response:
    """R1: exchange e-mail and password for a login session."""
    form = check(LoginForm, await json_object(call.request))
    token = await call.instance.sessions.log_in(
        form.username,
        form.password,
        address=client_address(call.request, call.instance.config.trusted_proxies),
        user_agent=call.request.headers.get("user-agent", ""),
    )
    return render.json_response({"token": token})


def _lifetime(value: object) -> int:
    seconds = parse_integer(value)
    problem = check_lifetime(seconds)
    if problem is not None:
        raise broken(problem)
    return seconds


class TokenForm(Form):
    """Body of R2."""

    example: ClassVar[dict[str, Any]] = {
        "requestedPermissions": [Permission.UPLOAD_ALL.value, Permission.UPLOAD.value],
        "ttl": 7_776_000,
        "description": "nightly backup of the wiki",
    }

    requested_permissions: Annotated[
        Texts, shown(PERMISSIONS, "The scope; empty: everything the session has; any other name is 40010")
    ]
    ttl: Annotated[
        int,
        PlainValidator(_lifetime),
        shown(INTEGER, "Lifetime in seconds", 41014, minimum=MIN_LIFETIME, maximum=MAX_LIFETIME),
    ]
    description: Annotated[
        str,
        optional_text(check_description),
        shown(OPTIONAL_TEXT, "What the token is for", 40003, maxLength=MAX_DESCRIPTION),
    ] = ""


@Operation(
    "Generate a token",
    Tag.TOKENS,
    answers(_NEW_TOKEN, "A token of the own account, narrowed to its scope"),
    needs="`security.can_generate_custom_jwt`, and every permission that is asked for",
    body=TokenForm,
    codes=(40316, 40010),
)
async def generate_token(call: Writing) -> Response:
    """R2: make a token narrowed to some permissions."""
    body = await json_object(call.request)
    require(call.actor, Action.GENERATE_TOKEN)
    form = check(TokenForm, body)
    token = await call.instance.tokens.generate(
        call.actor, form.requested_permissions, lifetime=form.ttl, description=form.description
    )
    return render.json_response({"token": token})


@Operation(
    "List tokens",
    Tag.TOKENS,
    answers(schemas.found("data", schemas.TOKEN, schemas.IN_CONTEXT)),
    needs="`security.can_see_own_access_tokens`, for others `security.can_see_all_users_access_tokens`",
    query=(
        Parameter("user", "The id of an account; absent: the own one"),
        *page_parameters(size_name="perPageLimit", default_size=20),
    ),
    codes=(40317, 404),
)
async def list_tokens(call: Authenticated) -> Response:
    """R3: list the tokens of an account."""
    wanted = call.query.get("user", "") or call.actor.user.id
    call.instance.tokens.require_listing(call.actor, wanted)
    page = page_of(call.query, size_name="perPageLimit", default_size=20)
    found = await call.instance.tokens.page(call.actor, wanted, offset=page.offset, limit=page.size)
    now = call.instance.clock()
    return render.json_response(
        {
            "message": "Matches found" if found.tokens else "No matches found",
            "status": True,
            "data": [render.token(token, now) for token in found.tokens],
            "context": {"pagination": render.pagination(page.number, page.size, found.total)},
        }
    )


@Operation(
    "Revoke a token",
    Tag.TOKENS,
    answers(record({"message": always("Access was revoked"), "status": schemas.TRUE})),
    needs=(
        "none for `current-session`, `security.revoke_own_access_tokens` for other tokens of the own account, "
        "`security.revoke_other_users_access_tokens` for those of others"
    ),
    codes=(404, 40318),
)
async def revoke_token(call: Writing) -> Response:
    """R4: revoke a token, or log out with `current-session`."""
    token_hash = call.path("token_hash")
    await call.instance.tokens.revoke(call.actor, token_hash)
    return render.json_response({"message": "Access was revoked", "status": True})
