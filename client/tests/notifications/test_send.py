"""Notifiers are told of events through real connections."""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import replace

import pytest
from realm.hooks import Hook, mute, nobody

from bahub.config.model import NotifierEntry
from bahub.config.sections import EVENTS
from bahub.masking import MASK, Secret
from bahub.notifications.event import Event
from bahub.notifications.send import Notifiers

UPLOADED = Event("backup.uploaded", "db", "0f4f-id", "v3", 1_234_567_890, 3723.4)
FAILED = Event("backup.failed", "db", "0f4f-id", stage="source", reason="pg_dump ended with status 1\nno such role")


class Teller:
    """Notifiers that wait for nothing, and the warnings and pauses they made."""

    def __init__(self, *entries: NotifierEntry) -> None:
        self.warnings: list[str] = []
        self.pauses: list[float] = []
        self.notifiers = Notifiers({entry.name: entry for entry in entries}, self.warnings.append, self.pauses.append)


def entry(kind: str, url: str, name: str = "chat") -> NotifierEntry:
    return NotifierEntry(name, kind, Secret(url))


@pytest.mark.parametrize("kind", ["slack", "mattermost"])
@pytest.mark.parametrize("event", EVENTS)
def test_a_chat_hook_gets_one_text_for_each_event(chat: Hook, kind: str, event: str) -> None:
    """Case 57."""
    teller = Teller(entry(kind, f"{chat.url}/hook"))
    teller.notifiers.tell(replace(FAILED, name=event))
    (request,) = chat.requests
    assert request.path == "/hook"
    text = json.loads(request.body)["text"]
    for fact in ("db", "0f4f-id", "source", "no such role", socket.gethostname()):
        assert fact in text
    assert teller.warnings == []


