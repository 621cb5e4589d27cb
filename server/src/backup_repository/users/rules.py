"""What the fields of an account must look like (contract 5.2). Pure: a check answers the first broken rule or None."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from backup_repository.errors import FieldError
from backup_repository.ids import parse_uuid

EMAIL_MAX_LENGTH = 254
PASSWORD_MIN_LENGTH = 8
PASSWORD_MAX_LENGTH = 1024
SPECIAL_CHARACTERS = frozenset("!@#$%^&*()-_=+{};:,<.>")
ORGANIZATION_MAX_LENGTH = 64
ABOUT_MAX_LENGTH = 1024
TAG_MAX_LENGTH = 64

_EMAIL = re.compile(r"[!-?A-~]+@[^\s\x00-\x20\x7f@.]+(?:\.[^\s\x00-\x20\x7f@.]+)+")
"""Local part: printable ASCII without space and `@`. Domain: at least two labels, none of them empty."""
_MAPPED_BITS = 96
"""How many bits stand before the IPv4 address in an IPv4-mapped IPv6 address."""


def check_email(email: str | None) -> FieldError | None:
    """Check the form of an e-mail address; None is a missing one."""
    if email is not None and len(email) <= EMAIL_MAX_LENGTH and _EMAIL.fullmatch(email):
        return None
    return FieldError("Invalid e-mail format", 40005)


def check_password(password: str | None) -> FieldError | None:
    """Check a password in plain text; None is a missing one."""
    if password is None or len(password) < PASSWORD_MIN_LENGTH:
        return FieldError("Password is too short", 40006)
    if len(password) > PASSWORD_MAX_LENGTH:
        return FieldError(f"Password is too long, at most {PASSWORD_MAX_LENGTH} characters are allowed", 40007)
    if SPECIAL_CHARACTERS.isdisjoint(password):
        return FieldError("Password must contain at least one special character", 40008)
    if password != password.strip():
        return FieldError("Password must not begin or end with white space", 40009)
    return None


def check_user_id(user_id: str) -> FieldError | None:
    """Check a chosen account id; it is stored as `ids.parse_uuid` returns it."""
    try:
        parse_uuid(user_id)
    except ValueError:
        return FieldError("The user id must be a UUID", 40021)
    return None


def check_organization(organization: str) -> FieldError | None:
    """Check the name of an organization."""
    return _check_length(organization, ORGANIZATION_MAX_LENGTH)


def check_about(about: str) -> FieldError | None:
    """Check the description of an account."""
    return _check_length(about, ABOUT_MAX_LENGTH)


def check_max_file_size(size: int) -> FieldError | None:
    """Check the account's maximum size of an upload in bytes; 0 is unlimited."""
    return FieldError(f"Number cannot be negative, got {size}", 42016) if size < 0 else None


def check_tags(tags: Iterable[str]) -> FieldError | None:
    """Check the labels that uploads of an account may carry."""
    if all(1 <= len(tag) <= TAG_MAX_LENGTH for tag in tags):
        return None
    return FieldError(f"Each tag must have 1 to {TAG_MAX_LENGTH} characters", 50002)


def check_addresses(entries: Iterable[str]) -> FieldError | None:
    """Check the addresses and networks that an account may come from."""
    try:
        for entry in entries:
            parse_network(entry)
    except ValueError:
        return FieldError("Each entry must be an IPv4 or IPv6 address or a network such as 10.0.0.0/8", 50002)
    return None


def parse_network(entry: str) -> IPv4Network | IPv6Network:
    """Read an address or a CIDR network, host bits allowed; IPv4-mapped IPv6 counts as IPv4 (contract 1.7, 13).

    Raises:
        ValueError: it is neither; also an address with a zone, or a netmask in place of the prefix length.
    """
    _, slash, prefix = entry.partition("/")
    if "%" in entry or (slash and not prefix.isdigit()):
        raise ValueError("neither an address nor a CIDR network")
    network = ip_network(entry, strict=False)
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        return IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - _MAPPED_BITS))
    return network


def parse_address(address: str) -> IPv4Address | IPv6Address:
    """Read a client's address; IPv4-mapped IPv6 counts as IPv4 (contract 1.7).

    Raises:
        ValueError: it is no address.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def _check_length(text: str, maximum: int) -> FieldError | None:
    if len(text) <= maximum:
        return None
    return FieldError(f"Text is too long, at most {maximum} characters are allowed", 40003)
