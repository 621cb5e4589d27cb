"""What `serve` says about the first steps, and that exactly this opens them."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
from world import wire
from world.client import PASSWORD
from world.console import accepts, bare, run, said, started
from world.ports import free_port
from world.visitor import Page
from world.waiting import eventually

CODE = re.compile(r"asks for this set-up code: ((?:[A-Z2-7]{5}-){3}[A-Z2-7]{5})")


def test_serve_prints_the_code_until_an_account_exists(tmp_path: Path) -> None:
    place, port = bare(tmp_path), free_port()
    assert run(place, "db", "migrate").code == 0
    command = ("serve", "--port", str(port), "--workers", "2")
    with started(place, *command):
        eventually(lambda: accepts(wire.tcp("127.0.0.1", port)))
        found = CODE.search(said(place).read_text())
        assert found is not None
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=120) as browser:
            fields = dict(Page(browser.get("/").text).form("/first-run").fields)
            for who in ("administrator", "organization"):
                fields |= {f"{who}Email": f"{who}@example.org", f"{who}Password": PASSWORD, f"{who}Repeat": PASSWORD}
            answer = browser.post("/first-run", data=fields | {"code": found[1]})
        assert "Ready for the first backup" in answer.text
    with started(place, *command):
        eventually(lambda: accepts(wire.tcp("127.0.0.1", port)))
        assert "set-up code" not in said(place).read_text()
