"""`doctor`: checks an installation over HTTP, from any machine; it needs no setting of a server (contract B 2.4)."""

from __future__ import annotations

import re
import sys
import uuid
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from backup_repository.cli import output
from backup_repository.doctor.case import Case
from backup_repository.doctor.examine import CHECKS, examine
from backup_repository.doctor.found import Finding, Verdict
from backup_repository.doctor.interruptions import Interrupted, Interruptions
from backup_repository.doctor.target import Target, parse_target
from backup_repository.sizes import parse_size

app = typer.Typer()

_A_DAY = 86400
_LONGEST_SECRET = 65536
_CHECK, _VERDICT = max(map(len, CHECKS)), max(map(len, Verdict))


@app.command("doctor")
def doctor(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the installation answers.")],
    health_code_file: Annotated[
        Path | None, typer.Option("--health-code-file", help="File with the HEALTH_CHECK_CODE of the server.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="File with a token that may use the collection.")
    ] = None,
    collection: Annotated[str | None, typer.Option("--collection", help="Id of an empty collection to try.")] = None,
    size: Annotated[str, typer.Option("--size", help="Largest upload that must be accepted.")] = "30GB",
    pause: Annotated[
        float, typer.Option("--pause", help="Seconds that a sender must be allowed to pause; 0: not tried.")
    ] = 75,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Go on with a certificate that cannot be trusted.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document.")] = False,
) -> None:
    """Check an installation from outside and say what to change; exit 1 when a check fails."""
    if not 0 <= pause <= _A_DAY:
        raise typer.BadParameter("expected seconds, at most a day", param_hint="--pause")
    screen, interruptions = _Screen(quiet=as_json), Interruptions()
    case = Case(
        _target(url),
        token=_token(token_file),
        health_code=_secret(health_code_file, "--health-code-file"),
        collection=_identifier(collection),
        size=_size(size),
        pause=pause,
        insecure=insecure,
        tell=screen.tell,
        note=screen.note,
        deferred=interruptions.deferred,
    )
    try:
        with interruptions.watched():
            findings = [screen.show(finding) for finding in examine(case)]
    except Interrupted:
        screen.note("Interrupted")
        raise typer.Exit(output.FAILED) from None
    _conclude(case.target, findings, as_json=as_json)


def _conclude(target: Target, findings: list[Finding], *, as_json: bool) -> None:
    """Print what is left to print.

    Raises:
        typer.Exit: a check failed.
    """
    count = Counter(finding.verdict for finding in findings)
    if as_json:
        checks = [
            {"check": finding.check, "verdict": finding.verdict.value, "message": output.printable(finding.sentence)}
            for finding in findings
        ]
        output.say_json({"url": str(target), "passed": not count[Verdict.FAIL], "checks": checks})
    output.note(f"{len(findings)} checks: " + ", ".join(f"{count[verdict]} {verdict.value}" for verdict in Verdict))
    if count[Verdict.FAIL]:
        raise typer.Exit(output.FAILED)


class _Screen:
    """Findings on stdout; on stderr, when that is a terminal, one line that says what goes on meanwhile."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._width = 0

    def tell(self, text: str) -> None:
        """Replace the line of what goes on."""
        if self._live:
            sys.stderr.write(f"\r{text.ljust(self._width)}")
            sys.stderr.flush()
            self._width = len(text)

    def show(self, finding: Finding) -> Finding:
        """Print a finding, unless a document is to come, and return it."""
        self._clear()
        if not self._quiet:
            line = f"{finding.verdict.value.ljust(_VERDICT)}  {finding.check.ljust(_CHECK)}  {finding.sentence}"
            output.say(output.printable(line))
            sys.stdout.flush()
        return finding

    def note(self, text: str) -> None:
        """Print a line that is no result."""
        self._clear()
        output.note(output.printable(text))

    def _clear(self) -> None:
        if self._width:
            sys.stderr.write(f"\r{' ' * self._width}\r")
            sys.stderr.flush()
            self._width = 0


def _target(url: str) -> Target:
    try:
        return parse_target(url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="URL") from error


def _size(text: str) -> int:
    try:
        size = parse_size(text)
    except ValueError as error:
        raise typer.BadParameter("expected a size such as `30GB`", param_hint="--size") from error
    if size == 0:
        raise typer.BadParameter("expected more than nothing", param_hint="--size")
    return size


def _identifier(text: str | None) -> str:
    try:
        return "" if text is None else str(uuid.UUID(text))
    except ValueError as error:
        raise typer.BadParameter("expected the id of a collection", param_hint="--collection") from error


def _token(file: Path | None) -> str:
    token = _secret(file, "--token-file").strip()
    if file is not None and not re.fullmatch(r"[!-~]+", token, re.ASCII):
        raise typer.BadParameter("the file holds no token", param_hint="--token-file")
    return token


def _secret(file: Path | None, option: str) -> str:
    """Read a secret; one trailing line break is dropped, as with the server's own `_FILE` settings."""
    if file is None:
        return ""
    try:
        with file.open("rb") as source:
            text = source.read(_LONGEST_SECRET + 1).decode()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}", param_hint=option) from error
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file} holds no text in UTF-8", param_hint=option) from error
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret or len(secret) > _LONGEST_SECRET:
        raise typer.BadParameter(f"{file} holds no secret", param_hint=option)
    return secret
