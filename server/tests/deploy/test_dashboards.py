"""The files of deploy/grafana: every query names what exists, every field of the line is shown (case 69)."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from world.programs import require_program
from world.sources import ROOT

from backup_repository.metrics.influxdb import MEASUREMENT
from backup_repository.metrics.names import LOG_INS, METRICS, UPLOAD_OUTCOMES, UPLOADS, Metric, Type, influxdb_fields

KIT = ROOT / "deploy" / "grafana"
LINE, PROMETHEUS, ALERTS = KIT / "dashboard.json", KIT / "dashboard-prometheus.json", KIT / "alerts.yaml"
DASHBOARDS = [LINE, PROMETHEUS]
FIELDS = tuple(
    influxdb_fields(
        SimpleNamespace(
            declared_space=0, used_space=0, active_accounts=0, active_tokens=0, versions=0, collections=0, tags=0
        )
    )
)
LABELS = {"job", "instance", "le"}
"""What Prometheus adds."""
OTHERS = {"up"}
"""A metric of Prometheus itself."""
ENDINGS = {Type.HISTOGRAM: ("_bucket", "_count", "_sum")}
NAME = re.compile(r"\b(?:backup_repository|process)_\w+\b|\bup\b(?=\{)")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
GROUPING = re.compile(r"\bby \(([^)]*)\)")


def dashboard(file: Any) -> Any:
    return json.loads(file.read_text())


def queries(file: Any, key: str) -> list[str]:
    return [target[key] for panel in dashboard(file)["panels"] for target in panel.get("targets", ())]


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    variables = [variable for variable in dashboard(PROMETHEUS)["templating"]["list"] if variable["type"] == "query"]
    assert [variable["name"] for variable in variables] == ["job", "instance"]
    asked = [variable["query"]["query"] for variable in variables]
    return [*queries(PROMETHEUS, "expr"), *asked, *(rule["expr"] for rule in rules())]


def series() -> dict[str, Metric]:
    return {f"{metric.name}{ending}": metric for metric in METRICS for ending in ENDINGS.get(metric.type, ("",))}


def unknown_words(expression: str) -> Iterator[str]:
    """Give the metrics and the labels of a query that do not exist."""
    known = series()
    named = set(NAME.findall(expression))
    yield from named - set(known) - OTHERS
    labels = LABELS.union(*(known[name].labels for name in named if name in known))
    grouped = {label.strip() for group in GROUPING.findall(expression) for label in group.split(",")}
    yield from (grouped | set(MATCHER.findall(expression))) - labels


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_can_be_imported(file: Any) -> None:
    board = dashboard(file)
    kind = "influxdb" if file == LINE else "prometheus"
    assert board["schemaVersion"] >= 36
    assert "id" not in board
    source, *_ = board["templating"]["list"]
    assert (source["type"], source["name"], source["query"]) == ("datasource", "datasource", kind)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in board["panels"]:
        assert panel["title"]
        if panel["type"] != "row":
            asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
            assert asked == [{"type": kind, "uid": "${datasource}"}] * len(asked)
            assert asked[1:], panel["title"]


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_panels_do_not_cover_each_other(file: Any) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(file)["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {(place["x"] + right, place["y"] + down) for right in range(place["w"]) for down in range(place["h"])}
        assert not taken & cells, panel["title"]
        taken |= cells


@pytest.mark.parametrize("file", [*DASHBOARDS, ALERTS], ids=lambda file: file.stem)
def test_nothing_names_a_machine(file: Any) -> None:
    assert re.findall(r"\w+://|localhost|\b\d+\.\d+\.\d+\.\d+\b", file.read_text()) == []


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_every_variable_in_a_query_is_offered(file: Any) -> None:
    offered = {variable["name"] for variable in dashboard(file)["templating"]["list"]}
    grafana = {"timeFilter", "__interval", "__rate_interval", "tag_base_url"}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard(file)["panels"])))
    assert used - grafana == offered, "and none in vain"


def test_the_line_is_shown_whole() -> None:
    """Case 69: every field, and no other."""
    shown = [re.findall(r"\((?:\w+\()?\"(\w+)\"\)", query)[0] for query in queries(LINE, "query")]
    assert set(shown) == set(FIELDS)
    for query in queries(LINE, "query"):
        assert f'FROM "{MEASUREMENT}" WHERE' in query
        quoted = set(re.findall(r'"(\w+)"', query))
        assert quoted <= {*FIELDS, MEASUREMENT, "base_url", "app_env"}, query


def test_every_query_for_prometheus_names_existing_metrics_and_labels() -> None:
    """Case 69."""
    found = {expression: list(unknown_words(expression)) for expression in expressions()}
    assert len(found) > 50
    assert {expression: words for expression, words in found.items() if words} == {}
    assert all(NAME.search(expression) for expression in found)


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("backup_repository_uploads", "backup_repository_uploads"),
        ("rate(backup_repository_upload_size_bytes[1h])", "backup_repository_upload_size_bytes"),
        ('backup_repository_uploads_total{result="x"}', "result"),
        ("sum by (route, job) (backup_repository_uploads_total)", "route"),
    ],
)
def test_a_query_for_what_does_not_exist_is_noticed(expression: str, word: str) -> None:
    assert list(unknown_words(expression)) == [word]


def test_every_metric_is_shown_somewhere() -> None:
    named = {name for expression in expressions() for name in NAME.findall(expression)}
    shown = {metric for name, metric in series().items() if name in named}
    passed_over = {metric.name for metric in METRICS if metric not in shown}
    assert passed_over == {"process_virtual_memory_bytes", "process_start_time_seconds"}


def test_values_that_queries_choose_exist() -> None:
    values = {UPLOADS.name: set(UPLOAD_OUTCOMES), LOG_INS.name: {labels[0] for labels in LOG_INS.known}}
    chosen = [
        (name, set(words.split("|")))
        for expression in expressions()
        for name, words in re.findall(r'(\w+)\{[^}]*outcome(?:=~|!=|=)"([\w|]+)"', expression)
    ]
    assert len(chosen) > 5
    assert [(name, words) for name, words in chosen if not words <= values[name]] == []


def test_only_what_grows_is_asked_for_its_rate_and_only_that() -> None:
    kinds = {name: metric.type for name, metric in series().items()}
    for expression in expressions():
        growing = set(re.findall(r"(?:rate|increase)\((\w+)", expression))
        assert {kinds[name] for name in growing} <= {Type.COUNTER, Type.HISTOGRAM}, expression
        counters = {name for name in NAME.findall(expression) if name in kinds and kinds[name] is not Type.GAUGE}
        assert counters == growing, expression


def test_prometheus_takes_the_alerts() -> None:
    subprocess.run([require_program("promtool"), "check", "rules", str(ALERTS)], check=True)


def test_prometheus_takes_the_configuration_of_the_guide(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "howto" / "monitor.md").read_text()
    block = re.search(r"^   ```yaml\n(.*?)^   ```$", guide, re.MULTILINE | re.DOTALL)
    assert block is not None
    (tmp_path / "prometheus.yaml").write_text(block[1])
    command = [require_program("promtool"), "check", "config", "--syntax-only", str(tmp_path / "prometheus.yaml")]
    subprocess.run(command, check=True)
    (scrape,) = yaml.safe_load(block[1])["scrape_configs"]
    assert re.fullmatch(".*backup-repository.*", scrape["job_name"]), "what the alert ServerDown looks for"
