"""Query parameters: paging and flags (contract 1.1, 1.6)."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_core import PydanticCustomError
from starlette.datastructures import QueryParams

from backup_repository.api.described import Parameter
from backup_repository.api.fields import parse_integer
from backup_repository.api.shapes import Shape, integer
from backup_repository.errors import FieldError, InvalidFields

MAX_PAGE_SIZE = 1000
"""Rows of one page."""
_MOST_ROWS = 2**50


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """Rows before the page; no table has more than this, and databases bound their offsets."""
        return min((self.number - 1) * self.size, _MOST_ROWS)


def page_of(query: QueryParams, *, size_name: str, default_size: int, bounds_under: str | None = None) -> Page:
    """Read `page` and the page size; wrong ones are reported together.

    Args:
        query: the request's query.
        size_name: name of the page-size parameter.
        default_size: rows of a page when the parameter is absent or empty.
        bounds_under: the name under which an out-of-bounds size is reported, if another.

    Raises:
        InvalidFields: 50002 no integer, 50005 page below 1, 50003 and 50004 size out of bounds.
    """
    problems: dict[str, FieldError] = {}
    number = _integer(query, "page", 1, problems)
    size = _integer(query, size_name, default_size, problems)
    if number < 1:
        problems.setdefault("page", FieldError("Page cannot be negative", 50005))
    if size > MAX_PAGE_SIZE:
        problems.setdefault(bounds_under or size_name, FieldError("Limit is too high", 50003))
    if size < 1:
        problems.setdefault(bounds_under or size_name, FieldError("Limit is too low", 50004))
    if problems:
        raise InvalidFields(problems)
    return Page(number, size)


def page_parameters(*, size_name: str, default_size: int, bounds_under: str = "") -> tuple[Parameter, Parameter]:
    """Describe what `page_of` reads, by the same arguments."""
    number, size = integer(1, minimum=1, default=1), integer(default_size, minimum=1, maximum=MAX_PAGE_SIZE)
    return (
        Parameter("page", "The page, from 1", number, codes=(50005,)),
        Parameter(
            size_name,
            f"Rows of a page; {default_size} when absent",
            Shape({**size.schema, "default": default_size}, default_size),
            codes=(50003, 50004),
            reported_as=bounds_under,
        ),
    )


SIMULATE = Parameter("simulate", "`true` or `1`: answer as usual, change nothing")
"""What `simulates` reads."""


def simulates(query: QueryParams) -> bool:
    """Whether the request only asks what would happen."""
    return query.get("simulate") in {"true", "1"}


def _integer(query: QueryParams, name: str, default: int, problems: dict[str, FieldError]) -> int:
    text = query.get(name, "")
    if text == "":
        return default
    try:
        return parse_integer(text)
    except PydanticCustomError:
        problems[name] = FieldError("This value must be an integer", 50002)
        return default
