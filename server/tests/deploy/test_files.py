"""The files of deploy/nginx as texts: what they hold, and that NGINX takes them (case 60)."""

from __future__ import annotations

from pathlib import Path

import pytest
from world import nginx
from world.front import Files
from world.nginx import APPLICATION, ROUTER, Block
from world.programs import require_program
from world.upstream import Upstream

UPLOADS = ("location", "~", r"^/api/stable/repository/collection/([A-Za-z0-9\-]+)/versions$")
PATIENT = {
    "proxy_read_timeout": "3600s",
    "proxy_send_timeout": "3600s",
    "client_body_timeout": "3600s",
    "send_timeout": "3600s",
}


@pytest.fixture(scope="module")
def router() -> Block:
    return nginx.parse(ROUTER.read_text())


@pytest.fixture(scope="module")
def application() -> Block:
    return nginx.parse(APPLICATION.read_text())


def only(block: Block, *words: str) -> Block:
    (found,) = block.find(*words)
    return found


def values(block: Block, names: dict[str, str]) -> dict[str, str]:
    return {name: " ".join(" ".join(words) for words in block.in_force(name)) for name in names}


def sent_headers(location: Block) -> dict[str, str]:
    return {words[0]: words[1] for words in location.in_force("proxy_set_header")}


def own_headers(location: Block) -> dict[str, str]:
    """Only lines of the location itself: others are not inherited once it has one."""
    return {block.words[1]: block.words[2] for block in location.inner if block.words[0] == "proxy_set_header"}


def test_nginx_loads_both_files_without_a_warning(tmp_path: Path) -> None:
    """Case 60."""
    require_program("nginx")
    (tmp_path / "incoming").mkdir()
    behind = Upstream(tmp_path / "server.sock", tmp_path / "incoming", tmp_path / "storage")
    files = Files.write(tmp_path, behind)
    for file, as_us in ((files.router, False), (files.application, True)):
        result = nginx.check(file, as_us=as_us)
        assert result.returncode == 0, result.stderr
        assert [line.split(f" {file} ")[1] for line in result.stderr.splitlines()] == [
            "syntax is ok",
            "test is successful",
        ]


def test_the_router_holds_the_values_of_the_contract(router: Block) -> None:
    """Case 60, section 4.1."""
    site = only(router, "location", "/")
    expected = PATIENT | {
        "proxy_buffering": "off",
        "proxy_request_buffering": "off",
        "proxy_http_version": "1.1",
        "client_max_body_size": "30G",
        "ssl_protocols": "TLSv1.2 TLSv1.3",
        "underscores_in_headers": "off",
        "proxy_intercept_errors": "off",
        "gzip": "off",
    }
    assert values(site, expected) == expected


def test_the_router_replaces_what_clients_say_about_themselves(router: Block) -> None:
    """Case 60, section 4.1."""
    headers = own_headers(only(router, "location", "/"))
    assert headers["X-Forwarded-For"] == "$remote_addr"
    assert headers["X-Forwarded-Proto"] == "$scheme"
    assert headers["Host"].startswith("$host")
    assert headers["X-Internal-Filename"] == ""
    assert headers["X-Internal-Sendfile"] == ""
    assert headers["X-Internal-Objects"] == ""


def test_the_router_speaks_no_http2_to_clients(router: Block) -> None:
    assert [block for block in router.find("listen") if "http2" in block.words] == []
    assert router.find("http2") == []


def test_uploads_become_files_as_the_contract_says(application: Block) -> None:
    """Case 60, section 4.2, first row."""
    uploads = only(application, *UPLOADS)
    expected = PATIENT | {
        "client_body_in_file_only": "clean",
        "client_body_temp_path": "/var/lib/backup-repository/incoming",
        "client_body_buffer_size": "1M",
        "client_max_body_size": "30G",
        "proxy_pass_request_body": "off",
        "proxy_http_version": "1.1",
    }
    assert values(uploads, expected) == expected
    headers = own_headers(uploads)
    names = {
        block.words[0] for block in only(application, "map", "$content_length", headers["X-Internal-Filename"]).inner
    }
    assert names == {"", "~^0+$", "default"}
    assert headers["Content-Length"] == headers["Transfer-Encoding"] == headers["X-Internal-Sendfile"] == ""
    assert ("X-Body-Receive-Seconds", "$request_time", "always") in uploads.in_force("add_header")


def test_everything_else_is_buffered_as_the_contract_says(application: Block) -> None:
    """Case 60, section 4.2, second row."""
    other = only(application, "location", "/")
    expected = PATIENT | {
        "proxy_buffering": "on",
        "proxy_request_buffering": "on",
        "client_max_body_size": "30G",
        "gzip": "off",
    }
    assert values(other, expected) == expected
    assert other.in_force("client_body_in_file_only") == []
    headers = own_headers(other)
    assert headers["X-Internal-Filename"] == ""
    assert headers["X-Internal-Sendfile"] == "/internal-storage/"


def test_stored_files_are_served_as_the_contract_says(application: Block) -> None:
    """Case 60, section 4.2, third row."""
    stored = only(application, "location", "/internal-storage/")
    expected = {
        "internal": "",
        "alias": "/var/lib/backup-repository/storage/",
        "max_ranges": "1",
        "etag": "off",
        "sendfile": "on",
        "tcp_nopush": "on",
        "sendfile_max_chunk": "2m",
    }
    assert values(stored, expected) == expected
    assert stored.find("internal")
    kept = {words[0] for words in stored.in_force("add_header")}
    assert {"ETag", "Last-Modified", "Repr-Digest", "X-Content-Type-Options"} <= kept


def test_no_location_on_the_way_to_a_download_takes_full_packets_away(application: Block) -> None:
    """NGINX never turns `tcp_nopush` on again for a connection that met a location without it."""
    for location in application.find("location"):
        assert location.in_force("tcp_nopush") == [("on",)]


def test_each_proxying_location_sets_all_headers_anew(router: Block, application: Block) -> None:
    """Section 4.2: locations do not inherit header lines."""
    for location in (*router.find("location"), *application.find("location")):
        if location.find("proxy_pass"):
            assert sent_headers(location) == own_headers(location)
            assert {
                "Host",
                "X-Forwarded-For",
                "X-Forwarded-Proto",
                "X-Internal-Filename",
                "X-Internal-Sendfile",
                "X-Internal-Objects",
            } <= set(own_headers(location))


def test_several_workers_serve_each_layer(router: Block, application: Block) -> None:
    for file in (router, application):
        ((workers,),) = file.in_force("worker_processes")
        assert int(workers) >= 4
