"""Sizes and names that keep the house readable."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from world.sources import ROOT, source_files, tree_of

FILE_LINES = 400
MEDIAN_FILE_LINES = 100
FUNCTION_LINES = 60
USUAL_FUNCTION_LINES = 30
"""Nine functions of ten stay within this."""

MIGRATIONS = ROOT / "server/src/backup_repository/database/migrations/versions"
"""A migration is a list that is read once, from top to bottom; its functions may be as long as it takes."""

JUNK_DRAWERS = frozenset(
    f"{word}{ending}"
    for word in ("service", "manager", "handler", "helper", "util", "lib", "core")
    for ending in ("", "s")
) | {"common", "misc", "base_classes"}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function's body, without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def place(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_no_file_is_too_long() -> None:
    lengths = {place(file): len(file.read_text().splitlines()) for file in source_files()}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}
    assert median(lengths.values()) <= MEDIAN_FILE_LINES


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{place(file)}:{function.lineno} {function.name}": body_lines(function)
        for file in source_files()
        if file.parent != MIGRATIONS
        for function in functions(tree_of(file))
    }
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}
    assert quantiles([lines for lines in lengths.values() if lines], n=10)[-1] <= USUAL_FUNCTION_LINES


def test_no_module_is_a_junk_drawer() -> None:
    names = {place(file): {file.stem, file.parent.name} for file in source_files()}
    assert {name for name, words in names.items() if words & JUNK_DRAWERS} == set()


def test_packages_hold_no_code_in_their_init_file() -> None:
    inits = [file for file in source_files() if file.name == "__init__.py"]
    assert inits
    assert [place(file) for file in inits if not only_a_docstring(tree_of(file))] == []


def only_a_docstring(tree: ast.Module) -> bool:
    return len(tree.body) == (ast.get_docstring(tree) is not None)
