"""What a page says about what has just happened, and the one table from failures to notices.

The sentences of `Said` are compared by value (contract B 5); those of failures are the domain's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from starlette.responses import Response

from backup_repository.errors import DomainError, FieldError, InvalidFields, Kind, TooManyAttempts

OK, BAD = "ok", "bad"
"""Kinds of notices; the page names them in words too."""


class Said(StrEnum):
    """Every sentence the web console says of itself."""

    USER_SAVED = "User account saved"
    USER_DELETED = "User account deleted"
    TOKEN_GENERATED = "Access token generated"  # noqa: S105 - a sentence
    TOKEN_REVOKED = "Access revoked"  # noqa: S105 - likewise
    COLLECTION_CREATED = "Collection created"
    CHANGES_SAVED = "Changes saved"
    COLLECTION_DELETED = "Collection deleted"
    VERSION_UPLOADED = "Version uploaded"
    VERSION_DELETED = "Version deleted"
    PASSWORDS_DIFFER = "Passwords are not matching"
    PASSWORD_MISSING = "Password is required"  # noqa: S105 - likewise
    EMAIL_MISSING = "E-mail is required"
    SIGNED_OUT = "Signed out"
    TIMED_OUT = "Signed out, because nothing was done for a while"
    FOREIGN_FORM = "This form is too old or was not made here. Nothing was changed; please try again"
    NOT_TYPED = "Nothing was deleted: the name that was typed is another one"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice."""

    kind: str
    text: str
    fields: tuple[str, ...] = ()
    """One `field: message` line per field."""


ENDED = frozenset({40322, 40323, 40324})
"""Codes of refusals after which a session cannot go on."""

_STATUSES: dict[Kind, int] = {
    Kind.INVALID: 400,
    Kind.MALFORMED: 400,
    Kind.UPLOAD: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.THROTTLED: 429,
    Kind.NOT_FOUND: 404,
    Kind.NO_SUCH_FILE: 404,
    Kind.UNAVAILABLE: 503,
    Kind.DATABASE_DOWN: 503,
    Kind.BROKEN: 500,
}


def status_of(error: DomainError) -> int:
    """Return the HTTP status of a page about a failure."""
    return _STATUSES[error.kind]


def ends_session(error: DomainError) -> bool:
    """Whether the session that met this failure is over."""
    return error.kind is Kind.UNAUTHENTICATED or error.code in ENDED


def tell_when(response: Response, error: DomainError) -> None:
    """Let an answer say when to try again, where that is known."""
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.retry_after)


def explained(error: DomainError) -> Notice:
    """Make the notice of a failure."""
    if isinstance(error, InvalidFields):
        lines = tuple(f"{name}: {problem.message}" for name, problem in error.fields.items())
        return Notice(BAD, "Please correct what is marked", lines)
    return Notice(BAD, error.message)


def field_problems(error: DomainError | None) -> dict[str, FieldError]:
    """Return what is wrong with which field; nothing for failures that are not about fields."""
    return error.fields if isinstance(error, InvalidFields) else {}
