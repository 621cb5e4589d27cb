"""The reference of the console names every command and option as the program does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from enum import Enum

import pytest
from typer.core import TyperGroup, TyperOption
from typer.main import get_command
from world.sources import ROOT

from backup_repository.audit.model import Event
from backup_repository.cli import output
from backup_repository.cli.main import ALIASES, build_app

PAGE = (ROOT / "docs" / "reference" / "console.md").read_text()
HEADING = re.compile(r"^## `(.+)`$", re.MULTILINE)
ROW = re.compile(r"^\| (`-[^|]+) \| ([^|]*) \| (.+) \|$", re.MULTILINE)

Option = tuple[tuple[str, ...], str, str]
"""Spellings, default and meaning."""


def commands(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, str, list[Option]]]:
    """Give every command's name, effect and options."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command.help or "", options(command.params)


def options(parameters: Iterable[object]) -> list[Option]:
    return [
        (tuple(parameter.opts), default(parameter), parameter.help or "")
        for parameter in parameters
        if isinstance(parameter, TyperOption) and parameter.name != "help"
    ]


def default(option: TyperOption) -> str:
    if option.required:
        return "required"
    value = option.default.value if isinstance(option.default, Enum) else option.default
    return "" if value is False or value in {None, ""} else f"`{value}`"


def documented(text: str) -> list[Option]:
    return [(tuple(re.findall("`(.+?)`", names)), value, meaning) for names, value, meaning in ROW.findall(text)]


@pytest.fixture
def console() -> TyperGroup:
    group = get_command(build_app())
    assert isinstance(group, TyperGroup)
    return group


def test_every_command_is_documented_with_its_effect_and_options(console: TyperGroup) -> None:
    _, *sections = HEADING.split(PAGE)
    texts = dict(zip(sections[::2], sections[1::2], strict=True))
    known = list(commands(console))
    assert list(texts) == [name for name, _, _ in known]
    for name, effect, its_options in known:
        assert texts[name].startswith(f"\n\n{effect}\n"), name
        assert documented(texts[name]) == its_options, name


def test_the_options_in_front_of_the_command_are_documented(console: TyperGroup) -> None:
    introduction = HEADING.split(PAGE)[0]
    assert documented(introduction) == options(console.params)
    for alias, command in ALIASES.items():
        assert f"`{alias}` is `{' '.join(command)}`" in " ".join(introduction.split())


def test_every_action_of_the_audit_log_is_documented() -> None:
    section = PAGE.split("## `audit list`\n")[1].split("\n## ")[0]
    actions = [
        name for row in re.findall("^\\| (`.+?`) \\|", section, re.MULTILINE) for name in re.findall("`(.+?)`", row)
    ]
    assert sorted(name for name in actions if not name.startswith("-")) == sorted(Event)


def test_every_exit_code_is_documented() -> None:
    codes = re.findall(r"^\| (\d+) \| ", PAGE, flags=re.MULTILINE)
    assert codes == [str(code) for code in (output.DONE, output.FAILED, output.USAGE, output.CONFIGURATION)]


def test_every_example_is_a_command_with_known_options(console: TyperGroup) -> None:
    known = {
        name: {word for words, _, _ in its_options for word in words} for name, _, its_options in commands(console)
    }
    examples = re.findall(r"^```sh\n(.+?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert len(examples) == len(known)
    for example in examples:
        for line in example.replace("\\\n", " ").replace("&&", "\n").splitlines():
            program, *words = shlex.split(line.partition("<")[0])
            name = next(name for name in known if " ".join(words).startswith(name))
            assert program == "backup-repository"
            assert {word for word in words if word.startswith("-")} <= known[name]
