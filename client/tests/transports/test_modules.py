"""Adapters and transports by name: built in, by path, and other people's (cases 28 and 59)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from realm.runs import Run

from bahub.adapters import registry as adapters
from bahub.adapters.base import Definition, RestoreOptions
from bahub.config.model import TransportEntry
from bahub.errors import BadUsage, Misconfigured
from bahub.masking import Secret
from bahub.transports import registry as transports

_ADAPTER = """
from bahub.adapters.base import Script

class Adapter:
    def backup(self, spec):
        return Script("printf '%s %s' " + spec["word"] + ' "$WORD_OF_SECRET"', {"WORD_OF_SECRET": spec["secret"]})

    def restore(self, spec):
        return Script(f"cat >{spec['file']}")

class Definition:
    schema = {
        "type": "object",
        "properties": {"word": {"type": "string"}, "secret": {"type": "string", "writeOnly": True}},
        "required": ["word"],
    }
    example = "spec: {word: hello}"
"""

_TRANSPORT = """
from contextlib import nullcontext

class Transport:
    def __init__(self, spec):
        self.spec = spec

    def command(self, text):
        return ["env", "FROM=" + self.spec["from"], "/bin/sh", "-c", text]

    def opened(self):
        return nullcontext()

    def last_words(self):
        return ["the last word"]
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Puts modules where Python finds them, and says under which path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    package = f"thirdparty_{tmp_path.name}"
    (tmp_path / package).mkdir()

    def put(name: str, text: str) -> str:
        (tmp_path / package / f"{name}.py").write_text(text)
        sys.modules.pop(f"{package}.{name}", None)
        return f"{package}.{name}"

    return put


def _definitions() -> list[tuple[str, Definition]]:
    own = [(name, adapters.definition(name)) for name in adapters.BUILT_IN]
    return own + [(name, transports.definition(name)) for name in transports.BUILT_IN]


@pytest.mark.parametrize(
    ("name", "definition"), _definitions(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_example_fits_its_schema(name: str, definition: Definition) -> None:
    """Case 59: what `adapters show` prints can be copied."""
    Draft202012Validator.check_schema(definition.schema)
    example: Mapping[str, Any] = yaml.safe_load(definition.example)
    assert example.get("meta", example)["type"] == name
    spec = (
        {key.removesuffix("_file"): value for key, value in example["spec"].items()}
        if "meta" in example
        else example["spec"]
    )
    assert list(Draft202012Validator(definition.schema).iter_errors(spec)) == []


@pytest.mark.parametrize("name", adapters.BUILT_IN)
def test_adapters_also_answer_to_their_path(name: str) -> None:
    """Case 28."""
    assert type(adapters.adapter(f"bahub.adapters.{name}")) is type(adapters.adapter(name))


@pytest.mark.parametrize("name", transports.BUILT_IN)
def test_transports_also_answer_to_their_path(name: str) -> None:
    """Case 28."""
    assert transports.definition(f"bahub.transports.{name}") is transports.definition(name)


@pytest.mark.parametrize("damage", ["paths: [relative]", "paths: [/a/../b]", "paths: []", "paths: [/a], more: 1"])
def test_a_spec_that_breaks_the_schema_is_found(damage: str) -> None:
    spec = yaml.safe_load(f"{{{damage}}}")
    assert list(Draft202012Validator(adapters.definition("filesystem").schema).iter_errors(spec))


def test_somebody_elses_adapter_needs_two_methods(shelf: Callable[[str, str], str], tmp_path: Path) -> None:
    """Case 59."""
    name = shelf("greeting", _ADAPTER)
    run = Run(name, {"word": "hello", "secret": Secret("whispered"), "file": tmp_path / "out"}, tmp_path)

    assert run.backup() == b"hello whispered"
    run.restore(b"content")

    assert (tmp_path / "out").read_bytes() == b"content"
    assert run.verify(b"content") == "7 bytes"
    run.check()
    assert adapters.definition(name).example == "spec: {word: hello}"
    with pytest.raises(BadUsage, match="another directory"):
        adapters.adapter(name).restore(run.spec, RestoreOptions(to="/elsewhere"))


def test_somebody_elses_transport_runs(shelf: Callable[[str, str], str], tmp_path: Path) -> None:
    """Case 59: it needs no `Definition`."""
    name = shelf("surrounded", _TRANSPORT)
    run = Run("command", {"command": 'printf %s "$FROM"'}, tmp_path, TransportEntry("x", name, {"from": "afar"}))

    assert run.backup() == b"afar"
    assert transports.definition(name).schema == {"type": "object"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("filesistem", "did you mean `filesystem`"),
        ("zfs", "accepted: `filesystem`, "),
        ("no.such.module", "or the path of a module that Python finds"),
        ("bahub.adapters.zfs", "there is no type `bahub.adapters.zfs`"),
        ("bahub.adapters.registry", "there is no type `bahub.adapters.registry`"),
        ("os; rm", "there is no type `os; rm`"),
        ("json.decoder", "has no `Adapter`"),
    ],
)
def test_a_name_that_nothing_answers_to_is_explained(name: str, sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        adapters.adapter(name)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("import a_module_that_nobody_has", "needs `a_module_that_nobody_has`, which is not installed"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("class Adapter: pass", r"needs `backup\(spec\)` and `restore\(spec\)`"),
        ("Adapter = 5", "cannot be called"),
        ("class Adapter:\n    def __init__(self, spec): ...", "cannot be made"),
    ],
)
def test_a_broken_module_is_explained(shelf: Callable[[str, str], str], text: str, sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        adapters.adapter(shelf("broken", text))
