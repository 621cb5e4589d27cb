"""What the router lets through, and what it says about the client."""

from __future__ import annotations

import http.client
import json
import socket
import ssl

import pytest
from world import instance, wire
from world.front import Front
from world.instance import API, PASSWORD, Server
from world.nginx import HOST
from world.wire import Address


def test_plain_http_redirects_to_https(fronted: Front) -> None:
    answer = fronted.plain.ask("GET", "/overview?page=2")
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{HOST}/overview?page=2")


@pytest.mark.parametrize("host", ["elsewhere.example.org", "127.0.0.1", f"x.{HOST}"])
def test_an_unknown_name_gets_no_answer(fronted: Front, host: str) -> None:
    for address in (fronted.public, fronted.plain):
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            Address(address.open, host).ask("GET", "/")


def test_an_unknown_name_gets_no_certificate(fronted: Front) -> None:
    trusting = ssl.create_default_context(cafile=str(fronted.certificate))
    trusting.check_hostname = False
    with (
        socket.create_connection(fronted.router.address) as plain,
        pytest.raises((ssl.SSLError, ConnectionResetError)),
    ):
        trusting.wrap_socket(plain, server_hostname="elsewhere.example.org")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_tls_works_without_http2(fronted: Front, version: ssl.TLSVersion) -> None:
    trusting = ssl.create_default_context(cafile=str(fronted.certificate))
    trusting.minimum_version = trusting.maximum_version = version
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(fronted.router.address) as plain,
        trusting.wrap_socket(plain, server_hostname=HOST) as encrypted,
    ):
        assert encrypted.version() == version.name.replace("_", ".")
        assert encrypted.selected_alpn_protocol() == "http/1.1"


def test_the_public_address_is_what_the_client_used(served: Server, fronted: Front) -> None:
    """Scheme, name and port pass both layers; what the client forges does not."""
    versions = served.create_collection()
    assert served.direct.ask("POST", versions, served.bearer, b"content").status == 200
    forged = {
        "X-Forwarded-Host": "evil.example.org",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example.org;proto=gopher",
    }
    for headers in ({}, forged):
        listing = fronted.public.ask("GET", versions, served.bearer | headers).json()
        assert listing["versions"]["1"]["url"].startswith(f"https://{fronted.public.host}{API}/")


def test_the_name_in_the_request_line_decides(served: Server, fronted: Front) -> None:
    """Of two names NGINX uses the one of the request line, and passes on no other."""
    versions = served.create_collection()
    assert served.direct.ask("POST", versions, served.bearer, b"content").status == 200
    token = served.bearer["Authorization"]
    lines = [f"GET https://{HOST}{versions} HTTP/1.1", "Host: evil.example.org", f"Authorization: {token}", "", ""]
    with fronted.public.connected() as connection:
        connection.send("\r\n".join(lines).encode())
        listing = wire.read_answer(connection).json()
    assert listing["versions"]["1"]["url"].startswith(f"https://{HOST}{API}/")


def test_a_client_cannot_forge_its_address(served: Server, fronted: Front) -> None:
    """The account may be used from one network only; nobody gets there by claiming it."""
    email = "elsewhere@example.org"
    account = {
        "email": email,
        "password": PASSWORD,
        "permissions": [],
        "data": {"allowedIpAddresses": ["10.0.0.0/8"]},
    }
    assert served.direct.ask("POST", f"{API}/auth/user", served.bearer, wire.as_json(account)).status == 201
    claimed = {"X-Forwarded-For": "10.0.0.1"}
    assert instance.log_in(served.direct, email, PASSWORD, claimed)
    for headers in ({}, claimed, {"X-Forwarded-For": "10.0.0.1, 10.0.0.2"}, {"Forwarded": "for=10.0.0.1"}):
        with pytest.raises(PermissionError) as refused:
            instance.log_in(fronted.public, email, PASSWORD, headers)
        assert json.loads(str(refused.value))["code"] == 40323


def test_no_log_holds_a_query_or_a_token(served: Server, fronted: Front) -> None:
    secret = "code-that-nobody-may-read"
    fronted.public.ask("GET", f"/health?code={secret}&logged=1", served.bearer)
    fronted.public.ask("GET", f"{API}/version/for-the-log", served.bearer)
    for layer in (fronted.router, fronted.application):
        assert "/health" in layer.logged("/health")
        layer.logged("/version/for-the-log")
        text = layer.access_log.read_text()
        assert secret not in text
        assert served.token not in text
        assert "?" not in text


def test_nothing_is_compressed_on_the_way(served: Server, fronted: Front) -> None:
    versions = served.create_collection(description="the same words again and again " * 300)
    for path in (versions, versions.removesuffix("/versions")):
        answer = fronted.public.ask("GET", path, served.bearer | {"Accept-Encoding": "gzip, deflate, br"})
        assert answer.status == 200
        assert "Content-Encoding" not in answer.headers
