"""The memory that the processes of one server count in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import product
from typing import Any

import pytest

from backup_repository.api.app import ROUTES
from backup_repository.api.codes import CODES
from backup_repository.api.request_log import UNKNOWN
from backup_repository.metrics import names
from backup_repository.metrics.board import SIZE, Blocks, Board, Cell, read
from backup_repository.metrics.counters import METHODS, OTHER, Counters
from backup_repository.versions.sweep import Swept
from backup_repository.web.app import console_routes

TOTAL = (names.REQUESTS.name, "GET", "/", "2xx")
RUNNING = (names.UPLOADS_RUNNING.name,)


CHILD = """
import os, sys
from backup_repository.metrics.counters import Counters
counters = Counters(sys.argv[1:])
counters.request(method="GET", route="/", status=200, seconds=0.1, received=1, sent=2)
running = counters.upload()
running.__enter__()
print(*map(int, counters.read()[0].values()))
os._exit(0)
"""
"""A process that ends in the middle of an upload."""


@pytest.fixture
def blocks() -> Iterator[list[str]]:
    made = Blocks(2)
    yield made.names
    for name in made.names:
        os.close(int(name.rpartition("/")[2]))


def count_and_end(blocks: list[str]) -> None:
    subprocess.run([sys.executable, "-c", CHILD, *blocks], check=True, capture_output=True)


def count(counters: Counters) -> None:
    counters.request(method="GET", route="/", status=200, seconds=0.1, received=1, sent=2)


def test_names_and_values_come_back_as_they_were_written() -> None:
    board = Board()
    cells: list[Cell] = [("a",), ("a", ""), ("a", "x", "żółw"), ("b" * 1000, "\n"), ("12345678",), ("1234567",)]
    for number, cell in enumerate(cells):
        board.put(cell, number)
        board.add(cell, 0.5)
    assert read(board.memory, alive=True).values == {cell: number + 0.5 for number, cell in enumerate(cells)}
    assert read(board.memory, alive=True).process == os.getpid()


class Unwired:
    """Stands where the doors of an instance would, because only the paths behind them are looked at."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_, **__: None


def test_everything_that_is_ever_counted_finds_room() -> None:
    """The label sets are bounded: this is all of them."""
    board = Board()
    console: Any = Unwired()
    routes = [resource.path for resource in ROUTES] + [route.path for route in console_routes(console)] + [UNKNOWN]
    kinds = [*(f"{digit}xx" for digit in range(1, 6)), "none"]
    codes = [*map(str, CODES), *map(str, range(400, 600))]
    values = {
        names.REQUESTS: product([*METHODS, OTHER], routes, kinds),
        names.REQUEST_SECONDS: product(routes),
        names.UPLOADS: product(["refused", "broken", "failed"], codes),
        names.STORAGE_ERRORS: product(codes),
    }
    for metric in names.COUNTED:
        for labels in values.get(metric, metric.known or ((),)):
            if metric.type is names.Type.HISTOGRAM:
                board.put((f"{metric.name}_sum", *labels), 1)
                for bound in (*map(str, metric.bounds), "+Inf"):
                    board.put((metric.name, *labels, bound), 1)
            board.put((metric.name, *labels), 1)
    assert len(read(board.memory, alive=True).values) > 2500
    assert len(board.memory[:].rstrip(b"\0")) < SIZE * 0.9


def test_each_process_sees_what_all_have_counted(blocks: list[str]) -> None:
    one, other = Counters(blocks), Counters(blocks)
    count(one)
    count(other)
    with one.upload() as stored, other.upload():
        stored(5)
        for counters in (one, other):
            sums, processes = counters.read()
            assert (sums[TOTAL], sums[RUNNING], processes) == (2, 2, [os.getpid()] * 2)
    assert one.read()[0] == other.read()[0]
    assert one.read()[0][names.UPLOADS.name, "stored", ""] == 2


def test_what_an_ended_process_has_counted_remains_and_what_it_was_doing_does_not(blocks: list[str]) -> None:
    survivor = Counters(blocks)
    count_and_end(blocks)
    sums, processes = survivor.read()
    assert (sums[TOTAL], sums[RUNNING], processes) == (1, 0, [os.getpid()])


def test_a_process_goes_on_where_an_ended_one_has_stopped(blocks: list[str]) -> None:
    for _ in range(3):  # as a server whose workers are killed again and again
        count_and_end(blocks)
    heir = Counters(blocks)
    count(heir)
    sums, _ = heir.read()
    assert (sums[TOTAL], sums[RUNNING]) == (4, 0)
    count_and_end(blocks)  # in the other block
    assert heir.read()[0][TOTAL] == 5


def test_the_latest_moment_counts_not_the_sum(blocks: list[str]) -> None:
    one, other = Counters(blocks), Counters(blocks)
    for counters, moment in ((one, 2000), (other, 1000)):
        with counters.sweep(Swept(), partial(datetime.fromtimestamp, moment, UTC)):
            pass
    assert one.read()[0][names.SWEEP_LAST_RUN.name,] == 2000


def test_without_a_free_block_a_process_serves_all_the_same(
    blocks: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    full = [Counters(blocks) for _ in blocks]
    late = Counters(blocks)
    count(late)
    assert (late.read()[0][TOTAL], TOTAL in full[0].read()[0]) == (1, False)
    assert "will be missing" in caplog.text


def test_codes_of_uploads_are_those_that_uploads_end_with() -> None:
    assert {outcome for outcome, _ in names.UPLOADS.known} == set(names.UPLOAD_OUTCOMES)
    assert {int(code) for outcome, code in names.UPLOADS.known if outcome != "stored"} <= set(CODES)
