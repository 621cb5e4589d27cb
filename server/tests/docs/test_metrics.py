"""The page of metrics and the program name the same numbers, and explain them alike."""

from __future__ import annotations

import re
from types import SimpleNamespace

from world.sources import ROOT

from backup_repository.metrics.names import METRICS, gauges, influxdb_fields

PAGE = (ROOT / "docs" / "reference" / "metrics.md").read_text()
ROW = re.compile(
    r"^\| `((?:backup_repository|process)_\w+)` \| (\w+) \| ([`\w, ]*)\| [^|]+ \|(?: `(\w+)` \|)?$", re.MULTILINE
)
NUMBERS = SimpleNamespace(
    declared_space=1, used_space=2, active_accounts=3, active_tokens=4, versions=5, collections=6, tags=7
)


def test_the_page_has_every_metric_with_its_type_and_labels() -> None:
    documented = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in ROW.findall(PAGE)}
    assert documented == {metric.name: (metric.type.value, metric.labels) for metric in METRICS}
    assert len(ROW.findall(PAGE)) == len(METRICS)


def test_the_page_has_the_fields_of_the_line_beside_the_same_numbers() -> None:
    documented = {name: field for name, _, _, field in ROW.findall(PAGE) if field}
    fields = influxdb_fields(NUMBERS)
    assert sorted(documented.values()) == sorted(fields)
    assert {name: fields[field] for name, field in documented.items()} == {
        metric.name: value for metric, value in gauges(NUMBERS).items()
    }


def test_no_metric_is_named_that_does_not_exist() -> None:
    known = {metric.name for metric in METRICS} | {"backup_repository_report"}
    for page in ("docs/reference/metrics.md", "docs/howto/monitor.md"):
        named = set(re.findall(r"backup_repository_\w+", (ROOT / page).read_text()))
        assert named - known == set(), page
