"""The options in front of the command (contract B 2.1)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import typer

from backup_repository.cli import output
from backup_repository.config.load import Loaded, load, load_and_prepare


@dataclass(frozen=True, slots=True)
class Options:
    """The options in front of the command."""

    config_file: Path | None
    verbose: bool

    def load(self) -> Loaded:
        """Load the settings without side effects and pass warnings on.

        Raises:
            ConfigurationError: a setting is wrong.
        """
        return _warned_of(load(os.environ, self.config_file, Path.cwd()))

    def prepare(self) -> Loaded:
        """Load the settings, make what is missing below `./var`, and pass warnings on.

        Raises:
            ConfigurationError: a setting is wrong or a directory cannot be used.
        """
        return _warned_of(load_and_prepare(os.environ, self.config_file, Path.cwd()))


def options_of(context: typer.Context) -> Options:
    """Return the options in front of the command."""
    return context.find_object(Options) or Options(None, verbose=False)


def _warned_of(loaded: Loaded) -> Loaded:
    for warning in loaded.warnings:
        output.note(f"warning: {warning}")
    return loaded
