"""Directories: saved with everything that file systems have, put back into `/` or elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from realm.runs import Run, WayFailed
from realm.trees import described, plant
from world.programs import require_program

from bahub.errors import ProgramFailed, Tampered


def _run(tmp_path: Path, *paths: Path | str, **more: object) -> Run:
    return Run("filesystem", {"paths": [str(path) for path in paths], **more}, tmp_path)


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def test_a_directory_comes_back_elsewhere_with_everything(tmp_path: Path) -> None:
    """Case 26: bytes, holes, names that are no text, owners, modes, times, links of both kinds, attributes."""
    tree = tmp_path / "tree"
    plant(tree)
    run = _run(tmp_path, tree)

    content = run.backup()
    run.restore(content, to=str(tmp_path / "back"))

    assert described(_below(tmp_path / "back", tree)) == described(tree)
    assert (_below(tmp_path / "back", tree) / "sparse").stat().st_blocks < 1000
    assert len(content) < 2_000_000, "the hole is not in the archive"
    assert run.verify(content) == f"tar archive, {len(described(tree))} members"
    assert run.warnings == []
    assert _partial(tmp_path) == []


def test_a_directory_comes_back_in_its_place(tmp_path: Path) -> None:
    """Case 26: what changed is as before, what was removed is back, whatever its name is."""
    tree = tmp_path / "TAR 'of' $(it)\nand \\1 -- more"
    plant(tree)
    before = described(tree)
    run = _run(tmp_path, tree, tree / "empty")

    content = run.backup()
    shutil.rmtree(tree / ("d" * 120))
    (tree / "set-id").write_text("changed")
    (tree / "symbolic").unlink()
    (tree / "symbolic").write_text("no link any more")
    run.restore(content)

    assert described(tree) == before


def test_the_standard_tool_alone_opens_the_archive(tmp_path: Path) -> None:
    """Case 27."""
    tree = tmp_path / "tree"
    plant(tree)
    (tmp_path / "out").mkdir()

    subprocess.run(
        [require_program("tar"), "-x", "-C", str(tmp_path / "out")], input=_run(tmp_path, tree).backup(), check=True
    )

    assert (_below(tmp_path / "out", tree) / "empty").exists()


def test_a_missing_path_fails_the_run_before_the_first_byte(tmp_path: Path) -> None:
    (tmp_path / "here").touch()

    with pytest.raises(ProgramFailed) as failure:
        _run(tmp_path, tmp_path / "here", tmp_path / "gone", tmp_path / "gone too").backup()

    assert failure.value.details == (f"{tmp_path}/gone does not exist", f"{tmp_path}/gone too does not exist")


def test_a_listed_link_is_saved_as_such_and_the_user_is_told(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    run = _run(tmp_path, f"{tmp_path}/link/")

    content = run.backup()

    assert _members(content)[0].issym()
    assert run.warnings == [f"the source: {tmp_path}/link is a symbolic link; what it leads to is not saved"]


def test_a_listed_link_with_a_listed_path_behind_it_is_refused(tmp_path: Path) -> None:
    """Such an archive could not be extracted."""
    (tmp_path / "link").symlink_to("/etc")

    with pytest.raises(ProgramFailed) as failure:
        _run(tmp_path, tmp_path / "link", tmp_path / "link" / "passwd").backup()

    assert failure.value.details == (f"{tmp_path}/link is a symbolic link, and a path behind it is listed",)


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["*.tmp"], {"cache", "cache/kept", "deep", "deep/cache", "deep/cache/x", "file"}),
        (["cache"], {"a.tmp", "deep", "deep/b.tmp", "file"}),
        (["TREE/cache"], {"a.tmp", "deep", "deep/b.tmp", "deep/cache", "deep/cache/x", "file"}),
        (["TREE/cache/*", "b.tmp"], {"a.tmp", "cache", "deep", "deep/cache", "deep/cache/x", "file"}),
        (["/file"], {"a.tmp", "cache", "cache/kept", "deep", "deep/b.tmp", "deep/cache", "deep/cache/x", "file"}),
    ],
)
def test_exclusions_match_whole_names_from_the_root_or_any_part(
    tmp_path: Path, patterns: list[str], left: set[str]
) -> None:
    tree = tmp_path / "tree"
    (tree / "deep" / "cache").mkdir(parents=True)
    (tree / "cache").mkdir()
    for name in ("a.tmp", "file", "cache/kept", "deep/b.tmp", "deep/cache/x"):
        (tree / name).touch()

    content = _run(tmp_path, tree, exclude=[pattern.replace("TREE", str(tree)) for pattern in patterns]).backup()

    names = {member.name.removeprefix(str(tree)[1:]).lstrip("/") for member in _members(content)}
    assert names - {""} == left


def test_files_that_change_while_they_are_read_are_a_warning_unless_strict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only status 1 of GNU tar says that and nothing else."""
    (tmp_path / "file").write_text("x")
    _tar_that_ends_with(1, tmp_path / "bin", monkeypatch)
    tolerant, strict = _run(tmp_path, tmp_path / "file"), _run(tmp_path, tmp_path / "file", strict=True)

    assert tolerant.verify(tolerant.backup()) == "tar archive, 1 member"
    assert tolerant.warnings == ["the source: some files changed while they were read"]
    with pytest.raises(ProgramFailed, match="exit status 1") as failure:
        strict.backup()
    assert failure.value.details == ("some files changed while they were read",)


