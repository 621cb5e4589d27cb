"""Every permission, action and persona against the tables of decisions.md (contract 4.2, 4.4, 3.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from world.actors import NOW, make_token, make_user, permissions
from world.tables import read_table

from backup_repository.access.admit import admit
from backup_repository.access.decide import Action, require
from backup_repository.access.model import Actor, Permission, Token
from backup_repository.errors import PermissionDenied, Unauthenticated
from backup_repository.users.model import User

DECISIONS = Path(__file__).with_name("decisions.md")
WORDS = {row["word"]: row["permission"] for row in read_table(DECISIONS, "Words")}
NOTHING_BUT = {row["action"]: row for row in read_table(DECISIONS, "Nothing but P")}
EVERYTHING_BUT = {row["action"]: row for row in read_table(DECISIONS, "Everything but P")}
KEPT_OUT = {row["persona"]: row["answer"] for row in read_table(DECISIONS, "Kept out")}

ADMINISTRATOR = "security.administrator"
ALL = frozenset(permission.value for permission in Permission)
ORDINARY = ALL - {ADMINISTRATOR}
EIGHT = frozenset(name for name in ALL if name.endswith("_allowed_collections"))


@dataclass(frozen=True)
class Visitor:
    """Somebody at the door: an account (or none), a token (or none), what the access lists say."""

    user: User | None
    token: Token | None
    entry: frozenset[str] | None = None
    elsewhere: frozenset[str] = frozenset()


def session(account: frozenset[str], entry: frozenset[str] | None = None) -> Visitor:
    return Visitor(make_user(account), make_token(), entry)


def generated(account: frozenset[str], scope: frozenset[str], entry: frozenset[str] | None = None) -> Visitor:
    return Visitor(make_user(account), make_token(scope), entry)


Persona: TypeAlias = Callable[[str], Visitor]
"""What a persona is, for one permission P."""

WITH_NOTHING_BUT: dict[str, Persona] = {
    "stranger": lambda p: session(frozenset({p})),
    "elsewhere": lambda p: Visitor(make_user(), make_token(), None, frozenset({p})),
    "member": lambda p: session(frozenset({p}), frozenset()),
    "granted": lambda p: session(frozenset(), frozenset({p})),
    "owner": lambda p: session(frozenset({p}), EIGHT),
    "administrator": lambda p: session(frozenset({ADMINISTRATOR, p})),
    "admin's token": lambda p: generated(frozenset({ADMINISTRATOR}), frozenset({p})),
    "owner's token": lambda p: generated(ORDINARY, frozenset({p}), EIGHT),
    "other token": lambda p: generated(frozenset({p}), ORDINARY - {p}, frozenset({p})),
}
WITH_EVERYTHING_BUT: dict[str, Persona] = {
    "stranger": lambda p: session(ORDINARY - {p}),
    "member": lambda p: session(ORDINARY - {p}, frozenset()),
    "granted": lambda p: session(frozenset({"upload.all"}) - {p}, EIGHT - {p}),
    "broad token": lambda p: generated(ORDINARY, ORDINARY - {p}, EIGHT),
    "narrowed admin": lambda p: generated(frozenset({ADMINISTRATOR}), ORDINARY - {p}, frozenset()),
}


TURNED_AWAY: dict[str, Persona] = {
    "expired account": lambda p: Visitor(
        make_user({ADMINISTRATOR, p}, expires_at=NOW - timedelta(seconds=1)), make_token(), EIGHT
    ),
    "deactivated account": lambda p: Visitor(make_user({ADMINISTRATOR, p}, active=False), make_token(), EIGHT),
    "expired account through a generated token": lambda p: Visitor(
        make_user({ADMINISTRATOR, p}, expires_at=NOW), make_token(ALL), EIGHT
    ),
    "wrong address": lambda p: Visitor(make_user({ADMINISTRATOR, p}, addresses=("10.0.0.0/8",)), make_token(), EIGHT),
    "wrong user agent": lambda p: Visitor(make_user({ADMINISTRATOR, p}, user_agents=("bahub",)), make_token(), EIGHT),
    "revoked session": lambda p: Visitor(make_user({ADMINISTRATOR, p}), make_token(active=False), EIGHT),
    "revoked generated token": lambda p: Visitor(make_user({ADMINISTRATOR, p}), make_token(ALL, active=False), EIGHT),
    "token never recorded": lambda p: Visitor(make_user({ADMINISTRATOR, p}), None, EIGHT),
    "deleted account": lambda _p: Visitor(None, None),
}


def answer(visitor: Visitor, action: Action) -> str:
    """Go through the door and ask: "passes", or the code of the refusal."""
    try:
        admit(visitor.user, visitor.token, now=NOW, address="192.0.2.1", user_agent="")
        assert visitor.user is not None
        assert visitor.token is not None
        actor = Actor(visitor.user, visitor.token, permissions(visitor.elsewhere | (visitor.entry or frozenset())))
        require(actor, action, None if visitor.entry is None else permissions(visitor.entry))
    except PermissionDenied as refusal:
        return str(refusal.code)
    except Unauthenticated:
        return "401"
    return "passes"


def listed(cell: str) -> frozenset[str]:
    """Read a cell of the tables."""
    if cell in ("-", "*"):
        return ALL if cell == "*" else frozenset()
    return frozenset(WORDS[word.strip()] for word in cell.split(","))


def test_the_tables_name_every_action_and_the_permissions_of_the_contract() -> None:
    actions = {action.value for action in Action}
    assert set(NOTHING_BUT) == actions
    assert set(EVERYTHING_BUT) == actions
    assert set(WORDS.values()) <= ALL
    assert len(ALL) == 37
    assert len(EIGHT) == 8
    assert set(TURNED_AWAY) == set(KEPT_OUT)


@pytest.mark.parametrize("action", Action)
def test_nothing_but_one_permission_passes_exactly_where_the_table_says(action: Action) -> None:
    row = NOTHING_BUT[action]
    differences = [
        f"{action}, {persona} with nothing but {p}: expected {expected}, got {got}"
        for persona, visitor_with in WITH_NOTHING_BUT.items()
        for p in sorted(ALL)
        if (got := answer(visitor_with(p), action))
        != (expected := "passes" if p in listed(row[persona]) else row["code"])
    ]
    assert differences == []


@pytest.mark.parametrize("action", Action)
def test_everything_but_one_permission_is_refused_exactly_where_the_table_says(action: Action) -> None:
    row, code = EVERYTHING_BUT[action], NOTHING_BUT[action]["code"]
    differences = [
        f"{action}, {persona} with everything but {p}: expected {expected}, got {got}"
        for persona, visitor_with in WITH_EVERYTHING_BUT.items()
        for p in sorted(ALL)
        if (got := answer(visitor_with(p), action)) != (expected := code if p in listed(row[persona]) else "passes")
    ]
    assert differences == []


@pytest.mark.parametrize("persona", TURNED_AWAY)
def test_who_is_kept_out_gets_nothing_whatever_they_hold(persona: str) -> None:
    differences = [
        f"{persona} with {p} wants {action}: expected {KEPT_OUT[persona]}, got {got}"
        for action in Action
        for p in sorted(ALL)
        if (got := answer(TURNED_AWAY[persona](p), action)) != KEPT_OUT[persona]
    ]
    assert differences == []
