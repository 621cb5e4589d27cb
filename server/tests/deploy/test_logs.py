"""The logs of both NGINX, rotated by the real program while requests go on: no line is lost."""

from __future__ import annotations

import grp
import gzip
import os
import pwd
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from world import wire
from world.front import Front
from world.nginx import Nginx, put_in
from world.programs import require_program
from world.sources import ROOT
from world.waiting import eventually

KIT = ROOT / "deploy" / "logrotate"
APPLICATION, ROUTER = KIT / "backup-repository", KIT / "backup-repository-router"
ASKED = re.compile(r'"GET (/asked/\d+)"')


@pytest.fixture
def front(fronted_with: Callable[..., Front]) -> Front:
    """Both NGINX, whose workers may open files in the directory of this test."""
    require_program("logrotate")
    return fronted_with(router={} if os.geteuid() else {"user www-data;": "user root;"})


def written(shipped: Path, place: Path) -> Path:
    """Write one of the files with the values of this machine, where logs belong to whoever runs the tests."""
    values: Mapping[Path, Mapping[str, str]] = {
        APPLICATION: {
            "/var/log/backup-repository": str(place / "log"),
            "/run/backup-repository/nginx.pid": str(place / "application.pid"),
            "*.log": "nginx-access.log",  # the router's stand in the same directory here
        },
        ROUTER: {"/var/log/nginx": str(place / "log"), "/run/nginx.pid": str(place / "router.pid")},
    }
    ours = f"{pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name}"
    text = put_in(shipped.read_text(), values[shipped])
    text = re.sub(r"^( +(?:su|create 0640)) .*$", rf"\1 {ours}", text, flags=re.MULTILINE)
    file = place / f"{shipped.name}.logrotate"
    file.write_text(text)
    file.chmod(0o644)
    return file


def rotate(file: Path) -> None:
    """Rotate now; the program says nothing when all is well."""
    command = [require_program("logrotate"), "--force", "--state", str(file.with_suffix(".state")), str(file)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@contextmanager
def asking(address: wire.Address) -> Iterator[list[str]]:
    """Ask for one path after the other meanwhile, and give those that were asked for."""
    asked: list[str] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            path = f"/asked/{len(asked)}"
            address.ask("GET", path)
            asked.append(path)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield asked
    finally:
        enough.set()
        thread.join()


def paths(log: Path) -> list[str]:
    return ASKED.findall(log.read_text())


@pytest.mark.parametrize("shipped", [APPLICATION, ROUTER], ids=lambda file: file.name)
def test_rotation_loses_no_line(front: Front, tmp_path: Path, shipped: Path) -> None:
    nginx: Nginx = front.application if shipped == APPLICATION else front.router
    file, log = written(shipped, tmp_path), nginx.access_log
    old = log.with_name(f"{log.name}.1")
    with asking(front.public) as asked:
        eventually(lambda: len(asked) > 20)
        rotate(file)
        before = len(asked)
        eventually(lambda: len(asked) > before + 20)
    eventually(lambda: str(old) not in nginx.open_files())
    eventually(lambda: len(paths(old)) + len(paths(log)) == len(asked))
    assert Counter(paths(old) + paths(log)) == Counter(asked)
    kept = old.read_bytes()
    front.public.ask("GET", "/after-the-rotation")
    assert nginx.logged("/after-the-rotation")
    assert old.read_bytes() == kept
    rotate(file)
    with gzip.open(log.with_name(f"{log.name}.2.gz")) as compressed:
        assert compressed.read() == kept


@pytest.mark.parametrize("shipped", [APPLICATION, ROUTER], ids=lambda file: file.name)
def test_an_nginx_that_is_not_there_is_no_failure(tmp_path: Path, shipped: Path) -> None:
    require_program("logrotate")
    (tmp_path / "log").mkdir()
    rotate(written(shipped, tmp_path))
    for name in ("nginx-access.log", "backup-repository-router-access.log"):
        (tmp_path / "log" / name).write_text("a line\n")
    rotate(written(shipped, tmp_path))
    assert len(list((tmp_path / "log").glob("*.1"))) == 1


@pytest.mark.parametrize(
    ("shipped", "configuration"), [(APPLICATION, "application.conf"), (ROUTER, "router.conf")], ids=["inner", "outer"]
)
def test_every_log_that_nginx_writes_is_rotated(shipped: Path, configuration: str) -> None:
    text = (ROOT / "deploy" / "nginx" / configuration).read_text()
    rotation = shipped.read_text()
    logs = re.findall(r"^\s*(?:access_log|error_log) (/\S+?)[ ;]", text, re.MULTILINE)
    assert logs
    assert [log for log in logs if log not in rotation and f"{Path(log).parent}/*.log" not in rotation] == []
    pid = re.search(r"^pid (\S+);", text, re.MULTILINE)
    assert pid is not None
    assert rotation.count(pid[1]) == 2


def test_the_users_own_logs_are_rotated_as_the_user() -> None:
    """Its directory is the user's: what root did there, a planted link could turn against root."""
    assert "su backup-repository backup-repository" in APPLICATION.read_text()
