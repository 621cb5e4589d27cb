"""Every error code that the source can send is on the page of error codes, and no other."""

from __future__ import annotations

import ast
import re

from world.sources import ROOT, source_files, tree_of

PAGE = ROOT / "docs" / "reference" / "errors.md"
ROW = re.compile(r"^\| (\d{5}) \| (\d{3}) \|", re.MULTILINE)
CODES = range(40000, 50100)
"""Where all stable codes lie; no other number of the source does."""


def used_codes() -> dict[int, str]:
    """Give each code of the source with one place that names it."""
    return {
        node.value: f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in source_files()
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in CODES
    }


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
