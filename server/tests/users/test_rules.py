"""Field rules of an account (contract 5.2, 13)."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from backup_repository.errors import FieldError
from backup_repository.users.rules import (
    SPECIAL_CHARACTERS,
    check_about,
    check_addresses,
    check_email,
    check_max_file_size,
    check_organization,
    check_password,
    check_tags,
    check_user_id,
    parse_address,
    parse_network,
)


@pytest.mark.parametrize(
    "email",
    [
        "alice@example.org",
        "a@b.c",
        "Alice.O'Hara+tag@mail.example.co.uk",
        '!#$%&*/=?^_`{|}~"@example.org',
        "alice@bücher.example",
        "a" * (254 - len("@example.org")) + "@example.org",
    ],
)
def test_good_addresses_pass(email: str) -> None:
    assert check_email(email) is None


@pytest.mark.parametrize(
    "email",
    [
        None,
        "",
        "alice",
        "@example.org",
        "alice@",
        "alice@example",
        "alice@@example.org",
        "alice@bob@example.org",
        "alice bob@example.org",
        "älice@example.org",
        "alice@.org",
        "alice@example.",
        "alice@example..org",
        "alice@.example.org",
        "alice@example.org.",
        "alice@exa mple.org",
        "alice@example.org\n",
        " alice@example.org",
        "alice\n@example.org",
        "alice@example.org\u2028",
        "a" * (255 - len("@example.org")) + "@example.org",
    ],
)
def test_bad_and_missing_addresses_are_refused(email: str | None) -> None:
    """Case 36; contract 13: every label of the domain is non-empty."""
    assert check_email(email) == FieldError("Invalid e-mail format", 40005)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        (None, 40006),
        ("", 40006),
        ("1234567", 40006),
        ("123456!", 40006),
        ("x" * 1024 + "!", 40007),
        ("x" * 1023 + "!", None),
        ("abcdefgh", 40008),
        ("abcd/?[]", 40008),
        (" abcdef!", 40009),
        ("abcdef! ", 40009),
        ("\u00a0abcdef!", 40009),
        ("abcdef!\n", 40009),
        ("zażółćą!", None),
        ("abc def!", None),
        ("correct-horse", None),
        (" abcdefg", 40008),
        (" " * 1025, 40007),
        ("      ", 40006),
    ],
)
def test_the_first_broken_rule_of_a_password_answers(password: str | None, code: int | None) -> None:
    """Cases 36, 37."""
    error = check_password(password)
    assert (error.code if error else None) == code


def test_a_short_password_has_the_contracts_sentence() -> None:
    assert check_password("short!") == FieldError("Password is too short", 40006)


def test_each_special_character_of_the_contract_is_enough() -> None:
    named = "! @ # $ % ^ & * ( ) - _ = + { } ; : , < . >".replace(" ", "")
    assert frozenset(named) == SPECIAL_CHARACTERS
    for character in named:
        assert check_password(f"abcd{character}efgh") is None


def test_a_chosen_user_id_is_a_uuid() -> None:
    """Case 35."""
    assert check_user_id("a11ce000-0000-4000-8000-00000000000A") is None
    error = check_user_id("alice")
    assert error is not None
    assert error.code == 40021


def test_texts_are_counted_in_characters() -> None:
    """Case 39."""
    assert check_organization("ł" * 64) is None
    assert check_about("ł" * 1024) is None
    too_long = [check_organization("x" * 65), check_about("x" * 1025)]
    assert [error.code if error else None for error in too_long] == [40003, 40003]


def test_a_negative_maximum_is_named() -> None:
    assert check_max_file_size(-5) == FieldError("Number cannot be negative, got -5", 42016)
    assert check_max_file_size(0) is None


@pytest.mark.parametrize(
    ("tags", "good"),
    [([], True), (["a"], True), (["ł" * 64, "b"], True), ([""], False), (["a", "x" * 65], False)],
)
def test_tags_have_1_to_64_characters(tags: list[str], good: bool) -> None:
    error = check_tags(tags)
    assert (error is None) is good
    assert error is None or error.code == 50002


@pytest.mark.parametrize(
    "entries",
    [
        [],
        ["10.0.0.0/8", "2001:db8::/32"],
        ["10.0.0.5/8", "2001:db8::1/32"],
        ["192.0.2.1", "::1"],
        ["0.0.0.0/0", "::/0"],
        ["::ffff:10.0.0.0/104"],
    ],
)
def test_addresses_and_networks_pass(entries: list[str]) -> None:
    """Case 49; contract 13: host bits are accepted."""
    assert check_addresses(entries) is None


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "300.1.1.1",
        "10.0.0",
        "10",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/\u0668",
        "10.0.0.0/\u00b2",
        "010.0.0.1",
        " 10.0.0.1",
        "10.0.0.1\n",
        "2001:db8::/129",
        "fe80::1%eth0",
        "fe80::1%eth0/64",
        "localhost",
        "10.0.0.*",
        "10.0.0.1-10.0.0.9",
    ],
)
def test_anything_else_is_no_address(entry: str) -> None:
    """Case 49."""
    error = check_addresses(["10.0.0.1", entry])
    assert error is not None
    assert error.code == 50002


def test_ipv4_mapped_addresses_count_as_ipv4() -> None:
    """Contract 1.7."""
    assert parse_address("::ffff:192.0.2.1") == ip_address("192.0.2.1")
    assert parse_address("192.0.2.1") == ip_address("192.0.2.1")
    assert parse_address("2001:db8::1") == ip_address("2001:db8::1")
    assert parse_network("::ffff:10.0.0.7/104") == ip_network("10.0.0.0/8")
    assert parse_network("::ffff:10.0.0.7") == ip_network("10.0.0.7/32")
    assert parse_network("::ffff:0:0/96") == ip_network("0.0.0.0/0")
    assert parse_network("::ffff:0:0/95") == ip_network("::fffe:0:0/95")
    assert parse_network("::/0") == ip_network("::/0")
