"""The compose file: the program that reads it accepts it, and its parts fit together (case 68)."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from world.programs import require_program
from world.sources import ROOT

CONTAINER = ROOT / "deploy" / "container"
FILE = CONTAINER / "compose.yaml"
OWN_PARTS = ("server", "application-nginx", "router")


def compose() -> Mapping[str, Any]:
    document: Mapping[str, Any] = yaml.safe_load(FILE.read_text())
    return document


def services() -> Mapping[str, Any]:
    found: Mapping[str, Any] = compose()["services"]
    return found


def test_the_program_that_reads_the_file_accepts_it(tmp_path: Path) -> None:
    """Version 1 of it does not know the project's name inside the file, and gets it as an option."""
    program = require_program("docker-compose")
    copy = tmp_path / "deploy" / "container" / FILE.name
    copy.parent.mkdir(parents=True)
    (tmp_path / ".env").touch()  # or it would be looked for further out
    copy.write_text(re.sub(r"^name: .*\n", "", FILE.read_text(), flags=re.MULTILINE))
    command = [program, "--project-name", compose()["name"], "--file", copy, "config"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert set(yaml.safe_load(result.stdout)["services"]) == set(services())


def test_the_parts_wait_for_each_other_and_share_what_they_must() -> None:
    waits = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services().items()
    }
    assert waits == {
        "database": {},
        "server": {"database": "service_healthy"},
        "application-nginx": {"server": "service_healthy"},
        "router": {"application-nginx": "service_healthy"},
    }
    shared = {"state:/var/lib/backup-repository", "socket:/run/backup-repository"}
    for name in ("server", "application-nginx"):
        assert shared <= set(services()[name]["volumes"])
    assert services()["router"]["network_mode"] == "service:application-nginx"


def test_every_part_says_whether_it_is_healthy() -> None:
    assert all(service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"} for service in services().values())
    assert services()["server"]["healthcheck"]["test"] == ["CMD", "backup-repository", "health", "check"]


def test_only_the_routers_ports_are_open() -> None:
    """They stand at the part whose network the router shares."""
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published == {"application-nginx": ["443:443", "80:80"]}
    router = (ROOT / "deploy" / "nginx" / "router.conf").read_text()
    assert set(re.findall(r"listen (\d+)", router)) == {"443", "80"}
    assert compose()["networks"]["inside"] == {"internal": True}
    assert services()["database"]["networks"] == services()["server"]["networks"] == ["inside"]


@pytest.mark.parametrize("name", ["database", *OWN_PARTS])
def test_no_part_may_do_more_than_it_must(name: str) -> None:
    service = services()[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"], "or the log grows until the disk is full"
    assert "privileged" not in service
    if name in OWN_PARTS:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert ("cap_add" in service) == (name == "router")


@pytest.mark.parametrize("name", OWN_PARTS)
def test_running_transfers_may_end_when_a_part_stops(name: str) -> None:
    service = services()[name]
    assert service["stop_grace_period"] == "330s"
    assert service.get("stop_signal") == (None if name == "server" else "SIGQUIT")
    assert service.get("init") == (True if name == "server" else None)


def test_server_and_nginx_run_as_the_same_unprivileged_user() -> None:
    user = re.search(r"^USER (\S+)$", (CONTAINER / "Containerfile").read_text(), re.MULTILINE)
    assert user is not None
    assert services()["application-nginx"]["user"] == user[1] == "10001:10001"


def test_secrets_come_as_files_that_the_readme_names() -> None:
    document = compose()
    files = {Path(secret["file"]).name for secret in document["secrets"].values()}
    mounted = {volume.split(":")[0] for volume in services()["router"]["volumes"] if volume.startswith("./secrets/")}
    readme = (CONTAINER / "secrets" / "README.md").read_text()
    named = {file for row in re.findall(r"^\| (`.*?) \|", readme, re.MULTILINE) for file in re.findall("`(.+?)`", row)}
    assert named == files | {Path(place).name for place in mounted}
    for service in services().values():
        handed_over = service.get("environment", {})
        asked_for = {value.removeprefix("/run/secrets/") for key, value in handed_over.items() if key.endswith("_FILE")}
        assert asked_for == set(service.get("secrets", ()))
        assert not {"DATABASE_URL", "HEALTH_CHECK_CODE", "METRICS_CODE", "POSTGRES_PASSWORD"} & set(handed_over)


@pytest.mark.parametrize("name", ["router.conf", "application.conf"])
def test_every_directory_that_nginx_writes_to_is_given_to_it(name: str) -> None:
    text = (ROOT / "deploy" / "nginx" / name).read_text()
    service = services()["router" if name == "router.conf" else "application-nginx"]
    given = [volume.split(":")[1] for volume in service["volumes"]] + service["tmpfs"]
    written = re.findall(r"^\s*(?:\w+_temp_path|access_log|error_log|pid) (/[^\s;]+)", text, re.MULTILINE)
    assert len(written) >= 5
    assert [place for place in written if not any(place.startswith(f"{one}/") for one in given)] == []


@pytest.mark.parametrize("name", ["router.conf", "application.conf"])
def test_no_log_of_nginx_fills_the_memory(name: str) -> None:
    """Where it writes to files, these are the container's output: the directory is kept in memory."""
    text = (ROOT / "deploy" / "nginx" / name).read_text()
    service = services()["router" if name == "router.conf" else "application-nginx"]
    logs = re.findall(r"^\s*(?:access_log|error_log) (/[^\s;]+)", text, re.MULTILINE)
    linked = re.findall(r"ln -sf /dev/std(?:out|err) (\S+)", json.dumps(service["command"]))
    assert logs
    assert sorted(logs) == sorted(linked)
