"""The terminal rules (contract B 3.10).

* Results go to stdout, everything else to stderr; when data goes to stdout, results go to stderr too.
* `--json`: one JSON object per line in place of the results, and nothing else on stdout; sentences stay on stderr.
* `--quiet`: results and errors only.
* Whatever is printed is masked, and holds nothing that a terminal would obey: servers and programs are quoted in it.
  No traceback is shown; with `--debug` the log has it, masked like everything.
* Exit codes: 0 done, 1 failed, 2 usage, 3 configuration, 4 refused by the server, 5 source or target, 6 integrity,
  130 and 143 after SIGINT and SIGTERM.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Protocol, TextIO

from bahub.errors import BahubError, Interrupted, Misconfigured, Refused
from bahub.masking import masked


class Results(Protocol):
    """How results are printed."""

    def result(self, event: str, text: str, fields: Mapping[str, Any]) -> str:
        """Return one line for something that has happened; empty: none."""

    def listing(self, event: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
        """Return the lines of a list."""


class Text:
    """Results for people."""

    def result(self, event: str, text: str, fields: Mapping[str, Any]) -> str:  # noqa: ARG002 - the sentence says it
        """Return the sentence."""
        return f"{text}\n" if text else ""

    def listing(self, event: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:  # noqa: ARG002 - likewise
        """Return a table with aligned columns."""
        table = [[column.replace("_", " ") for column in columns]]
        table += [[str(row[column]) for column in columns] for row in rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
        return "".join(f"{line.rstrip()}\n" for line in lines)


class Json:
    """Results for machines."""

    def result(self, event: str, text: str, fields: Mapping[str, Any]) -> str:  # noqa: ARG002 - the fields say it
        """Return one object."""
        return _object(event, fields)

    def listing(self, event: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:  # noqa: ARG002 - likewise
        """Return one object for each row, with all it has."""
        return "".join(_object(event, row) for row in rows)


class Output:
    """Where everything is printed that a command has to say."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self._results: Results = Json() if as_json else Text()
        self._is_stdout_free = True

    def data_goes_to_stdout(self) -> None:
        """Keep stdout free: results go to stderr from now on."""
        self._is_stdout_free = False

    def result(self, event: str, text: str = "", **fields: Any) -> None:
        """Print that something has happened: the text for people, the fields for machines.

        Args:
            event: its name, as `backup.uploaded`.
            text: a sentence; empty: people need not know.
            fields: what JSON can hold; `definition` among them where one is concerned.
        """
        _print(self._stream(), self._results.result(event, text, fields))

    def listing(self, event: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Print a list.

        Args:
            event: what one row is, as `version`.
            columns: what people see of it.
            rows: all there is, by column.
        """
        _print(self._stream(), self._results.listing(event, columns, rows))

    def _stream(self) -> TextIO:
        return sys.stdout if self._is_stdout_free else sys.stderr

    def note(self, text: str) -> None:
        """Print a sentence that is no result."""
        if not self.quiet:
            _print(sys.stderr, f"{text}\n")

    def warn(self, text: str) -> None:
        """Print a sentence that the user should heed."""
        if not self.quiet:
            _print(sys.stderr, f"warning: {text}\n")
        if self.as_json:
            self.result("warning", text=text, message=text)

    def failure(self, error: BaseException, event: str = "error", **fields: Any) -> int:
        """Explain a failure, and return the exit code that it means."""
        lines = _explained(error, str(fields.get("definition", "")))
        _print(sys.stderr, "".join(f"{line}\n" for line in lines))
        code = exit_code_of(error)
        if self.as_json:
            self.result(event, **fields, **failure_fields(error), exit_code=code)
        if logging.getLogger().isEnabledFor(logging.DEBUG):
            logging.getLogger(__name__).debug("the failure in detail", exc_info=error)
        return code


def exit_code_of(error: BaseException) -> int:
    """Return what the process ends with after a failure; 1 for what nobody foresaw."""
    return error.exit_code if isinstance(error, BahubError | Interrupted) else 1


def failure_fields(error: BaseException) -> dict[str, Any]:
    """Return what machines may want to know of a failure."""
    if not isinstance(error, BahubError):
        return {"error": sentence_of(error)}
    fields: dict[str, Any] = {"error": error.message, "stage": error.stage, "details": list(error.details)}
    if error.hint:
        fields["hint"] = error.hint
    if isinstance(error, Refused):
        fields["code"] = error.code
        fields["status"] = error.status
    return fields


def sentence_of(error: BaseException) -> str:
    """Say in one sentence what went wrong, masked: joined to one line, a secret of several would not be found."""
    if isinstance(error, Interrupted):
        return f"interrupted by {error.name}"
    if isinstance(error, BahubError):
        return masked(f"{error.stage}: {error.message}" if error.stage else error.message)
    return masked(f"unexpected error: {type(error).__name__}: {error}").replace("\n", " ")


def _explained(error: BaseException, definition: str) -> list[str]:
    if isinstance(error, Misconfigured):
        lines = [f"configuration: {line}" for line in masked(error.message).splitlines()]
    else:
        lines = [f"error: {definition + ': ' if definition else ''}{' '.join(sentence_of(error).splitlines())}"]
    if isinstance(error, BahubError):
        lines += [f"  | {line}" for line in error.details]
        earlier = error.__context__
        if error.__cause__ is None and isinstance(earlier, BahubError) and not error.__suppress_context__:
            lines += [f"before that: {earlier.message}", *(f"  | {line}" for line in earlier.details)]
        if error.hint:
            lines.append(f"hint: {error.hint}")
    return lines


def _object(event: str, fields: Mapping[str, Any]) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    known = _masked_texts({"event": event, "time": now, **fields})  # before they are escaped
    line = json.dumps(known, ensure_ascii=False, default=lambda value: masked(str(value)))
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line) + "\n"


def _masked_texts(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {key: _masked_texts(item) for key, item in value.items()}
    return [_masked_texts(item) for item in value] if isinstance(value, list | tuple) else value


def prepare_streams() -> None:
    """See that printing cannot fail: a closed stream leads nowhere, what an encoding lacks is written as a number."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open until the end
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def nobody_reads(stream: TextIO) -> None:
    """Let a stream lead nowhere whose reader has gone; what is being done goes on."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def _printable(text: str) -> str:
    """Write control characters and the like escaped; lines stay lines."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def _print(stream: TextIO, text: str) -> None:
    if not text:
        return
    try:
        stream.write(_printable(masked(text)))
        stream.flush()
    except BrokenPipeError:
        nobody_reads(stream)
