"""What a handler says about itself for the API's description: `@Operation(...)` stands in front of it.

The route table takes handlers with such a declaration only, so none can be served without one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from starlette.responses import Response

from backup_repository.api.body import Form
from backup_repository.api.shapes import Shape, text

JSON = "application/json"

ANY_TEXT = text("")
"""A string without an example."""

_Call = TypeVar("_Call")
"""Who calls: one of the types of `caller.py`."""


class Tag(StrEnum):
    """What operations are grouped by, in the order of the page."""

    TOKENS = "Log-ins and tokens"
    ACCOUNTS = "Accounts"
    COLLECTIONS = "Collections"
    ACCESS = "Access to a collection"
    VERSIONS = "Versions"
    FILES = "Stored files"
    SERVER = "The server"
    DESCRIPTION = "This description"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query, or a header of the request."""

    name: str
    meaning: str
    shape: Shape = ANY_TEXT
    codes: tuple[int, ...] = ()
    """What may be wrong with it, for a parameter that is reported like a field."""
    reported_as: str = ""
    """The name under which something else than a wrong type is reported, if another than its own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no refusal."""

    meaning: str
    content: Mapping[str, Shape] = field(default_factory=dict)
    """By media type; empty: no body."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Their meanings by their names."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A body of bytes: raw, or in a form."""

    meaning: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the API does."""

    summary: str
    tag: Tag
    answers: Mapping[int, Answer]
    """By status."""
    codes: tuple[int, ...] = ()
    """What it refuses with, besides what everything does that is called by the same callers (`CODES`)."""
    needs: str = ""
    """The permission, in words."""
    details: str = ""
    body: type[Form] | Upload | None = None
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()

    def __call__(self, handler: Callable[[_Call], Awaitable[Response]]) -> Described[_Call]:
        """Declare a handler as what this describes."""
        return Described(handler, self)


@dataclass(frozen=True, slots=True)
class Described(Generic[_Call]):
    """A handler with its declaration."""

    handle: Callable[[_Call], Awaitable[Response]]
    operation: Operation

    @property
    def name(self) -> str:
        """The handler's name, from which the operation's id is made."""
        name: str = self.handle.__name__
        return name


def answers(shape: Shape, meaning: str = "Done", status: int = 200) -> Mapping[int, Answer]:
    """The one JSON answer of most operations."""
    return {status: Answer(meaning, {JSON: shape})}
