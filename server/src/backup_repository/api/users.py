"""Accounts (contract 5)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo
from starlette.responses import Response

from backup_repository.access.accounts import NewAccount
from backup_repository.access.decide import Action, require
from backup_repository.access.profile import Edit, NewPassword
from backup_repository.api import render
from backup_repository.api.body import Form, check, json_object
from backup_repository.api.caller import Authenticated, Writing
from backup_repository.api.fields import (
    OptionalText,
    Texts,
    broken,
    checked_integer,
    checked_text,
    checked_texts,
    is_text,
    optional_text,
    required_text,
    wrong_type,
)
from backup_repository.api.paging import page_of
from backup_repository.errors import FieldError
from backup_repository.users.expiry import parse_expiry
from backup_repository.users.model import User
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


class EditedData(Form):
    """`data` of R8; what is left out is told apart from what is empty."""

    tags: Annotated[tuple[str, ...], checked_texts(check_tags)] | None = None
    max_allowed_file_size: Annotated[int, checked_integer(check_max_file_size, null_is=0)] | None = None
    allowed_ip_addresses: Annotated[tuple[str, ...], checked_texts(check_addresses)] | None = None
    allowed_user_agents: Texts | None = None


def _optional_password(value: object) -> str:
    if value is None or value == "":
        return ""
    text = value if isinstance(value, str) and is_text(value) else None
    if text is None:
        raise wrong_type("a text")
    problem = check_password(text)
    if problem is not None:
        raise broken(problem)
    return text


class EditForm(Form):
    """Body of R8."""

    reported_as: ClassVar[dict[str, str]] = {"expires": "expirationDate", "repeatPassword": "password"}

    permissions: Texts
    data: Annotated[EditedData, BeforeValidator(lambda value: {} if value == [] else value)]
    organization: Annotated[str, required_text(check_organization)]
    about: Annotated[str, required_text(check_about)]
    expires: Annotated[datetime | None, PlainValidator(_expiry)] = None
    active: Annotated[bool | None, PlainValidator(lambda value: None if value is None else _active(value))] = None
    password: Annotated[str, PlainValidator(_optional_password)] = ""
    repeat_password: Annotated[str, PlainValidator(_optional_password)] = ""
    current_password: OptionalText = ""


async def look_up_user(call: Authenticated) -> Response:
    """R7: the profile of an account."""
    user = await call.instance.accounts.look_up(call.actor, call.path("user_id"))
    return _answer(user, "User found", call)


async def search_users(call: Authenticated) -> Response:
    """R6: search through the accounts."""
    require(call.actor, Action.SEARCH_USERS)
    page = page_of(call.query, size_name="limit", default_size=50, bounds_under="query")
    text = call.query.get("q", "")
    found = await call.instance.accounts.search(call.actor, text, offset=page.offset, limit=page.size)
    now = call.instance.clock()
    return render.json_response(
        {
            "message": "Matches found" if found.users else "No matches found",
            "status": True,
            "data": [render.user(user, now) for user in found.users],
            "context": {"pagination": render.pagination(page.number, page.size, found.total)},
        }
    )


async def edit_user(call: Writing) -> Response:
    """R8: change an account."""
    body = await json_object(call.request)
    user_id = call.path("user_id")
    new_password = any(body.get(name) not in (None, "") for name in ("password", "repeatPassword"))
    await call.instance.profiles.find_editable(call.actor, user_id, new_password=new_password)
    form = check(EditForm, body, now=call.instance.clock())
    edit = Edit(
        permissions=form.permissions,
        organization=form.organization,
        about=form.about,
        tags=form.data.tags,
        max_allowed_file_size=form.data.max_allowed_file_size,
        allowed_ip_addresses=form.data.allowed_ip_addresses,
        allowed_user_agents=form.data.allowed_user_agents,
        expires_at=form.expires,
        expires_given=body.get("expires") is not None,
        active=form.active,
        password=NewPassword(form.password, form.repeat_password, form.current_password),
    )
    user = await call.instance.profiles.edit(call.actor, user_id, edit)
    return _answer(user, "User saved", call)


async def delete_user(call: Writing) -> Response:
    """R9: delete an account."""
    user = await call.instance.accounts.delete(call.actor, call.path("user_id"))
    return _answer(user, "User was deleted", call)


def _answer(user: User, message: str, call: Authenticated) -> Response:
    shown = render.user(user, call.instance.clock())
    return render.json_response({"message": message, "status": True, "user": shown})
