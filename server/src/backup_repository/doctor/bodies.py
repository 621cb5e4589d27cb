"""Whether bodies pass as they should: how large, how directly, how slowly (contract B 2.4).

No body here can become a version. What is sent without a token goes to a collection that does not exist; what is sent
with one carries a digest that no content has, so that the server must refuse it.
"""

from __future__ import annotations

import math
import time

from backup_repository.doctor.address import is_ours
from backup_repository.doctor.answers import said, shortened, unexpected
from backup_repository.doctor.case import Case
from backup_repository.doctor.conversation import Answer, Conversation
from backup_repository.doctor.found import Found, fail, ok, skip, warn
from backup_repository.doctor.trouble import Cut
from backup_repository.doctor.wire import Wire
from backup_repository.sizes import format_size

_TOO_LARGE, _TIMED_OUT, _GATEWAY_TIMED_OUT = 413, 408, 504
_GAVE_UP = frozenset({502, 503, _GATEWAY_TIMED_OUT})
_EXPECTATION_FAILED = 417
_RECEIVED = "x-body-receive-seconds"
_PIECES, _PIECE = 10, b"paced" * 20
_TICK = 1.0
"""Seconds between two signs of life during the pause."""
_NO_CONTENT_HAS_IT = {"X-Checksum-Sha256": "0" * 64}


def body_size(case: Case) -> Found:
    """Announce the size, read the verdict, hang up before the first byte."""
    with case.anonymous.open() as conversation:
        announced = {"Content-Length": str(case.size), "Expect": "100-continue"}
        conversation.send(case.anonymous.head("POST", case.nowhere, announced))
        answer = conversation.hear(case.patience.answer / 2, until_continue=True)
        if answer is None and conversation.continued:
            answer = conversation.hear(case.patience.verdict)
        return _of_the_size(case, answer, invited=conversation.continued)


def _of_the_size(case: Case, answer: Answer | None, *, invited: bool) -> Found:
    size = format_size(case.size)
    if answer is None or is_ours(answer):
        if answer is None and not invited:
            return warn(f"Nothing answered the announcement of {size}: a layer ignores `Expect: 100-continue`.")
        return ok(f"No layer refuses a body of {size}.")
    if answer.status == _TOO_LARGE:
        layer = "a layer behind the first one (application.conf)" if invited else _first_layer(case, answer)
        return fail(f"A body of {size} is refused by {layer}: raise `client_max_body_size` there, and in the others.")
    if answer.status == _EXPECTATION_FAILED:
        return warn(f"A layer refuses `Expect: 100-continue`, so nobody knows whether {size} would pass.")
    return fail(f"A body of {size} cannot be announced: {unexpected(answer)}.")


def _first_layer(case: Case, answer: Answer) -> str:
    server = answer.headers.get("server", "")
    named = f", `Server: {shortened(server)}`" if server else ""
    return f"the first layer ({_first_file(case) if answer.document() else 'a proxy of its own'}{named})"


def _first_file(case: Case) -> str:
    """Name the file that configures the layer at the address; TLS ends in the router."""
    return "router.conf" if case.target.encrypted else "router.conf, or application.conf when this is its own address"


def buffering(case: Case) -> Found:
    """Send a small body slowly and see whether it arrived as slowly."""
    seconds, answer = _paced(case, chunked=True)
    received = _received(answer)
    if received is None:
        return skip(
            "No answer tells how long the body took (`X-Body-Receive-Seconds`): the application NGINX is not on the "
            "way, or its upload location lacks that `add_header`."
        )
    if received >= seconds / 2:
        return ok(f"Bodies arrive while they are sent: {received:.1f} of {seconds:.1f} s.")
    seconds, answer = _paced(case, chunked=False)
    received = _received(answer)
    if received is not None and received >= seconds / 2:
        return warn(
            "A layer in front buffers chunked uploads, though not those of a known length: set "
            "`proxy_http_version 1.1` in router.conf."
        )
    return warn(
        "A layer in front buffers whole uploads before it passes them on: set `proxy_request_buffering off` (and "
        "`proxy_http_version 1.1`) in router.conf and whatever is in front of it."
    )


