"""What can go wrong, in the words of the domain: a kind, a stable numeric code, a sentence.

    DomainError
    ├── InvalidFields       fields of one request, all at once        (contract 1.3 E1)
    ├── RuleBroken          a business rule refuses                   (E2, 400)
    ├── Unauthenticated     no, invalid or expired token; bad login   (E3)
    ├── PermissionDenied    the actor may not                         (E2, 403)
    ├── TooManyAttempts     log-ins are throttled                     (E2, 429)
    ├── NotFound            unknown path, user, token, collection, version (E4)
    ├── StorageError        where blobs live                          (E2)
    │   ├── BlobMissing  BlobNotFound  StorageRefused  StorageUnavailable  StorageCorrupt  OutsideStorage
    ├── BadUpload           the body cannot be used                   (E2)
    ├── ReadOnlyInstance    every write is refused                    (E2, 503)
    └── DatabaseUnavailable the database is out of reach              (E7)

The entrances (`api`, `web`, `cli`) each own one table from kind to their world; nothing here knows HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What sort of failure an error is; every entrance translates it once."""

    INVALID = "invalid"
    """The request breaks a rule; sending it again unchanged cannot help."""
    MALFORMED = "malformed"
    """The request cannot be read at all."""
    UPLOAD = "upload"
    """The body of an upload cannot be used."""
    UNAUTHENTICATED = "unauthenticated"
    """Nobody known is asking."""
    FORBIDDEN = "forbidden"
    """Somebody known asks for what they may not have."""
    THROTTLED = "throttled"
    """Too many attempts; later is fine."""
    NOT_FOUND = "not found"
    """No such thing."""
    NO_SUCH_FILE = "no such file"
    """No stored file of that name."""
    UNAVAILABLE = "unavailable"
    """A part the server depends on refuses or is full; later may be fine."""
    DATABASE_DOWN = "database down"
    """The database is out of reach."""
    BROKEN = "broken"
    """What was registered is not there any more, or has changed."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """The first broken rule of one field."""

    message: str
    code: int


class DomainError(Exception):
    """Base of everything the product refuses knowingly.

    Attributes:
        kind: what sort of failure this is.
        code: the stable number of contract 1.5, or None where the contract has none.
        message: one sentence for a person.
    """

    kind: Kind = Kind.INVALID

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class InvalidFields(DomainError):
    """One or more fields of a request are invalid (contract 1.3 E1)."""

    def __init__(self, fields: Mapping[str, FieldError]) -> None:
        super().__init__("JSON payload validation error")
        self.fields = dict(fields)


class RuleBroken(DomainError):
    """A business rule refuses the request (contract 1.5, codes 40010 to 41013)."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)


class MalformedRequest(DomainError):
    """The body is not a JSON object (contract 1.5, code 50000)."""

    kind = Kind.MALFORMED

    def __init__(self, message: str = "The request body is not a valid JSON object") -> None:
        super().__init__(message, 50000)


class Unauthenticated(DomainError):
    """No, an invalid or an expired token, or a wrong log-in (contract 1.3 E3)."""

    kind = Kind.UNAUTHENTICATED


class PermissionDenied(DomainError):
    """The actor may not do this (contract 1.5, codes 403xx)."""

    kind = Kind.FORBIDDEN

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)


class TooManyAttempts(DomainError):
    """Too many failed log-ins (contract 3.3).

    Attributes:
        retry_after: whole seconds until the next attempt is looked at.
    """

    kind = Kind.THROTTLED

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many failed login attempts, try again later", 40325)
        self.retry_after = retry_after


class NotFound(DomainError):
    """Unknown path, user, token, collection or version (contract 1.3 E4)."""

    kind = Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("Route or resource not found", 404)


class StorageError(DomainError):
    """Something about the place where blobs live."""

    kind = Kind.UNAVAILABLE


class BlobNotFound(StorageError):
    """No stored file of that name (contract 1.5, code 42000)."""

    kind = Kind.NO_SUCH_FILE

    def __init__(self) -> None:
        super().__init__("There is no stored file of that name", 42000)


class StorageRefused(StorageError):
    """The storage refuses access: permissions or a read-only mount (code 42001)."""

    def __init__(self, message: str = "The storage refuses access: permissions or a read-only mount") -> None:
        super().__init__(message, 42001)


class BlobMissing(StorageError):
    """A registered blob is not on the storage (code 42002)."""

    kind = Kind.BROKEN

    def __init__(self) -> None:
        super().__init__("The registered file is missing on the storage", 42002)


class StorageUnavailable(StorageError):
    """The storage cannot be reached or is full (code 42003)."""

    def __init__(self, message: str = "The storage is unavailable") -> None:
        super().__init__(message, 42003)


class StorageCorrupt(StorageError):
    """The storage returns other bytes than were written (code 42004)."""

    kind = Kind.BROKEN

    def __init__(self) -> None:
        super().__init__("The storage returned other bytes than were written", 42004)


class OutsideStorage(StorageError):
    """A name or a link would lead out of the storage (code 42013)."""

    kind = Kind.BROKEN

    def __init__(self) -> None:
        super().__init__("The path of a stored file would leave the storage", 42013)


class BadUpload(DomainError):
    """The body of an upload cannot be used (codes 42008, 42009, 42023, 42024)."""

    kind = Kind.UPLOAD

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)


class ReadOnlyInstance(DomainError):
    """The instance is read-only and the request is a write (contract 1.7, code 42005)."""

    kind = Kind.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("This instance is read-only", 42005)


class DatabaseUnavailable(DomainError):
    """The database is out of reach (contract 1.3 E7).

    Attributes:
        refusal: what the database said when it refused the connection, for the operator alone; empty: nothing.
    """

    kind = Kind.DATABASE_DOWN

    def __init__(self, refusal: str = "") -> None:
        super().__init__("Internal server error", 503)
        self.refusal = refusal


class ConfigurationError(Exception):
    """A setting is wrong (contract B 1.1); the program stops before it listens, with exit code 78.

    Attributes:
        variable: the name of the setting, or of the file, that is wrong.
        problem: what is wrong and what is accepted; never the value of a secret.
    """

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable}: {problem}")
        self.variable = variable
        self.problem = problem
