"""How long `/health` takes while others upload: 200 with slow lines, or four at full speed; and what that costs."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bench import client
from bench.client import Request
from bench.outcome import Outcome, Reached, Task
from bench.probes import Probe, percentile
from bench.product import Product, alone, behind_nginx
from bench.rounds import Contender, Series, measure
from bench.routers import Router, router
from bench.slow import SlowUploads
from bench.table import Line

_MB = 1e6
_MIB = 1 << 20
_HEAD = ("", "speed", "", "direct p50", "p99", "through both NGINX p50", "p99", "server's peak memory")
_DIRECT, _THROUGH = "direct", "through"
_RATE = _MIB // 2
"""Bytes per second of a slow upload."""
_FAST = 4


@dataclass(slots=True)
class _Watched:
    """A way to upload, with what health took meanwhile, round by round."""

    name: str
    product: Product
    prepare: Callable[[], Callable[[], None]]
    amount: int
    """Bytes of all uploads of one job."""
    questions: Mapping[str, Request]
    taken: list[dict[str, list[float]]] = field(default_factory=list)
    unhealthy: int = 0
    """How many answers said that something does not work."""
    _probes: dict[str, Probe] = field(default_factory=dict)

    def contender(self) -> Contender:
        """Describe it for `rounds.measure`; the memory is the server's alone."""
        return Contender(self.name, (self.product.served.pid,), self._begin, self._end)

    def _begin(self) -> Callable[[], None]:
        job = self.prepare()
        self._probes = {name: Probe(request) for name, request in self.questions.items()}
        for probe in self._probes.values():
            probe.wait()
        return job

    def _end(self) -> None:
        self.taken.append({name: probe.stop() for name, probe in self._probes.items()})
        self.unhealthy += sum(probe.unhealthy for probe in self._probes.values())
        self.product.discard()

    def health(self, way: str, share: float) -> float | None:
        """Return a percentile in milliseconds, the median over the rounds that count; None: nobody asked that way."""
        if way not in self.questions:
            return None
        return 1000 * statistics.median(percentile(taken[way], share) for taken in self.taken[1:])


def compare(task: Task) -> Outcome:
    """Measure the slow ones, then the fast ones."""
    small = task.root / "small"
    small.write_bytes(bytes(_MIB))
    with ExitStack() as stack:
        behind = stack.enter_context(behind_nginx(task.root / "behind", small))
        direct = stack.enter_context(alone(task.root / "alone", small))
        before = stack.enter_context(router(task.root / "router", behind.port, tls=True))
        slow = _slow(behind, direct, before, quick=task.quick)
        slow_series = measure("slow uploads", [one.contender() for one in slow], task.rounds)
        half = stack.enter_context(_Half(task))
        fast = _fast(behind, direct, before, half.path)
        fast_series = measure("fast uploads", [one.contender() for one in fast], task.rounds)
    lines: list[Line] = [_HEAD, *_rows(f"Slow uploads, {_RATE / _MIB:g} MiB/s each", slow, slow_series)]
    lines += _rows(f"Uploads at full speed, {half.size // _MIB} MiB each", fast, fast_series)
    remarks = [
        f"{one.name}: {one.unhealthy} answers said that the server is not well."
        for one in (*slow, *fast)
        if one.unhealthy
    ]
    return Outcome([lines], [*_slow_reached(slow, slow_series), *_fast_reached(fast, fast_series)], remarks)


def _slow(behind: Product, direct: Product, before: Router, *, quick: bool) -> list[_Watched]:
    count, size = (20, _MIB) if quick else (200, 4 * _MIB)
    salts = itertools.count()

    def uploads(product: Product, route: Callable[[Request], Request]) -> Callable[[], Callable[[], None]]:
        requests = [route(product.add()) for _ in range(count)]
        return lambda: SlowUploads(requests, size, _RATE, next(salts)).run

    through = {_DIRECT: behind.health_direct(), _THROUGH: before.before(behind.health())}
    return [
        _Watched(
            f"{count} through router with TLS and application NGINX",
            behind,
            uploads(behind, before.before),
            count * size,
            through,
        ),
        _Watched(
            f"{count} straight to the server", direct, uploads(direct, _as_it_is), count * size, _straight(direct)
        ),
    ]


def _fast(behind: Product, direct: Product, before: Router, body: Path) -> list[_Watched]:
    size = body.stat().st_size
    through = {_DIRECT: behind.health_direct(), _THROUGH: before.before(behind.health())}

    def watched(
        name: str, product: Product, count: int, route: Callable[[Request], Request], questions: Mapping[str, Request]
    ) -> _Watched:
        def prepare() -> Callable[[], None]:
            requests = [route(product.add()) for _ in range(count)]
            return lambda: _together(requests, body)

        return _Watched(f"{count} {name}", product, prepare, count * size, questions)

    return [
        watched("through application NGINX", behind, 1, _as_it_is, through),
        watched("through application NGINX", behind, _FAST, _as_it_is, through),
        watched("through router with TLS and application NGINX", behind, _FAST, before.before, through),
        watched("straight to the server", direct, 1, _as_it_is, _straight(direct)),
        watched("straight to the server", direct, _FAST, _as_it_is, _straight(direct)),
    ]


def _straight(product: Product) -> dict[str, Request]:
    return {_DIRECT: product.health_direct()}


def _as_it_is(request: Request) -> Request:
    return request


def _together(requests: Sequence[Request], body: Path) -> None:
    with ThreadPoolExecutor(len(requests)) as pool:
        for _ in pool.map(lambda request: client.upload(request, body), requests):
            pass


class _Half:
    """A file of half the size of the body, beside it; removed at the end."""

    def __init__(self, task: Task) -> None:
        self.path = task.source.with_name("half")
        self.size = task.size // 2
        self._whole = task.source

    def __enter__(self) -> Self:
        with self._whole.open("rb") as whole, self.path.open("wb") as half:
            for _ in range(0, self.size, _MIB):
                half.write(whole.read(_MIB))
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink()


def _rows(title: str, watched: Sequence[_Watched], series: Sequence[Series]) -> list[Line]:
    heading = (f"**{title}**", *[""] * (len(_HEAD) - 1))
    return [heading, *(_row(*both) for both in zip(watched, series, strict=True))]


def _row(one: _Watched, series: Series) -> Line:
    asked = [(way, share) for way in (_DIRECT, _THROUGH) for share in (0.5, 0.99)]
    return (
        one.name,
        f"{one.amount / series.seconds() / _MB:.0f}",
        "MB/s",
        *(_milliseconds(one.health(way, share)) for way, share in asked),
        f"{series.memory().total / _MB:.0f} MB",
    )


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} ms"


def _health(target: str, way: str, watched: Sequence[_Watched]) -> list[Reached]:
    found = [(one.name, one.health(way, 0.99)) for one in watched]
    return [Reached(target, value, name) for name, value in found if value is not None]


def _slow_reached(watched: Sequence[_Watched], series: Sequence[Series]) -> list[Reached]:
    memory = [Reached("P7 many", one.memory().total / _MB, one.contender.name) for one in series]
    return [*memory, *_health("P8 direct", _DIRECT, watched), *_health("P8 through", _THROUGH, watched)]


def _fast_reached(watched: Sequence[_Watched], series: Sequence[Series]) -> list[Reached]:
    one, four = series[0], series[1]
    sums = Reached("P9 sum", _FAST * four.speed_ratio(one), four.contender.name)
    busy = [each for each in watched if each.name.startswith(str(_FAST))]
    return [sums, *_health("P9 direct", _DIRECT, busy), *_health("P9 through", _THROUGH, busy)]
