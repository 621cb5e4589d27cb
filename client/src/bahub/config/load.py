"""The configuration file as checked and resolved records (contract B 3.1).

Order: text → plain values with lines → `${NAME}` → each entry: secrets, schema, record → references between entries.
Every step notes problems and goes on, so that one run lists them all. Nothing is written and nothing is started.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from bahub.config.definitions import backups
from bahub.config.document import read
from bahub.config.entries import Entries, SchemaOf
from bahub.config.findings import Findings
from bahub.config.model import Config
from bahub.config.replace import Replacer
from bahub.config.secrets import Secrets, readable_by_others
from bahub.config.sections import TOP
from bahub.errors import Misconfigured, Problem

__all__ = ["STDIN", "SchemaOf", "load", "locate", "parse", "text_of"]

STDIN = Path("-")
"""Stands for standard input, by which the scheduler hands its configuration to the runs it starts."""


def locate(option: Path | None, environment: Mapping[str, str]) -> Path:
    """Return where the configuration is: `--config`, else the variable `CONFIG`, else `~/.bahub.yaml`."""
    if option is not None:
        return option
    if environment.get("CONFIG"):
        return Path(environment["CONFIG"])
    return Path("~/.bahub.yaml").expanduser()


def load(path: Path, environment: Mapping[str, str], *, adapter: SchemaOf, transport: SchemaOf) -> Config:
    """Read, check and resolve a configuration file; arguments and errors as for `text_of` and `parse`."""
    return parse(text_of(path), path, environment, adapter=adapter, transport=transport)


def text_of(path: Path) -> str:
    """Return the text of a configuration file.

    Raises:
        Misconfigured: it cannot be read.
    """
    try:
        content = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        problem = Problem("", f"there is no file {path}")
        raise Misconfigured([problem], hint="`bahub init` writes one; `--config` names another") from None
    except OSError as error:
        raise Misconfigured([Problem("", f"{path} cannot be read: {error.strerror}")]) from None
    except ValueError:
        raise Misconfigured([Problem("", f"{path} is not text in UTF-8")]) from None


def parse(text: str, path: Path, environment: Mapping[str, str], *, adapter: SchemaOf, transport: SchemaOf) -> Config:
    """Check and resolve a configuration.

    Args:
        text: what the file holds.
        path: where it is. `${CONFIG_DIR}` is its directory; with `STDIN` the variable `CONFIG_DIR` of the environment,
            else the working directory.
        environment: what `${NAME}` stands for; also `XDG_STATE_HOME` and `HOME`.
        adapter: returns the JSON Schema of an adapter's `spec` by its type; raises `Misconfigured` for unknown ones.
        transport: likewise for transports.

    Raises:
        Misconfigured: with every problem found, in the order of the document.
    """
    if path == STDIN:
        directory = Path(environment.get("CONFIG_DIR", "")).absolute()
    else:
        path = path.absolute()
        directory = path.parent
    findings = Findings()
    document = read(text, findings)
    replacer = Replacer(environment, directory, findings)
    data = replacer.value(document.data)
    entries = Entries(data, findings, replacer, Secrets(directory, replacer, findings))
    entries.check(data, TOP, ())
    accesses = entries.accesses()
    encryption = entries.encryption()
    transports = entries.transports(transport)
    notifiers = entries.notifiers()
    error_handlers = entries.error_handlers()
    made = backups(entries, adapter, accesses, encryption, transports)
    findings.finish()
    return Config(
        path=path,
        accesses={name: access for name, access in accesses.items() if access},
        encryption={name: entry for name, entry in encryption.items() if entry},
        transports={name: entry for name, entry in transports.items() if entry},
        backups=made,
        notifiers=notifiers,
        error_handlers=error_handlers,
        state_directory=_state_directory(data.get("state_directory"), entries.secrets, environment),
        warnings=(*_literal(path, entries.secrets), *findings.warnings),
    )


def _literal(path: Path, secrets: Secrets) -> tuple[str, ...]:
    if secrets.literal is None or not readable_by_others(path):
        return ()
    return (f"{path} holds a secret ({secrets.literal_path()}) and others can read it; chmod 600 it",)


def _state_directory(given: str | None, secrets: Secrets, environment: Mapping[str, str]) -> Path:
    if given is not None:
        return secrets.path(given)
    base = environment.get("XDG_STATE_HOME", "")
    if not Path(base).is_absolute():
        base = str(Path(environment.get("HOME") or Path.home()) / ".local" / "state")
    return Path(base) / "bahub"
