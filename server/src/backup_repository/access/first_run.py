"""The first steps of an empty installation: an administrator, an organization's account, a collection, a token.

They are open only while no account exists, and only to who knows the code that `serve` prints. The code follows from
the signing key, so that every process knows it and nothing is stored; with the first account it is worth nothing any
more. The administrator is created first, in a transaction that holds off everybody else who tries the same; what fails
afterwards can be done by the administrator like on any other day.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from backup_repository.access.accounts import Accounts, NewAccount
from backup_repository.access.collections import Collections, Details
from backup_repository.access.keys import KeyPair
from backup_repository.access.model import Permission
from backup_repository.access.sessions import Sessions
from backup_repository.access.throttle import Throttle
from backup_repository.access.tokens import CURRENT_SESSION, Tokens
from backup_repository.collections.model import Collection
from backup_repository.database.engine import Database
from backup_repository.errors import FieldError, InvalidFields, NotFound
from backup_repository.users import store as users_store

_DIGITS, _GROUP = 20, 5
_TEN_YEARS = 315_360_000
_NOBODY = "(first steps)"
"""Whose wrong codes are counted: there is no account yet, and no e-mail reads like this."""
_WRONG_CODE = FieldError("This is not the code that the server printed when it started", 40315)

ORGANIZATION_PERMISSIONS = (
    Permission.ROLE_USER,
    Permission.UPLOAD_ALL,
    Permission.SEE_OWN_TOKENS,
    Permission.REVOKE_OWN_TOKENS,
    Permission.GENERATE_TOKENS,
    Permission.LIST_COLLECTIONS,
)
"""What the first organization's account may do: use the collections it is a member of, and make tokens for them."""

UPLOAD_ONLY = (Permission.UPLOAD_ALL, Permission.UPLOAD)
"""What a machine needs that only backs up."""


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What was decided; every field has passed its own rules."""

    administrator: NewAccount
    organization: NewAccount
    collection: Details


@dataclass(frozen=True, slots=True)
class Done:
    """What is there now."""

    collection: Collection
    token: str
    """The text of the upload-only token; it cannot be shown again."""


def code_of(keys: KeyPair) -> str:
    """Return the code of the first steps, for people to type."""
    secret = keys.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    digest = hmac.new(secret, b"backup-repository: first steps", hashlib.sha256).digest()
    digits = base64.b32encode(digest).decode()[:_DIGITS]
    return "-".join(digits[start : start + _GROUP] for start in range(0, _DIGITS, _GROUP))


async def is_due(database: Database) -> bool:
    """Whether no account exists."""
    async with database.reading() as tx:
        return not await users_store.any_exists(tx)


class FirstRun:
    """The first steps of one instance."""

    def __init__(
        self,
        database: Database,
        keys: KeyPair,
        *,
        accounts: Accounts,
        collections: Collections,
        sessions: Sessions,
        tokens: Tokens,
        throttle: Throttle,
    ) -> None:
        self._database = database
        self._code = code_of(keys)
        self._accounts = accounts
        self._collections = collections
        self._sessions = sessions
        self._tokens = tokens
        self._throttle = throttle
        self._over = False

    async def due(self) -> bool:
        """Whether no account exists yet; once one did, nobody is asked again."""
        if not self._over:
            self._over = not await is_due(self._database)
        return not self._over

    async def check_code(self, given: str, *, address: str) -> FieldError | None:
        """Check the code, whatever its case and punctuation.

        Raises:
            TooManyAttempts: too many wrong ones came from this address.
        """
        attempt = await self._throttle.begin(_NOBODY, address)
        if not self._is_right(given):
            return _WRONG_CODE
        await self._throttle.forgive(attempt)
        return None

    def _is_right(self, given: str) -> bool:
        plain = "".join(character for character in given.upper() if character.isalnum())
        return hmac.compare_digest(plain.encode(), self._code.replace("-", "").encode())

    async def take(self, code: str, steps: FirstSteps, *, address: str, user_agent: str) -> Done:
        """Take the first steps.

        Args:
            code: what `serve` printed.
            steps: what to create.
            address: where the request comes from.
            user_agent: the browser's name.

        Raises:
            NotFound: there is an account already.
            InvalidFields: the code is wrong, or both accounts have the same e-mail.
            RuleBroken: the collection's limits are refused; the administrator exists by then.
        """
        if not await self.due():
            raise NotFound
        if not self._is_right(code):
            raise InvalidFields({"code": _WRONG_CODE})
        if steps.administrator.email.casefold() == steps.organization.email.casefold():
            raise InvalidFields({"organizationEmail": FieldError("The two accounts need two e-mails", 40001)})
        self._collections.check(steps.collection)
        await self._accounts.create_first(replace(steps.administrator, permissions=(Permission.ADMINISTRATOR,)))
        new = replace(steps.organization, permissions=ORGANIZATION_PERMISSIONS)
        organization = await self._accounts.create_as_system(new)
        collection = await self._collections.create_as_system(steps.collection, owners=[organization.id])
        session = await self._sessions.log_in(new.email, new.password, address=address, user_agent=user_agent)
        actor = await self._sessions.identify(session, address=address, user_agent=user_agent)
        description = f"Backups into {collection.filename}"
        token = await self._tokens.generate(actor, UPLOAD_ONLY, lifetime=_TEN_YEARS, description=description)
        await self._tokens.revoke(actor, CURRENT_SESSION)
        return Done(collection, token)