def test_anything_worse_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    _tar_that_ends_with(2, tmp_path / "bin", monkeypatch)

    with pytest.raises(ProgramFailed, match="exit status 2"):
        _run(tmp_path, tmp_path / "file").backup()


def test_a_file_that_really_changes_is_such_a_warning(tmp_path: Path) -> None:
    """The file shrinks while it is sent: nobody takes a byte of it before that."""
    file = tmp_path / "file"
    with file.open("wb") as writer:
        writer.write(os.urandom(8 << 20))
    other = tmp_path / "z"
    other.write_text("x")
    run = _run(tmp_path, file, other)
    script = run.parts().adapter.backup(run.spec).text

    with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        start = process.stdout.read(1 << 16)
        os.truncate(file, 1 << 20)
        rest, words = process.communicate()

    assert process.returncode == 0
    assert f"warning: {file}: File shrank by ".encode() in words.replace(b"warning: ", b"warning: /")
    assert b"warning: some files changed while they were read" in words
    assert run.verify(start + rest) == "tar archive, 2 members"


@pytest.mark.parametrize("one", [True, False])
def test_other_file_systems_are_left_out_when_asked_for(tmp_path: Path, one: bool) -> None:
    run = _run(tmp_path, "/dev", one_file_system=one, exclude=["shm/*", "/dev/hugepages/*", "/dev/mqueue/*"])

    names = {member.name for member in _members(run.backup())}

    assert "dev/null" in names
    assert any(name.startswith("dev/pts/") for name in names) != one


def test_a_directory_with_something_in_it_is_refused_and_stays(tmp_path: Path) -> None:
    """Case 41."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").write_text("y")
    run = _run(tmp_path, tmp_path / "file")
    content = run.backup()

    with pytest.raises(ProgramFailed) as failure:
        run.restore(content, to=str(tmp_path / "full"))
    with pytest.raises(ProgramFailed) as other_failure:
        run.restore(content, to=str(tmp_path / "file"))

    assert failure.value.details == (f"{tmp_path}/full is not empty",)
    assert other_failure.value.details == (f"{tmp_path}/file is no directory",)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["kept"]
    assert _partial(tmp_path) == []


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "-empty").mkdir()
    run = _run(tmp_path, tmp_path / "file")

    run.restore(run.backup(), to=f"{tmp_path}/-empty/")

    assert _below(tmp_path / "-empty", tmp_path / "file").read_text() == "x"


def _damaged(content: bytes) -> bytes:
    return content[:1024] + bytes([content[1024] ^ 1]) + content[1025:]


@pytest.mark.parametrize(
    "damage", [_damaged, lambda content: content[:500_000], lambda _: b"<html>an error page</html>" * 99]
)
def test_a_damaged_archive_leaves_no_directory(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Case 41: neither DIR nor a partial one."""
    tree = tmp_path / "tree"
    plant(tree)
    run = _run(tmp_path, tree)

    with pytest.raises((Tampered, ProgramFailed)):
        run.restore(damage(run.backup()), to=str(tmp_path / "back"))

    assert not (tmp_path / "back").exists()
    assert _partial(tmp_path) == []


