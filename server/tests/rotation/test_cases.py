"""Every golden file of cases/: stored versions and a policy → what stays, what goes, and why (contract 6.4, 8.4).

The files are written by hand. A new situation is a new file; nothing generates them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backup_repository.collections.model import Strategy
from backup_repository.rotation.choose import STRATEGIES, choose

CASES = sorted(Path(__file__).with_name("cases").glob("*.toml"))


@dataclass(frozen=True)
class Backup:
    """A stored version."""

    number: int
    size: int


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_strategy_answers_as_the_golden_file_says(path: Path) -> None:
    case: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    stored = [Backup(**version) for version in case["stored"]]

    plan = choose(case["strategy"])(stored, case["max_count"])

    got = {
        "accept": plan.accept,
        "retire": [version.number for version in plan.retire],
        "keep": [version.number for version in plan.keep],
        "freed": plan.freed,
        "reasons": list(plan.reasons),
    }
    assert got == case["expect"], case["situation"]


def test_every_strategy_of_a_collection_has_a_decision_and_golden_files() -> None:
    assert list(STRATEGIES) == [strategy.value for strategy in Strategy]
    covered = {tomllib.loads(path.read_text(encoding="utf-8"))["strategy"] for path in CASES}
    assert covered == set(STRATEGIES)
