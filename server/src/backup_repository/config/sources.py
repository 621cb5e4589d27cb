"""Where the text of a setting comes from: environment, configuration file, default (contract B 1.1)."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from backup_repository.config.files import parse_lines, parse_toml
from backup_repository.config.variable import Variable
from backup_repository.errors import ConfigurationError

CONFIG_FILE_VARIABLE = "BACKUP_REPOSITORY_CONFIG"
"""The environment variable that names the configuration file."""
_READABLE_BY_EVERYBODY = "holds a secret and is readable by everybody; take that right away from others"


class Source(StrEnum):
    """Where an effective value comes from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Given:
    """The text of one setting and where it comes from."""

    text: str = field(repr=False)
    source: Source


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source gives; None stands for a TOML value that no setting can have."""

    source: Source
    values: Mapping[str, str | None] = field(repr=False)
    path: Path | None = None
    """The configuration file."""
    strict: bool = False
    """An unknown name is an error (TOML) instead of a warning."""


class Sources:
    """Every source of one start, the highest-ranked first."""

    def __init__(self, environ: Mapping[str, str], file: Path | None, cwd: Path, listed: frozenset[str]) -> None:
        """Read the configuration file, if there is one.

        Args:
            environ: the process environment.
            file: the file of `--config`.
            cwd: the working directory, which relative paths are relative to.
            listed: variables that a TOML array may give.

        Raises:
            ConfigurationError: the file cannot be read, or is not what its name promises.
        """
        self._cwd = cwd
        self.layers = [Layer(Source.ENVIRONMENT, environ)]
        self.warnings: list[str] = []
        chosen = _chosen_file(environ, file, cwd)
        if chosen is not None:
            self.layers.append(_file_layer(*chosen, listed))

    def given(self, variable: Variable, default: str) -> Given:
        """Return the text of a variable; a set but empty one gives the default whatever lower sources say.

        Raises:
            ConfigurationError: both forms of a secret stand in one source, or its file cannot be read.
        """
        for layer in self.layers:
            if variable.secret and variable.name in layer.values and variable.file_name in layer.values:
                raise ConfigurationError(
                    variable.name, f"is given directly and as {variable.file_name}; accepted: one of them"
                )
        for layer in self.layers:
            text = self._text(variable, layer)
            if text is not None:
                return Given(text, layer.source) if text else Given(default, Source.DEFAULT)
        return Given(default, Source.DEFAULT)

    def _text(self, variable: Variable, layer: Layer) -> str | None:
        if variable.name in layer.values:
            text = _checked(layer.values[variable.name], variable.name, variable.accepted)
            return text if variable.secret else text.strip()
        if variable.secret and variable.file_name in layer.values:
            name = _checked(layer.values[variable.file_name], variable.file_name, "the path of a file").strip()
            return self._secret(variable, self._cwd / name) if name else ""
        return None

    def _secret(self, variable: Variable, path: Path) -> str:
        """Read a secret's file. The path is not repeated: somebody may have put the secret itself there."""
        try:
            text = path.read_bytes().decode()
        except OSError as error:
            problem = f"the file it names cannot be read: {error.strerror}"
            raise ConfigurationError(variable.file_name, f"{problem}; accepted: the path of a file") from None
        except ValueError:
            raise ConfigurationError(variable.file_name, "the file it names does not hold UTF-8 text") from None
        text = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
        if not text:
            raise ConfigurationError(
                variable.file_name, f"the file it names is empty; accepted: a file with {variable.accepted}"
            )
        if _readable_by_everybody(path):
            self._warn(f"{variable.file_name}: the file it names {_READABLE_BY_EVERYBODY}")
        return _checked(text, variable.name, variable.accepted)

    def warn_of_open_file(self, secrets: frozenset[str]) -> None:
        """Warn when everybody can read a configuration file in which one of these secrets stands."""
        for layer in self.layers:
            held = any(layer.values.get(secret) for secret in secrets)
            if layer.path is not None and held and _readable_by_everybody(layer.path):
                self._warn(f"{layer.path}: {_READABLE_BY_EVERYBODY}")

    def refuse_unknown(self, known: frozenset[str]) -> None:
        """Refuse unknown names in TOML, warn of them in `NAME=value` lines and ignore them in the environment.

        Raises:
            ConfigurationError: a TOML file holds a name that is none of `known`.
        """
        for layer in self.layers:
            unknown = sorted(set(layer.values) - known)
            if layer.path is None or not unknown:
                continue
            if layer.strict:
                problem = f"is no setting, but stands in {layer.path}; accepted: the names that `config show` lists"
                raise ConfigurationError(unknown[0], problem)
            self._warn(f"{layer.path}: unknown and ignored: {', '.join(unknown)}")

    def _warn(self, warning: str) -> None:
        if warning not in self.warnings:
            self.warnings.append(warning)


def _chosen_file(environ: Mapping[str, str], file: Path | None, cwd: Path) -> tuple[Path, str] | None:
    """Return the configuration file and what messages call the choice of it."""
    if file is not None:
        return cwd / file, "--config"
    if named := environ.get(CONFIG_FILE_VARIABLE):
        return cwd / named, CONFIG_FILE_VARIABLE
    usual = cwd / ".env"
    return (usual, ".env") if usual.exists() and not usual.is_dir() else None


def _file_layer(path: Path, chosen_by: str, listed: frozenset[str]) -> Layer:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(chosen_by, f"the configuration file cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(chosen_by, "the configuration file is not UTF-8 text") from None
    if path.name.endswith(".toml"):
        return Layer(Source.FILE, parse_toml(text, path.name, listed), path, strict=True)
    return Layer(Source.FILE, parse_lines(text, path.name), path)


def _checked(text: str | None, name: str, accepted: str) -> str:
    """Return a text that can be written anywhere again."""
    if text is None:
        raise ConfigurationError(name, f"is of a TOML type that no setting has; accepted: {accepted}")
    if "\0" in text or not _is_unicode(text):
        raise ConfigurationError(name, f"is not UTF-8 text; accepted: {accepted}")
    return text


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _readable_by_everybody(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IROTH)
