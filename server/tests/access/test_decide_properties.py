"""What holds for every account, entry and scope (contract 3.5, 4.2)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from world.actors import make_actor

from backup_repository.access.decide import (
    Action,
    effective,
    expand,
    global_permissions,
    may,
    may_request,
    owned,
    restrictions,
    scope_for,
)
from backup_repository.access.model import COLLECTION_PERMISSIONS, Actor, Permission, Permissions

SETS = st.frozensets(st.sampled_from(list(Permission)))
ENTRIES = st.none() | st.frozensets(st.sampled_from(COLLECTION_PERMISSIONS))
SCOPES = st.none() | SETS


def allowed(actor: Actor, entry: Permissions | None) -> set[Action]:
    return {action for action in Action if may(actor, action, entry)}


def an_actor(account: Permissions, scope: Permissions | None, entry: Permissions | None) -> Actor:
    return make_actor(account, scope=scope, entries=entry or ())


@given(account=SETS, entry=ENTRIES, scope=SETS)
def test_a_scope_never_adds_anything(account: Permissions, entry: Permissions | None, scope: Permissions) -> None:
    session, token = an_actor(account, None, entry), an_actor(account, scope, entry)
    assert allowed(token, entry) <= allowed(session, entry)
    assert global_permissions(token) <= global_permissions(session)
    assert effective(token, entry) <= effective(session, entry)
    assert owned(token) <= owned(session)
    assert restrictions(token) >= restrictions(session)


@given(account=SETS, entry=ENTRIES, scope=SCOPES, taken=st.sampled_from(list(Permission)))
def test_taking_a_permission_from_the_account_never_adds_an_action(
    account: Permissions, entry: Permissions | None, scope: Permissions | None, taken: Permission
) -> None:
    before, after = an_actor(account, scope, entry), an_actor(account - {taken}, scope, entry)
    assert allowed(after, entry) <= allowed(before, entry)


@given(account=SETS, entry=ENTRIES, scope=SETS, taken=st.sampled_from(list(Permission)))
def test_narrowing_a_scope_never_adds_an_action(
    account: Permissions, entry: Permissions | None, scope: Permissions, taken: Permission
) -> None:
    before, after = an_actor(account, scope, entry), an_actor(account, scope - {taken}, entry)
    assert allowed(after, entry) <= allowed(before, entry)


@given(account=SETS, entry=ENTRIES, scope=SCOPES, taken=st.sampled_from(COLLECTION_PERMISSIONS))
def test_narrowing_an_entry_never_adds_an_action(
    account: Permissions, entry: Permissions | None, scope: Permissions | None, taken: Permission
) -> None:
    actor = an_actor(account, scope, entry)
    smaller = None if entry is None else entry - {taken}
    assert allowed(actor, None) <= allowed(actor, smaller) <= allowed(actor, entry)


@given(account=SETS, entry=ENTRIES)
def test_a_token_for_everything_does_what_its_session_does(account: Permissions, entry: Permissions | None) -> None:
    session = an_actor(account, None, entry)
    token = an_actor(account, scope_for(session, []), entry)
    assert allowed(token, entry) == allowed(session, entry)
    assert effective(token, entry) == effective(session, entry)
    assert restrictions(token) == restrictions(session)
    assert scope_for(token, []) == token.token.scope


@given(account=SETS, entry=ENTRIES, scope=SCOPES, requested=SETS)
def test_a_token_made_by_a_token_never_does_more_than_its_maker(
    account: Permissions, entry: Permissions | None, scope: Permissions | None, requested: Permissions
) -> None:
    maker = an_actor(account, scope, entry)
    requested &= owned(maker) | restrictions(maker)
    made = an_actor(account, scope_for(maker, requested), entry)
    assert may_request(maker, requested)
    assert allowed(made, entry) <= allowed(maker, entry)
    assert restrictions(made) >= restrictions(maker)


@given(account=SETS, entry=ENTRIES, scope=SCOPES)
def test_what_is_not_owned_cannot_be_requested(
    account: Permissions, entry: Permissions | None, scope: Permissions | None
) -> None:
    actor = an_actor(account, scope, entry)
    held = expand(account) | (entry or frozenset())
    for permission in Permission:
        if permission not in held and permission not in restrictions(actor) | {
            Permission.UPLOAD_ONCE,
            Permission.ENFORCE_TAGS,
        }:
            assert not may_request(actor, [permission])
