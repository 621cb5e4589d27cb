"""Files that appear only when they are complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from bahub.errors import BadUsage, Failed
from bahub.pipeline.files import appearing


def write(path: Path, *, fails: bool = False) -> None:
    with appearing(path) as file:
        file.write(b"new")
        if fails:
            raise ZeroDivisionError


def test_a_file_appears_at_the_end_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with appearing(file) as sink:
        sink.write(b"new")
        assert not file.exists()
        assert (tmp_path / "file.partial").stat().st_mode & 0o777 == 0o600
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_a_failure_leaves_the_former_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"former")
    with pytest.raises(ZeroDivisionError):
        write(file, fails=True)
    assert file.read_bytes() == b"former"
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_run_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(b"a part that is much longer")
    write(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.parametrize("path", ["/dev/null", "/"])
def test_what_is_no_file_is_not_replaced(path: str) -> None:
    with pytest.raises(BadUsage, match="no regular file"):
        write(Path(path))
    assert not Path(path).is_file()


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be written: No such file"):
        write(tmp_path / "nowhere" / "file")
