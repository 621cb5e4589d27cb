"""The units of the server: what the service manager says of them, and what the deployment rests on (case 67)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from world.programs import require_program
from world.sources import ROOT
from world.units import complaints, options, rating

UNITS = sorted((ROOT / "deploy" / "systemd").glob("backup-repository*"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PROGRAM = "/opt/backup-repository/bin/backup-repository"
STATE = "/var/lib/backup-repository"


def test_every_unit_of_the_contract_is_there() -> None:
    assert {unit.name for unit in UNITS} == {
        "backup-repository.socket",
        "backup-repository.service",
        "backup-repository-nginx.service",
        "backup-repository-cleanup.service",
        "backup-repository-cleanup.timer",
    }


def test_no_unit_is_left_out_of_the_tests() -> None:
    """Those of the client have tests beside it."""
    others = {unit.name for unit in (ROOT / "deploy" / "systemd").iterdir()} - {unit.name for unit in UNITS}
    assert others == {"bahub.service", "bahub-backup@.service", "bahub-backup@.timer"}


def test_the_service_manager_accepts_the_units(tmp_path: Path) -> None:
    """Case 67."""
    require_program("nginx")
    assert complaints(UNITS, PROGRAM, str(Path(sys.executable).with_name("backup-repository")), tmp_path) == (0, [])


@pytest.mark.parametrize("unit", SERVICES, ids=[unit.name for unit in SERVICES])
def test_the_exposure_is_ok_or_better(unit: Path) -> None:
    """Case 67: the service manager's own rating, which ends with a failure above the threshold."""
    code, said = rating(unit)
    assert (code, "OK" in said) == (0, True), said


@pytest.mark.parametrize("unit", SERVICES, ids=[unit.name for unit in SERVICES])
def test_every_service_is_hardened_as_the_contract_says(unit: Path) -> None:
    """Section 4.3, its last paragraph."""
    service = options(unit.name)
    expected = {
        "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "",
        "AmbientCapabilities": "",
        "ProtectSystem": "strict",
        "PrivateDevices": "yes",
        "PrivateTmp": "yes",
        "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
        "MemoryDenyWriteExecute": "yes",
        "User": "backup-repository",
        "StateDirectory": "backup-repository",
    }
    assert {option: service[option] for option in expected} == expected
    assert service["SystemCallFilter"].startswith("@system-service\n~@privileged")
    assert "ReadWritePaths" not in service


def test_nginx_is_reloaded_and_stopped_without_cutting_a_transfer() -> None:
    service = options("backup-repository-nginx.service")
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["KillSignal"] == "SIGQUIT"
    assert int(service["TimeoutStopSec"]) >= int(options("backup-repository.service")["TimeoutStopSec"])


def test_expired_accounts_go_every_day() -> None:
    timer = options("backup-repository-cleanup.timer")
    assert (timer["OnCalendar"], timer["Persistent"]) == ("daily", "true")
    cleanup = options("backup-repository-cleanup.service")
    assert cleanup["ExecStart"] == f"{PROGRAM} auth clear-expired-users"
    assert cleanup["Type"] == "oneshot"


def test_a_configuration_error_is_not_restarted() -> None:
    """Case 67."""
    service = options("backup-repository.service")
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "78"


def test_the_service_may_take_longer_to_stop_than_the_grace_time() -> None:
    service = options("backup-repository.service")
    grace = 300  # the default of `serve --grace`, which the unit does not change
    assert "--grace" not in service["ExecStart"]
    assert int(service["TimeoutStopSec"]) > grace
    assert service["Type"] == "notify"


def test_secrets_are_handed_over_as_files() -> None:
    for name in ("backup-repository.service", "backup-repository-cleanup.service"):
        service = options(name)
        credentials = {line.split(":")[0] for line in service["LoadCredential"].splitlines()}
        named = {line.split("=%d/")[1]: line for line in service["Environment"].splitlines() if "=%d/" in line}
        assert credentials == set(named)
        assert "database-url" in credentials
        assert all(line.split("=")[0].endswith("_FILE") for line in named.values())


def test_server_and_nginx_share_user_socket_and_directories() -> None:
    server, nginx, socket = map(
        options, ("backup-repository.service", "backup-repository-nginx.service", "backup-repository.socket")
    )
    assert server["User"] == nginx["User"] == socket["SocketUser"] == "backup-repository"
    assert socket["SocketMode"] == "0660"
    configuration = (ROOT / "deploy" / "nginx" / "application.conf").read_text()
    assert f"unix:{socket['ListenStream']}" in configuration
    for service in (server, nginx):
        assert f"/var/lib/{service['StateDirectory']}" == STATE
        assert service["RuntimeDirectoryPreserve"] == "yes"
    assert f"client_body_temp_path {STATE}/incoming" in configuration, "not in a private temporary directory"
