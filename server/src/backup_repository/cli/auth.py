"""`auth`: accounts (contract B 2.2)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from backup_repository.access.accounts import NewAccount
from backup_repository.access.model import Permission
from backup_repository.api import render
from backup_repository.cli import output
from backup_repository.cli.console import created, listed, run
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
_NOT_FOUND = 404

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
JsonList = Annotated[bool, typer.Option("--json", help="Print a JSON document.")]

_COLUMNS: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "id": lambda user: str(user["id"]),
    "e-mail": lambda user: str(user["email"]),
    "organization": lambda user: str(user["organization"]),
    "administrator": lambda user: "yes" if user["is_administrator"] else "no",
    "expires": lambda user: user["expires"] or "never",
}


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


@app.command("list-users")
def list_users(
    context: typer.Context,
    query: Annotated[
        str,
        typer.Option("--query", help="Only those whose id, e-mail, organization, about or a permission contains it."),
    ] = "",
    expired: Annotated[bool, typer.Option("--expired", help="Only those whose expiry has passed.")] = False,
    as_json: JsonList = False,
) -> None:
    """List accounts in the order in which they were created."""

    async def job(instance: Instance) -> list[dict[str, Any]]:
        now = instance.clock()
        return [render.user(user, now) async for user in instance.accounts.every(query, expired=expired)]

    listed(context, run(context, job), _COLUMNS, as_json=as_json)


@app.command("reset-password")
def reset_password(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="E-mail address or id of the account.")],
    password: Password = None,
    password_stdin: PasswordStdin = False,
    generate_password: GeneratePassword = False,
    keep_sessions: Annotated[
        bool, typer.Option("--keep-sessions", help="Leave the account's sessions and tokens valid.")
    ] = False,
) -> None:
    """Set the password of an account and print its id; its sessions and tokens are revoked."""
    given = given_password(value=password, from_stdin=password_stdin, generate=generate_password)

    async def job(instance: Instance) -> tuple[dict[str, Any], int]:
        found = await instance.accounts.find(user_id=account, email=account)
        problems = {"password": check_password(given.password), "account": None if found else _unknown(account)}
        broken = {name: problem for name, problem in problems.items() if problem is not None}
        if broken or found is None:
            raise InvalidFields(broken)
        user, revoked = await instance.profiles.reset_password(found.id, given.password, keep_sessions=keep_sessions)
        return render.user(user, instance.clock()), revoked

    user, revoked = run(context, job, writes=True)
    if not keep_sessions:
        output.note(f"{revoked} sessions and tokens were revoked")
    created(context, user["id"], user, as_json=False)
    if given.generated:
        output.say(given.password)


@app.command("clear-expired-users")
def clear_expired_users(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be deleted.")] = False,
    as_json: JsonList = False,
) -> None:
    """Delete accounts whose expiry has passed, with their access entries and tokens, and list them."""
    told = output.JsonList()

    async def job(instance: Instance) -> None:
        accounts = instance.accounts
        async with contextlib.aclosing(
            accounts.every("", expired=True) if dry_run else accounts.delete_expired()
        ) as expired:
            async for user in expired:
                if as_json:
                    told.add(render.user(user, instance.clock()))
                else:
                    output.say(f"{user.id}  {user.email}")

    run(context, job, writes=not dry_run)
    if as_json:
        told.close()


def _unknown(account: str) -> FieldError:
    return FieldError(f"There is no account with the id or e-mail {account}", _NOT_FOUND)


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