def test_a_failure_on_the_way_leaves_no_directory(tmp_path: Path) -> None:
    """Case 41: nor does one that cannot be written, which must not stay either."""
    tree = tmp_path / "tree"
    plant(tree)
    run = _run(tmp_path, tree)

    with pytest.raises(WayFailed):
        run.restore(run.backup(), to=str(tmp_path / "back"), fails_when=lambda: _partial(tmp_path))

    assert not (tmp_path / "back").exists()
    assert _partial(tmp_path) == []


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("name", ["../outside", "in/../../outside", "/OUTSIDE/outside", ".."])
def test_members_that_would_land_outside_are_refused(tmp_path: Path, name: str, form: int) -> None:
    """Case 42: before any of their bytes reaches the program that extracts."""
    member = tarfile.TarInfo(name.replace("OUTSIDE", str(tmp_path)))
    member.size = 3
    content = _archive([(tarfile.TarInfo("harmless"), b""), (member, b"bad")], form)

    with pytest.raises(Tampered, match="leads outside of the destination"):
        _run(tmp_path, tmp_path).restore(content, to=str(tmp_path / "back"))

    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("target", ["../outside", "/OUTSIDE/outside"])
def test_hard_links_to_something_outside_are_refused(tmp_path: Path, target: str) -> None:
    """Case 42."""
    (tmp_path / "outside").write_text("secret")
    member = tarfile.TarInfo("link")
    member.type, member.linkname = tarfile.LNKTYPE, target.replace("OUTSIDE", str(tmp_path))

    with pytest.raises(Tampered, match="is a hard link that leads outside"):
        _run(tmp_path, tmp_path).restore(_archive([(member, b"")]), to=str(tmp_path / "back"))


@pytest.mark.parametrize("chain", [False, True])
def test_a_member_below_a_link_of_the_archive_lands_nowhere_else(tmp_path: Path, chain: bool) -> None:
    """Case 42: directly, or through a second link."""
    (tmp_path / "outside").mkdir()
    link, inner, member = tarfile.TarInfo("link"), tarfile.TarInfo("inner"), tarfile.TarInfo("link/planted")
    link.type = inner.type = tarfile.SYMTYPE
    link.linkname, inner.linkname = ("inner", str(tmp_path / "outside")) if chain else (str(tmp_path / "outside"), "x")
    member.size = 3

    with pytest.raises(ProgramFailed):
        _run(tmp_path, tmp_path).restore(
            _archive([(inner, b""), (link, b""), (member, b"bad")]), to=str(tmp_path / "back")
        )

    assert list((tmp_path / "outside").iterdir()) == []
    assert not (tmp_path / "back").exists()


def test_a_machine_with_another_tar_is_told_which_one_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tar").write_text("#!/bin/sh\necho bsdtar 3.6\n")
    (tmp_path / "bin" / "tar").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")

    with pytest.raises(ProgramFailed, match="exit status 127") as failure:
        _run(tmp_path, tmp_path).backup()

    assert failure.value.details == ("GNU tar is not there: install tar",)


def _members(content: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=BytesIO(content)) as archive:
        return archive.getmembers()


def _archive(members: list[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for member, data in members:
            archive.addfile(member, BytesIO(data))
    return file.getvalue()


def _tar_that_ends_with(status: int, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.mkdir()
    program = directory / "tar"
    program.write_text(
        f'#!/bin/sh\ncase $1 in --version) exec {require_program("tar")} "$@" ;; esac\n{require_program("tar")} "$@"\nexit {status}\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory), prepend=":")


def _partial(directory: Path) -> list[Path]:
    return list(directory.glob("*.partial-*"))
