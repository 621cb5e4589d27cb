"""Definitions of tests that run in this process: small shell scripts, a real or a stand-in server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
from realm.configs import COLLECTION

from bahub.config.model import Access, Backup, Compression, Encryption, TransportEntry
from bahub.masking import Secret
from bahub.pipeline.archive import Stored, find
from bahub.pipeline.backup import make
from bahub.pipeline.parts import Parts, assemble
from bahub.progress import Progress
from bahub.repository.model import Uploaded


@dataclass
class Definition:
    """One definition of the type `command`, ready to be run."""

    url: str
    token: str
    directory: Path
    """Where its keys are, and its target writes."""
    collection_id: str = COLLECTION
    command: str = "printf content"
    restore_command: str | None = None
    method: str = "age"
    compression: str = "zstd"
    allow_empty: bool = False
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not (self.directory / "identity").exists():
            identity = pyrage.x25519.Identity.generate()
            (self.directory / "identity").write_text(f"{identity}\n")
            (self.directory / "recipients").write_text(f"{identity.to_public()}\n")

    def parts(self) -> Parts:
        """Put it together."""
        keys = {
            "recipients_file": str(self.directory / "recipients"),
            "identity_file": str(self.directory / "identity"),
        }
        spec: dict[str, Any] = {"command": self.command}
        if self.restore_command is not None:
            spec["restore_command"] = self.restore_command
        definition = Backup(
            name="tested",
            type="command",
            access=Access("main", self.url, Secret(self.token), read_timeout=60),
            encryption=Encryption("strong", self.method, keys if self.method == "age" else {}),
            transport=TransportEntry("local", "sh"),
            collection_id=self.collection_id,
            compression=Compression(self.compression, {"zstd": 3, "gzip": 6}.get(self.compression, 0)),
            spec=spec,
            allow_empty=self.allow_empty,
        )
        return assemble(definition, self.warnings.append)

    def make(self) -> Uploaded:
        """Make a version."""
        return make(self.parts(), Progress())

    def find(self, version: str = "latest") -> Stored:
        """Find a version."""
        return find(self.parts(), version, Progress())
