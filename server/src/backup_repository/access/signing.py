"""Signs and verifies tokens (contract 3.1): JWTs under the one algorithm of the configured key, no clock allowance.

A `Verifier` remembers which tokens its key has signed, because to find that out takes longer than all else that a
request asks about its bearer. It promises:

* A signature was verified once by the very key of this verifier; one that is wrong is never remembered, as nothing is.
  Another key means another verifier, which remembers nothing.
* What changes is looked at every time: the expiry here, revocation and the account by whoever asks (contract 3.4).
* No token's text is kept, only its SHA-256, as in the database; and no more than the last `REMEMBERED`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import jwt

from backup_repository.access.keys import KeyPair
from backup_repository.access.model import Permission, Permissions, Token, TokenKind
from backup_repository.errors import Unauthenticated
from backup_repository.users.model import User

INVALID = "Invalid JWT Token"
"""What any token that cannot be believed is answered with."""

REMEMBERED = 1024
"""How many signatures a verifier remembers, some hundred kilobytes."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a believed token says; everything else is read from our own records."""

    user_id: str
    token_hash: str
    collection_id: str | None
    """The one collection that the token opens; None: any."""


def hash_of(text: str) -> str:
    """Return the lower-case SHA-256 hex of a token's text, under which it is recorded."""
    return hashlib.sha256(text.encode()).hexdigest()


def sign(
    keys: KeyPair,
    user: User,
    kind: TokenKind,
    scope: Permissions,
    *,
    lifetime: int,
    description: str,
    now: datetime,
    collection_id: str | None = None,
) -> tuple[str, Token]:
    """Make a token that is valid for lifetime seconds; returns its text and the record to be kept.

    With a collection it opens that one alone, which its signed text says and the record need not.
    """
    issued = int(now.timestamp())
    roles = [permission.value for permission in Permission if permission in scope]
    claims = {
        "iat": issued,
        "exp": issued + lifetime,
        "jti": str(uuid4()),
        "sub": user.id,
        "email": user.email,
        "roles": roles,
    }
    if collection_id is not None:
        claims["collection"] = collection_id
    text = jwt.encode(claims, keys.private, keys.algorithm)
    record = Token(
        id=str(uuid4()),
        token_hash=hash_of(text),
        user_id=user.id,
        kind=kind,
        scope=scope,
        issued_at=now,
        expires_at=datetime.fromtimestamp(issued + lifetime, UTC),
        description=description,
        active=True,
    )
    return text, record


class Verifier:
    """Tells the tokens that a key has signed from all others."""

    def __init__(self, keys: KeyPair) -> None:
        self._keys = keys
        self._remembered: OrderedDict[str, _Signed] = OrderedDict()

    def verify(self, text: str, now: datetime) -> Claims:
        """Check signature, structure and expiry, in this order (contract 3.4, checks 2 and 3).

        Raises:
            Unauthenticated: `Invalid JWT Token` or `Expired JWT Token`.
        """
        token_hash = hash_of(text)
        signed = self._remembered.pop(token_hash, None) or _signed(self._keys, text, token_hash)
        if signed.expires_at <= now.timestamp():
            raise Unauthenticated("Expired JWT Token")
        self._remembered[token_hash] = signed
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return signed.claims


@dataclass(frozen=True, slots=True)
class _Signed:
    """What a good signature stands under."""

    claims: Claims
    expires_at: int
    """Seconds since 1970."""


def _signed(keys: KeyPair, text: str, token_hash: str) -> _Signed:
    """Check signature and structure.

    Raises:
        Unauthenticated: `Invalid JWT Token`.
    """
    try:
        claims = jwt.decode(
            text,
            keys.public,
            algorithms=[keys.algorithm],
            # expiry is judged by the clock that was handed in
            options={"require": ["exp", "sub"], "verify_exp": False, "verify_iat": False, "verify_aud": False},
        )
    except (jwt.PyJWTError, ValueError) as error:
        raise Unauthenticated(INVALID) from error
    expiry = claims["exp"]
    if not isinstance(expiry, int):
        raise Unauthenticated(INVALID)
    return _Signed(Claims(claims["sub"], token_hash, claims.get("collection")), expiry)
