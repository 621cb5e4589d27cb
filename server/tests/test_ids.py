"""UUIDs in the 8-4-4-4-12 form (contract 5.2, 13)."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_repository.ids import parse_uuid


@given(st.uuids())
def test_every_uuid_is_read_in_any_case_and_kept_in_lower_case(uuid: UUID) -> None:
    assert parse_uuid(str(uuid)) == str(uuid)
    assert parse_uuid(str(uuid).upper()) == str(uuid)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0123456789abcdef0123456789abcdef",
        "{01234567-89ab-cdef-0123-456789abcdef}",
        "urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
        "01234567-89ab-cdef-0123-456789abcdeg",
        "01234567-89ab-cdef-0123-456789abcde",
        "01234567-89ab-cdef-0123-456789abcdef0",
        "01234567-89ab-cdef-0123-456789abcdef\n",
        " 01234567-89ab-cdef-0123-456789abcdef",
        "0123456-789ab-cdef-0123-456789abcdef",
        "\u0661\u0662345678-89ab-cdef-0123-456789abcdef",
        "01234567\u201289ab-cdef-0123-456789abcdef",
    ],
)
def test_everything_else_is_no_uuid(text: str) -> None:
    with pytest.raises(ValueError, match="not a UUID"):
        parse_uuid(text)
