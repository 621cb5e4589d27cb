"""The reference of the program names every command, argument, option and exit code as the program does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

import pytest
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_command
from world.sources import ROOT

from bahub import errors
from bahub.cli.main import build_app

PAGE = (ROOT / "docs" / "reference" / "bahub.md").read_text()
HEADING = re.compile(r"^## `(.+)`$", re.MULTILINE)
ROW = re.compile(r"^\| (`[^|]+) \| ([^|]*) \| (.+) \|$", re.MULTILINE)
CODES = re.compile(r"^\| (\d+(?:, \d+)*) \| ", re.MULTILINE)

Parameter = tuple[tuple[str, ...], str, str]
"""Spellings, default and meaning."""


def commands(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, str, str, list[Parameter]]]:
    """Give every command's name, effect, example and parameters."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command.help or "", command.epilog or "", parameters(command.params)


def parameters(given: Iterable[object]) -> list[Parameter]:
    found: list[Parameter] = []
    for parameter in given:
        if isinstance(parameter, TyperArgument):
            name = parameter.metavar or (parameter.name or "").upper()
            found.append(((name,), "required" if parameter.required else "", parameter.help or ""))
        elif isinstance(parameter, TyperOption) and parameter.name not in {
            "help",
            "install_completion",
            "show_completion",
        }:
            found.append(((*parameter.opts, *parameter.secondary_opts), default(parameter), parameter.help or ""))
    return found


def default(option: TyperOption) -> str:
    if option.required:
        return "required"
    value = option.default
    return "" if value is False or value in {None, "", ()} or value == [] else f"`{value}`"


def documented(text: str) -> list[Parameter]:
    return [(tuple(re.findall("`(.+?)`", names)), value, meaning) for names, value, meaning in ROW.findall(text)]


@pytest.fixture(scope="module")
def program() -> TyperGroup:
    group = get_command(build_app())
    assert isinstance(group, TyperGroup)
    return group


def test_every_command_is_documented_with_its_effect_and_parameters(program: TyperGroup) -> None:
    _, *sections = HEADING.split(PAGE)
    texts = dict(zip(sections[::2], sections[1::2], strict=True))
    known = list(commands(program))
    assert sorted(texts) == sorted(name for name, _, _, _ in known)
    for name, effect, _, its_parameters in known:
        assert texts[name].startswith(f"\n\n{effect}\n"), name
        assert documented(texts[name]) == its_parameters, name


def test_the_options_in_front_of_the_command_are_documented(program: TyperGroup) -> None:
    assert documented(HEADING.split(PAGE)[0]) == parameters(program.params)


def test_every_exit_code_is_documented() -> None:
    kinds = (
        errors.Failed,
        errors.BadUsage,
        errors.Misconfigured,
        errors.Refused,
        errors.ProgramFailed,
        errors.Tampered,
    )
    assert CODES.findall(PAGE) == ["0", *(str(kind.exit_code) for kind in kinds), "130, 143"]


def test_every_example_is_a_command_with_known_options(program: TyperGroup) -> None:
    """Those of the page and those of the help."""
    in_front = {word for words, _, _ in parameters(program.params) for word in words}
    known = {name: {word for words, _, _ in its for word in words} for name, _, _, its in commands(program)}
    examples = re.findall(r"^```sh\n(.+?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    examples += [epilog.removeprefix("Example: ").replace(" · ", "\n") for _, _, epilog, _ in commands(program)]
    lines = [line for example in examples for line in example.replace("\\\n", " ").splitlines() if line.strip()]
    assert len(lines) > len(known)
    for line in lines:
        for words in programs_of(line):
            command = " ".join(words)
            name = max((name for name in known if f" {name} " in f" {command} "), key=len)
            used = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
            assert used <= known[name] | in_front, line


def programs_of(line: str) -> Iterator[list[str]]:
    """Give the words behind each `bahub` of a line, which may have other programs around it."""
    for part in line.split("|"):
        words = shlex.split(part.partition("<")[0].partition(">")[0], comments=True)
        if "bahub" in words:
            yield words[words.index("bahub") + 1 :]


def test_every_command_has_an_example_in_its_help(program: TyperGroup) -> None:
    assert [name for name, _, epilog, _ in commands(program) if not re.match("Example: .*bahub ", epilog)] == []
