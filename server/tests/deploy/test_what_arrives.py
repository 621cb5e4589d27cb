"""What the application sees of a request: the headers that both NGINX set, and the body it is spared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from world.front import Front
from world.nginx import HOST
from world.upstream import Asked, Upstream

Said = Callable[..., tuple[Front, Upstream]]

UPLOADS = "/api/stable/repository/collection/4c1b2a80-6a3f-4b0e-9f37-0c4b1f3a5d11/versions"
OTHERS = (
    "/api/stable/login_check",
    f"{UPLOADS}/latest",
    UPLOADS.replace("/versions", "/backup"),
    f"{UPLOADS}/",
    f"/prefix{UPLOADS}",
    UPLOADS.replace("/api/", "/API/"),
)
FORGED = {
    "X-Internal-Filename": "made-up",
    "x_internal_filename": "made-up",
    "X-Internal-Sendfile": "made-up",
    "X_Internal_Sendfile": "made-up",
    "X-Internal-Objects": "made-up",
    "X_Internal_Objects": "made-up",
    "X-Forwarded-For": "10.0.0.1",
    "X-Forwarded-Proto": "made-up",
    "X-Forwarded-Host": "made-up",
}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def asked(
    said: Said, path: str, body: bytes | Iterable[bytes], headers: dict[str, str], *, through: str = "router"
) -> tuple[Front, Upstream, Asked]:
    running, behind = said(OK)
    address = running.public if through == "router" else running.inner
    assert address.ask("POST", path, headers, body).body == b"ok"
    (request,) = behind.asked
    return running, behind, request


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
def test_an_upload_arrives_as_the_name_of_a_file(said: Said, chunked: bool) -> None:
    """Case 61: the application reads no body, and no header promises one."""
    body = b"the bytes of a backup"
    _, behind, request = asked(said, UPLOADS, iter([body]) if chunked else body, FORGED)
    (name,) = request.headers.get_all("X-Internal-Filename", [])
    assert Path(name).parent == behind.incoming
    removed = {"Content-Length", "Transfer-Encoding", "Expect", "X-Internal-Sendfile", "X-Internal-Objects"}
    assert removed & set(request.headers) == set()
    assert request.body == b""


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
def test_an_empty_upload_arrives_without_a_name(said: Said, chunked: bool) -> None:
    """Section 4.2."""
    _, _, request = asked(said, UPLOADS, iter(()) if chunked else b"", FORGED)
    assert "X-Internal-Filename" not in request.headers


@pytest.mark.parametrize("path", OTHERS)
def test_any_other_body_arrives_as_it_is(said: Said, path: str) -> None:
    _, _, request = asked(said, path, iter([b"one ", b"body"]), FORGED)
    assert request.body == b"one body"
    assert "X-Internal-Filename" not in request.headers
    assert request.headers.get_all("X-Internal-Sendfile") == ["/internal-storage/"]
    assert "X-Internal-Objects" not in request.headers


@pytest.mark.parametrize("path", [UPLOADS, OTHERS[0]])
def test_nothing_forged_arrives_through_the_router(said: Said, path: str) -> None:
    running, _, request = asked(said, path, b"body", FORGED)
    assert "made-up" not in str(request.headers)
    assert request.headers.get_all("X-Forwarded-For") == ["127.0.0.1, 127.0.0.1"]
    assert request.headers.get_all("X-Forwarded-Proto") == ["https"]
    assert request.headers.get_all("Host") == [f"{HOST}:{running.router.address[1]}"]


@pytest.mark.parametrize("path", [UPLOADS, OTHERS[0]])
def test_no_internal_header_arrives_through_the_application_nginx(said: Said, path: str) -> None:
    """Whoever reaches it can say who the client is, as the router does, and still name no file."""
    internal = {name: value for name, value in FORGED.items() if "internal" in name.lower()}
    _, _, request = asked(said, path, b"body", internal, through="application")
    assert "made-up" not in str(request.headers)


def test_everything_else_of_a_request_arrives_unchanged(said: Said) -> None:
    kept = {
        "Authorization": "Bearer x.y.z",
        "User-Agent": "bahub/5",
        "Content-Type": "application/gzip",
        "Content-Encoding": "gzip",
        "Repr-Digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
        "Accept-Encoding": "identity",
    }
    path = UPLOADS.replace("versions", "%76ersions") + "?simulate=1&a=%2F"
    _, _, request = asked(said, path, b"body", kept)
    assert {name: request.headers.get_all(name) for name in kept} == {name: [value] for name, value in kept.items()}
    assert request.line == f"POST {path} HTTP/1.1"
