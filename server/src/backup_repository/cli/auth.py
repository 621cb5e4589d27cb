"""`auth`: accounts (contract B 2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from backup_repository.access.accounts import NewAccount
from backup_repository.access.model import Permission
from backup_repository.api import render
from backup_repository.cli import output
from backup_repository.cli.console import created, run
from backup_repository.cli.passwords import Given, given_password
from backup_repository.errors import FieldError, InvalidFields
from backup_repository.instance import Instance
from backup_repository.sizes import MAX_SIZE
from backup_repository.users.expiry import parse_expiry
from backup_repository.users.model import User
from backup_repository.users.rules import (
    check_email,
    check_max_file_size,
    check_password,
    check_tags,
    check_user_id,
)

_TAKEN = 40001

app = typer.Typer(no_args_is_help=True)

Email = Annotated[str, typer.Option("--email", "-m", help="E-mail address, with which the account logs in.")]
Password = Annotated[str | None, typer.Option("--password", "-p", help="Visible in process lists; avoid it.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
]
GeneratePassword = Annotated[bool, typer.Option("--generate-password", help="Make a password and print it once.")]
UserId = Annotated[str | None, typer.Option("--id", "-i", help="Choose the id, a UUID.")]
Expires = Annotated[str, typer.Option("--expires", help="`never`, a date, or a step such as `+1 year`.")]
IgnoreExisting = Annotated[
    bool,
    typer.Option(
        "--ignore-error-if-user-exists",
        "--ignore-error-if-already-exists",
        help="Print the existing account's id instead of failing; change nothing.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the created object as JSON.")]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the options of a creating command say."""

    email: str
    permissions: tuple[str, ...]
    expires: str
    user_id: str | None
    tags: tuple[str, ...] = ()
    max_file_size: int = 0


@app.command("create-user")
def create_user(
    context: typer.Context,
    email: Email,
    password: Password = None,
    password_stdin: PasswordStdin = False,
    generate_password: GeneratePassword = False,
    permissions: Annotated[str, typer.Option("--permissions", help="Permission names, separated by commas.")] = "",
    tags: Annotated[str, typer.Option("--tags", help="Tags, separated by commas.")] = "",
    max_file_size: Annotated[
        int, typer.Option("--max-file-size", max=MAX_SIZE, help="Largest upload in bytes; 0: unlimited.")
    ] = 0,
    expires: Expires = "never",
    user_id: UserId = None,
    ignore_existing: IgnoreExisting = False,
    as_json: Json = False,
) -> None:
    """Create an account and print its id."""
    given = given_password(value=password, from_stdin=password_stdin, generate=generate_password)
    wanted = _Wanted(email, _listed(permissions), expires, user_id, _listed(tags), max_file_size)
    _create(context, wanted, given, ignore_existing=ignore_existing, as_json=as_json)


@app.command("create-admin-account")
def create_admin_account(
    context: typer.Context,
    email: Email,
    password: Password = None,
    password_stdin: PasswordStdin = False,
    generate_password: GeneratePassword = False,
    expires: Expires = "+10 years",
    user_id: UserId = None,
    ignore_existing: IgnoreExisting = False,
    as_json: Json = False,
) -> None:
    """Create an administrator and print the new id."""
    given = given_password(value=password, from_stdin=password_stdin, generate=generate_password)
    wanted = _Wanted(email, (Permission.ADMINISTRATOR.value,), expires, user_id)
    _create(context, wanted, given, ignore_existing=ignore_existing, as_json=as_json)


def _create(context: typer.Context, wanted: _Wanted, given: Given, *, ignore_existing: bool, as_json: bool) -> None:
    async def job(instance: Instance) -> tuple[dict[str, Any], bool]:
        user, is_new = await _create_or_find(instance, wanted, given.password, ignore_existing=ignore_existing)
        return render.user(user, instance.clock()), is_new

    user, is_new = run(context, job, writes=True)
    tells = given.generated and is_new
    document = user | {"password": given.password} if tells and as_json else user
    created(context, user["id"], document, as_json=as_json)
    if tells and not as_json:
        output.say(given.password)


async def _create_or_find(
    instance: Instance, wanted: _Wanted, password: str, *, ignore_existing: bool
) -> tuple[User, bool]:
    """Create the account, or return the one that exists if that is to be ignored; says which it was."""
    try:
        return await instance.accounts.create_as_system(_new_account(wanted, password, instance)), True
    except InvalidFields as error:
        taken = [field.code for field in error.fields.values()] == [_TAKEN]
        existing = await instance.accounts.find(user_id=wanted.user_id, email=wanted.email)
        if not (ignore_existing and taken and existing):
            raise
        return existing, False


def _new_account(wanted: _Wanted, password: str, instance: Instance) -> NewAccount:
    """Check every field together, as the API does.

    Raises:
        InvalidFields: with the first broken rule of each field.
    """
    problems = {
        "email": check_email(wanted.email),
        "password": check_password(password),
        "data.tags": check_tags(wanted.tags),
        "data.maxAllowedFileSize": check_max_file_size(wanted.max_file_size),
        "id": check_user_id(wanted.user_id) if wanted.user_id else None,
    }
    expires_at = None
    try:
        expires_at = parse_expiry(wanted.expires, instance.clock())
    except ValueError:
        problems["expirationDate"] = FieldError("The expiration date is not understood", 41014)
    broken = {name: problem for name, problem in problems.items() if problem is not None}
    if broken:
        raise InvalidFields(broken)
    return NewAccount(
        email=wanted.email,
        password=password,
        permissions=wanted.permissions,
        tags=wanted.tags,
        max_allowed_file_size=wanted.max_file_size,
        expires_at=expires_at,
        id=wanted.user_id.lower() if wanted.user_id else None,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
