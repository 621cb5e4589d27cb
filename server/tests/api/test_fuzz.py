"""Requests that nobody thought of, made from the API's own description and sent to the real server by schemathesis.

It finds any 5xx, any answer that is not described, any request it takes although the description forbids it, and the
other way round. `make fuzz` sends more, other ones each time.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from world.fuzzing import SETTINGS, fuzz, stocked
from world.instance import server

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))


@pytest.mark.timeout(0 if "FUZZ_EXAMPLES" in os.environ else 300)
def test_the_server_keeps_to_its_description(tmp_path: Path) -> None:
    root, place = tmp_path / "server", tmp_path / "schemathesis"
    for directory in (root, place):
        directory.mkdir()
    with server(root, tcp=True, **SETTINGS) as running:
        result = fuzz(running, stocked(running), place, examples=EXAMPLES, seed=SEED)
        log = (root / "server.log").read_text()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Traceback" not in log
