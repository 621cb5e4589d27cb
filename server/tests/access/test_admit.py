"""Who is let in (contract 3.2, 3.4 steps 4 to 7, 5.9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from world.actors import NOW, make_token, make_user

from backup_repository.access.admit import admit, admit_account
from backup_repository.access.model import Token
from backup_repository.errors import PermissionDenied, Unauthenticated
from backup_repository.users.model import User

ADDRESS = "192.0.2.1"


def refusal(user: User | None, token: Token | None, *, address: str = ADDRESS, user_agent: str = "") -> int | None:
    """The code of the refusal, None when let in."""
    try:
        admit(user, token, now=NOW, address=address, user_agent=user_agent)
    except PermissionDenied as denied:
        return denied.code
    return None


def test_a_known_account_with_an_active_token_is_let_in() -> None:
    assert refusal(make_user(), make_token()) is None


def test_a_deleted_account_is_an_invalid_token() -> None:
    """Case 28."""
    with pytest.raises(Unauthenticated, match=r"^Invalid JWT Token$"):
        admit(None, make_token(), now=NOW, address=ADDRESS, user_agent="")


def test_a_token_never_recorded_and_a_revoked_one_are_refused() -> None:
    """Cases 14, 15."""
    assert refusal(make_user(), None) == 40324
    assert refusal(make_user(), make_token(active=False)) == 40324
    assert refusal(make_user(), make_token([], active=False)) == 40324


@pytest.mark.parametrize(("seconds", "code"), [(-86400, 40322), (0, 40322), (1, None), (86400, None)])
def test_an_account_is_refused_from_the_moment_of_its_expiry(seconds: int, code: int | None) -> None:
    """Case 27."""
    assert refusal(make_user(expires_at=NOW + timedelta(seconds=seconds)), make_token()) == code


def test_a_deactivated_account_is_refused() -> None:
    """Case 27."""
    assert refusal(make_user(active=False), make_token()) == 40322


def test_the_account_is_looked_at_before_the_address_and_the_address_before_the_token() -> None:
    """Contract 3.4: the order of the checks."""
    far_away = make_user(active=False, addresses=("10.0.0.1",))
    assert refusal(far_away, None) == 40322
    assert refusal(make_user(addresses=("10.0.0.1",)), None) == 40323
    assert refusal(make_user(user_agents=("bahub",)), None) == 40323


@pytest.mark.parametrize(
    ("user_agent", "code"), [("bahub/5", None), ("other", None), ("", 40323), ("bahub", 40323), ("BAHUB/5", 40323)]
)
def test_user_agents_are_compared_exactly(user_agent: str, code: int | None) -> None:
    """Case 48."""
    assert refusal(make_user(user_agents=("bahub/5", "other")), make_token(), user_agent=user_agent) == code


def test_a_limit_may_name_the_missing_user_agent() -> None:
    """Contract 5.9: a missing header is the empty string."""
    assert refusal(make_user(user_agents=("",)), make_token(), user_agent="") is None
    assert refusal(make_user(user_agents=("",)), make_token(), user_agent="curl") == 40323


def test_an_unlimited_account_comes_from_anywhere_with_anything() -> None:
    """Case 48."""
    assert refusal(make_user(), make_token(), address="", user_agent="") is None


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("10.0.0.0", None),
        ("10.255.255.255", None),
        ("11.0.0.0", 40323),
        ("9.255.255.255", 40323),
        ("2001:db8::1", None),
        ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", None),
        ("2001:db9::1", 40323),
        ("::ffff:10.1.2.3", None),
        ("::ffff:11.1.2.3", 40323),
        ("::a01:203", 40323),
        ("192.168.1.77", None),
        ("192.168.1.78", 40323),
        ("172.16.5.4", None),
        ("172.16.6.4", 40323),
        ("", 40323),
        ("unix:", 40323),
        ("10.0.0.1, 10.0.0.2", 40323),
    ],
)
def test_addresses_must_lie_in_an_entry(address: str, code: int | None) -> None:
    """Case 49; contract 13: host bits of a network are accepted, IPv4-mapped IPv6 counts as IPv4."""
    entries = ("10.0.0.0/8", "2001:db8::/32", "192.168.1.77", "::ffff:172.16.5.9/120")
    assert refusal(make_user(addresses=entries), make_token(), address=address) == code


def test_every_ipv4_network_does_not_mean_every_ipv6_address() -> None:
    assert refusal(make_user(addresses=("0.0.0.0/0",)), make_token(), address="2001:db8::1") == 40323
    assert refusal(make_user(addresses=("::/0",)), make_token(), address="192.0.2.1") == 40323
    assert refusal(make_user(addresses=("::/0",)), make_token(), address="::ffff:192.0.2.1") == 40323


def test_a_login_checks_the_account_and_needs_no_token() -> None:
    """Contract 3.2."""
    admit_account(make_user(), NOW, ADDRESS, "")
    with pytest.raises(PermissionDenied) as expired:
        admit_account(make_user(expires_at=NOW), NOW, ADDRESS, "")
    assert expired.value.code == 40322
    with pytest.raises(PermissionDenied) as elsewhere:
        admit_account(make_user(addresses=("10.0.0.0/8",)), NOW, ADDRESS, "")
    assert elsewhere.value.code == 40323
