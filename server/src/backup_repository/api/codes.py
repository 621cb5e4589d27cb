"""Every code that a refusal can carry, for the API's description (contract 1.3, 1.5).

The statuses and types are those that `errors.py` sends; the page of error codes says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a number means."""

    status: int
    type: str
    """As in the envelope (contract 1.3)."""
    meaning: str


def _rule(meaning: str) -> Code:
    return Code(400, "validation.error", meaning)


def _denied(meaning: str) -> Code:
    return Code(403, "request.auth-error", meaning)


def _missing(meaning: str) -> Code:
    return Code(404, "app.not-found", meaning)


def _fatal(status: int, meaning: str) -> Code:
    return Code(status, "app.fatal-error", meaning)


CODES: Mapping[int, Code] = {
    400: _fatal(400, "the request breaks the protocol, or names a host that is not served"),
    401: Code(401, "request.auth-error", "no token, one that is damaged or expired, or one of an account that is gone"),
    403: _fatal(403, "the code is wrong or missing, or the instance has none"),
    404: _missing("no such thing"),
    408: _fatal(408, "the body paused for too long"),
    412: _fatal(412, "a condition of the request does not hold"),
    413: _fatal(413, "the JSON body is larger than 1 MiB"),
    417: _fatal(417, "an expectation other than 100-continue"),
    500: _fatal(500, "a failure of the server"),
    503: _fatal(503, "the database is out of reach, or the server is stopping"),
    40001: _rule("the id or the e-mail is taken"),
    40003: _rule("the text is too long"),
    40005: _rule("missing, or not an e-mail address"),
    40006: _rule("missing, or shorter than 8 characters"),
    40007: _rule("longer than 1024 characters"),
    40008: _rule("no special character in it"),
    40009: _rule("begins or ends with white space"),
    40010: _rule("not the name of a permission that may be used here; the text lists those"),
    40021: _rule("the chosen id is not a UUID"),
    40100: _rule("the chosen id is taken"),
    40101: _rule("the chosen id is not a UUID"),
    40102: _rule("more versions than the instance allows; the text names the maximum"),
    40103: _rule("one version may be larger than the instance allows; the text names the maximum"),
    40104: _rule("the collection may be larger than the instance allows; the text names the maximum"),
    40105: _rule("one version may be larger than the whole collection"),
    40106: _rule("the collection is smaller than its number of versions times their size; the text names the need"),
    40107: _rule("the new limits are below what is already stored"),
    40108: _rule("the collection still has versions"),
    40109: _rule("larger than the collection's limit for one version, or than the account's maximum"),
    40300: _denied("may not create users"),
    40301: _denied("may not choose the ids of users"),
    40302: _denied("may not read this collection or this stored file"),
    40303: _denied("may not delete this collection or this user"),
    40304: _denied("may not use this listing"),
    40305: _denied("may not choose the ids of collections"),
    40306: _denied("may not create collections, or may not leave limits unlimited"),
    40307: _denied("may not edit this collection, or may not see who has access to it"),
    40308: _denied("may not upload to this collection, or may not manage access to it"),
    40309: _denied("may not delete versions"),
    40310: _denied("may not download versions"),
    40311: _denied("may not list versions"),
    40312: _denied("may not use technical output"),
    40313: _denied("may not look up users"),
    40314: _denied("may not search for users"),
    40315: _denied("tries to give permissions that the giver does not hold"),
    40316: _denied("may not generate this token"),
    40317: _denied("may not list the tokens of this user"),
    40318: _denied("may not revoke this token"),
    40319: _denied("may not change this password: wrong owner, wrong current password, or the repetition differs"),
    40320: _denied("may not edit this user, or not these properties"),
    40321: _denied("may not list permissions"),
    40322: _denied("the account has expired or is deactivated"),
    40323: _denied("this address or user agent is not allowed for the account"),
    40324: _denied("the token is revoked, used up, or was never recorded"),
    40325: Code(429, "request.auth-error", "too many failed log-ins; Retry-After says for how many seconds to wait"),
    41010: _rule("the upload would exceed the size of the collection"),
    41011: _rule("this collection already stores these bytes"),
    41012: _rule("the collection is full, and its strategy is to refuse"),
    41013: _rule("the version belongs to another collection"),
    41014: _rule("the date is not understood, or the lifetime is out of bounds"),
    42000: _missing("no stored file of that name"),
    42001: _fatal(503, "the storage refuses access: permissions, or a read-only mount"),
    42002: _fatal(500, "a registered file is missing on the storage"),
    42003: _fatal(503, "the storage is unavailable or full"),
    42004: _fatal(500, "the storage returned other bytes than were written"),
    42005: _fatal(503, "the instance is read-only"),
    42006: Code(416, "request.format-error", "the byte range cannot be satisfied"),
    42008: _fatal(400, "a multipart body without a complete file part"),
    42009: _fatal(400, "an empty or incomplete body"),
    42010: _rule("missing, negative, or not a size"),
    42011: _rule("missing or empty"),
    42012: _rule("forbidden characters, or longer than 200"),
    42013: _fatal(500, "a path would lead out of the storage"),
    42016: _rule("the number is negative"),
    42021: _rule("missing or unknown; the text lists the two that exist"),
    42023: _fatal(
        400, "the reverse proxy's body file is missing, no plain file, or named by a peer that is not trusted"
    ),
    42024: _fatal(400, "the body does not match the integrity header, or the header cannot be read"),
    50000: Code(400, "request.format-error", "the body is not a JSON object"),
    50002: _rule("missing, or of the wrong type"),
    50003: _rule("the limit is too high"),
    50004: _rule("the limit is too low"),
    50005: _rule("the page is below 1"),
}
"""By number; below 1000 where the number repeats the HTTP status."""
