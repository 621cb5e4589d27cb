"""Decisions of the conformance cases, one by one, written by hand (contract appendix A)."""

from __future__ import annotations

import pytest
from world.actors import ALICE, BOB, make_actor, make_token, permissions

from backup_repository.access.decide import (
    Action,
    effective,
    expand,
    global_permissions,
    is_administrator,
    may,
    may_give,
    may_list_tokens,
    may_request,
    may_revoke,
    owned,
    require,
    restrictions,
    scope_for,
)
from backup_repository.access.model import COLLECTION_PERMISSIONS, GRANTS, RESTRICTIONS, Actor, Permission
from backup_repository.errors import PermissionDenied

ADMIN = "security.administrator"
ONCE = "upload.only_once_successful"
TAGS = "upload.enforce_tags_selected_in_user_account"
UPLOAD_TO = "collections.upload_to_allowed_collections"
FETCH = "collections.fetch_single_version_file_in_allowed_collections"
LIST_VERSIONS = "collections.list_versions_for_allowed_collections"
MANAGE = "collections.manage_users_in_allowed_collections"
MODIFY_ANY = "collections.modify_any_collection_regardless_if_user_was_allowed_in_collection"
SEARCH = "security.search_for_users"
LOOK_UP = "security.authentication_lookup"
GENERATE = "security.can_generate_custom_jwt"
REVOKE_OTHERS = "security.revoke_other_users_access_tokens"
REVOKE_OWN = "security.revoke_own_access_tokens"

EMPTY = permissions([])
EIGHT = frozenset(COLLECTION_PERMISSIONS)


def code_of(actor: Actor, action: Action, entry: frozenset[Permission] | None = None) -> int | None:
    """The code of the refusal, None when allowed."""
    try:
        require(actor, action, entry)
    except PermissionDenied as refusal:
        return refusal.code
    return None


def test_administration_includes_the_35_grants_and_no_restriction() -> None:
    assert expand([ADMIN]) == GRANTS
    assert len(GRANTS) == 35
    assert expand([ADMIN, ONCE]) == GRANTS | {Permission.UPLOAD_ONCE}
    assert expand(["upload.all"]) == {Permission.UPLOAD_ALL}


def test_an_unknown_permission_name_is_never_skipped_silently() -> None:
    with pytest.raises(ValueError, match=r"upload\.everything"):
        expand([ADMIN, "upload.everything"])


def test_a_login_session_follows_the_account_not_the_names_recorded_at_login() -> None:
    actor = make_actor(["collections.create_new"])
    assert actor.token.scope == EMPTY
    assert global_permissions(actor) == permissions(["collections.create_new"])


# Tokens


def test_a_revoked_hash_may_be_revoked_again_by_an_administrator() -> None:
    """Case 15."""
    gone = make_token(token_id="t-9", user_id=BOB, active=False)
    assert may_revoke(make_actor([ADMIN]), gone, owner_is_administrator=False)


def test_everybody_may_log_out() -> None:
    """Case 15; contract 3.7 rule 2."""
    actor = make_actor(scope=[])
    assert may_revoke(actor, actor.token, owner_is_administrator=False)
    assert may_revoke(actor, actor.token, owner_is_administrator=True)


@pytest.mark.parametrize("powerless", [make_actor(), make_actor([REVOKE_OTHERS]), make_actor([REVOKE_OWN], scope=[])])
def test_another_own_token_needs_its_own_permission(powerless: Actor) -> None:
    """Case 16; contract 3.7 rule 3: the right to revoke other accounts' tokens does not include the own ones."""
    other = make_token([], token_id="t-2")
    assert not may_revoke(powerless, other, owner_is_administrator=False)
    assert may_revoke(make_actor([REVOKE_OWN]), other, owner_is_administrator=False)


def test_an_ordinary_users_token_can_be_revoked_with_the_permission_an_administrators_cannot() -> None:
    """Cases 16, 17."""
    others = make_token(token_id="t-2", user_id=BOB)
    assert may_revoke(make_actor([REVOKE_OTHERS]), others, owner_is_administrator=False)
    assert not may_revoke(make_actor([REVOKE_OTHERS]), others, owner_is_administrator=True)
    assert not may_revoke(make_actor([REVOKE_OWN]), others, owner_is_administrator=False)
    assert not may_revoke(make_actor([REVOKE_OTHERS], scope=[REVOKE_OWN]), others, owner_is_administrator=False)


