"""Log-ins and tokens (contract 3)."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainValidator
from starlette.responses import Response

from backup_repository.access.decide import Action, require
from backup_repository.access.tokens import check_description, check_lifetime
from backup_repository.api import render
from backup_repository.api.body import Form, check, json_object
from backup_repository.api.caller import Authenticated, Public, Writing
from backup_repository.api.fields import Text, Texts, broken, optional_text, parse_integer
from backup_repository.api.paging import page_of
from backup_repository.api.peer import client_address


class LoginForm(Form):
    """Body of R1."""

    username: Text
    password: Text


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

    requested_permissions: Texts
    ttl: Annotated[int, PlainValidator(_lifetime)]
    description: Annotated[str, optional_text(check_description)] = ""


async def generate_token(call: Writing) -> Response:
    """R2: make a token narrowed to some permissions."""
    body = await json_object(call.request)
    require(call.actor, Action.GENERATE_TOKEN)
    form = check(TokenForm, body)
    token = await call.instance.tokens.generate(
        call.actor, form.requested_permissions, lifetime=form.ttl, description=form.description
    )
    return render.json_response({"token": token})


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


async def revoke_token(call: Writing) -> Response:
    """R4: revoke a token, or log out with `current-session`."""
    token_hash = call.path("token_hash")
    await call.instance.tokens.revoke(call.actor, token_hash)
    return render.json_response({"message": "Access was revoked", "status": True})
