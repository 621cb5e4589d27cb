"""Accounts (contract 5)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo
from starlette.responses import Response

from backup_repository.access.accounts import NewAccount
from backup_repository.access.decide import Action, require
from backup_repository.api import render
from backup_repository.api.body import Form, check, json_object
from backup_repository.api.caller import Writing
from backup_repository.api.fields import (
    Texts,
    broken,
    checked_integer,
    checked_text,
    checked_texts,
    is_text,
    optional_text,
    wrong_type,
)
from backup_repository.errors import FieldError
from backup_repository.users.expiry import parse_expiry
from backup_repository.users.rules import (
    check_about,
    check_addresses,
    check_email,
    check_max_file_size,
    check_organization,
    check_password,
    check_tags,
    check_user_id,
)


def _expiry(value: object, info: ValidationInfo) -> datetime | None:
    """Read `expires` (contract 5.8)."""
    try:
        if value is None or (isinstance(value, str) and is_text(value)):
            return parse_expiry(value, (info.context or {})["now"])
    except ValueError:
        pass
    raise broken(FieldError("The expiration date is not understood, expected for example 2031-05-01 or +1 year", 41014))


def _active(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, bool):
        raise wrong_type("true or false")
    return value


def _chosen_id(value: object) -> str | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not is_text(value):
        raise wrong_type("a text")
    problem = check_user_id(value)
    if problem is not None:
        raise broken(problem)
    return value.lower()


class UserData(Form):
    """`data` of R5 and R8."""

    tags: Annotated[tuple[str, ...], checked_texts(check_tags)] = ()
    max_allowed_file_size: Annotated[int, checked_integer(check_max_file_size, null_is=0)] = 0
    allowed_ip_addresses: Annotated[tuple[str, ...], checked_texts(check_addresses)] = ()
    allowed_user_agents: Texts = ()


class UserForm(Form):
    """Body of R5."""

    reported_as: ClassVar[dict[str, str]] = {"expires": "expirationDate"}

    email: Annotated[str, checked_text(check_email), Field(validate_default=True)] = None  # type: ignore[assignment] # missing is 40005
    password: Annotated[str, checked_text(check_password), Field(validate_default=True)] = None  # type: ignore[assignment] # missing is 40006
    permissions: Texts
    data: Annotated[UserData, BeforeValidator(lambda value: {} if value == [] else value)]
    organization: Annotated[str, optional_text(check_organization)] = ""
    about: Annotated[str, optional_text(check_about)] = ""
    expires: Annotated[datetime | None, PlainValidator(_expiry)] = None
    active: Annotated[bool, PlainValidator(_active)] = True
    id: Annotated[str | None, PlainValidator(_chosen_id)] = None


async def create_user(call: Writing) -> Response:
    """R5: create an account."""
    body = await json_object(call.request)
    require(call.actor, Action.CREATE_USER)
    if body.get("id") not in (None, ""):
        require(call.actor, Action.CHOOSE_USER_ID)
    now = call.instance.clock()
    form = check(UserForm, body, now=now)
    new = NewAccount(
        email=form.email,
        password=form.password,
        permissions=form.permissions,
        tags=form.data.tags,
        max_allowed_file_size=form.data.max_allowed_file_size,
        allowed_ip_addresses=form.data.allowed_ip_addresses,
        allowed_user_agents=form.data.allowed_user_agents,
        organization=form.organization,
        about=form.about,
        expires_at=form.expires,
        active=form.active,
        id=form.id,
    )
    user = await call.instance.accounts.create(call.actor, new)
    return render.json_response({"message": "User created", "status": True, "user": render.user(user, now)}, 201)
