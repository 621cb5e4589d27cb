"""Tables that people read, in Markdown files beside the tests."""

from __future__ import annotations

from pathlib import Path


def read_table(path: Path, heading: str) -> list[dict[str, str]]:
    """Return the rows of the table under a heading, each as column → cell; back quotes are dropped."""
    section = path.read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    columns, _ruler, *rows = ([cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(columns, row, strict=True)) for row in rows]
