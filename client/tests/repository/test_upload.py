"""Sending an archive to servers that behave, and to servers that do not."""

from __future__ import annotations

import hashlib
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from realm.certificates import self_signed
from realm.sending import TOKEN, Blocks, Pauses, access, broken, upload
from realm.standin_server import (
    FILENAME,
    PATH,
    VERSIONS,
    Exchange,
    StandIn,
    standin_server,
    uploaded,
    version,
    versions,
)
from world.ports import free_port

from bahub.errors import Failed, Refused, Tampered
from bahub.streams import Broken

ARCHIVE = [bytes([number]) * 100_000 for number in range(20)]
WHOLE = b"".join(ARCHIVE)
DIGEST = hashlib.sha256(WHOLE).hexdigest()


def test_the_request_is_one_chunked_post_with_a_bearer_token() -> None:
    """Case 31, the request."""
    with standin_server() as server:
        result = upload(access(server.url + "/"), Blocks(ARCHIVE))
        (request,) = server.asked("POST", VERSIONS)
    assert request.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in request.headers
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["accept-encoding"] == "identity"
    assert (request.body, request.whole) == (WHOLE, True)
    assert (result.number, result.filename, result.checksum, result.size) == (1, FILENAME, DIGEST, len(WHOLE))


def test_an_address_with_a_path_in_front_is_kept() -> None:
    with standin_server() as server:
        for key in list(server.scripts):
            server.scripts[key[0], "/prefix" + key[1]] = server.scripts.pop(key)
        assert upload(access(server.url + "/prefix"), Blocks(ARCHIVE)).number == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"checksum": {"value": "0" * 64}}, ["0" * 64, DIGEST, "11111111-2222-4333-8444-555555555555"]),
        ({"checksum": None}, ["without a checksum", DIGEST]),
        ({"checksum": {}}, ["without a checksum"]),
        ({"version": None}, ["without a number"]),
    ],
)
def test_an_answer_without_the_right_checksum_and_number_is_an_integrity_error(
    changes: dict[str, object], words: list[str]
) -> None:
    """Case 34."""

    def confirm(exchange: Exchange) -> None:
        exchange.read_chunks()
        exchange.answer(200, uploaded(exchange.body, **changes))

    with standin_server() as server:
        server.on("POST", VERSIONS, confirm)
        with pytest.raises(Tampered) as caught:
            upload(access(server.url), Blocks(ARCHIVE))
        assert [request.method for request in server.exchanges] == ["GET", "POST"]  # nothing is deleted
    assert caught.value.exit_code == 6
    assert all(word in caught.value.message for word in words)


def test_a_failing_stage_cuts_the_connection_without_the_closing_chunk() -> None:
    """Case 32, on the wire."""
    received = threading.Event()
    ended: list[Exchange] = []

    def read(exchange: Exchange) -> None:
        exchange.read_chunks(at_most=100_000)
        received.set()
        exchange.read_chunks()
        ended.append(exchange)

    def fail_once_something_arrived() -> bytes:
        assert received.wait(30)
        return broken()

    with standin_server() as server:
        server.on("POST", VERSIONS, read)
        with pytest.raises(Broken):
            upload(access(server.url), Blocks([*ARCHIVE, fail_once_something_arrived]))
    (exchange,) = ended
    assert not exchange.whole
    assert exchange.tail == b""


def test_an_answer_while_sending_stops_the_source_and_is_reported() -> None:
    """Case 35, the limit refusal: the server's text and code."""
    refused = {"error": "Maximum count of files reached, 5 of 5", "code": 41012, "type": "validation.error"}

    def refuse(exchange: Exchange) -> None:
        exchange.read_chunks(at_most=1)
        exchange.answer(400, refused)
        exchange.read_chunks()

    blocks = Blocks(b"x" * 65536 for _ in iter(int, 1))
    with standin_server() as server:
        server.on("POST", VERSIONS, refuse)
        with pytest.raises(Refused) as caught:
            upload(access(server.url), blocks)
    assert (caught.value.exit_code, caught.value.code, caught.value.status) == (4, 41012, 400)
    assert "Maximum count of files reached, 5 of 5 (code: 41012)" in caught.value.message


def test_an_early_answer_is_noticed_while_the_source_is_silent() -> None:
    class Silent(Blocks):
        def ready(self, seconds: float) -> bool:
            del seconds
            return False

        def read(self, size: int = -1, /) -> bytes:
            assert self.asked == 0  # only the first block is there
            return super().read(size)

    def fail(exchange: Exchange) -> None:
        exchange.read_chunks(at_most=1)
        exchange.answer(503, {"error": "Storage unavailable", "code": 42003})
        exchange.read_chunks()

    with standin_server() as server:
        server.on("POST", VERSIONS, fail)
        with pytest.raises(Failed, match=r"Storage unavailable \(code: 42003\)") as caught:
            upload(access(server.url), Silent([b"first"]))
    assert caught.value.exit_code == 1


