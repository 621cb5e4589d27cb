"""Numbers as Prometheus reads them. Imported by the first scrape: without Prometheus nobody needs its library."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import exposition
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from backup_repository.metrics.board import Cell
from backup_repository.metrics.names import METRICS, PROCESS, Metric, Type

CONTENT_TYPE = exposition.CONTENT_TYPE_PLAIN_0_0_4
"""The media type of the text."""

_START = "process_start_time_seconds"


def text(cells: Mapping[Cell, float]) -> bytes:
    """Write numbers in the text format; metrics without a number are left out.

    Args:
        cells: numbers by the name of the metric and the values of its labels. A histogram has one for each bucket that
            anything fell into, with its upper bound as the last label, and one called `<name>_sum`.
    """
    by_name: dict[str, dict[Cell, float]] = {}
    for cell, value in cells.items():
        by_name.setdefault(cell[0], {})[cell[1:]] = value
    families = [_family(metric, by_name) for metric in METRICS]
    return exposition.generate_latest(_Collected([family for family in families if family.samples]))


def process_figures(process_ids: Iterable[int]) -> dict[Cell, float]:
    """Add up what the system says of processes: CPU time, memory, open files."""
    wanted = {metric.name for metric in PROCESS}
    sums: dict[Cell, float] = {}
    for process_id in process_ids:
        for name, value in _figures(process_id):
            if name in wanted:
                together = min if name == _START else operator.add
                sums[name,] = together(sums[name,], value) if (name,) in sums else value
    return sums


def _figures(process_id: int) -> Iterator[tuple[str, float]]:
    for family in ProcessCollector(pid=lambda: process_id, registry=None).collect():
        yield from ((sample.name, sample.value) for sample in family.samples)


class _Collected(Collector):
    """What the library takes for a registry."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        """Give what was collected."""
        return self._families


def _family(metric: Metric, by_name: Mapping[str, Mapping[Cell, float]]) -> Family:
    family = Family(metric.name.removesuffix("_total"), metric.help, metric.type.value)
    if metric.type is Type.HISTOGRAM:
        _add_histogram(family, metric, by_name)
    else:
        for labels, value in by_name.get(metric.name, {}).items():
            family.add_sample(metric.name, dict(zip(metric.labels, labels, strict=True)), value)
    return family


def _add_histogram(family: Family, metric: Metric, by_name: Mapping[str, Mapping[Cell, float]]) -> None:
    buckets = by_name.get(metric.name, {})
    for labels, total in by_name.get(f"{metric.name}_sum", {}).items():
        named = dict(zip(metric.labels, labels, strict=True))
        count = 0.0
        for bound in (*map(str, metric.bounds), "+Inf"):
            count += buckets.get((*labels, bound), 0)
            family.add_sample(f"{metric.name}_bucket", {**named, "le": bound}, count)
        family.add_sample(f"{metric.name}_count", named, count)
        family.add_sample(f"{metric.name}_sum", named, total)
