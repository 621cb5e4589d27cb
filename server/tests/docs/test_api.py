"""The API by task, run as it stands against the real server: every command works and answers what the page shows."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world.instance import ADMIN, PASSWORD, server
from world.programs import require_program
from world.sources import ROOT

from backup_repository.access.model import COLLECTION_PERMISSIONS, Permission

PAGE = (ROOT / "docs" / "reference" / "api.md").read_text()
BLOCK = re.compile(r"^```(sh|json|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXACT = re.compile(r"(code|status|version|message|type|algorithm|versions_count|users_count|still_valid)$")
"""Keys whose values are shown as they are; of others only the type is compared."""
END = "=== end of a block ==="


def sections() -> Iterator[tuple[str, str]]:
    """Give the headings and texts of the page."""
    _, *parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return zip(parts[::2], parts[1::2], strict=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """Run every command in one shell; give what each block printed, and the kind and text of what the page shows."""
    require_program("curl")
    blocks = BLOCK.findall(PAGE)
    settings, *commands = [text for kind, text in blocks if kind == "sh"]
    assert settings.startswith("URL=http://127.0.0.1:8000\nEMAIL=admin@example.org\n"), "the test replaces them"
    root = tmp_path_factory.mktemp("api")
    (root / "server").mkdir()
    with server(root / "server", tcp=True, HEALTH_CHECK_CODE="health&code", METRICS_CODE="metrics code") as served:
        given = f"URL=http://{served.direct.host} EMAIL={ADMIN} PASSWORD='{PASSWORD}'\n"
        given += "HEALTH_CODE='health&code' METRICS_CODE='metrics code'\n"
        script = given + "".join(f"{command}\necho '{END}'\n" for command in commands)
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=root, capture_output=True, text=True, check=False
        )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr
    printed = ended.stdout.split(f"{END}\n")[:-1]
    shown = [
        after if after[0] != "sh" else ("", "")
        for (kind, _), after in zip(blocks, [*blocks[1:], ("", "")], strict=True)
        if kind == "sh"
    ]
    assert len(printed) == len(commands)
    return [(output, kind, text) for output, (kind, text) in zip(printed, shown[1:], strict=True)]


def differences(shown: Any, answered: Any, path: str = "") -> Iterator[str]:
    """Say where an answer lacks what is shown, has another type there, or another value where that matters."""
    if type(shown) is not type(answered):
        yield f"{path}: {answered!r} in place of {shown!r}"
    elif isinstance(shown, dict):
        for key, value in shown.items():
            if key in answered:
                yield from differences(value, answered[key], f"{path}/{key}")
            else:
                yield f"{path}: no {key}"
    elif isinstance(shown, list):
        if len(answered) < len(shown):
            yield f"{path}: {answered!r} in place of {shown!r}"
        for index, (one, other) in enumerate(zip(shown, answered, strict=False)):
            yield from differences(one, other, f"{path}/{index}")
    elif EXACT.search(path) and shown != answered:
        yield f"{path}: {answered!r} in place of {shown!r}"


def test_every_answer_is_the_one_that_is_shown(run: list[tuple[str, str, str]]) -> None:
    compared = 0
    for output, kind, text in run:
        if kind == "json":
            assert list(differences(json.loads(text), json.loads(output))) == [], output
        elif kind == "text" and text.endswith(",\n"):
            assert re.sub(r"127\.0\.0\.1:\d+", "", output).startswith(re.sub(r"127\.0\.0\.1:\d+", "", text[:-1]))
        elif kind == "text":
            assert output == text
        compared += kind != ""
    assert compared > 15


def test_what_the_page_shows_is_noticed_when_it_is_wrong() -> None:
    answer = {"code": 1, "list": [{"a": "x"}], "name": "x"}
    assert list(differences({"code": 1, "list": [{"a": "y"}], "name": "z"}, answer)) == []
    wrongs: tuple[dict[str, Any], ...] = (
        {"code": 2},
        {"none": 1},
        {"list": [{"b": ""}]},
        {"name": 1},
        {"list": [{}, {}]},
    )
    for wrong in wrongs:
        assert len(list(differences(wrong, answer))) == 1


def test_every_permission_on_the_page_exists() -> None:
    named = set(re.findall(r"`((?:upload|security|collections|view|admin)\.[\w.]+)`", PAGE))
    files = {name for name in named if name.endswith(".header")}
    assert len(named) > 15
    assert named - files - set(Permission) == set()
    table = next(text for heading, text in sections() if heading == "Give somebody access")
    assert sorted(re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE)) == sorted(COLLECTION_PERMISSIONS)


def test_every_task_says_what_it_needs_and_is_listed_at_the_top() -> None:
    contents = PAGE.split("## Before you begin")[0]
    for heading, text in sections():
        if heading in {"Before you begin", "Errors"}:
            continue
        assert re.search(r"[Nn]eeds?\s|may ask", text), heading
        assert f"(#{heading.lower().replace(' ', '-')})" in contents, heading


def test_the_page_links_to_what_exists() -> None:
    for target in re.findall(r"\]\(([\w./]+\.md)", PAGE):
        assert (Path(ROOT / "docs" / "reference") / target).exists()
