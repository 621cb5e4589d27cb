"""The units of the client: what the service manager says of them, and whether they fit the program (case 67)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from world.sources import ROOT
from world.units import complaints, options, rating

from bahub.errors import Misconfigured
from bahub.schedule.runs import GRACE

UNITS = sorted((ROOT / "deploy" / "systemd").glob("bahub*"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PROGRAM = "/opt/bahub/bin/bahub"


def test_the_daemon_and_its_alternative_are_there() -> None:
    assert {unit.name for unit in UNITS} == {"bahub.service", "bahub-backup@.service", "bahub-backup@.timer"}


def test_the_service_manager_accepts_the_units(tmp_path: Path) -> None:
    """Case 67."""
    assert complaints(UNITS, PROGRAM, sys.executable, tmp_path) == (0, [])


@pytest.mark.parametrize("unit", SERVICES, ids=[unit.name for unit in SERVICES])
def test_the_exposure_is_ok_or_better(unit: Path) -> None:
    """Case 67: the service manager's own rating, which ends with a failure above the threshold."""
    code, said = rating(unit)
    assert (code, "OK" in said) == (0, True), said


def test_a_wrong_configuration_is_not_restarted() -> None:
    """Case 67."""
    service = options("bahub.service")
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == str(Misconfigured.exit_code)


def test_stopping_takes_longer_than_the_bound_and_is_a_success() -> None:
    service = options("bahub.service")
    assert int(service["TimeoutStopSec"]) > GRACE
    assert service["SuccessExitStatus"] == "143"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["Type"] == "notify"


@pytest.mark.parametrize("unit", SERVICES, ids=[unit.name for unit in SERVICES])
def test_it_reads_every_file_and_writes_its_state_alone(unit: Path) -> None:
    service = options(unit.name)
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == "CAP_DAC_READ_SEARCH"
    assert (service["ProtectSystem"], service["ProtectHome"]) == ("strict", "read-only")
    assert "ReadWritePaths" not in service
    assert service["StateDirectory"] == "bahub"
    assert "XDG_STATE_HOME=/var/lib" in service["Environment"].splitlines()
