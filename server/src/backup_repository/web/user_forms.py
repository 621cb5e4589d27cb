"""What the forms of accounts sent, held against the domain's rules (contract 5.2, 5.6, 5.8)."""

from __future__ import annotations

from datetime import datetime

from backup_repository.access.accounts import NewAccount
from backup_repository.access.profile import Edit, NewPassword
from backup_repository.errors import FieldError, InvalidFields
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
)
from backup_repository.web.body import Fields
from backup_repository.web.collection_forms import note, read_integer
from backup_repository.web.notices import Said

_BAD_EXPIRY = FieldError("The expiration date is not understood, expected for example 2031-05-01 or +1 year", 41014)


def missing(fields: Fields, *, new: bool) -> tuple[Said, ...]:
    """Return what a script would have said before anything was sent (contract B 5)."""
    said: list[Said] = []
    if new and not fields.text("email").strip():
        said.append(Said.EMAIL_MISSING)
    password, again = fields.text("password"), fields.text("repeatPassword")
    if new and not password:
        said.append(Said.PASSWORD_MISSING)
    elif password != again:
        said.append(Said.PASSWORDS_DIFFER)
    return tuple(said)


def read_new(fields: Fields, now: datetime) -> NewAccount:
    """Read a new account; every wrong field is reported.

    Raises:
        InvalidFields: with the first broken rule of each field.
    """
    problems: dict[str, FieldError] = {}
    email, password = fields.text("email").strip(), fields.text("password")
    note(problems, "email", check_email(email))
    note(problems, "password", check_password(password))
    size = _check_details(fields, problems)
    expires = _expiry(fields, now, problems)
    if problems:
        raise InvalidFields(problems)
    return NewAccount(
        email=email,
        password=password,
        permissions=fields.every("permissions"),
        tags=fields.lines("tags"),
        max_allowed_file_size=size,
        allowed_ip_addresses=fields.lines("allowedIpAddresses"),
        allowed_user_agents=fields.lines("allowedUserAgents"),
        organization=fields.text("organization"),
        about=fields.text("about"),
        expires_at=expires,
        active=fields.ticked("active"),
    )


def read_edit(fields: Fields, user: User, now: datetime, *, whole: bool) -> Edit:
    """Read the changes of an account; every wrong field is reported.

    Args:
        fields: what was sent.
        user: the account as it is.
        now: from when relative expiries count.
        whole: whether the whole record was asked for, as administrators are; else about, organization and password.

    Raises:
        InvalidFields: with the first broken rule of each field.
    """
    problems: dict[str, FieldError] = {}
    password = NewPassword(fields.text("password"), fields.text("repeatPassword"), fields.text("currentPassword"))
    if password.password:
        note(problems, "password", check_password(password.password))
    if not whole:
        _check_texts(fields, problems)
        _stop(problems)
        return Edit(
            permissions=tuple(user.permissions),
            organization=fields.text("organization"),
            about=fields.text("about"),
            tags=None,
            max_allowed_file_size=None,
            allowed_ip_addresses=None,
            allowed_user_agents=None,
            expires_at=None,
            expires_given=False,
            active=None,
            password=password,
        )
    size = _check_details(fields, problems)
    expires = _expiry(fields, now, problems)
    _stop(problems)
    return Edit(
        permissions=fields.every("permissions"),
        organization=fields.text("organization"),
        about=fields.text("about"),
        tags=fields.lines("tags"),
        max_allowed_file_size=size,
        allowed_ip_addresses=fields.lines("allowedIpAddresses"),
        allowed_user_agents=fields.lines("allowedUserAgents"),
        expires_at=expires,
        expires_given=True,
        active=fields.ticked("active"),
        password=password,
    )


def _stop(problems: dict[str, FieldError]) -> None:
    if problems:
        raise InvalidFields(problems)


def _check_texts(fields: Fields, problems: dict[str, FieldError]) -> None:
    note(problems, "organization", check_organization(fields.text("organization")))
    note(problems, "about", check_about(fields.text("about")))


def _check_details(fields: Fields, problems: dict[str, FieldError]) -> int:
    _check_texts(fields, problems)
    note(problems, "tags", check_tags(fields.lines("tags")))
    note(problems, "allowedIpAddresses", check_addresses(fields.lines("allowedIpAddresses")))
    return read_integer(fields, "maxAllowedFileSize", check_max_file_size, problems)


def _expiry(fields: Fields, now: datetime, problems: dict[str, FieldError]) -> datetime | None:
    try:
        return parse_expiry(fields.text("expires").strip(), now)
    except ValueError:
        problems["expirationDate"] = _BAD_EXPIRY
        return None
