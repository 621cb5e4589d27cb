"""What the forms of collections sent, held against the domain's rules (contract 6.3)."""

from __future__ import annotations

from collections.abc import Callable

from backup_repository.access.collections import Details
from backup_repository.collections.model import Limits, Strategy
from backup_repository.collections.rules import (
    check_backups_count,
    check_description,
    check_filename,
    check_strategy,
)
from backup_repository.errors import FieldError, InvalidFields
from backup_repository.sizes import MAX_SIZE, parse_size
from backup_repository.web.body import Fields

_NO_SIZE = FieldError("Disk space format parsing error, expected for example 1.5GB", 42010)
_NO_NUMBER = FieldError("This value must be an integer", 50002)


def read_details(fields: Fields) -> Details:
    """Read a collection's details; every wrong field is reported.

    Raises:
        InvalidFields: with the first broken rule of each field.
    """
    problems: dict[str, FieldError] = {}
    count = read_integer(fields, "maxBackupsCount", check_backups_count, problems)
    one = _size(fields, "maxOneVersionSize", problems)
    whole = _size(fields, "maxCollectionSize", problems)
    note(problems, "strategy", check_strategy(fields.text("strategy")))
    note(problems, "filename", check_filename(fields.text("filename")))
    note(problems, "description", check_description(fields.text("description")))
    if problems:
        raise InvalidFields(problems)
    return Details(
        filename=fields.text("filename"),
        description=fields.text("description"),
        strategy=Strategy(fields.text("strategy")),
        limits=Limits(count, one, whole),
    )


def read_integer(
    fields: Fields, name: str, rule: Callable[[int], FieldError | None], problems: dict[str, FieldError]
) -> int:
    """Read an integer under a rule of the domain; an empty field is no integer."""
    text = fields.text(name).strip()
    try:
        number = int(text) if text.isascii() else None
    except ValueError:
        number = None
    if number is None or not -MAX_SIZE <= number <= MAX_SIZE:
        problems[name] = _NO_NUMBER
        return 0
    note(problems, name, rule(number))
    return number


def note(problems: dict[str, FieldError], name: str, problem: FieldError | None) -> None:
    """Remember what is wrong with a field, if anything."""
    if problem is not None:
        problems[name] = problem


def _size(fields: Fields, name: str, problems: dict[str, FieldError]) -> int:
    try:
        return parse_size(fields.text(name))
    except ValueError:
        problems[name] = _NO_SIZE
        return 0
