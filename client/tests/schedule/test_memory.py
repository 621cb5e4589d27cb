"""What the scheduler remembers of definitions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bahub.errors import Failed
from bahub.schedule.memory import Memories, Memory

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
RAN = Memory("@daily", "Europe/Warsaw", mark=NOON, started=NOON, ended=NOON, code=5)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    memories = Memories(tmp_path / "state")
    memories.write("db", RAN)
    memories.write("new", Memory("@daily", None, mark=NOON))
    assert Memories(tmp_path / "state").read(["db", "new", "absent"]) == {
        "db": RAN,
        "new": Memory("@daily", None, mark=NOON),
    }


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"line": "x", "zone": null, "mark": "2026-05-01T12:00:00"}'])
def test_a_file_that_cannot_be_read_counts_as_absent(tmp_path: Path, content: str) -> None:
    memories = Memories(tmp_path)
    memories.write("db", RAN)
    (tmp_path / "schedule" / "db.json").write_text(content)
    assert memories.read(["db"]) == {}


def test_a_write_that_fails_leaves_the_former_memory(tmp_path: Path) -> None:
    memories = Memories(tmp_path)
    memories.write("db", RAN)
    (tmp_path / "schedule" / "db.new").mkdir()
    with pytest.raises(Failed, match="cannot be used"):
        memories.write("db", Memory("@hourly", None, mark=NOON))
    assert memories.read(["db"]) == {"db": RAN}
