"""The reference, `environment.md` and `environment.example` agree with the program (case 69, first half)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backup_repository.config.adapters import ADAPTER, ADAPTERS
from backup_repository.config.files import parse_lines, parse_toml
from backup_repository.config.load import load
from backup_repository.config.settings import VARIABLES
from backup_repository.config.variable import Variable

_ROOT = Path(__file__).parents[3]
_REFERENCE = (_ROOT / "docs/reference/configuration.md").read_text()
_TABLE = (_ROOT / "deploy/environment.md").read_text()
_EXAMPLE = (_ROOT / "deploy/environment.example").read_text()


def _expected() -> dict[str, Variable]:
    """Return every variable of the program, those of storages as `FS_<NAME>_<KEY>`, each once."""
    expected = {variable.name: variable for variable in VARIABLES}
    keys = [ADAPTER, *(key for keys in ADAPTERS.values() for key in keys)]
    return expected | {f"FS_<NAME>_{key.name}": key for key in keys}


def _default(variable: Variable) -> str:
    if variable.required:
        return "none, required"
    if variable.default_of:
        return f"the value of `{variable.default_of}`"
    return f"`{variable.default}`" if variable.default else "empty"


def _plain(markdown: str) -> str:
    return markdown.replace("\\*", "*")


def test_the_reference_explains_every_variable_once_in_order() -> None:
    sections = re.split(r"^### `(.+)`$", _REFERENCE, flags=re.MULTILINE)[1:]
    expected = _expected()
    assert sections[::2] == list(expected)
    for name, text in zip(sections[::2], sections[1::2], strict=True):
        prose = " ".join(_plain(text).split())
        assert f"* Default: {_default(expected[name])} " in prose, name
        assert f"* Accepted: {expected[name].accepted} " in prose, name
        assert expected[name].meaning[1:] in prose, name


def test_the_reference_lists_the_secrets_and_the_keys_of_each_adapter() -> None:
    secrets = re.search(r"These are secrets: ([^.]+)\.", _REFERENCE)
    assert secrets is not None
    listed = re.findall(r"`([^`]+)`", secrets[1])
    assert listed == [name for name, variable in _expected().items() if variable.secret]
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| (.+) \|$", _REFERENCE, flags=re.MULTILINE)}
    assert list(rows) == list(ADAPTERS)
    for adapter, keys in ADAPTERS.items():
        assert rows[adapter] == ", ".join(f"`{key.name}`{' (required)' * key.required}" for key in keys)


def test_the_examples_of_the_reference_are_accepted(tmp_path: Path) -> None:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", _REFERENCE, flags=re.MULTILINE | re.DOTALL)
    by_kind = {kind: text for kind, text in blocks if kind}
    parse_toml(by_kind["toml"], "x.toml", frozenset({"TRUSTED_PROXIES"}))
    for name, kind in (("x.toml", "toml"), ("lines", "sh")):
        file = tmp_path / name
        file.write_text(by_kind[kind])
        file.chmod(0o600)
        loaded = load({}, file, tmp_path)
        assert loaded.config.jwt_lifetime == 8 * 3600
        assert loaded.config.base_url == "https://backups.example.org"
        assert loaded.warnings == ()
    assert load({}, tmp_path / "lines", tmp_path).config.health_check_code == 'a "quoted" word'


def test_environment_md_lists_every_variable_once_with_its_default() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in _TABLE.splitlines() if line.startswith("| `")
    ]
    expected = _expected()
    assert [row[0].strip("`") for row in rows] == list(expected)
    for row in rows:
        variable = expected[row[0].strip("`")]
        assert row[-3] == _default(variable), row[0]
        assert row[-2] == ("yes" if variable.secret else ""), row[0]
        assert _plain(row[-1]) == variable.meaning, row[0]


def test_environment_example_lists_every_variable_once_with_its_default() -> None:
    lines = re.findall(r"^#?([A-Z][A-Z_<>]*)=(.*)$", _EXAMPLE, flags=re.MULTILINE)
    assert lines == [(name, variable.default) for name, variable in _expected().items()]


@pytest.mark.parametrize("name", ["LOCAL"])
def test_environment_example_changes_nothing_when_its_lines_are_switched_on(name: str, tmp_path: Path) -> None:
    keys = {"ADAPTER", *(key.name for key in ADAPTERS["local"])}
    switched_on = [
        f"{variable.replace('<NAME>', name)}={text}\n"
        for variable, text in re.findall(r"^#([A-Z][A-Z_<>]*)=(.*)$", _EXAMPLE, flags=re.MULTILINE)
        if "<NAME>" not in variable or variable.rpartition("_")[2] in keys
    ]
    file = tmp_path / "environment"
    file.write_text("".join(switched_on))
    assert len(parse_lines(file.read_text(), file.name)) == len(VARIABLES) + len(keys)
    assert load({}, file, tmp_path).config == load({}, None, tmp_path).config