def test_an_administrator_may_revoke_another_administrators_token() -> None:
    others = make_token(token_id="t-2", user_id=BOB)
    assert may_revoke(make_actor([ADMIN]), others, owner_is_administrator=True)
    narrowed = make_actor([ADMIN], scope=[REVOKE_OTHERS])
    assert not may_revoke(narrowed, others, owner_is_administrator=True)


def test_a_token_for_everything_from_an_administrator_is_an_administrators() -> None:
    """Case 19."""
    scope = scope_for(make_actor([ADMIN]), [])
    assert is_administrator(make_actor([ADMIN], scope=scope))


def test_a_token_for_everything_from_a_user_follows_entries_given_later() -> None:
    """Case 19."""
    scope = scope_for(make_actor(["upload.all"]), [])
    assert scope == permissions(["upload.all"]) | EIGHT
    later = make_actor(["upload.all"], scope=scope, entries=[UPLOAD_TO])
    assert may(later, Action.UPLOAD, permissions([UPLOAD_TO]))
    assert not may(later, Action.DOWNLOAD, permissions([UPLOAD_TO]))


def test_a_permission_owned_nowhere_cannot_be_requested() -> None:
    """Case 20."""
    user = make_actor([GENERATE, "upload.all"])
    assert may_request(user, ["upload.all", GENERATE])
    assert not may_request(user, ["upload.all", UPLOAD_TO])
    assert code_of(make_actor(["upload.all"]), Action.GENERATE_TOKEN) == 40316
    assert may_request(make_actor([ADMIN]), [permission.value for permission in Permission])


def test_restrictions_may_be_requested_by_anybody() -> None:
    """Contract 3.5."""
    assert may_request(make_actor([GENERATE]), [ONCE, TAGS])


def test_a_permission_held_only_through_an_entry_may_be_requested() -> None:
    """Case 21."""
    user = make_actor([GENERATE], entries=[UPLOAD_TO])
    assert may_request(user, [UPLOAD_TO])
    assert not may_request(user, [FETCH])
    assert owned(user) == permissions([GENERATE, UPLOAD_TO])


def test_a_token_scoped_to_upload_is_refused_the_download_that_the_entry_allows() -> None:
    """Case 22."""
    entry = permissions([UPLOAD_TO, FETCH])
    token = make_actor(["upload.all"], scope=["upload.all", UPLOAD_TO], entries=entry)
    assert code_of(token, Action.UPLOAD, entry) is None
    assert code_of(token, Action.DOWNLOAD, entry) == 40310
    assert code_of(make_actor(["upload.all"], entries=entry), Action.DOWNLOAD, entry) is None


def test_an_administrators_token_scoped_to_searching_users_does_only_that() -> None:
    """Case 23."""
    token = make_actor([ADMIN], scope=[SEARCH, LOOK_UP])
    assert not is_administrator(token)
    assert code_of(token, Action.SEARCH_USERS) is None
    assert code_of(token, Action.LOOK_UP_USER) is None
    assert code_of(token, Action.CREATE_USER) == 40300
    assert not may_list_tokens(token, BOB)


def test_a_token_naming_administration_gives_an_ordinary_account_nothing() -> None:
    token = make_actor(["upload.all"], scope=[ADMIN])
    assert not is_administrator(token)
    assert global_permissions(token) == permissions(["upload.all"])


def test_a_permission_taken_from_the_account_is_gone_from_its_tokens() -> None:
    """Case 24."""
    assert (
        code_of(make_actor(["collections.create_new"], scope=["collections.create_new"]), Action.CREATE_COLLECTION)
        is None
    )
    assert code_of(make_actor([], scope=["collections.create_new"]), Action.CREATE_COLLECTION) == 40306


def test_a_token_for_listing_cannot_generate_tokens() -> None:
    """Case 25."""
    token = make_actor([ADMIN], scope=["collections.can_use_listing_endpoint"])
    assert code_of(token, Action.GENERATE_TOKEN) == 40316


