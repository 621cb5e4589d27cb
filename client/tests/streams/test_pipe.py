from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realm.streams import Given

from bahub.streams import Broken, Pipe, looked_into


def started(job: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=job, daemon=True)
    thread.start()
    return thread


def all_of(pipe: Pipe, size: int = -1) -> bytes:
    return b"".join(iter(lambda: pipe.read(size), b""))


@given(
    blocks=st.lists(st.binary(max_size=200), max_size=20),
    size=st.one_of(st.just(-1), st.integers(1, 300)),
    capacity=st.integers(1, 300),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_written_is_read_in_order(blocks: list[bytes], size: int, capacity: int) -> None:
    pipe = Pipe(capacity)

    def write() -> None:
        for block in blocks:
            assert pipe.write(block) == len(block)
        pipe.end()

    writer = started(write)
    assert all_of(pipe, size) == b"".join(blocks)
    assert pipe.read() == b""
    writer.join()


def test_megabytes_pass_while_no_more_than_the_capacity_is_held() -> None:
    pipe = Pipe(capacity=3000)
    content = bytes(range(256)) * 4000
    most = 0

    def write() -> None:
        nonlocal most
        for position in range(0, len(content), 1000):
            pipe.write(content[position : position + 1000])
            most = max(most, pipe._held)
        pipe.end()

    writer = started(write)
    assert hashlib.sha256(all_of(pipe)).digest() == hashlib.sha256(content).digest()
    writer.join()
    assert most <= 3000


def test_a_block_larger_than_the_capacity_passes_alone() -> None:
    pipe = Pipe(capacity=10)

    def write() -> None:
        pipe.write(bytes(100))
        pipe.write(bytes(100))
        pipe.end()

    writer = started(write)
    assert [len(pipe.read()) for _ in range(3)] == [100, 100, 0]
    writer.join()


def test_breaking_wakes_a_reader_that_waits() -> None:
    pipe = Pipe()
    caught: list[type[BaseException]] = []

    def read() -> None:
        try:
            pipe.read()
        except Broken:
            caught.append(Broken)

    reader = started(read)
    pipe.fail()
    reader.join()
    assert caught == [Broken]


def test_breaking_wakes_a_writer_that_waits() -> None:
    pipe = Pipe(capacity=1)
    caught: list[type[BaseException]] = []

    def write() -> None:
        try:
            for _ in range(3):
                pipe.write(b"block")
        except Broken:
            caught.append(Broken)

    writer = started(write)
    pipe.fail()
    writer.join()
    assert caught == [Broken]


def test_a_broken_stream_never_ends() -> None:
    pipe = Pipe()
    pipe.write(b"part")
    pipe.fail()
    pipe.end()
    with pytest.raises(Broken):
        pipe.read()
    with pytest.raises(Broken):
        pipe.write(b"more")


def test_readiness_says_whether_a_read_would_wait() -> None:
    pipe = Pipe()
    assert not pipe.ready(0)
    pipe.write(b"block")
    assert pipe.ready(0)
    pipe.read()
    assert not pipe.ready(0)
    pipe.end()
    assert pipe.ready(0)


@given(content=st.binary(max_size=100), block=st.integers(1, 40), size=st.integers(0, 60), step=st.integers(1, 50))
def test_looking_into_a_stream_takes_nothing_away(content: bytes, block: int, size: int, step: int) -> None:
    head, whole = looked_into(Given(content, block), size)
    assert head == content[:size]
    assert b"".join(iter(lambda: whole.read(step), b"")) == content
