"""Who is calling: log-ins, and the check of every request (contract 3.2 and 3.4)."""

from __future__ import annotations

from backup_repository.access import signing, store
from backup_repository.access.admit import admit, admit_account
from backup_repository.access.keys import KeyPair
from backup_repository.access.model import Actor, Permission, TokenKind
from backup_repository.access.passwords import Passwords
from backup_repository.access.throttle import Attempt, Throttle
from backup_repository.access.trail import record_attempt, record_refusal
from backup_repository.audit import store as audit_store
from backup_repository.audit.model import Entry, Event
from backup_repository.clock import Clock
from backup_repository.database.engine import Database
from backup_repository.errors import PermissionDenied, TooManyAttempts, Unauthenticated
from backup_repository.metrics.counters import Counters
from backup_repository.users import store as users_store
from backup_repository.users.model import User
from backup_repository.users.rules import check_email

_WRONG = "Invalid credentials."


class Sessions:
    """Opens login sessions and recognises the bearers of tokens."""

    def __init__(
        self,
        database: Database,
        keys: KeyPair,
        passwords: Passwords,
        throttle: Throttle,
        clock: Clock,
        *,
        session_seconds: int,
        counters: Counters | None = None,
    ) -> None:
        self._database = database
        self._keys = keys
        self._verifier = signing.Verifier(keys)
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock
        self._session_seconds = session_seconds
        self._counters = counters or Counters()

    async def log_in(self, email: str, password: str, *, address: str, user_agent: str) -> str:
        """Check a password and return the text of a new, recorded login session (contract 3.2).

        Raises:
            TooManyAttempts: too many log-ins of this e-mail from this address have failed.
            Unauthenticated: unknown e-mail or wrong password, alike and after comparable work.
            PermissionDenied: the account is expired or deactivated (40322), or limited to other addresses or user
                agents (40323).
        """
        with self._counters.log_in():
            async with self._throttle.turn(email, address):
                return await self._log_in(email, password, address=address, user_agent=user_agent)

    async def _log_in(self, email: str, password: str, *, address: str, user_agent: str) -> str:
        async with self._database.reading() as tx:
            user = await users_store.by_email(tx, email)
        attempt = await self._begin(email, user, address)
        right = await self._passwords.matches(user.password_hash if user else None, password)
        if user is None or not right:
            await self._record(Event.LOGIN_FAILED, _name_of(email, user), address, "401")
            raise Unauthenticated(_WRONG)
        now = self._clock()
        try:
            admit_account(user, now=now, address=address, user_agent=user_agent)
        except PermissionDenied as error:
            await self._throttle.forgive(attempt)
            await record_refusal(self._database, error, user_id=user.id, address=address, now=now)
            raise
        text, token = signing.sign(
            self._keys,
            user,
            TokenKind.SESSION,
            frozenset(Permission(name) for name in user.permissions),
            lifetime=self._session_seconds,
            description="Login",
            now=now,
        )
        async with self._database.transaction() as tx:
            await self._throttle.clear(tx, attempt)
            try:
                await store.add_token(tx, token)
            except store.AccountGone as error:
                raise Unauthenticated(_WRONG) from error
            # from the insertion on a new password has to wait for us, and then revokes this session too
            present = await users_store.by_id(tx, user.id)
            if present is None or present.password_hash != user.password_hash:
                raise Unauthenticated(_WRONG)
            await audit_store.add(tx, Entry(now, user.id, address, Event.LOGGED_IN, user.id, "ok", token.shortcut))
        return text

    async def _begin(self, email: str, user: User | None, address: str) -> Attempt:
        try:
            return await self._throttle.begin(email, address)
        except TooManyAttempts as error:
            await self._record(Event.LOGIN_THROTTLED, _name_of(email, user), address, str(error.code))
            raise

    async def _record(self, event: Event, target: str, address: str, outcome: str) -> None:
        await record_attempt(
            self._database, event, actor_id=None, target=target, address=address, outcome=outcome, now=self._clock()
        )

    async def identify(self, text: str, *, address: str, user_agent: str) -> Actor:
        """Recognise the bearer of a token, in the order of contract 3.4; `entries` stay empty until a job needs them.

        Raises:
            Unauthenticated: the token cannot be believed, has expired, or its account is gone.
            PermissionDenied: 40322, 40323 or 40324.
        """
        now = self._clock()
        claims = self._verifier.verify(text, now)
        async with self._database.glance() as tx:
            user, token = await store.account_and_token(tx, claims.user_id, claims.token_hash)
        try:
            admit(user, token, now=now, address=address, user_agent=user_agent)
        except PermissionDenied as error:
            await record_refusal(self._database, error, user_id=claims.user_id, address=address, now=now)
            raise
        if user is None or token is None:
            raise Unauthenticated(signing.INVALID)
        only = claims.collection_id
        return Actor(user=user, token=token, entries=frozenset(), address=address, only_collection=only)


def _name_of(email: str, user: User | None) -> str:
    """Say whose log-in failed; what is no e-mail is left out, since it may be a password in the wrong field."""
    if user is not None:
        return user.id
    return email if check_email(email) is None else ""
