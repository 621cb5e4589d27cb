"""Is this form from one of our own pages? Every write is asked, also those of guests."""

from __future__ import annotations

import hashlib
import hmac

from starlette.datastructures import Headers

FIELD = "csrf"
"""The form's field that holds the signature."""


def signature(secret: str) -> str:
    """Return what forms made for the holder of this secret carry."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def is_ours(headers: Headers, given: str, secret: str, origins: frozenset[str]) -> bool:
    """Whether a form was made for this very session, and the browser says nothing against it.

    Args:
        headers: of the request.
        given: the signature that the form carries.
        secret: of the session or the guest.
        origins: what may stand in `Origin`.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    # what every current browser says of itself decides; it knows better than we do behind a proxy that says little
    at_home = site == "same-origin" if site is not None else origin is None or origin in origins
    return at_home and hmac.compare_digest(signature(secret).encode(), given.encode(errors="replace"))
