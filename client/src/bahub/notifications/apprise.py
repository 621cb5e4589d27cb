"""The notifier `apprise`: any service that Apprise knows (contract B 3.9). Needs the extra of that name."""

from __future__ import annotations

import logging

from bahub.config.model import NotifierEntry
from bahub.notifications.event import Event, details, title
from bahub.notifications.trouble import CannotTell, NotTold


def send_apprise(entry: NotifierEntry, event: Event) -> None:
    """Tell an Apprise address.

    Raises:
        NotTold, CannotTell: it was not told.
    """
    try:
        import apprise  # noqa: PLC0415 - an extra that few need, and slow to load
    except ImportError:
        raise CannotTell("Apprise is not installed; `pip install 'bahub[apprise]'` installs it") from None
    logging.getLogger("apprise").addHandler(logging.NullHandler())  # else its own lines land on stderr, unmasked
    teller = apprise.Apprise()
    if entry.url is None or not teller.add(entry.url.reveal()):
        raise CannotTell("its url is none that Apprise knows")
    kind = apprise.NotifyType.FAILURE if event.failed else apprise.NotifyType.INFO
    result = teller.notify(body=details(event), title=title(event), notify_type=kind, timeout=entry.connection_timeout)
    if not result:
        raise NotTold(f"Apprise reports {result.status.name.lower()}")
