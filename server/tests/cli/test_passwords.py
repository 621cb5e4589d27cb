"""How commands are given a password (contract B 2.1; case 13)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from world import wire
from world.console import PROGRAM, run, run_on_terminal
from world.instance import Installation, Server, log_in

CREATE = ("auth", "create-user", "--email")
GOOD = "a-good-password"


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    with installation.serve() as running:
        yield running


@pytest.fixture
def door(server: Server) -> wire.Address:
    return server.direct


def test_the_first_line_of_stdin_is_the_password(installation: Installation, door: wire.Address) -> None:
    """Case 13, first part."""
    ran = run(installation, *CREATE, "stdin@example.org", "--password-stdin", words=f"{GOOD}ü\nanother line\n".encode())
    assert (ran.code, ran.err) == (0, "")
    assert log_in(door, "stdin@example.org", f"{GOOD}ü")


def test_a_generated_password_is_printed_once_as_the_last_line(installation: Installation, door: wire.Address) -> None:
    """Case 13, second part."""
    ran = run(installation, "-v", *CREATE, "generated@example.org", "--generate-password")
    assert ran.code == 0
    password = ran.out.splitlines()[-1]
    assert len(password) >= 20
    assert (ran.out + ran.err).count(password) == 1
    assert log_in(door, "generated@example.org", password)


def test_a_generated_password_stands_in_the_document(installation: Installation, door: wire.Address) -> None:
    ran = run(installation, *CREATE, "document@example.org", "--generate-password", "--json")
    assert (ran.code, ran.err) == (0, "")
    account = ran.json()
    assert ran.out.count(account["password"]) == 1
    assert log_in(door, account["email"], account["password"])


def test_a_password_that_was_given_is_never_printed(installation: Installation, door: wire.Address) -> None:
    ran = run(installation, *CREATE, "value@example.org", "-p", GOOD, "--json")
    assert ran.code == 0
    assert ran.err == "warning: a password given with --password is visible in process lists\n"
    assert GOOD not in ran.out
    assert log_in(door, "value@example.org", GOOD)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "A password is needed: --password-stdin or --generate-password\n"),
        (
            ("-p", GOOD, "--generate-password"),
            "Give only one of --password, --password-stdin and --generate-password\n",
        ),
        (("-p", GOOD, "--password-stdin"), "Give only one of --password, --password-stdin and --generate-password\n"),
        (
            ("--password-stdin", "--generate-password"),
            "Give only one of --password, --password-stdin and --generate-password\n",
        ),
    ],
    ids=["none", "value and generated", "value and stdin", "stdin and generated"],
)
def test_no_option_without_a_terminal_and_several_options_are_wrong_usage(
    options: tuple[str, ...], words: str, installation: Installation
) -> None:
    """Case 13, last part."""
    ran = run(installation, *CREATE, "nobody@example.org", *options)
    assert (ran.code, ran.out, ran.err) == (2, "", words)


def test_a_closed_stdin_is_no_terminal(installation: Installation) -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *PROGRAM, *CREATE, "nobody@example.org"]
    ended = subprocess.run(
        command, cwd=installation.root, env=installation.environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "A password is needed: --password-stdin or --generate-password\n"


@pytest.mark.parametrize("line", [b"caf\xe9-password\n", b""], ids=["latin-1", "nothing"])
def test_what_is_no_password_is_refused(line: bytes, installation: Installation) -> None:
    ran = run(installation, *CREATE, "nobody@example.org", "--password-stdin", words=line)
    assert (ran.code, ran.out) == (1, "")
    assert "Traceback" not in ran.err


def test_a_terminal_is_asked_twice_without_echo(installation: Installation, door: wire.Address) -> None:
    ran, shown = run_on_terminal(installation, *CREATE, "typed@example.org", answers=(GOOD, GOOD))
    assert ran.code == 0, shown
    assert ran.out.count("\n") == 1
    assert shown.count(": ") == 2
    assert GOOD not in shown
    assert log_in(door, "typed@example.org", GOOD)


def test_a_terminal_is_asked_again_when_the_two_differ(installation: Installation, door: wire.Address) -> None:
    answers = (GOOD, "another-password", "third-password", "third-password")
    ran, shown = run_on_terminal(installation, *CREATE, "retyped@example.org", answers=answers)
    assert ran.code == 0, shown
    assert not any(answer in shown for answer in answers)
    assert log_in(door, "retyped@example.org", "third-password")
