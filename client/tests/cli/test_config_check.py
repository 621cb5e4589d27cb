"""`config check`: every mistake is explained, and everything that the file names is looked for."""

from __future__ import annotations

from realm.homes import Definition, configure, configure_on
from realm.hooks import nobody
from realm.program import Place
from world.instance import Server


def test_a_right_configuration_is_called_valid(place: Place) -> None:
    configure(place, Definition("one"), Definition("two", collection="0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6f"))
    ran = place.run("config", "check")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{place.file} is valid; definitions: 2\n"
    (said,) = place.run("--json", "config", "check").objects()
    assert (said["event"], said["definitions"], said["online"]) == ("config.checked", ["one", "two"], False)


def test_every_mistake_is_listed_with_its_line(place: Place) -> None:
    """Case 29."""
    configure(place, Definition("one", kind="filesytem", spec="{}"), Definition("two", spec='{path: "${A}"}'))
    ran = place.run("config", "check")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.splitlines() == [
        "configuration: backups.one.meta.type (line 5): there is no type `filesytem`; did you mean `filesystem`?",
        "configuration: backups.two.spec.path (line 9): ${A} is not set in the environment",
        "configuration: backups.two.spec (line 9): `paths` is missing",
    ]


def test_the_missing_variable_of_a_secret_is_named(place: Place) -> None:
    """Case 29: what is masked is a secret's value, never the name of the variable that should hold it."""
    configure(place, Definition("one"))
    text = place.file.read_text().replace("${TOKEN}", "${API_TOKEN}")
    place.file.write_text(text + 'notifiers:\n  chat: {type: slack, url: "${CHAT_HOOK}"}\n')
    ran = place.run("config", "check")
    assert ran.code == 3
    assert "accesses.main.token (line 1): ${API_TOKEN} is not set in the environment" in ran.err
    assert "${CHAT_HOOK} is not set in the environment" in ran.err


def test_nothing_is_started_with_a_wrong_configuration(place: Place) -> None:
    """Case 29."""
    marker = place.root / "started"
    configure(place, Definition("one", kind="command", spec=f'{{command: "touch {marker}"}}', meta=", bogus: 1"))
    assert place.run("backup", "make", "one").code == 3
    assert not marker.exists()


def test_a_wrong_recipient_is_a_problem_of_the_configuration(place: Place) -> None:
    configure(place, Definition("one"))
    place.file.write_text(place.file.read_text().replace("recipients: [age1", "recipients: [age1x"))
    ran = place.run("config", "check")
    assert ran.code == 3
    assert "encryption.strong.recipients[0]" in ran.err


def test_definitions_that_share_a_collection_give_a_warning(place: Place) -> None:
    configure(place, Definition("one"), Definition("two"))
    ran = place.run("config", "check")
    assert ran.code == 0
    assert ran.err == "warning: one and two send to the same collection: their versions mix\n"


def test_online_finds_the_collections_and_the_programs(place: Place, listening: Server) -> None:
    configure_on(place, listening, Definition("one"), Definition("two"))
    ran = place.run("config", "check", "--online")
    assert ran.code == 0, ran.err
    assert ran.out == f"{place.file} is valid, and everything it names is there; definitions: 2\n"
    assert ran.err.splitlines() == [
        'one: the server has the collection "one.tar"',
        'two: the server has the collection "two.tar"',
    ]


def test_online_tells_every_definition_that_cannot_work(place: Place, listening: Server) -> None:
    (place.root / "bin").mkdir()
    configure_on(
        place,
        listening,
        Definition("good"),
        Definition("unknown"),
        Definition("gone", meta=", transport: gone"),
        more="transports: {gone: {type: sh, spec: {shell: /nowhere/sh}}}\n",
    )
    text = place.file.read_text()
    unknown = next(line for line in text.splitlines() if "unknown" in line)
    lines = text.splitlines()
    position = lines.index(unknown) + 1
    lines[position] = (
        lines[position].partition("collection_id")[0] + f"collection_id: {'0' * 8}-0000-4000-8000-{'0' * 12}}}"
    )
    place.file.write_text("\n".join(lines) + "\n")
    ran = place.run("config", "check", "--online")
    assert ran.code == 4
    assert ran.out == ""
    assert 'good: the server has the collection "good.tar"' in ran.err
    assert "error: unknown: " in ran.err
    assert "error: gone: " in ran.err


def test_online_tells_a_wrong_token_and_an_absent_server(place: Place, listening: Server) -> None:
    configure_on(place, listening, Definition("one"))
    place.environment["TOKEN"] = "no-token-of-this-server"
    ran = place.run("config", "check", "--online")
    assert ran.code == 4
    assert "no-token-of-this-server" not in ran.err
    configure(place, Definition("one"), url=nobody())
    ran = place.run("config", "check", "--online")
    assert ran.code == 1
    assert "cannot be reached" in ran.err


def test_main_and_alias_spellings_are_the_same(place: Place) -> None:
    """Case 28."""
    configure(place, Definition("one", kind="bahub.adapters.filesystem"))
    expected = place.run("config", "check").out
    assert expected
    for words in ((":config:check",), ("config:check",), ("-c", str(place.file), "config", "check")):
        assert place.run(*words).out == expected
