"""Tells notifiers of events (contract B 3.9). A notifier that fails is a warning, never more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bahub.config.model import NotifierEntry
from bahub.masking import masked
from bahub.notifications.apprise import send_apprise
from bahub.notifications.event import Event
from bahub.notifications.hooks import send_chat, send_healthchecks
from bahub.notifications.trouble import NotTold

_Send = Callable[[NotifierEntry, Event], None]

_KINDS: Mapping[str, _Send] = {
    "slack": send_chat,
    "mattermost": send_chat,
    "healthchecks": send_healthchecks,
    "apprise": send_apprise,
}
"""What tells each type of notifier; `none` is not among them."""

_LONGEST_PAUSE = 8.0
"""Seconds between two attempts at most."""


@dataclass(frozen=True, slots=True)
class Notifiers:
    """Everybody who wants to hear of events."""

    entries: Mapping[str, NotifierEntry]
    warn: Callable[[str], None]
    """Takes a sentence for the user when somebody could not be told."""
    pause: Callable[[float], None] = time.sleep
    """Waits so many seconds between two attempts."""

    def tell(self, event: Event, names: Iterable[str] | None = None) -> None:
        """Tell an event to those who want it; returns when all were told or were given up.

        Args:
            event: what happened.
            names: whom to tell; None: all.
        """
        for name in self.entries if names is None else names:
            entry = self.entries[name]
            send = _KINDS.get(entry.type)
            if send is not None and (entry.events is None or event.name in entry.events):
                self._tell(entry, event, send)

    def _tell(self, entry: NotifierEntry, event: Event, send: _Send) -> None:
        trouble = _attempt(send, entry, event)
        for attempt in range(entry.max_retry_num):
            if not isinstance(trouble, NotTold):
                break
            self.pause(min(2.0**attempt, _LONGEST_PAUSE))
            trouble = _attempt(send, entry, event)
        if trouble is not None:
            self.warn(masked(f'Notifier "{entry.name}" could not be told of {event.name}: {trouble}'))


def _attempt(send: _Send, entry: NotifierEntry, event: Event) -> Exception | None:
    try:
        send(entry, event)
    except Exception as trouble:  # noqa: BLE001 - whatever a notifier does, the backup counts
        return trouble
    return None
