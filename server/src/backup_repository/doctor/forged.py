"""Whether somebody outside can name a file of the server (contract B 2.4, 4.2)."""

from __future__ import annotations

import secrets
from itertools import product

from backup_repository.doctor.answers import of_the_token, said, unexpected
from backup_repository.doctor.case import Case
from backup_repository.doctor.conversation import Answer
from backup_repository.doctor.found import Found, fail, ok, skip
from backup_repository.doctor.leftovers import removed

_HEADERS = ("X-Internal-Filename", "X_Internal_Filename")
_NAMINGS = ("versions", "backup", "backups", "version")
"""The upload location, and the other spellings of it, which are not in that location."""
_EMPTY, _LOOKED_UP = 42009, 42023
_DISTRUST = "named by somebody who may not hand one over"
"""What the server says when it does not even look, because it does not trust who asks."""
_MENDS = {
    "versions": "`proxy_set_header X-Internal-Filename $body_file` in the upload location of application.conf",
    "other": '`proxy_set_header X-Internal-Filename ""` in `location /` of application.conf',
}


def forged_header(case: Case) -> Found:
    """Name a file that is not there, in both spellings and on every upload path, with an empty body."""
    if case.lacking:
        return skip(f"Needs {case.lacking}.")
    distrusted = False
    for naming, header in product(_NAMINGS, _HEADERS):
        path = case.versions.removesuffix("versions") + naming
        forged = {header: f"doctor-{secrets.token_hex(8)}"}
        answer = case.confidential.ask("POST", path, {**case.bearer, **forged}, b"")
        if answer.code == _LOOKED_UP and not answer.proxied and (distrusted or _DISTRUST in said(answer)):
            distrusted = True
        elif answer.code != _EMPTY:
            return _judged(case, answer, naming, header)
    if distrusted:
        return ok("The server itself refuses `X-Internal-Filename` (42023), because it does not trust who asks.")
    return ok("`X-Internal-Filename` from outside is dropped, in both spellings and on every upload path.")


def _judged(case: Case, answer: Answer, naming: str, header: str) -> Found:
    refused = of_the_token(answer)
    if refused is not None:
        return refused
    if answer.status == 200:  # noqa: PLR2004 - a version was registered
        left = removed(case, answer)
        return fail(f"A file that `{header}` named was stored on .../{naming}{left}: set {_mend(naming, header)}.")
    if answer.code == _LOOKED_UP:
        return fail(_passed_through(answer, naming, header))
    replaced = answer.proxied and answer.code in {None, answer.status}
    mend = "; if a proxy says so in place of the server, set `proxy_intercept_errors off`" if replaced else ""
    return fail(f"An empty upload with `{header}` is not refused as such: {unexpected(answer)}{mend}.")


def _passed_through(answer: Answer, naming: str, header: str) -> str:
    if not answer.proxied:
        return (
            f"`{header}` is believed on this address (42023), which needs no proxy: take it out of TRUSTED_PROXIES, or "
            "let only the application NGINX reach the server."
        )
    return (
        f"`{header}` from outside reaches the server on .../{naming} (42023), where a name could be guessed: set "
        f"{_mend(naming, header)}, and drop the header in router.conf, too."
    )


def _mend(naming: str, header: str) -> str:
    mend = _MENDS.get(naming, _MENDS["other"])
    return mend if "-" in header else f"`underscores_in_headers off`, and {mend}"
