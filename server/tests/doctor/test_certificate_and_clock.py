"""Certificates that cannot be trusted, or not for long, and clocks that differ (case 24)."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from world.authority import Authority
from world.examination import HEALTH_CODE, NAME, FrontMaker, collection_id, examined, public, with_certificate
from world.impostor import impostor, page
from world.instance import Server

from backup_repository.doctor.conversation import Conversation
from backup_repository.doctor.found import Verdict

GUEST = '{"code": 401, "message": "JWT Token not found", "type": "request.auth-error"}'
UNTRUSTED: dict[str, tuple[Callable[[Authority], tuple[Path, Path]], str]] = {
    "expired": (lambda authority: authority.sign(NAME, ends=-1), "has expired; renew it"),
    "not yet valid": (lambda authority: authority.sign(NAME, begins=1), "not valid yet"),
    "of another host": (lambda authority: authority.sign("elsewhere.example.org"), f"not made for {NAME}"),
    "self-signed": (lambda authority: authority.self_signed(NAME), "is self-signed"),
}


@pytest.mark.parametrize("kind", UNTRUSTED)
def test_a_certificate_that_cannot_be_trusted_is_a_failure_and_no_secret_is_sent(
    served: Server, fronted_with: FrontMaker, authority: Authority, kind: str
) -> None:
    """Case 24."""
    make, words = UNTRUSTED[kind]
    running = fronted_with(router=with_certificate(*make(authority)))
    secrets: dict[str, Any] = {
        "token": served.token,
        "health_code": HEALTH_CODE,
        "collection": collection_id(served.create_collection()),
    }
    found = examined(public(running), **secrets)
    assert found["TLS"].verdict is Verdict.FAIL
    assert words in found["TLS"].sentence
    for name in ("forged hand-over header", "health", "round trip"):
        assert found[name].verdict is Verdict.SKIP
        assert "No secret is sent" in found[name].sentence
    assert found["clock"].verdict is found["body size"].verdict is found["closed endpoints"].verdict is Verdict.OK
    log = running.router.access_log.read_text()
    assert "/health" in log
    assert collection_id(secrets["collection"]) not in log

    insecure = examined(public(running), **secrets, insecure=True)
    assert insecure["TLS"].verdict is Verdict.WARN
    assert words in insecure["TLS"].sentence
    assert {finding.verdict for name, finding in insecure.items() if name not in {"TLS", "time-outs"}} == {Verdict.OK}


def test_a_certificate_of_an_unknown_authority_is_a_failure(
    fronted_with: FrontMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Authority.make(tmp_path)
    running = fronted_with(router=with_certificate(*stranger.sign(NAME)))
    found = examined(public(running))
    assert found["TLS"].verdict is Verdict.FAIL
    assert "`ssl_certificate` must hold the chain" in found["TLS"].sentence
    monkeypatch.setenv("SSL_CERT_FILE", str(stranger.file))
    assert examined(public(running))["TLS"].verdict is Verdict.OK


@pytest.mark.parametrize(("days", "verdict"), [(13.9, Verdict.WARN), (14.1, Verdict.OK)])
def test_a_certificate_that_ends_within_fourteen_days_is_a_warning(
    fronted_with: FrontMaker, authority: Authority, days: float, verdict: Verdict
) -> None:
    """Case 24."""
    running = fronted_with(router=with_certificate(*authority.sign(NAME, ends=days)))
    finding = examined(public(running))["TLS"]
    assert finding.verdict is verdict
    assert f"{int(days)} " in finding.sentence
    assert ("`ssl_certificate`" in finding.sentence) == (verdict is Verdict.WARN)


def test_plain_http_to_another_machine_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no other machine here, so this one is said to be one."""
    with impostor(lambda _: page("401 Unauthorized", GUEST)) as port:
        assert examined(f"http://127.0.0.1:{port}")["TLS"].verdict is Verdict.OK
        monkeypatch.setattr(Conversation, "stays_here", False)
        finding = examined(f"http://127.0.0.1:{port}")["TLS"]
    assert finding.verdict is Verdict.WARN
    assert "`listen 443 ssl`" in finding.sentence


@pytest.mark.parametrize(
    ("seconds", "verdict", "words"),
    [
        (-3, Verdict.OK, "agree"),
        (3, Verdict.OK, "agree"),
        (-8, Verdict.WARN, "8 s behind"),
        (8, Verdict.WARN, "8 s ahead of"),
        (57, Verdict.WARN, "57 s ahead of"),
        (-64, Verdict.FAIL, "64 s behind"),
        (3600, Verdict.FAIL, "3600 s ahead of"),
    ],
)
def test_a_clock_that_differs_is_named_with_the_way_to_set_it(seconds: int, verdict: Verdict, words: str) -> None:
    """Case 24."""

    def guest(_line: str) -> bytes:
        return page("401 Unauthorized", GUEST, f"Date: {formatdate(time.time() + seconds, usegmt=True)}", kind="json")

    with impostor(guest) as port:
        finding = examined(f"http://127.0.0.1:{port}")["clock"]
    assert finding.verdict is verdict
    # A moment passes between the two looks at the clock, and `Date` has no fractions.
    near = {words.replace(str(abs(seconds)), str(abs(seconds) + more), 1) for more in (-1, 0, 1)}
    assert any(one in finding.sentence for one in near), finding.sentence
    assert ("NTP" in finding.sentence) == (verdict is not Verdict.OK)


@pytest.mark.parametrize("date", [[], ["Date: yesterday"], [f"Date: Mon, 01 Jan {10**30} 00:00:00 GMT"]])
def test_without_a_date_the_clock_is_not_judged(date: list[str]) -> None:
    with impostor(lambda _: page("401 Unauthorized", GUEST, *date, kind="json")) as port:
        finding = examined(f"http://127.0.0.1:{port}")["clock"]
    assert finding.verdict is Verdict.SKIP
    assert "`Date`" in finding.sentence
