"""The first steps of an empty installation, behind the code that `serve` prints."""

from __future__ import annotations

from starlette.responses import Response

from backup_repository.access.accounts import NewAccount
from backup_repository.access.first_run import FirstSteps
from backup_repository.errors import DomainError, FieldError, InvalidFields, NotFound, ReadOnlyInstance
from backup_repository.users.rules import check_email, check_organization, check_password
from backup_repository.web.body import Fields
from backup_repository.web.collection_forms import note, read_details
from backup_repository.web.notices import BAD, Notice, Said, explained, field_problems, status_of, tell_when
from backup_repository.web.visit import Visit


async def take_first_steps(visit: Visit, fields: Fields) -> Response:
    """Create administrator, organization, collection and token, and end with lines to paste."""
    if visit.instance.config.read_only:
        raise ReadOnlyInstance
    if not await visit.instance.first_run.due():
        raise NotFound
    try:
        done = await visit.instance.first_run.take(
            fields.text("code"), await _read(visit, fields), address=visit.address, user_agent=visit.user_agent
        )
    except DomainError as error:
        if not await visit.instance.first_run.due():
            return visit.go("/login", kind=BAD, text=f"The administrator was created, then: {error.message}")
        notices = (explained(error),)
        page = visit.page(
            "first_run.html", status=status_of(error), notices=notices, typed=fields, problems=field_problems(error)
        )
        tell_when(page, error)
        return page
    return visit.page("first_run_done.html", done=done, notices=(Notice("ok", Said.USER_SAVED),))


async def _read(visit: Visit, fields: Fields) -> FirstSteps:
    """Read the form; every wrong field is reported, the code among them.

    Raises:
        InvalidFields: with the first broken rule of each field.
        TooManyAttempts: too many wrong codes came from this address.
    """
    problems: dict[str, FieldError] = {}
    note(problems, "code", await visit.instance.first_run.check_code(fields.text("code"), address=visit.address))
    accounts = [_account(fields, who, problems) for who in ("administrator", "organization")]
    try:
        collection = read_details(fields)
    except InvalidFields as error:
        raise InvalidFields(problems | error.fields) from error
    if problems:
        raise InvalidFields(problems)
    return FirstSteps(accounts[0], accounts[1], collection)


def _account(fields: Fields, who: str, problems: dict[str, FieldError]) -> NewAccount:
    email, password = fields.text(f"{who}Email").strip(), fields.text(f"{who}Password")
    name = fields.text("organization").strip() if who == "organization" else ""
    note(problems, f"{who}Email", check_email(email))
    note(problems, f"{who}Password", check_password(password))
    if fields.text(f"{who}Repeat") != password:
        problems.setdefault(f"{who}Password", FieldError(Said.PASSWORDS_DIFFER.value, 40319))
    note(problems, "organization", check_organization(name))
    return NewAccount(email=email, password=password, permissions=(), organization=name)
