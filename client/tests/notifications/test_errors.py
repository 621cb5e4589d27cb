"""Unexpected exceptions reach the error handlers, and nothing private with them."""

from __future__ import annotations

import json
import sys

import pytest
from realm.hooks import Hook, nobody

from bahub.config.model import ErrorHandlerEntry
from bahub.masking import MASK, Secret
from bahub.notifications.errors import report


def handlers(url: str) -> dict[str, ErrorHandlerEntry]:
    return {"errors": ErrorHandlerEntry("errors", "sentry", Secret(url))}


def dsn(hook: Hook) -> str:
    return f"{hook.url.replace('://', '://public-key@')}/1"


def look_up(secret: str) -> str:
    local_variable = secret
    return {"columns": ""}[f"no column for {local_variable}"]


def crash() -> Exception:
    """Return an exception with its traceback, a secret in its text and in a variable."""
    with pytest.raises(KeyError) as raised:
        look_up(Secret("quite-a-password").reveal())
    return raised.value


def test_an_exception_is_reported_with_its_place(chat: Hook) -> None:
    """Case 57."""
    warnings: list[str] = []
    report(crash(), handlers(dsn(chat)), warnings.append)
    assert warnings == []
    (request,) = chat.requests
    _, header, event = request.body.splitlines()
    assert json.loads(header)["type"] == "event"
    (exception,) = json.loads(event)["exception"]["values"]
    assert exception["type"] == "KeyError"
    assert exception["stacktrace"]["frames"][-1]["function"] == "look_up"


def test_no_secret_and_no_variable_is_reported(chat: Hook) -> None:
    """Case 52."""
    report(crash(), handlers(dsn(chat)), print)
    (request,) = chat.requests
    said = json.loads(request.body.splitlines()[2])
    assert "quite-a-password" not in request.body.decode()
    assert MASK in said["exception"]["values"][0]["value"]
    for frame in said["exception"]["values"][0]["stacktrace"]["frames"]:
        assert "vars" not in frame
    for private in ("request", "user", "extra", "breadcrumbs", "modules"):
        assert private not in said


def test_a_handler_that_cannot_be_reached_does_no_harm() -> None:
    warnings: list[str] = []
    report(crash(), handlers(f"{nobody().replace('://', '://key@')}/1"), warnings.append)
    report(crash(), handlers("no dsn at all"), warnings.append)
    assert len(warnings) == 1
    assert warnings[0].startswith('Error handler "errors" could not be told: ')


def test_sentry_that_is_not_installed_is_a_warning_that_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    warnings: list[str] = []
    report(crash(), handlers("https://key@errors.example.org/1"), warnings.append)
    (warning,) = warnings
    assert warning.endswith(": sentry-sdk is not installed; `pip install 'bahub[sentry]'` installs it")
