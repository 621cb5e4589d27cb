"""Archives that come back, and those that must not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from realm.pipelines import Definition
from realm.sending import TOKEN
from realm.standin_server import (
    VERSION_ID,
    VERSIONS,
    Script,
    StandIn,
    give,
    standin_server,
)

from bahub.errors import Failed, Misconfigured, ProgramFailed, Refused, Tampered
from bahub.pipeline.backup import write
from bahub.pipeline.records import Record
from bahub.pipeline.restore import How, restore, save, save_raw
from bahub.pipeline.verify import verify, verify_digest
from bahub.progress import Progress

STORED = f"{VERSIONS}/{VERSION_ID}"
LINES = b"".join(b"line %d of the content\n" % number for number in range(300_000))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bahub.repository.connection._FIRST_PAUSE", 0.0)


@pytest.fixture
def server() -> Iterator[StandIn]:
    with standin_server() as running:
        yield running


class Kept:
    """Where an archive goes that is not sent."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, data: bytes, /) -> int:
        self.content += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def archive_of(definition: Definition, content: bytes = LINES) -> bytes:
    """Return an archive of the lines, or of something else."""
    source = definition.directory / "source"
    source.write_bytes(content)
    definition.command = f"cat {source}"
    kept = Kept()
    write(definition.parts(), kept, Progress())
    return bytes(kept.content)


def definition(server: StandIn, directory: Path, **changes: object) -> Definition:
    return Definition(
        server.url,
        TOKEN,
        directory,
        restore_command=f"cat > {directory}/restored",
        **changes,  # type: ignore[arg-type]
    )


def put_back(one: Definition, how: How | None = None) -> None:
    restore(one.parts(), one.find(VERSION_ID).fetch, how or How(), Record(one.directory / "record"))


def serve(server: StandIn, *scripts: Script) -> None:
    server.on("GET", STORED, *scripts)


def test_a_restore_gives_the_target_everything(server: StandIn, tmp_path: Path) -> None:
    one = definition(server, tmp_path)
    archive = archive_of(one)
    serve(server, give(archive, cut_after=100_000), give(archive))
    put_back(one)
    assert (tmp_path / "restored").read_bytes() == LINES


def test_a_flipped_byte_never_lets_the_target_have_it_all(server: StandIn, tmp_path: Path) -> None:
    """Section 3.7: the last block is held back; the user is told what that means."""
    one = definition(server, tmp_path)
    more_than_pipes_hold = random.Random(7).randbytes(30_000_000)
    archive = bytearray(archive_of(one, more_than_pipes_hold))
    archive[-20] ^= 1
    serve(server, give(bytes(archive)))
    with pytest.raises(Tampered) as caught:
        put_back(one)
    assert caught.value.exit_code == 6
    assert "half restored" in caught.value.hint
    assert (tmp_path / "restored").stat().st_size < len(more_than_pipes_hold)


