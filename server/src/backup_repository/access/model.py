"""Who may do what: permissions, tokens and actors (contract section 4). Data only; the rules are in `decide.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from backup_repository.users.model import User


class Permission(StrEnum):
    """The 37 names of contract 4.1, in declaration order."""

    ROLE_USER = "ROLE_USER"
    UPLOAD_ALL = "upload.all"
    ENFORCE_TAGS = "upload.enforce_tags_selected_in_user_account"
    UPLOAD_ONCE = "upload.only_once_successful"
    LOOK_UP_USERS = "security.authentication_lookup"
    SEARCH_USERS = "security.search_for_users"
    OVERWRITE = "security.overwrite"
    CREATE_USERS = "security.create_unlimited_accounts"
    CHOOSE_USER_IDS = "security.create_predictable_user_ids"
    TECHNICAL_ENDPOINTS = "security.use_technical_endpoints"
    DELETE_USERS = "security.delete_users"
    LIST_PERMISSIONS = "security.list_permissions"
    ADMINISTRATOR = "security.administrator"
    SEE_OWN_TOKENS = "security.can_see_own_access_tokens"
    SEE_ALL_TOKENS = "security.can_see_all_users_access_tokens"
    REVOKE_OWN_TOKENS = "security.revoke_own_access_tokens"
    REVOKE_ALL_TOKENS = "security.revoke_other_users_access_tokens"
    GENERATE_TOKENS = "security.can_generate_custom_jwt"
    VIEW_ANY_FILE = "admin.view.any_file"
    FILES_FROM_ALL_TAGS = "admin.view.files_from_all_tags"
    LIST_FILES = "admin.view.can_use_listing_endpoint_at_all"
    ADMIN_METADATA = "admin.view.can_see_admin_metadata_in_listing"
    VIEW_METRICS = "view.metrics"
    CREATE_COLLECTIONS = "collections.create_new"
    CHOOSE_COLLECTION_IDS = "collections.create_new.with_custom_id"
    UNLIMITED_COLLECTIONS = "collections.allow_infinite_limits"
    MODIFY_ANY_COLLECTION = "collections.modify_any_collection_regardless_if_user_was_allowed_in_collection"
    VIEW_ALL_COLLECTIONS = "collections.view_all_collections"
    LIST_COLLECTIONS = "collections.can_use_listing_endpoint"
    EDIT_COLLECTION = "collections.modify_details_of_allowed_collections"
    MANAGE_ACCESS = "collections.manage_users_in_allowed_collections"
    DELETE_COLLECTION = "collections.delete_allowed_collections"
    LIST_ACCESS = "collections.can_list_users_in_allowed_collections"
    UPLOAD = "collections.upload_to_allowed_collections"
    LIST_VERSIONS = "collections.list_versions_for_allowed_collections"
    DELETE_VERSIONS = "collections.delete_versions_for_allowed_collections"
    DOWNLOAD = "collections.fetch_single_version_file_in_allowed_collections"


Permissions: TypeAlias = frozenset[Permission]

RESTRICTIONS: Permissions = frozenset({Permission.ENFORCE_TAGS, Permission.UPLOAD_ONCE})
"""The two permissions that narrow what their holder may do (contract 4.3)."""

GRANTS: Permissions = frozenset(Permission) - RESTRICTIONS
"""The 35 permissions that allow something."""

COLLECTION_PERMISSIONS: tuple[Permission, ...] = (
    Permission.EDIT_COLLECTION,
    Permission.MANAGE_ACCESS,
    Permission.DELETE_COLLECTION,
    Permission.LIST_ACCESS,
    Permission.UPLOAD,
    Permission.LIST_VERSIONS,
    Permission.DELETE_VERSIONS,
    Permission.DOWNLOAD,
)
"""The eight permissions that can be given per collection, in declaration order."""


DESCRIPTIONS: Mapping[Permission, str] = {
    Permission.ROLE_USER: "[General] Marks an ordinary account; allows nothing by itself",
    Permission.UPLOAD_ALL: (
        "[Uploads] Send file content to this server; every upload needs it in addition to the right on the collection"
    ),
    Permission.ENFORCE_TAGS: "[Uploads] Restriction: every uploaded file is labelled with the tags of the account",
    Permission.UPLOAD_ONCE: "[Uploads] Restriction: a token stops working after its first registered version",
    Permission.LOOK_UP_USERS: "[Accounts] Read the profile of any account",
    Permission.SEARCH_USERS: "[Accounts] Search through accounts; needs the right to read profiles as well",
    Permission.OVERWRITE: "[General] Reserved; allows nothing at present",
    Permission.CREATE_USERS: "[Accounts] Create accounts with any permissions except administration",
    Permission.CHOOSE_USER_IDS: "[Accounts] Choose the id of a new account",
    Permission.TECHNICAL_ENDPOINTS: "[System] Reserved for maintenance functions",
    Permission.DELETE_USERS: "[Accounts] Delete accounts that are not administrators",
    Permission.LIST_PERMISSIONS: "[Accounts] See which permissions exist",
    Permission.ADMINISTRATOR: "[General] Full control: includes every other grant",
    Permission.SEE_OWN_TOKENS: "[Tokens] List the tokens of the own account",
    Permission.SEE_ALL_TOKENS: "[Tokens] List the tokens of every account",
    Permission.REVOKE_OWN_TOKENS: "[Tokens] Revoke other tokens of the own account",
    Permission.REVOKE_ALL_TOKENS: "[Tokens] Revoke tokens of accounts that are not administrators",
    Permission.GENERATE_TOKENS: "[Tokens] Generate limited tokens for the own account",
    Permission.VIEW_ANY_FILE: "[Files] Download any stored file by its storage name",
    Permission.FILES_FROM_ALL_TAGS: "[Files] Reserved; allows nothing at present",
    Permission.LIST_FILES: "[Files] List the stored files of the whole server",
    Permission.ADMIN_METADATA: "[Files] Reserved; allows nothing at present",
    Permission.VIEW_METRICS: "[System] See the numbers of the whole server",
    Permission.CREATE_COLLECTIONS: "[Collections] Create collections",
    Permission.CHOOSE_COLLECTION_IDS: "[Collections] Choose the id of a new collection",
    Permission.UNLIMITED_COLLECTIONS: "[Collections] Leave limits of a collection unlimited",
    Permission.MODIFY_ANY_COLLECTION: (
        "[Collections] Use modifying rights also in collections without being on their access list"
    ),
    Permission.VIEW_ALL_COLLECTIONS: "[Collections] See every collection",
    Permission.LIST_COLLECTIONS: "[Collections] Search the list of collections",
    Permission.EDIT_COLLECTION: "[Per collection] Change limits, file name and description",
    Permission.MANAGE_ACCESS: "[Per collection] Give and withdraw access",
    Permission.DELETE_COLLECTION: "[Per collection] Delete the empty collection",
    Permission.LIST_ACCESS: "[Per collection] See who has access",
    Permission.UPLOAD: "[Per collection] Upload new versions",
    Permission.LIST_VERSIONS: "[Per collection] List the versions",
    Permission.DELETE_VERSIONS: "[Per collection] Delete single versions",
    Permission.DOWNLOAD: "[Per collection] Download versions",
}
"""What each permission allows, for people."""


class TokenKind(StrEnum):
    """How a token came to be."""

    SESSION = "session"
    """A login session: follows the account."""
    GENERATED = "generated"
    """A generated token: narrowed by its scope."""


@dataclass(frozen=True, slots=True)
class Token:
    """The record of an issued token; its text is never stored (contract 3.1)."""

    id: str
    """The `event_id` of listings."""
    token_hash: str
    """SHA-256 of the token's text, 64 lower-case hex digits."""
    user_id: str
    kind: TokenKind
    scope: Permissions
    """What a generated token was issued for; of a login session the account's permissions at login."""
    issued_at: datetime
    expires_at: datetime
    description: str
    active: bool
    """False after revocation or use-up."""

    @property
    def shortcut(self) -> str:
        """The first and last 16 digits of the hash, for people."""
        return f"{self.token_hash[:16]}...{self.token_hash[-16:]}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking: an account as it is now, seen through one token."""

    user: User
    token: Token
    entries: Permissions
    """All permissions the account has in any access control list, together."""
    address: str = ""
    """Where the request came from (contract 1.7)."""
    only_collection: str | None = None
    """The one collection that the token opens; None: whichever its permissions open."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One account's entry in one collection's access control list; an empty entry still makes a member."""

    collection_id: str
    user_id: str
    permissions: Permissions
