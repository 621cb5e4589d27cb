"""Why somebody could not be told."""

from __future__ import annotations


class NotTold(Exception):
    """It did not work this time; trying again may help."""


class CannotTell(Exception):
    """It cannot work: trying again would not help."""