def test_an_early_answer_comes_through_tls(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)

    def refuse(exchange: Exchange) -> None:
        exchange.read_chunks(at_most=1_000_000)
        exchange.answer(400, {"error": "too large", "code": 40109})
        exchange.read_chunks()

    blocks = Blocks(b"x" * 65536 for _ in iter(int, 1))
    with standin_server(certificate.server_context()) as server:
        server.on("POST", VERSIONS, refuse)
        with pytest.raises(Refused, match="40109"):
            upload(access(server.url, ca_file=certificate.certificate), blocks)


def test_a_server_that_hangs_up_with_its_answer_is_understood() -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.read_chunks(at_most=1)
        exchange.answer(413, b"<html>Request Entity Too Large</html>", Content_Type="text/html", Connection="close")
        exchange.hang_up()

    blocks = Blocks(b"x" * 65536 for _ in iter(int, 1))
    with standin_server() as server:
        server.on("POST", VERSIONS, refuse)
        with pytest.raises((Refused, Failed)) as caught:
            upload(access(server.url), blocks)
    assert "<html>" not in caught.value.message


def test_words_that_are_no_final_answer_change_nothing() -> None:
    def go_on(exchange: Exchange) -> None:
        exchange.read_chunks(at_most=1)
        exchange.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        before = exchange.body
        exchange.read_chunks()
        exchange.answer(200, uploaded(before + exchange.body))

    with standin_server() as server:
        server.on("POST", VERSIONS, go_on)
        assert upload(access(server.url), Blocks(ARCHIVE)).checksum == DIGEST


def test_a_cut_in_the_middle_is_a_failure_and_not_tried_again() -> None:
    def cut(exchange: Exchange) -> None:
        exchange.read_chunks(at_most=1)
        exchange.cut()

    pauses = Pauses()
    with standin_server() as server:
        server.on("POST", VERSIONS, cut)
        with pytest.raises(Failed, match="while the archive was sent") as caught:
            upload(access(server.url), Blocks([*ARCHIVE] * 20), pauses)
        assert len(server.asked("POST", VERSIONS)) == 1
    assert caught.value.exit_code == 1
    assert pauses.seconds == []


def test_a_server_that_comes_back_gets_the_same_dump() -> None:
    """Case 36: the dump waits, nothing is made twice."""
    port = free_port()
    blocks = Blocks(ARCHIVE)
    with ExitStack() as later:
        back: list[StandIn] = []

        def start() -> None:
            if len(pauses.seconds) == 3:
                back.append(later.enter_context(standin_server(port=port)))

        pauses = Pauses(meanwhile=start)
        assert upload(access(f"http://127.0.0.1:{port}"), blocks, pauses).checksum == DIGEST
        assert len(back[0].asked("POST", VERSIONS)) == 1
    assert blocks.asked == len(ARCHIVE) + 1


def test_connections_that_end_before_the_body_are_tried_again() -> None:
    """Case 36: what fails before the first body byte does no harm."""
    blocks = Blocks(ARCHIVE)
    pauses = Pauses()
    with standin_server() as server:
        upload(access(server.url), Blocks([b"warm"]))
        context = server.scripts["GET", PATH]
        server.on("GET", PATH, lambda exchange: exchange.cut(), *context)
        assert upload(access(server.url), blocks, pauses).checksum == DIGEST
    assert len(pauses.seconds) == 1


def test_a_server_that_stays_down_ends_the_run() -> None:
    """Case 36, down for good: five tries, growing pauses."""
    pauses = Pauses()
    blocks = Blocks(ARCHIVE)
    with pytest.raises(Failed, match="cannot be reached") as caught:
        upload(access(f"http://127.0.0.1:{free_port()}"), blocks, pauses)
    assert caught.value.exit_code == 1
    assert len(pauses.seconds) == 4
    assert all(0.75 * 2**number <= pause <= 1.25 * 2**number for number, pause in enumerate(pauses.seconds))
    assert blocks.asked == 0


def _lose_the_answer(exchange: Exchange) -> None:
    exchange.read_chunks()
    exchange.cut()


def test_a_lost_answer_is_found_in_the_list() -> None:
    """Case 37, the list holds the digest."""
    with standin_server() as server:
        server.on("POST", VERSIONS, _lose_the_answer)
        listed = versions(version(3, "0" * 64), version(4, DIGEST))
        server.on("GET", VERSIONS, lambda exchange: exchange.answer(200, listed))
        result = upload(access(server.url), Blocks(ARCHIVE))
    assert (result.number, result.filename, result.checksum) == (4, FILENAME, DIGEST)


