"""Backups and restores of one definition without a server: content as bytes, through the real pipeline's ends."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from realm.configs import COLLECTION
from world.waiting import eventually

from bahub.adapters.base import RestoreOptions
from bahub.config.model import Access, Backup, Compression, Encryption, TransportEntry
from bahub.masking import Secret
from bahub.pipeline.parts import Parts, assemble
from bahub.pipeline.programs import run_script
from bahub.pipeline.records import Record
from bahub.pipeline.source import dump
from bahub.pipeline.stages import Stages
from bahub.pipeline.target import Target
from bahub.streams import Pipe, Reader

BLOCK = 1 << 16
"""Bytes that are handed on at a time."""

LOCAL = TransportEntry("local", "sh")
_numbers = itertools.count()


@dataclass(slots=True)
class Run:
    """One definition, run as often as one likes."""

    type: str
    spec: Mapping[str, Any]
    state: Path
    """Where what a restore changes is recorded."""
    transport: TransportEntry = LOCAL
    allow_empty: bool = False
    warnings: list[str] = field(default_factory=list)
    """What the user was warned of."""
    number: int = field(default_factory=lambda: next(_numbers))

    def backup(self) -> bytes:
        """Return the content."""
        with Stages() as stages:
            pipe, parts = stages.pipe(), self.parts()
            stages.run("source", lambda: dump(parts, stages, pipe))
            content = stages.run("rest", lambda: _all_of(pipe))
            stages.wait()
            return content.value

    def restore(self, content: bytes, *, to: str | None = None, fails_when: Callable[[], object] | None = None) -> None:
        """Put content back; with `fails_when` its end never comes: then the way here fails as soon as that is so."""
        parts = self.parts()
        target = Target(parts, parts.adapter.restore(parts.definition.spec, RestoreOptions(to)), self.record())
        with Stages() as stages, parts.transport.opened(), target.prepared():
            pipe = stages.pipe()
            stages.run("way", lambda: _send(content, pipe, fails_when))
            stages.run("target", lambda: target.take(stages, pipe))
            stages.wait()

    def unblock(self) -> bool:
        """Put back what an interrupted restore left, and say whether there was anything."""
        parts = self.parts()
        target = Target(parts, parts.adapter.restore(parts.definition.spec, RestoreOptions()), self.record())
        with parts.transport.opened():
            return target.put_back_what_was_left()

    def verify(self, content: bytes, block: int = BLOCK) -> str:
        """Say what the content is."""
        inspector = self.parts().adapter.inspector(self.spec)
        for position in range(0, len(content), block):
            inspector.feed(content[position : position + block])
        return inspector.finish()

    def check(self) -> None:
        """Look for the programs."""
        parts = self.parts()
        with parts.transport.opened():
            run_script(parts.transport, parts.adapter.check(self.spec), "the look for programs", self.warnings.append)

    def record(self) -> Record:
        """Say where what a restore changes is recorded."""
        return Record(self.state / f"record-{self.number}")

    def parts(self) -> Parts:
        """Put the parts together."""
        definition = Backup(
            name="tested",
            type=self.type,
            access=Access("main", "https://backups.example.org", Secret("a-token")),
            encryption=Encryption("plain", "none"),
            transport=self.transport,
            collection_id=COLLECTION,
            compression=Compression("none", 0),
            spec=self.spec,
            allow_empty=self.allow_empty,
        )
        return assemble(definition, self.warnings.append)


class WayFailed(Exception):
    """The way to the target has failed, as a download does whose digest is another."""


def _all_of(reader: Reader) -> bytes:
    blocks = []
    while block := reader.read():
        blocks.append(block)
    return b"".join(blocks)


def _send(content: bytes, pipe: Pipe, fails_when: Callable[[], object] | None) -> None:
    for position in range(0, len(content), BLOCK):
        pipe.write(content[position : position + BLOCK])
    if fails_when is not None:
        eventually(lambda: not pipe.ready(0))  # what is there arrives in one piece, which is not the last one now
        pipe.write(b"\n")
        eventually(fails_when)
        raise WayFailed
    pipe.end()
