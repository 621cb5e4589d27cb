"""What an answer means that is not the wanted one, as clauses for a person."""

from __future__ import annotations

from urllib.parse import urlsplit

from backup_repository.doctor.case import API
from backup_repository.doctor.conversation import Answer
from backup_repository.doctor.found import Found, fail, skip, warn

_LONGEST = 200
_FIRST_REDIRECT, _FIRST_REFUSAL = 300, 400
_UNAUTHENTICATED, _NOT_FOUND = 401, 404
_NO_TOKEN = "JWT Token not found"  # noqa: S105 - no password
"""What the server says when no token arrives, or more than one (contract 3.4)."""
_NEVERTHELESS = {
    502: "a proxy answers 502, it does not reach what is behind it; start `backup-repository serve`, and let the "
    "`upstream` blocks of router.conf and application.conf name the right address and socket",
    503: "it answers 503; look whether the server is being stopped, its database out of reach, or a limit of a proxy "
    "reached (`limit_req`, `limit_conn`)",
    504: "a proxy answers 504; what is behind it did not answer within `proxy_read_timeout`",
}
_JUDGED = {
    40302: skip(
        "The account of the token has no access to this collection; give it access, or take another collection."
    ),
    40308: skip(
        "The token may not upload to this collection: it needs `upload.all` and "
        "`collections.upload_to_allowed_collections`."
    ),
    40309: skip(
        "The token may not delete versions, so what is uploaded would stay: it needs "
        "`collections.delete_versions_for_allowed_collections`."
    ),
    40310: skip(
        "The token may not download versions: it needs `collections.fetch_single_version_file_in_allowed_collections`."
    ),
    40311: skip("The token may not list versions: it needs `collections.list_versions_for_allowed_collections`."),
    40322: fail("The account of the token has expired or is deactivated; prolong it, or take another token."),
    40323: warn(
        "The account of the token may not be used from here: look at its `allowedIpAddresses` and `allowedUserAgents`, "
        "and whether TRUSTED_PROXIES names the router, so that the server sees who asks."
    ),
    40324: fail("The token was revoked or used up; generate a new one for --token-file."),
    42005: skip("The instance is read-only (READ_ONLY)."),
}
"""What refusals say that lie in the token, the account or the instance."""


def unexpected(answer: Answer) -> str:
    """Say what answers, when it is not what should."""
    if _FIRST_REDIRECT <= answer.status < _FIRST_REFUSAL and "location" in answer.headers:
        place = without_query(answer.headers["location"]).partition(f"{API}/")[0]
        return f"it redirects to {place}; give that address, none is followed"
    message = said(answer)
    if answer.status in _NEVERTHELESS and "code" not in _without_status(answer):
        return _NEVERTHELESS[answer.status]
    if message:
        return f"it answers {answer.status}, {message}"
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    page = "an HTML page" if kind == "text/html" else "something else"
    by = f" (`Server: {shortened(answer.headers['server'])}`)" if "server" in answer.headers else ""
    return f"it answers {answer.status} with {page} in place of the JSON of Backup Repository{by}"


def said(answer: Answer) -> str:
    """Repeat the message of a refusal with its code; empty when there is none."""
    document = answer.document()
    message = document.get("error") or document.get("message")
    if not isinstance(message, str) or not message:
        return ""
    code = "" if answer.code in {None, answer.status} else f" (code: {answer.code})"
    return f'"{shortened(message)}"{code}'


def of_the_token(answer: Answer) -> Found | None:
    """Judge a refusal that lies in the token, the account, the collection or the instance; None: in something else."""
    if answer.status == _UNAUTHENTICATED and answer.document().get("message") == _NO_TOKEN:
        return fail(
            "The token does not reach the server: a layer in front drops or replaces the `Authorization` header; take "
            "`auth_basic` and `proxy_set_header Authorization` out of it."
        )
    if answer.status == _UNAUTHENTICATED and answer.document():
        return fail(f"The token is not accepted, {said(answer)}; generate a new one for --token-file.")
    if answer.code == answer.status == _NOT_FOUND:
        return fail("There is no such collection; look at --collection.")
    return _JUDGED.get(answer.code or 0)


def without_query(address: str) -> str:
    """Give an address without what may be secret in it."""
    try:
        parts = urlsplit(address)
        netloc = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "another address"
    return shortened(parts._replace(netloc=netloc, query="", fragment="").geturl())


def shortened(text: str) -> str:
    """Bound a text that somebody else wrote."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _without_status(answer: Answer) -> dict[str, object]:
    """Give the answer as JSON without a code that only repeats the status, as those of proxies do."""
    return {name: value for name, value in answer.document().items() if (name, value) != ("code", answer.status)}
