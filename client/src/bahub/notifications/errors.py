"""Reports unexpected exceptions to error handlers (contract B 3.9).

What leaves this machine is the kind of the exception, its text with secrets masked, and where in the program it
happened. Local variables, arguments of the process, its environment and requests stay here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from bahub.config.model import ErrorHandlerEntry
from bahub.masking import masked

_SECONDS = 10.0
"""How long sending may take; the process waits for it."""
_PRIVATE = ("request", "user", "extra", "breadcrumbs", "modules")
"""Parts of a report that nobody needs to understand a traceback, and that may hold what is private."""


def report(error: BaseException, handlers: Mapping[str, ErrorHandlerEntry], warn: Callable[[str], None]) -> None:
    """Report an unexpected exception to every handler; returns when all have it or were given up.

    Args:
        error: with its traceback.
        handlers: by name.
        warn: takes a sentence for the user when a handler could not be reached.
    """
    for name, entry in handlers.items():
        try:
            _report_to_sentry(error, entry)
        except Exception as trouble:  # noqa: BLE001 - the error that is reported matters, not this one
            warn(masked(f'Error handler "{name}" could not be told: {trouble}'))


def _report_to_sentry(error: BaseException, entry: ErrorHandlerEntry) -> None:
    try:
        import sentry_sdk  # noqa: PLC0415 - an extra that few need
        from sentry_sdk.utils import event_from_exception  # noqa: PLC0415 - likewise
    except ImportError:
        raise RuntimeError("sentry-sdk is not installed; `pip install 'bahub[sentry]'` installs it") from None
    client = sentry_sdk.Client(
        dsn=entry.url.reveal(),
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        auto_session_tracking=False,
        before_send=lambda event, _hint: cast("Any", _cleaned(cast("dict[str, Any]", event))),
    )
    event, hint = event_from_exception(error, client_options=client.options)
    client.capture_event(event, hint)
    client.close(timeout=_SECONDS)


def _cleaned(event: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in event.items() if key not in _PRIVATE}
    return cast("dict[str, Any]", _without_secrets(kept))


def _without_secrets(value: Any) -> Any:
    """Return a value with every text in it masked."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(item) for item in value]
    return value