def _paced(case: Case, *, chunked: bool) -> tuple[float, Answer]:
    """Send a body in equal pieces and pauses; returns for how long, and the answer.

    Raises:
        Cut: no answer came.
    """
    coding = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(_PIECES * len(_PIECE))}
    piece = _chunk(_PIECE) if chunked else _PIECE
    with case.anonymous.open() as conversation:
        conversation.send(case.anonymous.head("POST", case.nowhere, coding))
        begun = time.monotonic()
        for _ in range(_PIECES):
            conversation.send(piece)
            if (early := conversation.hear(case.patience.pacing / _PIECES)) is not None:
                return time.monotonic() - begun, early
        if chunked:
            conversation.send(_chunk(b""))
        return time.monotonic() - begun, _heard(case, conversation)


def _received(answer: Answer) -> float | None:
    try:
        seconds = float(answer.headers[_RECEIVED])
    except (KeyError, ValueError):
        return None
    return seconds if math.isfinite(seconds) else None


def pauses(case: Case) -> Found:
    """Pause in the middle of a body."""
    if case.pause == 0:
        return skip("Not done: --pause is 0.")
    found = _paused(case, case.anonymous, case.nowhere, {})
    if found is not None:
        return found
    if case.lacking:
        return skip(f"The server refuses a guest before it reads the body; give {case.lacking}.")
    found = _paused(case, case.confidential, case.versions, {**case.bearer, **_NO_CONTENT_HAS_IT})
    return found or skip("The server refuses the token before it reads the body, as the other checks explain.")


def _paused(case: Case, wire: Wire, path: str, headers: dict[str, str]) -> Found | None:
    """Pause in one request; None: it was refused before the pause could matter."""
    with wire.open() as conversation:
        conversation.send(wire.head("POST", path, {"Transfer-Encoding": "chunked", **headers}) + _chunk(_PIECE))
        begun = time.monotonic()
        try:
            answer = _heard_meanwhile(case, conversation)
        except Cut:
            return _cut(time.monotonic() - begun, case, None)
        if answer is not None:
            early = time.monotonic() - begun
            return None if not _gave_up(answer) and said(answer) else _not_waited_out(early, case, answer)
        try:
            conversation.send(_chunk(_PIECE) + _chunk(b""))
            answer = _heard(case, conversation)
        except Cut:
            return _cut(case.pause, case, None)
    if _gave_up(answer) or not said(answer):
        return _not_waited_out(case.pause, case, answer)
    return ok(f"A pause of {case.pause:g} s in the middle of a body is waited out.")


def _heard_meanwhile(case: Case, conversation: Conversation) -> Answer | None:
    ends = time.monotonic() + case.pause
    while (left := ends - time.monotonic()) > 0:
        case.tell(f"time-outs: pausing, {left:.0f} s left")
        if (answer := conversation.hear(min(left, _TICK))) is not None:
            return answer
    return None


def _gave_up(answer: Answer) -> bool:
    """Whether a layer says that it waited for too long, in its own name."""
    by_proxy = answer.proxied and answer.status in _GAVE_UP and answer.code in {None, answer.status}
    return by_proxy or answer.status == _TIMED_OUT


def _not_waited_out(after: float, case: Case, answer: Answer) -> Found:
    if _gave_up(answer):
        return _cut(after, case, answer)
    return fail(f"An upload in pieces is not taken: {unexpected(answer)}.")


def _cut(after: float, case: Case, answer: Answer | None) -> Found:
    if answer is None:
        where = f"`client_body_timeout` in {_first_file(case)}, or the idle time-out of what is in front of it"
    elif not answer.proxied:
        where = "LONG_EXECUTION_TIME of the server"
    elif answer.status == _GATEWAY_TIMED_OUT:
        where = "`proxy_read_timeout` in router.conf, or the idle time-out of what is in front of it"
    elif answer.status == _TIMED_OUT:
        where = "`client_body_timeout`, or the idle time-out of what is in front of router.conf"
    else:
        where = "`client_body_timeout` in application.conf"
    how = "without an answer" if answer is None else f"with status {answer.status}"
    return fail(
        f"An upload that paused was cut after {after:.0f} of {case.pause:g} s, {how}: raise {where}; the shipped files "
        "hold this and `proxy_read_timeout` at 3600s."
    )


def _heard(case: Case, conversation: Conversation) -> Answer:
    answer = conversation.hear(case.patience.answer)
    if answer is None:
        raise Cut(words=f"no answer came within {case.patience.answer:g} s")
    return answer


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
