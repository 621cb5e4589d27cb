"""The guide, run as it stands against the real server: what needs no root and no service manager."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from realm.program import Place, collection_of, url_of
from world.instance import Server
from world.sources import ROOT

GUIDE = (ROOT / "docs" / "howto" / "back-up-a-server.md").read_text()
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FOR_ROOT = re.compile(r"^(?:useradd|install -m|export CONFIG)", re.MULTILINE)
"""What marks the blocks that the test replaces or leaves out."""


def test_every_command_of_the_guide_works(place: Place, listening: Server) -> None:
    saved = place.root / "saved"
    (saved / "deep").mkdir(parents=True)
    (saved / "deep" / "file").write_text("content\n")
    blocks = BLOCK.findall(GUIDE)
    skipped = [block for block in blocks if FOR_ROOT.match(block)]
    assert len(skipped) == 3
    settings = {
        "CONFIG": str(place.file),
        "URL": url_of(listening),
        "COLLECTION": collection_of(listening, "www.tar.zst.age"),
        "SAVED": str(saved),
        "STATE": str(place.root / "state"),
        "TOKEN": listening.token,
    }
    asked = re.findall(r"^(?:export |read -rs )?([A-Z]+)\b", skipped[1], re.MULTILINE)
    assert set(asked) == set(settings), "the block that the test replaces"
    program = place.root / "bin" / "bahub"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m bahub "$@"\n')
    program.chmod(0o755)
    environment = place.whole_environment() | settings
    environment["PATH"] = f"{program.parent}{os.pathsep}{environment['PATH']}"
    script = "\n".join(block for block in blocks if block not in skipped)
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=place.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert 'Uploaded version "1" of "www.tar.zst.age"' in result.stdout
    assert f"Secret key: {place.root / 'bahub-identity.txt'}" in result.stderr
    assert Path(place.root / "archive.age").read_bytes().startswith(b"age-encryption.org/v1\n")
    assert (place.root / "state" / "locks").is_dir()


def test_the_files_that_the_guide_names_are_those_there_are() -> None:
    for named in re.findall(r"/etc/bahub/(bahub-\w+(?:\.txt)?)", GUIDE):
        assert named in {"bahub-identity.txt", "bahub-token"}
    for unit in re.findall(r"`(bahub-backup@\.\w+)`", GUIDE):
        assert (ROOT / "deploy" / "systemd" / unit).is_file()
