"""Accounts (contract 5)."""

from __future__ import annotations

from starlette.responses import Response

from backup_repository.access.accounts import NewAccount
from backup_repository.access.decide import Action, require
from backup_repository.access.profile import Edit, NewPassword
from backup_repository.api import render, schemas
from backup_repository.api.account_forms import EditForm, UserForm
from backup_repository.api.body import check, json_object
from backup_repository.api.caller import Authenticated, Writing
from backup_repository.api.described import Operation, Parameter, Tag, answers
from backup_repository.api.paging import page_of, page_parameters
from backup_repository.api.shapes import Shape, always, record
from backup_repository.users.model import User


def _answered(message: str) -> Shape:
    return record({"message": always(message), "status": schemas.TRUE, "user": schemas.USER})


@Operation(
    "Create an account",
    Tag.ACCOUNTS,
    answers(_answered("User created"), "The account was created", 201),
    needs="`security.create_unlimited_accounts`; to choose the id `security.create_predictable_user_ids` as well",
    body=UserForm,
    codes=(40300, 40301, 40010, 40315),
)
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


@Operation(
    "Look up an account",
    Tag.ACCOUNTS,
    answers(_answered("User found")),
    needs="`security.authentication_lookup`, for the own account too",
    codes=(40313, 404),
)
async def look_up_user(call: Authenticated) -> Response:
    """R7: the profile of an account."""
    user = await call.instance.accounts.look_up(call.actor, call.path("user_id"))
    return _answer(user, "User found", call)


@Operation(
    "Search for accounts",
    Tag.ACCOUNTS,
    answers(schemas.found("data", schemas.USER, schemas.IN_CONTEXT)),
    needs="`security.search_for_users` and `security.authentication_lookup`",
    query=(
        Parameter("q", "Part of the id, the e-mail, organization, about, or the name of a permission"),
        *page_parameters(size_name="limit", default_size=50, bounds_under="query"),
    ),
    codes=(40314,),
)
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


@Operation(
    "Change an account",
    Tag.ACCOUNTS,
    answers(_answered("User saved")),
    needs="administrators, or the account itself for `about`, `organization` and the password",
    details=(
        "An administrator replaces the whole record. Anybody else sends the present `permissions`, and leaves out "
        "`expires`, `active` and the keys of `data`, or sends their present values."
    ),
    body=EditForm,
    codes=(40319, 40320, 404, 40010, 40325),
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


@Operation(
    "Delete an account",
    Tag.ACCOUNTS,
    answers(_answered("User was deleted")),
    needs="`security.delete_users`; only administrators delete administrators",
    details="Its tokens and its access disappear with it; collections and versions stay.",
    codes=(40303, 404),
)
async def delete_user(call: Writing) -> Response:
    """R9: delete an account."""
    user = await call.instance.accounts.delete(call.actor, call.path("user_id"))
    return _answer(user, "User was deleted", call)


def _answer(user: User, message: str, call: Authenticated) -> Response:
    shown = render.user(user, call.instance.clock())
    return render.json_response({"message": message, "status": True, "user": shown})
