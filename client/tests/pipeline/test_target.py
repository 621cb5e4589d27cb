"""What happens around the feeding of a target, in which order, whatever goes wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from realm.pipelines import Definition
from realm.sending import TOKEN
from realm.standin_server import VERSION_ID, VERSIONS, StandIn, give, standin_server

from bahub.adapters.base import Inspector, RestoreOptions, RestorePlan, Script, Spec
from bahub.adapters.content.anything import Anything
from bahub.errors import Misconfigured, ProgramFailed, Tampered
from bahub.pipeline.records import Record
from bahub.pipeline.restore import How, restore, unblock


@dataclasses.dataclass
class Careful:
    """An adapter whose restore has every step; each writes its name into a log."""

    log: Path
    failing: str = ""
    """The step that fails."""

    def step(self, name: str, rest: str = ":") -> Script:
        failure = "exit 9" if name == self.failing else ":"
        return Script(f"echo {name} >> {self.log}; {rest}; {failure}")

    def backup(self, spec: Spec) -> Script:
        del spec
        return Script("printf content")

    def restore(self, spec: Spec, options: RestoreOptions) -> RestorePlan:
        del spec, options
        return RestorePlan(
            feed=self.step("feed", f"cat > {self.log}.fed"),
            record=self.step("record", "echo limit 7"),
            prepare=self.step("prepare"),
            head=b"BEGIN;",
            tail=b"COMMIT;",
            finish=self.step("finish"),
            undo=self.step("undo"),
            recover=self.step("recover", f"cat > {self.log}.recovered"),
        )

    def inspector(self, spec: Spec) -> Inspector:
        del spec
        return Anything()

    def check(self, spec: Spec) -> Script:
        del spec
        return Script(":")


@dataclasses.dataclass
class Restoring:
    """One restore, with a careful adapter."""

    server: StandIn
    directory: Path
    failing: str = ""

    def __post_init__(self) -> None:
        self.record = Record(self.directory / "state" / "record")
        self.definition = Definition(self.server.url, TOKEN, self.directory, method="none", compression="none")
        adapter = Careful(self.directory / "log", self.failing)
        self.parts = dataclasses.replace(self.definition.parts(), adapter=adapter)

    def run(self, stored: bytes = b"content", served: bytes | None = None) -> None:
        self.server.on("GET", f"{VERSIONS}/{VERSION_ID}", give(stored, served=served))
        restore(self.parts, self.definition.find(VERSION_ID).fetch, How(), self.record)

    def happened(self) -> list[str]:
        log = self.directory / "log"
        return log.read_text().split() if log.exists() else []

    def text(self, name: str) -> str:
        return (self.directory / f"log.{name}").read_text()


@pytest.fixture
def server() -> Iterator[StandIn]:
    with standin_server() as running:
        yield running


def test_a_success_takes_every_step_but_undo(server: StandIn, tmp_path: Path) -> None:
    restoring = Restoring(server, tmp_path)
    restoring.run()
    assert restoring.happened() == ["record", "prepare", "feed", "finish", "recover"]
    assert restoring.text("fed") == "BEGIN;contentCOMMIT;"
    assert restoring.text("recovered") == "limit 7\n"
    assert restoring.record.left() is None


def test_a_damaged_archive_is_never_committed(server: StandIn, tmp_path: Path) -> None:
    """Section 3.7: what frames the content is complete only after verification."""
    restoring = Restoring(server, tmp_path)
    more_than_pipes_hold = b"content " * 2_000_000
    with pytest.raises(Tampered):
        restoring.run(more_than_pipes_hold, served=more_than_pipes_hold[:-1] + b"!")
    assert restoring.happened() == ["record", "prepare", "feed", "undo", "recover"]
    assert restoring.record.left() is None
    fed = restoring.text("fed")
    assert fed.startswith("BEGIN;content")
    assert len(fed) < len(more_than_pipes_hold)
    assert not fed.endswith("COMMIT;")


@pytest.mark.parametrize(
    ("failing", "steps"),
    [
        ("record", ["record"]),
        ("prepare", ["record", "prepare", "undo", "recover"]),
        ("feed", ["record", "prepare", "feed", "undo", "recover"]),
        ("finish", ["record", "prepare", "feed", "finish", "undo", "recover"]),
        ("undo", ["record", "prepare", "feed", "finish", "recover"]),
        ("recover", ["record", "prepare", "feed", "finish", "recover"]),
    ],
)
def test_a_step_that_fails_leaves_as_little_as_it_can(
    server: StandIn, tmp_path: Path, failing: str, steps: list[str]
) -> None:
    restoring = Restoring(server, tmp_path, failing)
    if failing == "undo":  # runs only after a failure
        restoring.run()
    else:
        with pytest.raises(ProgramFailed, match="exit status 9"):
            restoring.run()
    assert restoring.happened() == steps
    assert (restoring.record.left() is not None) == (failing == "recover")


def test_what_could_not_be_put_back_is_put_back_later(server: StandIn, tmp_path: Path) -> None:
    """Case 44, `--unblock` after a run that was killed."""
    restoring = Restoring(server, tmp_path, "recover")
    with pytest.raises(ProgramFailed):
        restoring.run()
    again = Restoring(server, tmp_path)
    (tmp_path / "log.recovered").unlink()
    assert unblock(again.parts, again.record)
    assert again.text("recovered") == "limit 7\n"
    assert not unblock(again.parts, again.record)


def test_what_an_interrupted_restore_left_is_put_back_before_it_is_recorded_anew(
    server: StandIn, tmp_path: Path
) -> None:
    restoring = Restoring(server, tmp_path)
    restoring.record.keep(b"limit 3\n")
    restoring.run()
    assert restoring.happened() == ["recover", "record", "prepare", "feed", "finish", "recover"]


def test_nothing_is_prepared_for_an_archive_that_cannot_be_opened(server: StandIn, tmp_path: Path) -> None:
    restoring = Restoring(server, tmp_path)
    with pytest.raises(Misconfigured):
        restoring.run(b"age-encryption.org/v1\n-> X25519 somebody\n")
    age = Definition(server.url, TOKEN, tmp_path)
    restoring.parts = dataclasses.replace(age.parts(), adapter=restoring.parts.adapter)
    (tmp_path / "identity").unlink()
    with pytest.raises(Misconfigured, match="identity"):
        restoring.run(b"age-encryption.org/v1\n-> X25519 somebody\n")
    assert restoring.happened() == []
