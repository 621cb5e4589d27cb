"""Versions made by the whole pipeline on the real server, and those that must not come to be."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from realm.pipelines import Definition
from realm.places import new_collection, versions_in
from realm.sending import TOKEN
from realm.standin_server import VERSIONS, Exchange, StandIn, standin_server
from world.instance import Server
from world.ports import free_port
from world.waiting import eventually

from bahub.compression.base import Method as Compression
from bahub.encryption.base import Method as Encryption
from bahub.errors import Failed, Misconfigured, ProgramFailed, Refused
from bahub.pipeline import backup
from bahub.pipeline.parts import Parts
from bahub.pipeline.restore import How, save
from bahub.progress import Progress

MANY = "head -c 3000000 /dev/urandom"


def on(server: Server, directory: Path, command: str, **changes: object) -> Definition:
    """A definition with a collection of its own on the real server."""
    collection = new_collection(server)
    return Definition(f"http://{server.direct.host}", server.token, directory, collection, command, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
@pytest.mark.parametrize("method", ["age", "none"])
def test_what_was_saved_comes_back(listening: Server, tmp_path: Path, method: str, compression: str) -> None:
    """Case 26, without gpg and without databases."""
    content = tmp_path / "content"
    content.write_bytes(bytes(range(256)) * 20_000)
    definition = on(listening, tmp_path, f"cat {content}", method=method, compression=compression)
    uploaded = definition.make()
    assert (uploaded.number, uploaded.filename) == (1, "db.tar.gz")
    (stored,) = versions_in(listening, definition.collection_id).values()
    assert stored["details"]["checksum"]["value"] == uploaded.checksum
    assert stored["details"]["file"]["filesize_bytes"] == uploaded.size
    for version in ("latest", "first", "v1", uploaded.id):
        save(definition.parts(), definition.find(version).fetch, tmp_path / "saved", How())
        assert (tmp_path / "saved").read_bytes() == content.read_bytes()


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("echo first words >&2; exit 3", "exit status 3"),
        (f"{MANY}; echo first words >&2; exit 3", "exit status 3"),
        (f"{MANY}; {MANY}; echo first words >&2; kill -9 $$", "SIGKILL"),
        (f"{MANY}; echo first words >&2; kill -TERM $$", "SIGTERM"),
        ("printf everything; exec >&-; echo first words >&2; exit 4", "exit status 4"),
    ],
)
def test_a_source_that_fails_leaves_no_version(listening: Server, tmp_path: Path, command: str, status: str) -> None:
    """Case 32: at the start, in the middle, killed, after its last byte."""
    definition = on(listening, tmp_path, command)
    with pytest.raises(ProgramFailed) as caught:
        definition.make()
    assert caught.value.exit_code == 5
    assert caught.value.stage == "source"
    assert status in caught.value.message
    assert caught.value.details == ("first words",)
    assert versions_in(listening, definition.collection_id) == {}


def test_an_empty_source_leaves_no_version(listening: Server, tmp_path: Path) -> None:
    """Case 33."""
    definition = on(listening, tmp_path, ":")
    with pytest.raises(ProgramFailed, match="yielded nothing") as caught:
        definition.make()
    assert (caught.value.exit_code, caught.value.stage) == (5, "source")
    assert versions_in(listening, definition.collection_id) == {}


def test_an_empty_source_is_a_version_where_it_may_be(listening: Server, tmp_path: Path) -> None:
    """Case 33, with `allow_empty`."""
    definition = on(listening, tmp_path, ":", allow_empty=True)
    assert definition.make().number == 1
    save(definition.parts(), definition.find().fetch, tmp_path / "saved", How())
    assert (tmp_path / "saved").read_bytes() == b""


class _Dying:
    """A compression or an encryption that fails after some bytes; everything else is the real one's."""

    def __init__(self, real: Compression | Encryption) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def _die(self, *streams: object) -> None:
        reader = streams[0]
        reader.read()  # type: ignore[attr-defined]
        raise Failed("the program was killed")

    compress = encrypt = _die