def test_a_success_is_told_with_version_size_and_duration(chat: Hook) -> None:
    Teller(entry("slack", chat.url)).notifiers.tell(UPLOADED)
    assert json.loads(chat.requests[0].body)["text"].splitlines() == [
        f"Backup uploaded: db on {socket.gethostname()}",
        "Definition: db",
        "Collection: 0f4f-id",
        "Version: v3",
        "Size: 1.2 GB",
        "Duration: 1 h 2 min 3 s",
        f"Host: {socket.gethostname()}",
    ]


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ("backup.started", "/ping/uuid/start"),
        ("backup.uploaded", "/ping/uuid"),
        ("backup.failed", "/ping/uuid/fail"),
        ("restore.started", "/ping/uuid/start"),
        ("restore.restored", "/ping/uuid"),
        ("restore.failed", "/ping/uuid/fail"),
        ("scheduler.exception", "/ping/uuid/fail"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_healthchecks_gets_a_start_a_success_or_a_failure(chat: Hook, event: str, path: str, slash: str) -> None:
    """Case 57."""
    Teller(entry("healthchecks", f"{chat.url}/ping/uuid{slash}?x=1")).notifiers.tell(replace(FAILED, name=event))
    (request,) = chat.requests
    assert request.path == f"{path}?x=1"
    assert b"no such role" in request.body


# one of the modules that Apprise loads uses a part of Python that will be gone one day
_APPRISE = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@_APPRISE
@pytest.mark.parametrize("event", EVENTS)
def test_apprise_gets_a_title_and_a_text(chat: Hook, event: str) -> None:
    """Case 57."""
    teller = Teller(entry("apprise", f"{chat.url.replace('http', 'json')}/path"))
    teller.notifiers.tell(replace(FAILED, name=event))
    assert teller.warnings == []
    (request,) = chat.requests
    said = json.loads(request.body)
    assert said["title"].endswith(f": db on {socket.gethostname()}")
    assert "no such role" in said["message"]


def test_apprise_that_is_not_installed_is_a_warning_that_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    teller = Teller(entry("apprise", "json://127.0.0.1"))
    teller.notifiers.tell(UPLOADED)
    (warning,) = teller.warnings
    assert warning.endswith(": Apprise is not installed; `pip install 'bahub[apprise]'` installs it")
    assert teller.pauses == []


@_APPRISE
def test_an_address_that_apprise_does_not_know_is_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    teller = Teller(entry("apprise", "nonsense://quite-secret"))
    teller.notifiers.tell(UPLOADED)
    assert teller.warnings == [
        'Notifier "chat" could not be told of backup.uploaded: its url is none that Apprise knows'
    ]
    assert capfd.readouterr() == ("", "")


def test_the_silent_notifier_tells_nobody() -> None:
    teller = Teller(NotifierEntry("nobody", "none"))
    teller.notifiers.tell(UPLOADED)
    assert teller.warnings == []


def test_events_narrow_what_a_notifier_hears(chat: Hook) -> None:
    teller = Teller(replace(entry("slack", chat.url), events=("backup.failed",)))
    for event in EVENTS:
        teller.notifiers.tell(replace(FAILED, name=event))
    assert len(chat.requests) == 1


def test_notify_narrows_who_hears(chat: Hook) -> None:
    teller = Teller(entry("slack", f"{chat.url}/a", "a"), entry("slack", f"{chat.url}/b", "b"))
    teller.notifiers.tell(UPLOADED, ("b",))
    teller.notifiers.tell(UPLOADED, ())
    assert [request.path for request in chat.requests] == ["/b"]


def test_a_notifier_that_fails_is_tried_again_with_growing_pauses(chat: Hook) -> None:
    chat.answers = [500, 429, 503]
    teller = Teller(entry("slack", chat.url))
    teller.notifiers.tell(UPLOADED)
    assert len(chat.requests) == 4
    assert (teller.warnings, teller.pauses) == ([], [1.0, 2.0, 4.0])


def test_a_notifier_that_goes_on_failing_is_a_warning(chat: Hook) -> None:
    """Case 57."""
    chat.answers = [500] * 9
    teller = Teller(replace(entry("slack", chat.url), max_retry_num=2))
    teller.notifiers.tell(UPLOADED)
    assert len(chat.requests) == 3
    assert teller.warnings == ['Notifier "chat" could not be told of backup.uploaded: it answered 500']


@pytest.mark.parametrize("status", [301, 400, 404])
def test_any_answer_but_2xx_is_a_failure(chat: Hook, status: int) -> None:
    chat.answers = [status] * 9
    teller = Teller(entry("healthchecks", chat.url))
    teller.notifiers.tell(UPLOADED)
    assert teller.warnings == [f'Notifier "chat" could not be told of backup.uploaded: it answered {status}']


def test_any_2xx_is_a_success(chat: Hook) -> None:
    chat.answers = [204, 202]
    teller = Teller(entry("slack", chat.url, "a"), entry("healthchecks", chat.url, "b"))
    teller.notifiers.tell(UPLOADED)
    assert (len(chat.requests), teller.warnings) == (2, [])


def test_a_dead_notifier_is_a_warning_without_its_address(chat: Hook) -> None:
    """Case 57: the others are told all the same."""
    dead = nobody()
    teller = Teller(entry("slack", f"{dead}/a-secret-hook", "dead"), entry("slack", chat.url, "alive"))
    teller.notifiers.tell(UPLOADED)
    (warning,) = teller.warnings
    assert warning.startswith('Notifier "dead" could not be told of backup.uploaded: ConnectError')
    assert "a-secret-hook" not in warning
    assert len(chat.requests) == 1


def test_a_notifier_that_never_answers_is_given_up() -> None:
    with mute() as url:
        teller = Teller(replace(entry("slack", url), connection_timeout=0.05, max_retry_num=1))
        teller.notifiers.tell(UPLOADED)
    assert teller.warnings == ['Notifier "chat" could not be told of backup.uploaded: no answer within 0.05 s']


def test_an_address_that_is_none_is_not_tried_again() -> None:
    teller = Teller(entry("slack", "chat"), entry("healthchecks", "ftp://x.example", "hc"))
    teller.notifiers.tell(UPLOADED)
    assert [warning.rpartition(": ")[2] for warning in teller.warnings] == ["its url is no http(s) address"] * 2
    assert teller.pauses == []


def test_no_secret_is_told(chat: Hook) -> None:
    """Case 52."""
    Secret("the-database-password")
    teller = Teller(entry("slack", chat.url), entry("healthchecks", chat.url, "hc"))
    teller.notifiers.tell(replace(FAILED, reason="login with the-database-password failed"))
    for request in chat.requests:
        assert b"the-database-password" not in request.body
        assert MASK.encode() in request.body
