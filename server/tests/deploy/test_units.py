"""The units of the server: what the service manager says of them, and what the deployment rests on (case 67)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from world.programs import require_program
from world.sources import ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").glob("backup-repository*"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PROGRAM = "/opt/backup-repository/bin/backup-repository"
STATE = "/var/lib/backup-repository"


def options(name: str) -> dict[str, str]:
    """Read what a unit sets; an option that stands several times has several lines."""
    found: dict[str, str] = {}
    for line in (ROOT / "deploy" / "systemd" / name).read_text().splitlines():
        option, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[option] = f"{found[option]}\n{value}" if option in found else value
    return found


def test_every_unit_of_the_contract_is_there() -> None:
    assert {unit.name for unit in UNITS} == {
        "backup-repository.socket",
        "backup-repository.service",
        "backup-repository-nginx.service",
        "backup-repository-cleanup.service",
        "backup-repository-cleanup.timer",
    }


def test_the_service_manager_accepts_the_units(tmp_path: Path) -> None:
    """Case 67."""
    require_program("systemd-analyze")
    require_program("nginx")
    program = str(Path(sys.executable).with_name("backup-repository"))
    copies = [tmp_path / unit.name for unit in UNITS]
    for unit, copy in zip(UNITS, copies, strict=True):
        copy.write_text(unit.read_text().replace(PROGRAM, program))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, copies)], capture_output=True, text=True, check=False
    )
    ours = [line for line in result.stderr.splitlines() if "backup-repository" in line]
    assert (result.returncode, ours) == (0, []), result.stderr


@pytest.mark.parametrize("unit", SERVICES, ids=[unit.name for unit in SERVICES])
def test_the_exposure_is_ok_or_better(unit: Path) -> None:
    """Case 67: the service manager's own rating, which ends with a failure above the threshold."""
    require_program("systemd-analyze")
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout.splitlines()[-1:]
    assert "OK" in result.stdout.splitlines()[-1]


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
