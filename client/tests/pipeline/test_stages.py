"""Stages that succeed, fail, and are interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from bahub.errors import Failed, Interrupted, ProgramFailed, Tampered
from bahub.pipeline.stages import Stages
from bahub.streams import Broken, Pipe, Reader, Writer


def run(start: Callable[[Stages], object]) -> None:
    """Run the stages that a function starts."""
    with Stages() as stages:
        start(stages)
        stages.wait()


def read_to_the_end(pipe: Pipe) -> bytes:
    return b"".join(iter(pipe.read, b""))


def fail() -> None:
    raise Failed("enough")


def test_stages_hand_on_what_they_make() -> None:
    def double(reader: Reader, writer: Writer) -> None:
        while block := reader.read():
            writer.write(block * 2)

    with Stages() as stages:
        pipe = stages.pipe()
        doubled = stages.step("doubling", double, pipe)
        result = stages.run("sink", lambda: read_to_the_end(doubled))
        pipe.write(b"ab")
        pipe.end()
        stages.wait()
    assert result.value == b"abab"


def test_the_first_failure_is_the_cause_and_names_its_stage() -> None:
    def source(pipe: Pipe) -> None:
        pipe.write(b"something")
        raise ProgramFailed("the source ended with exit status 3")

    def sink(pipe: Pipe) -> None:
        try:
            read_to_the_end(pipe)
        except Broken:
            raise Failed("the other side is gone") from None

    def start(stages: Stages) -> None:
        pipe = stages.pipe()
        stages.run("sink", lambda: sink(pipe))
        stages.run("source", lambda: source(pipe))

    with pytest.raises(ProgramFailed) as caught:
        run(start)
    assert caught.value.stage == "source"


def test_a_failure_ends_stages_that_wait_for_room_and_for_bytes() -> None:
    ended = []

    def write(pipe: Pipe) -> None:
        try:
            while True:
                pipe.write(b"x" * 1_000_000)
        except Broken:
            ended.append("writing")
            raise

    def read(pipe: Pipe) -> None:
        try:
            pipe.read()
        except Broken:
            ended.append("reading")
            raise

    def start(stages: Stages) -> None:
        one, other = stages.pipe(), stages.pipe()
        stages.run("writing", lambda: write(one))
        stages.run("reading", lambda: read(other))
        stages.run("failing", fail)

    with pytest.raises(Failed, match="enough"):
        run(start)
    assert sorted(ended) == ["reading", "writing"]


def test_no_stage_sees_an_end_that_the_one_before_has_not_reached() -> None:
    """An end means success: a stage that fails after its last byte has none."""
    seen = []

    def source(pipe: Pipe) -> None:
        pipe.write(b"everything")
        raise ProgramFailed("the source ended with exit status 1")

    def sink(pipe: Pipe) -> None:
        read_to_the_end(pipe)
        seen.append("end")

    def start(stages: Stages) -> None:
        pipe = stages.pipe()
        stages.run("sink", lambda: sink(pipe))
        stages.run("source", lambda: source(pipe))

    with pytest.raises(ProgramFailed):
        run(start)
    assert seen == []


def test_bytes_that_a_stage_leaves_are_a_failure() -> None:
    def start(stages: Stages) -> None:
        pipe = stages.pipe()
        stages.step("expansion", lambda reader, writer: writer.write(reader.read(1)), pipe)
        pipe.write(b"ab")
        pipe.end()

    with pytest.raises(Tampered, match="bytes follow"):
        run(start)


def test_an_interruption_ends_everything_before_it_goes_on() -> None:
    cut = threading.Event()
    ended = threading.Event()

    def wait() -> None:
        cut.wait()
        ended.set()

    def start(stages: Stages) -> None:
        stages.cut_by(cut.set)
        stages.run("waiting", wait)
        raise Interrupted(15)

    with pytest.raises(Interrupted):
        run(start)
    assert ended.is_set()


def test_what_begins_after_a_failure_is_broken_at_once() -> None:
    cuts = []

    def start(stages: Stages) -> None:
        stages.fail(Failed("too late"))
        with pytest.raises(Broken):
            stages.pipe().read()
        with pytest.raises(Broken):
            stages.pause(60)
        stages.cut_by(lambda: cuts.append("cut"))

    with pytest.raises(Failed, match="too late"):
        run(start)
    assert cuts == ["cut"]
