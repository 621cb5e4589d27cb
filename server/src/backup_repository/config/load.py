"""Settings from the environment, a configuration file and the defaults, checked (contract B 1.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backup_repository.config.adapters import ADAPTERS, storage_variable
from backup_repository.config.directories import Need, make
from backup_repository.config.model import Config, LocalStorage
from backup_repository.config.reader import Effective, Reader
from backup_repository.config.settings import VARIABLES
from backup_repository.config.sources import Sources
from backup_repository.config.storages import read_storages
from backup_repository.config.variable import Variable
from backup_repository.errors import ConfigurationError

_STORAGE_NAMES = frozenset({"FS_RW_NAME", "FS_RO_NAME"})
_LISTED = frozenset(variable.name for variable in VARIABLES if variable.listed)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a start found."""

    config: Config
    sources: tuple[Effective, ...]
    """Every variable in effect, known storages' ones at the end, in table order."""
    warnings: tuple[str, ...]
    """Sentences for the operator, `<variable or file>: <what is odd>`; without secrets."""


def load(environ: Mapping[str, str], file: Path | None, cwd: Path) -> Loaded:
    """Read and check every setting; directories are neither looked at nor made.

    Args:
        environ: the process environment.
        file: the file of `--config`; None: the one of `BACKUP_REPOSITORY_CONFIG`, else `.env` if it exists.
        cwd: the working directory, absolute; relative paths are relative to it.

    Raises:
        ConfigurationError: a setting is wrong; of several the first in table order.
    """
    return _load(environ, file, cwd, look=False)


def load_and_prepare(environ: Mapping[str, str], file: Path | None, cwd: Path) -> Loaded:
    """Read and check every setting, look at the directories they need, and make those missing below `./var`.

    Nothing is made when any setting is wrong. Arguments as for `load`.

    Raises:
        ConfigurationError: a setting is wrong, or its directory cannot be used; of several the first in table order.
    """
    loaded = _load(environ, file, cwd, look=True)
    prepare_directories(loaded.config, cwd)
    return loaded


def prepare_directories(config: Config, cwd: Path) -> None:
    """Make the missing directories below `./var`, mode 0700, and check all that the settings need.

    Raises:
        ConfigurationError: a directory cannot be used or made.
    """
    for variable, need in _needs(config):
        try:
            make(replace(need, path=cwd / need.path), cwd)
        except ValueError as error:
            raise ConfigurationError(variable.name, f"{error}; accepted: {variable.accepted}") from None


def _needs(config: Config) -> Iterator[tuple[Variable, Need]]:
    wanted = [(variable, getattr(config, variable.name.lower())) for variable in VARIABLES if variable.need is not None]
    for storage in (config.fs_rw, config.fs_ro):
        if isinstance(storage, LocalStorage):
            wanted += [(storage_variable(storage.name, key), storage.directory) for key in ADAPTERS["local"]]
    for variable, value in wanted:
        need = None if variable.need is None else variable.need(value)
        if need is not None:
            yield variable, need


def _load(environ: Mapping[str, str], file: Path | None, cwd: Path, *, look: bool) -> Loaded:
    sources = Sources(environ, file, cwd, _LISTED)
    reader = Reader(sources, cwd, look=look)
    values: dict[str, Any] = {}
    for variable in VARIABLES:
        values[variable.name] = reader.read(variable, values)
    written, read = values.pop("FS_RW_NAME"), values.pop("FS_RO_NAME")
    storages = read_storages(reader, written, read, _STORAGE_NAMES)
    _look_at_the_rest(reader)
    fields = {name.lower(): value for name, value in values.items()}
    config = Config(fs_rw=storages[written], fs_ro=storages[read], **fields)
    if config.health_check_code and config.health_check_code == config.metrics_code:
        sources.warnings.append("METRICS_CODE: equals HEALTH_CHECK_CODE; give each endpoint a code of its own")
    return Loaded(config, tuple(reader.effective), tuple(sources.warnings))


def _look_at_the_rest(reader: Reader) -> None:
    """Refuse or warn of what no setting has read, and of files that show secrets to everybody."""
    known = {effective.variable for effective in reader.effective}
    secrets = frozenset(effective.variable for effective in reader.effective if effective.secret)
    reader.sources.refuse_unknown(frozenset(known | {f"{name}_FILE" for name in secrets}))
    reader.sources.warn_of_open_file(secrets)
