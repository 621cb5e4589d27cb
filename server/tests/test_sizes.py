"""Sizes as people write and read them (contract 1.2, 6.2, 13)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_repository.sizes import MAX_SIZE, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("0MB", 0),
        ("0.0", 0),
        ("1111", 1111),
        ("1024KB", 1_024_000),
        ("10mib", 10_485_760),
        ("1.5GB", 1_500_000_000),
        ("1.5 GB", 1_500_000_000),
        ("  1.5  gb  ", 1_500_000_000),
        ("161B", 161),
        ("1b", 1),
        ("1kB", 1000),
        ("1KiB", 1024),
        ("1MB", 1000**2),
        ("1MiB", 1024**2),
        ("1GiB", 1024**3),
        ("1TB", 1000**4),
        ("1TiB", 1024**4),
        ("1PB", 1000**5),
        ("1PiB", 1024**5),
        ("1EB", 1000**6),
        ("1EiB", 1024**6),
        ("0.001ZB", 1000**6),
        ("0.000001YB", 1000**6),
        ("0.001ZiB", 1024**7 // 1000),
        ("0.000001YiB", 1024**8 // 1_000_000),
        ("1.9B", 1),
        ("1.0015kB", 1001),
        ("0.1KiB", 102),
        ("007", 7),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775807.9", 2**63 - 1),
    ],
)
def test_sizes_are_read_exactly_and_fractions_are_cut(text: str, size: int) -> None:
    """Case 59; contract B."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "MB",
        "-5MB",
        "-1",
        "+1",
        "5K",
        "5M",
        "5Ki",
        "1,5GB",
        "1.GB",
        ".5GB",
        "1.5.5GB",
        "1e3",
        "1 000",
        "true",
        "null",
        "5 MB MB",
        "5\u00a0MB",
        "\u0665MB",
        "5\u212aB",
        "0x10",
        "9223372036854775808",
        "10EB",
        "1YB",
        "0.5B",
        "0.0001kB",
        "0.9",
        "9" * 101,
    ],
)
def test_everything_else_is_no_size(text: str) -> None:
    """Case 59; contract 13: a non-zero amount that would be cut to 0 bytes is refused, never unlimited."""
    with pytest.raises(ValueError, match=r"not a size|unknown unit|too large|less than one byte"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (161, "161B"),
        (999, "999B"),
        (1000, "1.00kB"),
        (1_024_000, "1.02MB"),
        (1_004, "1.00kB"),
        (1_005, "1.01kB"),
        (1_015, "1.02kB"),
        (25_000_000, "25.00MB"),
        (10_485_760, "10.49MB"),
        (25_000_000_000, "25.00GB"),
        (150_000_000_000, "150.00GB"),
        (999_999, "1000.00kB"),
        (1_000_000, "1.00MB"),
        (2**63 - 1, "9.22EB"),
        (10**21, "1.00ZB"),
        (10**24, "1.00YB"),
        (10**28, "10000.00YB"),
    ],
)
def test_sizes_are_written_in_the_largest_unit_of_at_least_one(size: int, text: str) -> None:
    """Contract 1.2, B."""
    assert format_size(size) == text


@given(st.integers(0, MAX_SIZE))
def test_a_whole_number_of_bytes_reads_back(size: int) -> None:
    assert parse_size(str(size)) == size


@given(st.integers(0, MAX_SIZE))
def test_what_is_written_reads_back_within_half_of_the_last_digit(size: int) -> None:
    text = format_size(size)
    unit = 10 ** (3 * ["B", "kB", "MB", "GB", "TB", "PB", "EB"].index(text.lstrip("0123456789.")))
    assert abs(Decimal(text.rstrip("BkMGTPE")) * unit - size) * 200 <= unit
    assert abs(parse_size(text) - size) * 200 <= unit