def test_an_answer_that_a_proxy_lost_is_found_in_the_list() -> None:
    def gateway_timeout(exchange: Exchange) -> None:
        exchange.read_chunks()
        exchange.answer(504, b"<html>Gateway Time-out</html>")

    with standin_server() as server:
        server.on("POST", VERSIONS, gateway_timeout)
        server.on("GET", VERSIONS, lambda exchange: exchange.answer(200, versions(version(4, DIGEST))))
        assert upload(access(server.url), Blocks(ARCHIVE)).number == 4


def test_a_lost_answer_that_the_list_does_not_hold_is_a_failure() -> None:
    """Case 37, the list does not hold the digest."""
    with standin_server() as server:
        server.on("POST", VERSIONS, _lose_the_answer)
        with pytest.raises(Failed, match="no version has its digest") as caught:
            upload(access(server.url), Blocks(ARCHIVE))
    assert caught.value.exit_code == 1
    assert "unknown" not in caught.value.message


def test_a_lost_answer_with_a_list_that_may_not_be_seen_is_an_unknown_outcome() -> None:
    """Case 37, not allowed to list."""
    with standin_server() as server:
        server.on("POST", VERSIONS, _lose_the_answer)
        server.on("GET", VERSIONS, lambda exchange: exchange.answer(403, {"error": "may not list", "code": 40311}))
        with pytest.raises(Failed, match="outcome unknown") as caught:
            upload(access(server.url), Blocks(ARCHIVE))
    assert caught.value.exit_code == 1
    assert DIGEST in caught.value.hint


@pytest.mark.parametrize("status", [401, 404])
def test_an_unknown_token_or_collection_ends_the_run_before_the_source(status: int) -> None:
    """Case 35, before the source is asked."""
    blocks = Blocks(ARCHIVE)
    with standin_server() as server:
        server.on("GET", PATH, lambda exchange: exchange.answer(status, {"code": status, "message": "who?"}))
        with pytest.raises(Refused, match=r"who\?") as caught:
            upload(access(server.url), blocks)
    assert caught.value.exit_code == 4
    assert blocks.asked == 0


def test_a_token_that_may_only_upload_uploads() -> None:
    with standin_server() as server:
        server.on("GET", PATH, lambda exchange: exchange.answer(403, {"error": "may not look", "code": 40302}))
        assert upload(access(server.url), Blocks(ARCHIVE)).filename == FILENAME


def test_a_page_of_somebody_else_ends_the_run_before_the_source() -> None:
    blocks = Blocks(ARCHIVE)
    with standin_server() as server:
        server.on("GET", PATH, lambda exchange: exchange.answer(200, b"<html>Welcome</html>"))
        with pytest.raises(Failed, match="not one of a Backup Repository"):
            upload(access(server.url), blocks)
    assert blocks.asked == 0


def test_a_proxy_whose_server_starts_is_waited_for() -> None:
    """Case 36, behind a proxy."""
    pauses = Pauses()
    with standin_server() as server:
        ready = server.scripts["GET", PATH]
        server.on("GET", PATH, lambda exchange: exchange.answer(502, b"<html>Bad Gateway</html>"), *ready)
        assert upload(access(server.url), Blocks(ARCHIVE), pauses).number == 1
    assert len(pauses.seconds) == 1


def test_redirects_are_not_followed() -> None:
    with standin_server() as elsewhere, standin_server() as server:
        moved = elsewhere.url + VERSIONS
        server.on("POST", VERSIONS, lambda exchange: exchange.answer(302, b"", Location=moved))
        with pytest.raises(Failed, match="redirects"):
            upload(access(server.url), Blocks(ARCHIVE))
        assert elsewhere.exchanges == []


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with standin_server() as proxy:
        for (method, path), scripts in list(proxy.scripts.items()):
            proxy.on(method, f"http://backups.example.org{path}", *scripts)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert upload(access("http://backups.example.org"), Blocks(ARCHIVE)).checksum == DIGEST
        assert [exchange.method for exchange in proxy.exchanges] == ["GET", "POST"]


def test_a_certificate_of_nobody_is_refused_at_once(tmp_path: Path) -> None:
    """Case 53."""
    certificate = self_signed(tmp_path)
    pauses = Pauses()
    with standin_server(certificate.server_context()) as server:
        with pytest.raises(Failed, match="not trusted") as caught:
            upload(access(server.url), Blocks(ARCHIVE), pauses)
        assert upload(access(server.url, ca_file=certificate.certificate), Blocks(ARCHIVE)).number == 1
        assert upload(access(server.url, insecure_tls=True), Blocks(ARCHIVE)).number == 1
    assert caught.value.exit_code == 1
    assert pauses.seconds == []
