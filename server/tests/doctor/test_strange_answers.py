"""Whatever is at the address: each check has a sentence, and nothing is a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from world import console
from world.examination import Found, FrontMaker, examined, public
from world.front import Front
from world.impostor import Words, impostor, page
from world.ports import free_port

from backup_repository.doctor.examine import CHECKS
from backup_repository.doctor.found import Verdict

SECRET = "secret-of-somebody"


def only_the_address_failed(found: Found) -> str:
    """Give what is said of the address; what needs the server is skipped."""
    assert list(found) == list(CHECKS)
    assert {name for name, finding in found.items() if finding.verdict is Verdict.FAIL} == {"address"}
    assert {finding.verdict for finding in found.values() if finding.check not in {"address", "TLS", "clock"}} == {
        Verdict.SKIP
    }
    return found["address"].sentence


SAID: dict[str, tuple[Words, list[str]]] = {
    "a page": (lambda _: page("200 OK", "<p>Hello</p>"), ["200", "an HTML page", "in place of the JSON"]),
    "a page that names its program": (lambda _: page("404 Not Found", "no", "Server: apache"), ["`Server: apache`"]),
    "a redirect": (
        lambda _: page("302 Found", "", f"Location: https://me:{SECRET}@example.org/login?next={SECRET}"),
        ["redirects to https://example.org/login; give that address"],
    ),
    "a redirect to TLS": (
        lambda _: page("308 Permanent Redirect", "", "Location: https://example.org/in/api/stable/version"),
        ["redirects to https://example.org/in; give that address"],
    ),
    "502": (lambda _: page("502 Bad Gateway", "<p>nginx</p>"), ["502", "`upstream`", "`backup-repository serve`"]),
    "503": (lambda _: page("503 Busy", "<p>busy</p>"), ["503", "database", "`limit_req`"]),
    "504": (lambda _: page("504 Gateway Time-out", "<p>nginx</p>"), ["504", "`proxy_read_timeout`"]),
    "other JSON": (lambda _: page("200 OK", '["x"]', kind="application/json"), ["200", "something else"]),
    "a message": (
        lambda _: page("400 Bad Request", '{"error": "This host name is not served here", "code": 400}'),
        ['400, "This host name is not served here"'],
    ),
    "a long message with control characters": (
        lambda _: page("400 Bad Request", '{"error": "%s", "code": 7}' % ("\\u001b[2J" + "x" * 10**5)),
        ["x…", "(code: 7)"],
    ),
    "no HTTP": (lambda _: b"220 mail.example.org ESMTP\r\n", ["no HTTP/1.1"]),
    "nothing": (lambda _: b"", ["closed without an answer"]),
    "half an answer": (
        lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        ["closed without an answer"],
    ),
    "an answer without an end": (
        lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (9 << 20),
        ["does not end"],
    ),
    "a head without an end": (
        lambda _: b"HTTP/1.1 200 OK\r\n" + b"X-More: x\r\n" * (1 << 20),
        ["does not end"],
    ),
    "another protocol": (
        lambda _: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nx",
        ["no HTTP/1.1"],
    ),
    "deep JSON": (
        lambda _: page("200 OK", "[" * 100_000, kind="application/json"),
        ["200", "something else"],
    ),
    "an answer that ends with the connection": (lambda _: b"HTTP/1.0 200 OK\r\n\r\nhello", ["200", "something else"]),
}


@pytest.mark.parametrize("kind", SAID)
def test_what_is_no_backup_repository_is_described(kind: str) -> None:
    words, expected = SAID[kind]
    with impostor(words) as port:
        found = examined(f"http://127.0.0.1:{port}", token="a.b.c", health_code="1234", collection="x")
    for text in expected:
        assert text in found["address"].sentence
    said = str(found)
    assert SECRET not in said
    assert len(found["address"].sentence) < 600
    assert {finding.verdict for name, finding in found.items() if name not in {"address", "TLS", "clock"}} == {
        Verdict.SKIP
    }
    assert found["address"].verdict is Verdict.FAIL


def test_where_nothing_listens_is_described() -> None:
    sentence = only_the_address_failed(examined(f"http://127.0.0.1:{free_port()}"))
    assert "nothing listens on 127.0.0.1 port" in sentence
    assert "`listen`" in sentence


def test_an_unknown_name_is_described() -> None:
    sentence = only_the_address_failed(examined("https://nobody.invalid"))
    assert "the name nobody.invalid " in sentence  # cannot be looked up, where there is no network
    assert "DNS" in sentence


def test_tls_where_none_is_spoken_is_described() -> None:
    with impostor(lambda _: page("400 Bad Request", "what?")) as talking, impostor(lambda _: b"") as silent:
        for port, expected in ((talking, "speaks no TLS"), (silent, "broken off")):
            sentence = only_the_address_failed(examined(f"https://localhost:{port}"))
            assert expected in sentence
            assert "`listen 443 ssl`" in sentence


def test_a_port_with_tls_asked_without_it_is_described(fronted: Front) -> None:
    found = examined(public(fronted).replace("https:", "http:"))
    assert found["address"].verdict is Verdict.FAIL
    assert '400, "Bad request"' in found["address"].sentence
    assert "give the https address" in found["address"].sentence


def test_a_name_that_the_router_does_not_know_is_described(fronted: Front) -> None:
    sentence = only_the_address_failed(examined(f"https://127.0.0.1:{fronted.router.address[1]}"))
    assert "`server_name`" in sentence


def test_old_protocols_are_described(fronted_with: FrontMaker) -> None:
    running = fronted_with(
        router={
            "ssl_protocols TLSv1.2 TLSv1.3": "ssl_protocols TLSv1.1",
            "ssl_ciphers ": "ssl_ciphers ALL:@SECLEVEL=0;#",
        }
    )
    sentence = only_the_address_failed(examined(public(running)))
    assert "`ssl_protocols TLSv1.2 TLSv1.3`" in sentence


def test_a_router_without_the_application_nginx_is_described(fronted_with: FrontMaker) -> None:
    running = fronted_with(router={"        server 127.0.0.1:8080;": "        server 127.0.0.1:1;"})
    found = examined(public(running))
    assert found["address"].verdict is Verdict.FAIL
    assert "a proxy answers 502" in found["address"].sentence
    assert found["TLS"].verdict is found["clock"].verdict is Verdict.OK


def test_a_path_that_is_no_prefix_is_described(fronted: Front) -> None:
    found = examined(f"{public(fronted)}/elsewhere/")
    assert found["address"].verdict is Verdict.FAIL
    assert f'{public(fronted)}/elsewhere is not answered by Backup Repository: it answers 404, "' in str(found)
    assert "give the address without /elsewhere" in found["address"].sentence


def test_every_trouble_is_a_line_and_exit_1(tmp_path: Path) -> None:
    words = b"HTTP/1.1 302 \x1b[2J\r\nLocation: http://x/?code=" + SECRET.encode() + b"\r\n\r\n"
    with impostor(lambda _: words) as port:
        ran = console.run(console.bare(tmp_path), "doctor", f"http://127.0.0.1:{port}/?code={SECRET}")
    assert ran.code == 1
    assert [line.split()[0] for line in ran.out.splitlines()] == ["FAIL", "OK", "SKIP", *["SKIP"] * (len(CHECKS) - 3)]
    assert "Traceback" not in ran.err
    assert SECRET not in ran.out + ran.err
    assert "\x1b" not in ran.out