@pytest.mark.parametrize("stage", ["compression", "encryption"])
def test_a_compressor_or_an_encryption_that_dies_leaves_no_version(
    listening: Server, tmp_path: Path, stage: str
) -> None:
    """Case 32, a stage of ours."""
    definition = on(listening, tmp_path, f"while :; do {MANY}; done")
    parts = definition.parts()
    changed: dict[str, object] = {name: getattr(parts, name) for name in Parts.__slots__}
    changed[stage] = _Dying(getattr(parts, stage))
    with pytest.raises(Failed, match="the program was killed") as caught:
        backup.make(Parts(**changed), Progress())  # type: ignore[arg-type]
    assert (caught.value.exit_code, caught.value.stage) == (1, stage)
    assert versions_in(listening, definition.collection_id) == {}


def test_a_connection_that_is_cut_names_its_stage(tmp_path: Path) -> None:
    def cut(exchange: Exchange) -> None:
        exchange.read_chunks(at_most=1)
        exchange.cut()

    with standin_server() as server:
        server.on("POST", VERSIONS, cut)
        definition = Definition(server.url, TOKEN, tmp_path, command=f"while :; do {MANY}; done")
        with pytest.raises(Failed) as caught:
            definition.make()
    assert (caught.value.exit_code, caught.value.stage) == (1, "upload")


def test_a_full_collection_stops_an_endless_source(listening: Server, tmp_path: Path) -> None:
    """Case 35: the source is stopped, the server's text and code are told."""
    definition = on(listening, tmp_path, "printf some")
    definition.collection_id = new_collection(listening, maxBackupsCount=1)
    definition.make()
    definition.command = f"while :; do {MANY}; done"
    with pytest.raises(Refused, match="Maximum count of files reached") as caught:
        definition.make()
    assert (caught.value.exit_code, caught.value.code, caught.value.stage) == (4, 41012, "upload")
    assert len(versions_in(listening, definition.collection_id)) == 1


@pytest.mark.parametrize("wrong", ["token", "collection_id"])
def test_the_source_does_not_start_for_a_stranger(listening: Server, tmp_path: Path, wrong: str) -> None:
    """Case 35."""
    started = tmp_path / "started"
    definition = on(listening, tmp_path, f"touch {started}; printf some")
    setattr(definition, wrong, "0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e")
    with pytest.raises(Refused) as caught:
        definition.make()
    assert caught.value.exit_code == 4
    assert not started.exists()


def test_the_source_does_not_start_without_keys(tmp_path: Path) -> None:
    started = tmp_path / "started"
    definition = Definition("http://127.0.0.1:1", TOKEN, tmp_path, command=f"touch {started}")
    (tmp_path / "recipients").write_text("# nobody\n")
    with pytest.raises(Misconfigured):
        definition.make()
    assert not started.exists()


def test_the_connection_is_opened_when_the_first_block_is_there(tmp_path: Path) -> None:
    go = tmp_path / "go"
    with standin_server() as server:
        definition = Definition(
            server.url,
            TOKEN,
            tmp_path,
            method="none",
            compression="none",
            command=f"while [ ! -e {go} ]; do sleep 0.01; done; printf content",
        )
        done = _in_thread(definition.make)
        while not server.exchanges:
            done.join(0.01)
        assert server.asked("POST", VERSIONS) == []
        go.touch()
        done.join()
        (upload,) = server.asked("POST", VERSIONS)
    assert upload.body == b"content"


def test_the_dump_waits_while_the_server_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 36: no second dump."""
    runs, go = tmp_path / "runs", tmp_path / "go"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = f"echo run >> {runs}; while [ ! -e {go} ]; do sleep 0.01; done; {MANY}"
    made = []
    with ExitStack() as later:
        back: list[StandIn] = []

        def pause_before(attempt: int) -> float:
            if attempt == 3:
                back.append(later.enter_context(standin_server(port=port)))
            return 0.0

        monkeypatch.setattr("bahub.repository.connection.pause_before", pause_before)
        with standin_server(port=port):
            run = _in_thread(lambda: made.append(Definition(url, TOKEN, tmp_path, command=command).make()))
            eventually(runs.exists)
        go.touch()
        run.join()
        (upload,) = back[0].asked("POST", VERSIONS)
    assert made[0].checksum == hashlib.sha256(upload.body).hexdigest()
    assert runs.read_text() == "run\n"


def _in_thread(job: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=job)
    thread.start()
    return thread
