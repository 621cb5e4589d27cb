"""`serve --workers 2`: each process answers for both (contract 2, `GET /metrics`)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families as families
from world.instance import Installation, Server
from world.processes import workers_of
from world.waiting import eventually

BEARER = {"Authorization": "Bearer metrics code"}


@contextlib.contextmanager
def alone(worker: psutil.Process, others: list[psutil.Process]) -> Iterator[None]:
    """Let only one of the workers run."""
    for other in others:
        if other.pid != worker.pid:
            other.suspend()
    try:
        yield
    finally:
        for other in others:
            if other.pid != worker.pid:
                other.resume()


def scraped(server: Server) -> dict[str, float]:
    """Give the sums of the metrics over their labels."""
    answer = server.direct.ask("GET", "/metrics", BEARER)
    assert answer.status == 200, answer.body
    found: dict[str, float] = {}
    for family in families(answer.body.decode()):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def unknown(server: Server) -> float:
    answer = server.direct.ask("GET", "/metrics", BEARER)
    (value,) = (
        sample.value
        for family in families(answer.body.decode())
        for sample in family.samples
        if sample.name == "backup_repository_http_requests_total" and sample.labels["route"] == "(unknown path)"
    )
    return value


def test_every_worker_shows_the_sum_also_after_one_was_killed(tmp_path: Path) -> None:
    installation = Installation.make(tmp_path, METRICS_CODE="metrics code")
    with installation.serve("--workers", "2") as server:
        eventually(lambda: len(workers_of(server.pid)) == 2)
        workers = workers_of(server.pid)
        for worker in workers:
            with alone(worker, workers):
                for _ in range(5):
                    assert server.direct.ask("GET", "/nowhere").status == 404
        eventually(lambda: unknown(server) == 10)  # a request is counted a moment after its answer
        for worker in workers:
            with alone(worker, workers):
                assert unknown(server) == 10

        workers[0].kill()
        eventually(lambda: len(fresh(server, workers)) == 1)
        (heir,) = fresh(server, workers)
        with alone(heir, [heir, workers[1]]):
            assert server.direct.ask("GET", "/nowhere").status == 404
            eventually(lambda: unknown(server) == 11)
            seen = scraped(server)
        with alone(workers[1], [heir, workers[1]]):
            assert unknown(server) == 11
        assert seen["backup_repository_build_info"] == 1
        least = sum(process.memory_info().rss for process in (heir, workers[1])) / 2
        assert seen["process_resident_memory_bytes"] > least, "both workers and their supervisor"


def fresh(server: Server, before: list[psutil.Process]) -> list[psutil.Process]:
    known = {process.pid for process in before}
    return [process for process in workers_of(server.pid) if process.pid not in known]


def test_nothing_of_it_stays_behind(tmp_path: Path) -> None:
    installation = Installation.make(tmp_path, METRICS_CODE="metrics code")
    with installation.serve("--workers", "2") as server:
        assert scraped(server)["backup_repository_database_up"] == 1
        assert server.leftovers() == []
    assert list(server.staging.iterdir()) == []
