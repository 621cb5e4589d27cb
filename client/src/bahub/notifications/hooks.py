"""Notifiers that are one HTTP request: chat hooks and healthchecks (contract B 3.9)."""

from __future__ import annotations

import httpx

from bahub.config.model import NotifierEntry
from bahub.notifications.event import Event, details, title
from bahub.notifications.trouble import CannotTell, NotTold

_MOST_REASON = 10_000
"""Characters of a reason that healthchecks keeps."""
_SUCCESS = range(200, 300)
_REFUSED_FOR_GOOD = range(400, 500)
_TRY_LATER = frozenset({408, 425, 429})


def send_chat(entry: NotifierEntry, event: Event) -> None:
    """Tell a Slack or Mattermost hook.

    Raises:
        NotTold, CannotTell: it was not told.
    """
    _post(entry, _address(entry), json={"text": f"{title(event)}\n{details(event)}"})


def send_healthchecks(entry: NotifierEntry, event: Event) -> None:
    """Tell a healthchecks address that something starts, ended or failed; the reason is the body.

    Raises:
        NotTold, CannotTell: it was not told.
    """
    ending = "/start" if event.started else "/fail" if event.failed else ""
    url = httpx.URL(_address(entry))
    url = url.copy_with(path=url.path.rstrip("/") + ending)
    _post(entry, str(url), content=f"{title(event)}\n{details(event)}"[:_MOST_REASON])


def _address(entry: NotifierEntry) -> str:
    return entry.url.reveal() if entry.url else ""


def _post(entry: NotifierEntry, url: str, *, json: object = None, content: str | None = None) -> None:
    """Send one request; any 2xx is success. Texts of errors never hold the address, which is a secret."""
    body = None if content is None else content.encode()
    try:
        with httpx.stream("POST", url, json=json, content=body, timeout=entry.connection_timeout) as answer:
            status = answer.status_code  # what it says besides may be endless, and matters to nobody
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
        raise CannotTell("its url is no http(s) address") from None
    except httpx.TimeoutException:
        raise NotTold(f"no answer within {entry.connection_timeout:g} s") from None
    except httpx.HTTPError as error:
        raise NotTold(f"{type(error).__name__}: {error}") from None
    if status in _SUCCESS:
        return
    if status in _REFUSED_FOR_GOOD and status not in _TRY_LATER:
        raise CannotTell(f"it answered {status}")
    raise NotTold(f"it answered {status}")