@pytest.mark.parametrize("method", ["age", "none"])
@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_an_archive_that_was_cut_short_is_an_integrity_error(
    server: StandIn, tmp_path: Path, method: str, compression: str
) -> None:
    one = definition(server, tmp_path, method=method, compression=compression)
    archive = archive_of(one)
    serve(server, give(archive[: len(archive) // 2]))
    with pytest.raises(Tampered) as caught:
        put_back(one)
    assert caught.value.exit_code == 6


def test_a_digest_that_differs_keeps_the_last_block_back(server: StandIn, tmp_path: Path) -> None:
    """Without encryption the digest alone tells; nothing is complete before it was compared."""
    one = definition(server, tmp_path, method="none", compression="none")
    archive = archive_of(one)
    serve(server, give(archive, served=archive[:-1] + b"X"))
    with pytest.raises(Tampered, match="damaged"):
        put_back(one)
    assert (tmp_path / "restored").read_bytes() != LINES[:-1] + b"X"
    assert len((tmp_path / "restored").read_bytes()) < len(LINES)


def test_a_small_archive_that_is_damaged_reaches_no_target(server: StandIn, tmp_path: Path) -> None:
    one = definition(server, tmp_path, method="none", compression="none")
    serve(server, give(b"DROP TABLE everything;", served=b"DROP TABLE everythinG;"))
    with pytest.raises(Tampered) as caught:
        put_back(one)
    assert "half restored" not in caught.value.hint
    assert not (tmp_path / "restored").exists() or (tmp_path / "restored").read_bytes() == b""


def test_plaintext_in_place_of_an_archive_is_refused(server: StandIn, tmp_path: Path) -> None:
    """Case 47."""
    one = definition(server, tmp_path)
    serve(server, give(b"plain words of the server"))
    with pytest.raises(Tampered, match="not encrypted") as caught:
        put_back(one)
    assert caught.value.exit_code == 6
    assert "--allow-unencrypted" in caught.value.hint
    assert not (tmp_path / "restored").exists()
    put_back(one, How(allow_unencrypted=True))
    assert (tmp_path / "restored").read_bytes() == b"plain words of the server"


def test_an_archive_of_another_compression_is_recognised(server: StandIn, tmp_path: Path) -> None:
    """Case 27, by recognition."""
    archive = archive_of(definition(server, tmp_path, compression="gzip"))
    serve(server, give(archive))
    put_back(definition(server, tmp_path, compression="none"))
    assert (tmp_path / "restored").read_bytes() == LINES


def test_an_archive_of_another_method_asks_for_its_keys(server: StandIn, tmp_path: Path) -> None:
    archive = archive_of(definition(server, tmp_path))
    serve(server, give(archive))
    with pytest.raises(Misconfigured, match="age"):
        put_back(definition(server, tmp_path, method="none"))
    assert not (tmp_path / "restored").exists()


def test_a_target_that_fails_is_named_with_its_last_words(server: StandIn, tmp_path: Path) -> None:
    one = definition(server, tmp_path)
    serve(server, give(archive_of(one)))
    one.restore_command = "head -c 1000 >/dev/null; echo no room >&2; exit 7"
    with pytest.raises(ProgramFailed, match="the target ended with exit status 7") as caught:
        put_back(one)
    assert (caught.value.exit_code, caught.value.stage) == (5, "target")
    assert caught.value.details == ("no room",)
    assert "half restored" in caught.value.hint


def test_what_is_no_archive_reaches_no_stage(server: StandIn, tmp_path: Path) -> None:
    """Case 39, with a pipeline behind."""
    one = definition(server, tmp_path)
    serve(server, lambda exchange: exchange.answer(404, b"<html>Not Found</html>"))
    with pytest.raises(Refused) as caught:
        put_back(one)
    assert (caught.value.exit_code, caught.value.stage) == (4, "download")
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("damage", [b"", b"X"])
def test_stage_lets_no_damaged_archive_touch_the_target(server: StandIn, tmp_path: Path, damage: bytes) -> None:
    one = definition(server, tmp_path)
    archive = archive_of(one)
    serve(server, give(archive, served=archive[: len(archive) - len(damage)] + damage))
    (tmp_path / "stage").mkdir()
    how = How(stage=tmp_path / "stage")
    if damage:
        with pytest.raises(Tampered):
            put_back(one, how)
        assert not (tmp_path / "restored").exists()
    else:
        put_back(one, how)
        assert (tmp_path / "restored").read_bytes() == LINES
    assert list((tmp_path / "stage").iterdir()) == []


def test_the_staged_archive_is_still_encrypted_and_ours_alone(server: StandIn, tmp_path: Path) -> None:
    one = definition(server, tmp_path)
    serve(server, give(archive_of(one)))
    stage = tmp_path / "stage"
    stage.mkdir()
    one.restore_command = (
        f"for file in {stage}/*; do stat -c %a $file; head -c 21 $file; done > {tmp_path}/seen; cat >/dev/null"
    )
    put_back(one, How(stage=stage))
    assert (tmp_path / "seen").read_text() == "600\nage-encryption.org/v1"


def test_a_stage_that_is_not_there_is_said(server: StandIn, tmp_path: Path) -> None:
    one = definition(server, tmp_path)
    serve(server, give(archive_of(one)))
    with pytest.raises(Failed, match="nothing can be written"):
        put_back(one, How(stage=tmp_path / "nowhere"))


def test_a_saved_file_appears_only_when_verified(server: StandIn, tmp_path: Path) -> None:
    """Case 38, no FILE; a former one stays."""
    one = definition(server, tmp_path)
    archive = archive_of(one)
    serve(server, give(archive, served=archive[:-1] + bytes([archive[-1] ^ 1])), give(archive))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "former").write_bytes(b"former")
    for file in (folder / "new", folder / "former"):
        serve(server, give(archive, served=archive[:-1] + bytes([archive[-1] ^ 1])))
        with pytest.raises(Tampered):
            save(one.parts(), one.find(VERSION_ID).fetch, file, How())
    assert [(file.name, file.read_bytes()) for file in folder.iterdir()] == [("former", b"former")]
    serve(server, give(archive))
    save(one.parts(), one.find(VERSION_ID).fetch, folder / "former", How())
    assert (folder / "former").read_bytes() == LINES
    assert (folder / "former").stat().st_mode & 0o777 == 0o600


def test_a_raw_file_holds_the_stored_bytes(server: StandIn, tmp_path: Path) -> None:
    one = definition(server, tmp_path)
    archive = archive_of(one)
    (tmp_path / "identity").unlink()
    serve(server, give(archive))
    save_raw(one.find(VERSION_ID).fetch, tmp_path / "raw")
    assert (tmp_path / "raw").read_bytes() == archive


def test_verify_says_what_it_found_and_writes_nothing(server: StandIn, tmp_path: Path) -> None:
    one = definition(server, tmp_path)
    serve(server, give(archive_of(one)))
    before = sorted(tmp_path.rglob("*"))
    assert verify(one.parts(), one.find(VERSION_ID).fetch)
    assert sorted(tmp_path.rglob("*")) == before


def test_verify_finds_a_flipped_bit(server: StandIn, tmp_path: Path) -> None:
    one = definition(server, tmp_path)
    archive = bytearray(archive_of(one))
    archive[len(archive) // 2] ^= 1
    serve(server, give(bytes(archive)))
    with pytest.raises(Tampered):
        verify(one.parts(), one.find(VERSION_ID).fetch)


def test_without_an_identity_only_the_digest_is_verified(server: StandIn, tmp_path: Path) -> None:
    """Case 48."""
    one = definition(server, tmp_path)
    archive = archive_of(one)
    (tmp_path / "identity").unlink()
    serve(server, give(archive))
    assert len(verify_digest(one.find(VERSION_ID).fetch)) == 64
    with pytest.raises(Misconfigured, match="identity") as caught:
        verify(one.parts(), one.find(VERSION_ID).fetch)
    assert caught.value.exit_code == 3
    serve(server, give(archive, served=archive[:-1] + bytes([archive[-1] ^ 1])))
    with pytest.raises(Tampered):
        verify_digest(one.find(VERSION_ID).fetch)


def test_a_download_that_is_lost_for_good_is_no_integrity_error(server: StandIn, tmp_path: Path) -> None:
    one = definition(server, tmp_path)
    serve(server, give(archive_of(one), cut_after=100_000), lambda exchange: exchange.cut())
    with pytest.raises(Failed, match="broke off") as caught:
        put_back(one)
    assert (caught.value.exit_code, caught.value.stage) == (1, "download")