@pytest.mark.parametrize("requested", [[], ["upload.all"], [TAGS]])
def test_restrictions_in_force_are_carried_on_to_every_new_token(requested: list[str]) -> None:
    """Case 25; whether they come from the account or from the scope of the requesting token."""
    by_account = make_actor(["upload.all", GENERATE, ONCE])
    by_scope = make_actor(["upload.all", GENERATE], scope=["upload.all", GENERATE, ONCE])
    both = make_actor(["upload.all", GENERATE, TAGS], scope=["upload.all", GENERATE, ONCE])
    assert Permission.UPLOAD_ONCE in scope_for(by_account, requested)
    assert Permission.UPLOAD_ONCE in scope_for(by_scope, requested)
    assert scope_for(both, requested) >= RESTRICTIONS


def test_a_requested_scope_is_what_was_requested() -> None:
    assert scope_for(make_actor([ADMIN]), [UPLOAD_TO]) == permissions([UPLOAD_TO])
    assert scope_for(make_actor(["upload.all"], scope=[UPLOAD_TO]), []) == permissions([UPLOAD_TO])
    assert scope_for(make_actor(["upload.all"], scope=[]), []) == EMPTY


def test_restrictions_in_force_come_from_the_account_and_a_generated_tokens_scope() -> None:
    """Contract 4.2."""
    assert restrictions(make_actor([ADMIN])) == EMPTY
    assert restrictions(make_actor([ADMIN, TAGS])) == permissions([TAGS])
    assert restrictions(make_actor(["upload.all"], scope=["upload.all", ONCE])) == permissions([ONCE])
    assert restrictions(make_actor([TAGS], scope=[ONCE])) == RESTRICTIONS
    assert restrictions(make_actor([TAGS], scope=[ADMIN])) == permissions([TAGS])


@pytest.mark.parametrize(
    ("held", "own", "others"),
    [
        ([], False, False),
        (["security.can_see_own_access_tokens"], True, False),
        (["security.can_see_all_users_access_tokens"], True, True),
        ([ADMIN], True, True),
    ],
)
def test_listing_tokens(held: list[str], own: bool, others: bool) -> None:
    """Case 26; contract 3.6."""
    assert may_list_tokens(make_actor(held), ALICE) is own
    assert may_list_tokens(make_actor(held), BOB) is others


# Users


def test_searching_users_takes_both_permissions_and_refuses_with_the_contracts_sentence() -> None:
    """Case 47."""
    for held in ([], [SEARCH], [LOOK_UP]):
        with pytest.raises(PermissionDenied, match=r"^No permission to search for users$") as refusal:
            require(make_actor(held), Action.SEARCH_USERS)
        assert refusal.value.code == 40314
    assert may(make_actor([SEARCH, LOOK_UP]), Action.SEARCH_USERS)


def test_choosing_a_user_id_takes_its_own_permission() -> None:
    """Case 33."""
    creator = make_actor(["security.create_unlimited_accounts"])
    assert code_of(make_actor(), Action.CREATE_USER) == 40300
    assert code_of(creator, Action.CREATE_USER) is None
    assert code_of(creator, Action.CHOOSE_USER_ID) == 40301


# Collections


def test_the_creator_may_view_a_stranger_may_not() -> None:
    """Case 53."""
    assert code_of(make_actor(entries=EIGHT), Action.VIEW, EIGHT) is None
    assert code_of(make_actor([LIST_VERSIONS]), Action.VIEW) == 40302
    assert code_of(make_actor(["collections.view_all_collections"]), Action.VIEW) is None


def test_unlimited_dimensions_need_the_permission_or_administration() -> None:
    """Case 55."""
    assert code_of(make_actor(["collections.create_new"]), Action.UNLIMITED) == 40306
    assert code_of(make_actor(["collections.allow_infinite_limits"]), Action.UNLIMITED) is None
    assert code_of(make_actor([ADMIN]), Action.UNLIMITED) is None


def test_a_chosen_collection_id_needs_both_permissions() -> None:
    """Case 62."""
    both = make_actor(["collections.create_new", "collections.create_new.with_custom_id"])
    assert code_of(make_actor(["collections.create_new"]), Action.CHOOSE_COLLECTION_ID) == 40305
    assert code_of(both, Action.CHOOSE_COLLECTION_ID) is None


def test_who_sees_every_collection_in_a_listing() -> None:
    """Case 65: without an entry, viewing means every collection."""
    lister = make_actor(["collections.can_use_listing_endpoint"])
    assert may(lister, Action.SEARCH_COLLECTIONS)
    assert not may(lister, Action.VIEW)
    assert may(lister, Action.VIEW, EMPTY)
    assert may(make_actor(["collections.view_all_collections"]), Action.VIEW)
    assert may(make_actor([ADMIN]), Action.VIEW)


