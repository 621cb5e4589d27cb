"""Every alert goes off when it should and only then, by Prometheus' own test of rules, and says what to do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from world.programs import require_program
from world.sources import ROOT

ALERTS = ROOT / "deploy" / "grafana" / "alerts.yaml"
OURS = "backup_repository_"
ONE = '{job="backup-repository",instance="one"}'
COLLECTION = '{job="backup-repository",instance="one",collection="c",filename="db.tar"}'
CASES: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    # series as Prometheus' tests write them, one value a minute: those of trouble, those of peace; then the time
    "BackupLate": (
        {f"{OURS}collection_last_success_timestamp_seconds{COLLECTION}": "0x1700"},
        {f"{OURS}collection_last_success_timestamp_seconds{COLLECTION}": "36000x1700"},
        "27h",
    ),
    "BackupNeverArrived": (
        {f"{OURS}collection_versions{COLLECTION}": "0x3000"},
        {f"{OURS}collection_versions{COLLECTION}": "1x3000"},
        "49h",
    ),
    "CollectionsOutOfSight": (
        {f"{OURS}collections_left_out{ONE}": "3x100"},
        {f"{OURS}collections_left_out{ONE}": "0x100"},
        "90m",
    ),
    "UploadsFail": (
        {f'{OURS}uploads_total{{job="backup-repository",outcome="failed",code="42001"}}': "0x10 1x50"},
        {
            f'{OURS}uploads_total{{job="backup-repository",outcome="failed",code="42001"}}': "7x60",
            f'{OURS}uploads_total{{job="backup-repository",outcome="stored",code=""}}': "0+9x60",
        },
        "30m",
    ),
    "UploadsBreak": (
        {f'{OURS}uploads_total{{job="backup-repository",outcome="broken",code="400"}}': "0+1x60"},
        {f'{OURS}uploads_total{{job="backup-repository",outcome="broken",code="400"}}': "0x10 3x50"},
        "30m",
    ),
    "UploadsRefused": (
        {f'{OURS}uploads_total{{job="backup-repository",outcome="refused",code="40109"}}': "0x10 1x50"},
        {f'{OURS}uploads_total{{job="backup-repository",outcome="refused",code="41011"}}': "0x10 1x50"},
        "30m",
    ),
    "ServerDown": ({f"up{ONE}": "0x20"}, {f"up{ONE}": "1x20", 'up{job="other",instance="x"}': "0x20"}, "10m"),
    "DatabaseDown": (
        {f"{OURS}database_up{ONE}": "0x20", f"{OURS}database_errors_total{ONE}": "0x20"},
        {f"{OURS}database_up{ONE}": "1x20", f"{OURS}database_errors_total{ONE}": "5x20"},
        "10m",
    ),
    "StorageErrors": (
        {f'{OURS}storage_errors_total{{job="backup-repository",instance="one",code="42003"}}': "0x10 1x20"},
        {f'{OURS}storage_errors_total{{job="backup-repository",instance="one",code="42003"}}': "1x30"},
        "20m",
    ),
    "DiskNearlyFull": (
        {f"{OURS}storage_free_bytes{ONE}": "9x30", f"{OURS}storage_size_bytes{ONE}": "100x30"},
        {f"{OURS}storage_free_bytes{ONE}": "11x30", f"{OURS}storage_size_bytes{ONE}": "100x30"},
        "20m",
    ),
    "DiskFullWithinADay": (
        {f"{OURS}storage_free_bytes{ONE}": "1000-1x800"},
        {f"{OURS}storage_free_bytes{ONE}": "100000-1x800"},
        "13h",
    ),
    "SweepStalled": (
        {f"{OURS}sweep_last_run_timestamp_seconds{ONE}": "0x300"},
        {
            f"{OURS}sweep_last_run_timestamp_seconds{ONE}": "0x300",
            f'{OURS}sweep_last_run_timestamp_seconds{{job="backup-repository",instance="two"}}': "0+60x300",
        },
        "4h",
    ),
    "LogInsThrottled": (
        {f'{OURS}logins_total{{job="backup-repository",outcome="throttled"}}': "0x10 1x20"},
        {f'{OURS}logins_total{{job="backup-repository",outcome="failed"}}': "0x10 1x20"},
        "15m",
    ),
    "ServerErrors": (
        {f'{OURS}http_requests_total{{job="backup-repository",route="/health",status="5xx"}}': "0+1x40"},
        {f'{OURS}http_requests_total{{job="backup-repository",route="/health",status="4xx"}}': "0+9x40"},
        "30m",
    ),
}


def rules() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def firing(name: str, series: dict[str, str], at: str, place: Path) -> bool:
    """Whether the alert goes off: none is expected, and the program fails with what it got instead."""
    file = place / "test.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "rule_files": [str(ALERTS)],
                "tests": [
                    {
                        "interval": "1m",
                        "input_series": [{"series": one, "values": values} for one, values in series.items()],
                        "alert_rule_test": [{"eval_time": at, "alertname": name, "exp_alerts": []}],
                    }
                ],
            }
        )
    )
    result = subprocess.run([require_program("promtool"), "test", "rules", file], capture_output=True, check=False)
    said = result.stdout + result.stderr
    assert (b"got:" in said) == (result.returncode != 0), said
    return result.returncode != 0


def test_every_alert_has_a_trial() -> None:
    assert set(CASES) == set(rules())


@pytest.mark.parametrize("name", CASES)
def test_an_alert_goes_off_in_trouble_and_only_then(name: str, tmp_path: Path) -> None:
    trouble, peace, at = CASES[name]
    assert firing(name, trouble, at, tmp_path)
    assert not firing(name, peace, at, tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_an_alert_says_what_it_means_and_what_to_do(name: str) -> None:
    rule = rules()[name]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["summary"]
    assert len(rule["annotations"]["description"]) > 80
    quoted = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    grouping = re.search(r"\bby \(([^)]*)\)", rule["expr"])
    assert quoted <= ({label.strip() for label in grouping[1].split(",")} if grouping else {"instance", "job"})


def test_the_commands_in_the_alerts_exist() -> None:
    reference = (ROOT / "docs" / "reference" / "console.md").read_text()
    named = set(re.findall(r"`backup-repository ([a-z-]+ [a-z-]+)`", ALERTS.read_text().replace("\n            ", " ")))
    assert {"health check", "audit list", "storage check", "storage sweep"} <= named
    assert [command for command in named if command not in reference] == []
