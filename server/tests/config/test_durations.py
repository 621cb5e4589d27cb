"""Durations of settings and console options (contract B 1.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_repository.config.durations import MAX_DURATION, parse_duration

_UNITS = {
    1: ("s", "second", "seconds"),
    60: ("m", "minute", "minutes"),
    3600: ("h", "hour", "hours"),
    86400: ("d", "day", "days"),
    604800: ("w", "week", "weeks"),
    2592000: ("month", "months"),
    31536000: ("year", "years"),
}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7200", 7200),
        ("0", 0),
        ("2 hours", 7200),
        ("+1 hour", 3600),
        ("+ 1 hour", 3600),
        ("+7200", 7200),
        ("90m", 5400),
        ("1d 12h", 129600),
        ("1d12h", 129600),
        ("  1 w  ", 604800),
        ("1 month", 30 * 86400),
        ("1 year 1 second", 365 * 86400 + 1),
        ("1h 1h", 7200),
        ("1000 years", MAX_DURATION),
    ],
)
def test_a_duration_is_whole_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "+", "h", "-1 hour", "1,5 hours", "1.5 hours", "1 hour 7", "7 1 hour", "1 fortnight", "1M", "1 Hour",
        "++1 hour", "1 hour, 2 minutes", "soon", "٣ hours", "²", "1001 years", "9" * 90, "1" * 200,
    ],
)  # fmt: skip
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration|is longer than a thousand years"):
        parse_duration(text)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 999),
            st.sampled_from([(name, seconds) for seconds, names in _UNITS.items() for name in names]),
            st.sampled_from(["", " ", "  "]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_pairs_add_up(pairs: list[tuple[int, tuple[str, int], str]]) -> None:
    text = " ".join(f"{number}{space}{name}" for number, (name, _), space in pairs)
    expected = sum(number * seconds for number, (_, seconds), _ in pairs)
    if expected > MAX_DURATION:
        with pytest.raises(ValueError, match="thousand years"):
            parse_duration(text)
    else:
        assert parse_duration(text) == expected


@given(st.text(max_size=120))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert 0 <= seconds <= MAX_DURATION
