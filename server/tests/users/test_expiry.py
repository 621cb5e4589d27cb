"""Moments as people write them (contract 5.8, 6.7, 13)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_repository.users.expiry import is_bare_date, parse_expiry, parse_last_moment, parse_moment

NOW = datetime(2026, 1, 31, 12, 30, 15, 250_000, tzinfo=UTC)


def utc(text: str) -> datetime:
    """A moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", [None, "", "never", "auto", "automatic"])
def test_never(text: str | None) -> None:
    """Case 38."""
    assert parse_expiry(text, NOW) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2031-05-01 01:06:01", utc("2031-05-01 01:06:01")),
        ("2031-05-01T01:06:01.000Z", utc("2031-05-01 01:06:01")),
        ("2031-05-01T01:06:01", utc("2031-05-01 01:06:01")),
        ("2031-05-01T01:06", utc("2031-05-01 01:06:00")),
        ("2031-05-01 01:06Z", utc("2031-05-01 01:06:00")),
        ("2031-05-01", utc("2031-05-01 00:00:00")),
        ("2031-05-01T01:06:01+02:00", utc("2031-04-30 23:06:01")),
        ("2031-05-01T01:06:01+0200", utc("2031-04-30 23:06:01")),
        ("2031-05-01 01:06-05:30", utc("2031-05-01 06:36:00")),
        ("2031-05-01T01:06:01-00:00", utc("2031-05-01 01:06:01")),
        ("2031-05-01T01:06:01.5Z", utc("2031-05-01 01:06:01.500000")),
        ("2031-05-01T01:06:01.000001Z", utc("2031-05-01 01:06:01.000001")),
        ("2031-05-01T01:06:01.1234569+00:00", utc("2031-05-01 01:06:01.123456")),
        ("2028-02-29", utc("2028-02-29 00:00:00")),
        ("1999-12-31", utc("1999-12-31 00:00:00")),
        ("9999-12-31T23:59:59.999999Z", utc("9999-12-31 23:59:59.999999")),
        ("0001-01-01T00:00:00Z", utc("0001-01-01 00:00:00")),
    ],
)
def test_absolute_moments_are_read_in_utc(text: str, moment: datetime) -> None:
    """Case 38; contract 13: missing seconds, both forms of offset, cut fractions."""
    assert parse_expiry(text, NOW) == moment
    assert parse_moment(text) == moment
    assert parse_moment(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("+10 years", utc("2036-01-31 12:30:15.250000")),
        ("+1 hour", utc("2026-01-31 13:30:15.250000")),
        ("+2 weeks", utc("2026-02-14 12:30:15.250000")),
        ("+90 days", utc("2026-05-01 12:30:15.250000")),
        ("+1 second", utc("2026-01-31 12:30:16.250000")),
        ("+90 seconds", utc("2026-01-31 12:31:45.250000")),
        ("+1 minute", utc("2026-01-31 12:31:15.250000")),
        ("-30 minutes", utc("2026-01-31 12:00:15.250000")),
        ("+1 day", utc("2026-02-01 12:30:15.250000")),
        ("+1days", utc("2026-02-01 12:30:15.250000")),
        ("+1hour", utc("2026-01-31 13:30:15.250000")),
        ("+0 days", NOW),
        ("-1 week", utc("2026-01-24 12:30:15.250000")),
        ("+1 month", utc("2026-02-28 12:30:15.250000")),
        ("+25 months", utc("2028-02-29 12:30:15.250000")),
        ("+2 months", utc("2026-03-31 12:30:15.250000")),
        ("+11 months", utc("2026-12-31 12:30:15.250000")),
        ("+12 months", utc("2027-01-31 12:30:15.250000")),
        ("-1 month", utc("2025-12-31 12:30:15.250000")),
        ("-2 months", utc("2025-11-30 12:30:15.250000")),
        ("+1 year", utc("2027-01-31 12:30:15.250000")),
        ("-1 years", utc("2025-01-31 12:30:15.250000")),
        ("+95687 months", utc("9999-12-31 12:30:15.250000")),
        ("+7973 years", utc("9999-01-31 12:30:15.250000")),
        ("-2025 years", utc("0001-01-31 12:30:15.250000")),
    ],
)
def test_steps_count_from_now_and_calendar_steps_are_clipped(text: str, moment: datetime) -> None:
    """Case 38."""
    assert parse_expiry(text, NOW) == moment


