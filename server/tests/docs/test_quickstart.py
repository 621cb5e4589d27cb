"""The quickstart, run as it stands against the real server."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from world.instance import ADMIN, PASSWORD, server
from world.programs import require_program
from world.sources import ROOT

_QUICKSTART = ROOT / "docs" / "quickstart.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_command_of_the_quickstart_works(tmp_path: Path) -> None:
    require_program("curl")
    introduction, *commands = _BLOCK.findall(_QUICKSTART.read_text())
    assert introduction.startswith("URL=http://127.0.0.1:8000\n"), "the test replaces the first block"
    (tmp_path / "server").mkdir()
    with server(tmp_path / "server", tcp=True) as served:
        settings = f"URL=http://{served.direct.host}\nPASSWORD='{PASSWORD}'\n"
        script = settings + "\n".join(commands).replace("admin@example.org", ADMIN)
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        assert result.stdout.endswith("identical\n")
        assert '"filename": "' in result.stdout
        assert len(served.blobs()) == 1
