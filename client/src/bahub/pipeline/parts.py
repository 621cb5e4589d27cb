"""What a definition is made of, put together: the one place of the pipeline that knows every registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bahub.adapters.base import Adapter
from bahub.adapters.registry import adapter
from bahub.compression.base import Method as Compression
from bahub.compression.registry import method_of as compression_of
from bahub.config.model import Backup
from bahub.encryption.base import Method as Encryption
from bahub.encryption.registry import method_of as encryption_of
from bahub.transports.base import Transport
from bahub.transports.registry import transport

Warn: TypeAlias = Callable[[str], None]
"""Takes a sentence for the user; must not raise."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One definition, ready to run."""

    definition: Backup
    adapter: Adapter
    transport: Transport
    encryption: Encryption
    compression: Compression
    warn: Warn


def assemble(definition: Backup, warn: Warn) -> Parts:
    """Put the parts of a definition together; nothing is started.

    Raises:
        Misconfigured: there is no such adapter or transport.
    """
    return Parts(
        definition=definition,
        adapter=adapter(definition.type),
        transport=transport(definition.transport.type, definition.transport.spec),
        encryption=encryption_of(definition.encryption),
        compression=compression_of(definition.compression),
        warn=warn,
    )