def test_a_year_from_a_leap_day_is_the_last_of_february() -> None:
    assert parse_expiry("+1 year", utc("2028-02-29 00:00:00")) == utc("2029-02-28 00:00:00")
    assert parse_expiry("+4 years", utc("2028-02-29 00:00:00")) == utc("2032-02-29 00:00:00")


@pytest.mark.parametrize(
    "text",
    [
        "someday",
        "tomorrow",
        "Never",
        " never",
        "1 hour",
        "+1",
        "+ 1 hour",
        "+1  hour",
        "+1 hours 2 minutes",
        "+1 day +1 hour",
        "+1.5 days",
        "+1 fortnight",
        "+1 Hour",
        "+1 hour ",
        "+1 hourss",
        "++1 hour",
        "+-1 hour",
        "+\u0661 hour",
        "+7974 years",
        "-2026 years",
        "+95688 months",
        "+999999999999999999 years",
        "+999999999999999999 seconds",
        "+9999999999999999999999 days",
        "-9999999 days",
    ],
)
def test_steps_not_understood_and_steps_out_of_time_are_refused(text: str) -> None:
    """Case 38."""
    with pytest.raises(ValueError, match=r"."):
        parse_expiry(text, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "never",
        "+1 day",
        "2031",
        "2031-05",
        "2031-5-1",
        "20310501",
        "2031-13-01",
        "2031-00-01",
        "2031-02-29",
        "0000-01-01",
        "10000-01-01",
        "2031-05-01T",
        "2031-05-01T01",
        "2031-05-01T24:00",
        "2031-05-01T01:60",
        "2031-05-01T01:06:60",
        "2031-05-01T01:06.5",
        "2031-05-01T01:06:01.",
        "2031-05-01  01:06",
        "2031-05-01t01:06",
        "2031-05-01T01:06z",
        "2031-05-01T01:06+02",
        "2031-05-01T01:06+2:00",
        "2031-05-01T01:06+24:00",
        "2031-05-01T01:06+01:60",
        "2031-05-01Z",
        "2031-05-01+02:00",
        "2031-05-01T01:06 UTC",
        " 2031-05-01",
        "2031-05-01\n",
        "\u0662\u0660\u0663\u0661-05-01",
        "2031/05/01",
        "01.05.2031",
        "1620237873",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+01:00",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    """Cases 38, 64."""
    with pytest.raises(ValueError, match=r"."):
        parse_moment(text)


def test_a_period_ends_with_its_last_day_or_its_last_moment() -> None:
    """Contract 6.7: a bare `createdTo` date includes that whole day."""
    assert parse_last_moment("2031-05-01") == utc("2031-05-01 23:59:59.999999")
    assert parse_last_moment("2031-05-01T00:00") == utc("2031-05-01 00:00:00")
    assert parse_last_moment("9999-12-31") == utc("9999-12-31 23:59:59.999999")
    with pytest.raises(ValueError, match=r"."):
        parse_last_moment("someday")


def test_only_a_date_alone_is_a_bare_date() -> None:
    assert is_bare_date("2031-05-01")
    assert not is_bare_date("2031-05-01T00:00")
    assert not is_bare_date("2031-05-01\n")
    assert not is_bare_date("someday")


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)), st.integers(-1439, 1439), st.sampled_from("T "))  # noqa: DTZ001  the offset is drawn beside
def test_every_moment_python_writes_is_read_back(local: datetime, offset: int, separator: str) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert parse_moment(moment.isoformat(separator)) == moment


@given(st.text(max_size=40))
def test_any_text_is_either_understood_or_refused(text: str) -> None:
    try:
        moment = parse_expiry(text, NOW)
    except ValueError:
        return
    assert moment is None or moment.utcoffset() == timedelta(0)


@given(st.sampled_from("+-"), st.integers(0, 10**18 - 1), st.sampled_from(["second", "day", "week", "month", "years"]))
def test_every_step_is_a_moment_or_refused(sign: str, amount: int, unit: str) -> None:
    try:
        moment = parse_expiry(f"{sign}{amount} {unit}", NOW)
    except ValueError:
        return
    assert moment is not None
    assert (moment >= NOW) if sign == "+" else (moment <= NOW)
