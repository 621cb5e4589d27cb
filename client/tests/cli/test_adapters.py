"""`adapters`: the types there are, and what their `spec` may hold."""

from __future__ import annotations

import json

import pytest
import yaml
from realm.homes import Definition, configure
from realm.program import Place

from bahub.adapters import registry as adapters
from bahub.transports import registry as transports

MODULE = """
from bahub.transports.base import Script

class Adapter:
    def backup(self, spec):
        return Script("printf %s " + spec["words"])

    def restore(self, spec):
        return Script("cat >/dev/null")

class Definition:
    schema = {
        "type": "object",
        "properties": {"words": {"type": "string"}, "pin": {"type": "string", "writeOnly": True}},
        "required": ["words"],
        "additionalProperties": False,
    }
    example = "spec: {words: hello}"
"""


def test_all_types_are_listed_with_what_they_mean(place: Place) -> None:
    ran = place.run("adapters", "list")
    assert (ran.code, ran.err) == (0, "")
    listed = [line.split()[:2] for line in ran.out.splitlines()[1:]]
    assert listed == [[name, "adapter"] for name in adapters.BUILT_IN] + [
        [name, "transport"] for name in transports.BUILT_IN
    ]
    assert all(entry["meaning"] for entry in place.run("--json", "adapters", "list").objects())


@pytest.mark.parametrize("name", [*adapters.BUILT_IN, *transports.BUILT_IN])
def test_each_example_passes_the_check_of_the_configuration(place: Place, name: str) -> None:
    """The schema that is shown is the one that is used, and the example is a working one."""
    (shown,) = place.run("--json", "adapters", "show", name).objects()
    example = yaml.safe_load(shown["example"])
    secret = place.root / "secret"
    secret.write_text("a-secret-of-tests")
    secret.chmod(0o600)
    spec = {key: str(secret) if key == "password_file" else value for key, value in example["spec"].items()}
    if name in adapters.BUILT_IN:
        configure(place, Definition(kind=name, spec=json.dumps(spec)))
    else:
        configure(
            place,
            Definition(meta=", transport: there"),
            more=f"transports: {{there: {{type: {name}, spec: {json.dumps(spec)}}}}}\n",
        )
    ran = place.run("config", "check")
    assert (ran.code, ran.err) == (0, "")
    assert set(example["spec"]) <= set(shown["schema"]["properties"])


def test_people_see_the_schema_and_the_example(place: Place) -> None:
    ran = place.run("adapters", "show", "mysql")
    assert (ran.code, ran.err) == (0, "")
    schema, example = ran.out.removeprefix("Schema of `spec`:\n").split("\n\nExample:\n")
    assert {"password", "password_file"} <= set(json.loads(schema)["properties"])
    assert yaml.safe_load(example)["meta"]["type"] == "mysql"


def test_an_unknown_type_is_explained(place: Place) -> None:
    ran = place.run("adapters", "show", "mysq")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "configuration: mysq: is no type; did you mean `mysql`?\n"
    ran = place.run("adapters", "show", "no.such.module")
    assert ran.code == 3
    assert "no.such.module" in ran.err


def test_a_third_party_module_is_shown_and_its_spec_is_checked(place: Place) -> None:
    """Case 59: run by the pipeline like a built-in one; a secret that it marks is masked and may be a file."""
    others = place.root / "others"
    others.mkdir()
    (others / "wordy.py").write_text(MODULE)
    place.environment["PYTHONPATH"] = str(others)
    for name in ("wordy", "wordy.missing"):
        assert place.run("adapters", "show", name).code == (0 if name == "wordy" else 3)
    (shown,) = place.run("--json", "adapters", "show", "wordy").objects()
    assert shown["example"] == "spec: {words: hello}"
    assert set(shown["schema"]["properties"]) == {"words", "pin", "pin_file"}
    configure(place, Definition(kind="wordy", spec="{word: hello}"))
    ran = place.run("config", "check")
    assert ran.code == 3
    assert "backups.files.spec.word (line 6): is no known key; did you mean `words`?" in ran.err
    configure(place, Definition(kind="wordy", spec="{words: hello, pin: four-digits}"))
    assert place.run("config", "check").code == 0
