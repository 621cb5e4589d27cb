"""The page about a failure: the error's words and code, and what they mean for who reads them.

It asks no database: that may be what has failed.
"""

from __future__ import annotations

import http

from starlette.responses import Response

from backup_repository.errors import DomainError
from backup_repository.web.notices import BAD, Notice, explained, status_of, tell_when
from backup_repository.web.visit import Visit

_UNTOUCHED = "Nothing was changed. The reason stands above."
_MEANS = {
    400: _UNTOUCHED,
    403: _UNTOUCHED,
    404: "There is nothing at this address, or not any more.",
    405: "This address does something else.",
    413: "Nothing was changed. Send less at once.",
    429: "Nothing was changed. Wait a while, then try again.",
    500: "Whoever runs this server finds the reason in its log.",
    503: "Try again in a moment. Whoever runs this server finds the reason in its log.",
}


def page_about(visit: Visit, error: DomainError) -> Response:
    """Show what the product refuses knowingly."""
    response = failure_page(visit, status_of(error), explained(error), error.code)
    tell_when(response, error)
    return response


def failure_page(visit: Visit, status: int, notice: Notice, code: object = None) -> Response:
    """Show a failure.

    Args:
        visit: who is told.
        status: of the answer.
        notice: what it says.
        code: the number of contract 1.5; None: the status is all there is.
    """
    heading = "Not found" if status == http.HTTPStatus.NOT_FOUND else "That did not work"
    return visit.page(
        "failed.html",
        status=status,
        notices=(notice,),
        heading=heading,
        means=_MEANS.get(status, "The reason stands above."),
        code=status if code is None else code,
    )


def bad(words: str) -> Notice:
    """Make the notice of a failure that is known by its words alone."""
    return Notice(BAD, words)
