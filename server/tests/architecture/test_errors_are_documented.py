"""Every error code that the source can send is on the page of error codes, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from world.sources import ROOT, source_files, tree_of

PAGE = ROOT / "docs" / "reference" / "errors.md"
ROW = re.compile(r"^\| (\d{5}) \| (\d{3}) \|", re.MULTILINE)
CODES = range(40000, 50100)
"""Where all stable codes lie; no other number of the source does."""

DESCRIBING = frozenset({"codes.py", "openapi.py"})
"""Files that describe codes and send none."""


def used_codes() -> dict[int, str]:
    """Give each code of the source with one place that names it, apart from the API's description of itself."""
    return {
        node.value: f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in source_files()
        if file.name not in DESCRIBING
        for node in running_code(tree_of(file))
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in CODES
    }


def running_code(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk through a tree without declarations: decorators, and what `shown` says of a field."""
    declared = getattr(tree, "decorator_list", [])
    for node in ast.iter_child_nodes(tree):
        is_shown = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "shown"
        if node not in declared and not is_shown:
            yield node
            yield from running_code(node)


def documented_codes() -> list[int]:
    return [int(code) for code, _status in ROW.findall(PAGE.read_text())]


def test_every_code_is_documented() -> None:
    used = used_codes()
    assert used
    assert {code: place for code, place in used.items() if code not in documented_codes()} == {}


def test_every_documented_code_can_be_sent() -> None:
    assert set(documented_codes()) - set(used_codes()) == set()


def test_every_code_is_documented_once() -> None:
    codes = documented_codes()
    assert len(codes) == len(set(codes))
