"""Records the settings that a server starts with, if they are others than those recorded last."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from backup_repository.access.keys import KeyPair
from backup_repository.access.trail import record
from backup_repository.audit import store
from backup_repository.audit.model import Event, Search
from backup_repository.config.reader import Effective
from backup_repository.config.sources import Source
from backup_repository.database.engine import Database, take_turns

TARGET = "settings"
"""What such an entry says was changed."""
_COMMANDS = frozenset({"POST_INSTALL_CMD"})
"""No secrets, but people write some into them."""
_DIGITS = 8


async def record_settings(database: Database, keys: KeyPair, effective: Iterable[Effective], now: datetime) -> None:
    """Record every setting that is not a default, if the last such entry says otherwise.

    Of a secret only some digits of a keyed digest are recorded. They change with the secret, and all of them with the
    signing key, which is the key; who reads the log cannot try values without it.

    Raises:
        DatabaseUnavailable: the database is out of reach.
    """
    given = [setting for setting in effective if setting.source is not Source.DEFAULT]
    detail = ", ".join(f"{setting.variable}={_shown(setting, keys)}" for setting in given) or "defaults only"
    async with database.transaction() as tx:
        await take_turns(tx, TARGET)
        last, _ = await store.search(tx, Search(event=Event.SETTINGS_CHANGED), offset=0, limit=1)
        if not last or last[0].detail != detail:
            await record(tx, None, Event.SETTINGS_CHANGED, TARGET, now, detail=detail)


def _shown(setting: Effective, keys: KeyPair) -> str:
    if not setting.text or not (setting.secret or setting.variable in _COMMANDS):
        return setting.text
    key = hashlib.sha256(keys.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).digest()
    return f"#{hmac.new(key, setting.text.encode(), hashlib.sha256).hexdigest()[:_DIGITS]}"
