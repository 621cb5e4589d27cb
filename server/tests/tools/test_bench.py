"""How the benchmark judges what it measured; measuring itself is no test."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import table, targets
from bench.outcome import Reached
from bench.probes import percentile
from bench.processes import Memory
from bench.report import Report
from bench.rounds import Contender, Run, Series, measure

NOBODY = Memory(0, 0)


def contender(name: str, done: list[str]) -> Contender:
    """Somebody who writes down when it was its turn."""
    return Contender(name, (), lambda: lambda: done.append(name), lambda: done.append("tidied"))


def series(*seconds: float) -> Series:
    """What somebody took, round by round, and as much processor time."""
    runs = [Run(one, one, NOBODY) for one in seconds]
    return Series(Contender("", (), lambda: lambda: None, lambda: None), runs)


def verdicts(*reached: Reached, **missing: str) -> dict[str, tuple[str, ...]]:
    head, *lines = targets.summary(reached, missing)
    assert head == targets.HEAD
    return {line[0].partition(":")[0]: line[1:] for line in lines}


def test_every_round_begins_with_somebody_else_and_the_first_one_does_not_count(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.rounds.peak_memory", lambda _: NOBODY)
    done: list[str] = []
    found = measure("job", [contender(name, done) for name in "abc"], rounds=3)
    turns = "".join(name for name in done if name != "tidied")
    assert turns == "abcbcacababc"
    assert done[1::2] == ["tidied"] * 12
    assert [len(one.runs) for one in found] == [3, 3, 3]
    assert "warming up: a" in capsys.readouterr().err


def test_a_ratio_is_the_median_of_the_ratios_of_the_rounds() -> None:
    """So a round that was slow for everybody counts like any other."""
    mine, reference = series(1.0, 50.0, 2.0), series(2.0, 100.0, 1.0)
    assert mine.speed_ratios(reference) == [2.0, 2.0, 0.5]
    assert mine.speed_ratio(reference) == 2.0
    assert mine.cpu_ratio(reference) == 0.5


def test_the_worst_of_several_numbers_is_what_a_target_is_judged_by() -> None:
    found = verdicts(
        Reached("P13", 1.2, "landed"),
        Reached("P13", 0.8, "streaming"),
        Reached("P14", 0.9, "SQLite"),
        Reached("P14", 1.6, "PostgreSQL"),
    )
    assert found == {
        "P13": ("≥ 0.9", "0.80", "**missed**", "streaming"),
        "P14": ("≤ 1.5 s", "1.60 s", "**missed**", "PostgreSQL"),
    }


@pytest.mark.parametrize(("value", "verdict"), [(1.994, "**missed**"), (1.996, "ok"), (2.0, "ok")])
def test_a_number_is_judged_as_it_is_shown(value: float, verdict: str) -> None:
    assert verdicts(Reached("P1", value))["P1"][2] == verdict


def test_what_could_not_be_measured_is_named_and_what_nobody_asked_for_is_not() -> None:
    found = verdicts(Reached("P5", 1.0), **{"P12 restic": "restic: not on this machine"})
    assert list(found) == ["P5", "P12 restic"]
    assert found["P12 restic"] == ("≥ 1.5", "", "not measured", "restic: not on this machine")


def test_a_percentile_is_a_value_that_occurred() -> None:
    taken = [float(value) for value in range(100, 0, -1)]
    assert percentile(taken, 0.5) == 51.0
    assert percentile(taken, 0.99) == 100.0
    assert percentile([7.0], 0.99) == 7.0


def test_a_table_is_markdown_with_its_numbers_to_the_right() -> None:
    rendered = table.render([("", "speed"), ("server alone", "9 MB/s"), ("rclone", "10 MB/s")])
    assert rendered.splitlines() == [
        "|              |   speed |",
        "| ------------ | ------: |",
        "| server alone |  9 MB/s |",
        "| rclone       | 10 MB/s |",
    ]


def test_results_are_printed_and_kept_where_a_file_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Report.begin(tmp_path / "results.md") as report:
        report.say("## Targets")
        assert (tmp_path / "results.md").read_text() == "## Targets\n\n"
    assert capsys.readouterr().out == "## Targets\n\n"