def test_a_member_with_only_the_upload_permission_cannot_grant() -> None:
    """Case 69."""
    entry = permissions([UPLOAD_TO])
    assert code_of(make_actor(["upload.all"], entries=entry), Action.MANAGE_ACCESS, entry) == 40308


def test_a_managing_member_gives_what_he_holds_and_not_what_he_lacks() -> None:
    """Case 70."""
    entry = permissions([MANAGE, UPLOAD_TO])
    manager = make_actor(entries=entry)
    assert code_of(manager, Action.MANAGE_ACCESS, entry) is None
    assert may_give(manager, entry, [UPLOAD_TO])
    assert may_give(manager, entry, [MANAGE, UPLOAD_TO])
    assert may_give(manager, entry, [])
    assert not may_give(manager, entry, [UPLOAD_TO, FETCH])


def test_a_token_gives_only_what_its_scope_names() -> None:
    entry = permissions([MANAGE, UPLOAD_TO])
    token = make_actor(entries=entry, scope=[MANAGE])
    assert may_give(token, entry, [MANAGE])
    assert not may_give(token, entry, [UPLOAD_TO])


def test_an_administrator_gives_any_of_the_eight_and_nothing_else() -> None:
    """Contract 4.4."""
    assert may_give(make_actor([ADMIN]), None, EIGHT)
    assert not may_give(make_actor([ADMIN]), None, ["upload.all"])
    assert not may_give(make_actor([ADMIN], scope=[MANAGE]), None, EIGHT)


def test_an_upload_works_where_it_was_granted_and_not_where_the_entry_is_empty() -> None:
    """Case 73: and the empty entry still allows viewing."""
    user = make_actor(["upload.all"], entries=[UPLOAD_TO])
    assert code_of(user, Action.UPLOAD, permissions([UPLOAD_TO])) is None
    assert code_of(user, Action.UPLOAD, EMPTY) == 40308
    assert code_of(user, Action.VIEW, EMPTY) is None


def test_without_upload_all_the_eight_do_not_upload() -> None:
    """Case 76."""
    assert code_of(make_actor(entries=EIGHT), Action.UPLOAD, EIGHT) == 40308
    assert code_of(make_actor(["upload.all"], entries=EIGHT), Action.UPLOAD, EIGHT) is None


def test_modifying_any_collection_uploads_without_membership_but_does_not_download() -> None:
    """Case 77."""
    user = make_actor([MODIFY_ANY, "upload.all", UPLOAD_TO, FETCH])
    assert code_of(user, Action.UPLOAD) is None
    assert code_of(user, Action.DOWNLOAD) == 40310
    assert code_of(user, Action.EDIT) is None
    assert code_of(user, Action.LIST_VERSIONS) == 40311


def test_the_right_to_modify_any_collection_counts_only_globally() -> None:
    """Contract 4.4: `any` is looked up in the global set."""
    entry = permissions([MODIFY_ANY])
    assert code_of(make_actor(entries=entry), Action.EDIT, entry) == 40307
    assert effective(make_actor(entries=entry), entry) == entry


def test_upload_all_counts_only_globally() -> None:
    """Contract 4.4."""
    entry = permissions([UPLOAD_TO, "upload.all"])
    assert code_of(make_actor(entries=entry), Action.UPLOAD, entry) == 40308


def test_membership_is_not_narrowed_by_a_scope() -> None:
    """Contract 4.2."""
    assert code_of(make_actor(entries=EIGHT, scope=["ROLE_USER"]), Action.VIEW, EIGHT) is None


def test_stored_files_and_technical_output_have_their_own_codes() -> None:
    """Cases 110, 115."""
    nobody = make_actor(entries=EIGHT)
    assert code_of(nobody, Action.LIST_FILES) == 40304
    assert code_of(nobody, Action.READ_ANY_FILE) == 40302
    assert code_of(nobody, Action.TECHNICAL_OUTPUT) == 40312
    assert code_of(make_actor(["view.metrics"]), Action.TECHNICAL_OUTPUT) is None
    assert code_of(nobody, Action.LIST_PERMISSIONS) == 40321
