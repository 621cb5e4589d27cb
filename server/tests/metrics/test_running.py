"""What the processes of one server are receiving, as each of them sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from uuid import UUID

import pytest

from backup_repository.metrics.board import SIZE, Blocks, Board
from backup_repository.metrics.counters import Counters
from backup_repository.metrics.running import ROWS, Rows, Running, read

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
CHILD = """
import os, sys
from datetime import UTC, datetime
from backup_repository.metrics.counters import Counters
counters = Counters(sys.argv[1:])
running = counters.rows.upload(
    "00000000-0000-4000-8000-000000000009", begun_at=datetime.now(UTC), announced=None, landed=False
)
running.__enter__()
print(len(counters.running()))
os._exit(0)
"""
"""A process that ends in the middle of an upload."""


@pytest.fixture
def blocks() -> Iterator[list[str]]:
    made = Blocks(2)
    yield made.names
    for name in made.names:
        os.close(int(name.rpartition("/")[2]))


def name(number: int) -> str:
    return str(UUID(int=(1 << 127) + number))


def shown(rows: Rows, number: int, announced: int | None = None) -> AbstractContextManager[object]:
    return rows.upload(name(number), begun_at=NOON, announced=announced, landed=False)


def test_an_upload_is_seen_by_every_process_while_it_runs(blocks: list[str]) -> None:
    one, other = Counters(blocks), Counters(blocks)
    with one.rows.upload(name(1), begun_at=NOON, announced=2**40, landed=True) as progress:
        progress(2**33 + 1)
        with shown(other.rows, 2):
            for counters in (one, other):
                seen = sorted(counters.running(), key=lambda upload: upload.collection_id)
                assert seen == [
                    Running(name(1), NOON, 2**40, 2**33 + 1, landed=True),
                    Running(name(2), NOON, None, 0, landed=False),
                ]
    assert one.running() == other.running() == []


def test_what_a_dead_process_was_receiving_is_not_seen_nor_inherited(blocks: list[str]) -> None:
    survivor = Counters(blocks)
    with shown(survivor.rows, 1):
        for _ in range(2):
            ended = subprocess.run([sys.executable, "-c", CHILD, *blocks], check=True, capture_output=True)
            assert int(ended.stdout) == 2
            assert [upload.collection_id for upload in survivor.running()] == [name(1)]
        heir = Counters(blocks)
        assert [upload.collection_id for upload in heir.running()] == [name(1)]


def test_rows_are_used_again_and_those_that_go_on_stay() -> None:
    memory = Board().memory
    rows = Rows(memory)
    first = shown(rows, 0)
    first.__enter__()
    with shown(rows, 1):
        first.__exit__(None, None, None)
        assert [upload.collection_id for upload in read(memory)] == [name(1)]
        with shown(rows, 2, announced=7):
            assert [(upload.collection_id, upload.announced) for upload in read(memory)] == [
                (name(2), 7),
                (name(1), None),
            ]
    assert read(memory) == []


def test_more_uploads_than_rows_go_on_unseen() -> None:
    memory = Board().memory
    rows = Rows(memory)
    with ExitStack() as stack:
        for number in range(ROWS):
            stack.enter_context(shown(rows, number))
        with rows.upload(name(ROWS), begun_at=NOON, announced=None, landed=False) as progress:
            progress(5)
            assert {upload.collection_id for upload in read(memory)} == {name(number) for number in range(ROWS)}
    assert read(memory) == []


@pytest.mark.parametrize("announced", [2**63 - 1, 2**63, 10**30])
def test_whatever_is_announced_is_shown_as_far_as_a_row_holds_it(announced: int) -> None:
    memory = Board().memory
    with shown(Rows(memory), 1, announced=announced):
        assert [upload.announced for upload in read(memory)] == [2**63 - 1]


def test_an_upload_that_cannot_be_shown_takes_no_row() -> None:
    memory = Board().memory
    rows = Rows(memory)
    with pytest.raises(ValueError, match="UUID"), rows.upload("no id", begun_at=NOON, announced=1, landed=False):
        pass
    with ExitStack() as stack:
        for number in range(ROWS):
            stack.enter_context(shown(rows, number))
        assert len(read(memory)) == ROWS
    assert read(memory) == []


def test_a_row_that_is_being_changed_is_passed_over() -> None:
    memory = Board().memory
    with shown(Rows(memory), 1):
        assert len(read(memory)) == 1
        with memoryview(memory)[SIZE:] as octets, octets.cast("q") as words:
            words[0] += 1
            assert read(memory) == []
            words[0] += 1


def test_rows_and_counts_do_not_touch_each_other() -> None:
    board = Board()
    rows = Rows(board.memory)
    board.add(("a",), 3)
    before = board.memory[:SIZE]
    with shown(rows, 1, announced=2**62):
        assert board.memory[:SIZE] == before
