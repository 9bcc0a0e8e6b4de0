"""Files and folders appear whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from plait.kg import whole_directory, whole_file


class Interrupted(BaseException):
    """Stands for Ctrl-C: no `Exception`."""


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    with whole_file(str(target)) as temporary:
        temporary.write_text("new")
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".json")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [RuntimeError, Interrupted])
def test_a_failure_leaves_the_old_file_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    with pytest.raises(error), whole_file(target) as temporary:
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_replaced_file_is_never_seen_half_written(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    with target.open() as reader:
        with whole_file(target) as temporary:
            temporary.write_text("new")
            assert target.read_text() == "old"
        assert reader.read() == "old"  # who has it open reads on in the old one
    assert target.read_text() == "new"


def test_results_have_the_permissions_of_any_new_file(tmp_path: Path, umask: int) -> None:
    with whole_file(tmp_path / "file") as temporary:
        temporary.write_text("x")
    with whole_directory(tmp_path / "folder") as folder:
        (folder / "part").write_text("y")
    assert permissions(tmp_path / "file") == 0o666 & ~umask == 0o640
    assert permissions(tmp_path / "folder") == 0o777 & ~umask == 0o750
    assert permissions(tmp_path / "folder/part") == 0o640
    assert os.umask(0o027) == umask  # and the process's own is not changed


def test_a_file_needs_its_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "absent/file"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_target_that_cannot_be_replaced_leaves_no_temporary(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError), whole_file(tmp_path / "taken") as temporary:
        temporary.write_text("x")
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


def files(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_a_folder_replaces_all_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "model"
    with whole_directory(target) as temporary:
        (temporary / "only-in-old").write_text("1")
        assert not target.exists()
    with whole_directory(str(target)) as temporary:
        (temporary / "sub").mkdir()
        (temporary / "sub/new").write_text("2")
        assert files(target) == {"only-in-old": "1"}
    assert files(target) == {"sub/new": "2"}
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [RuntimeError, Interrupted])
def test_a_failure_leaves_the_old_folder_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "weights").write_text("old")
    with pytest.raises(error), whole_directory(target) as temporary:
        (temporary / "weights").write_text("half")
        raise error
    assert files(target) == {"weights": "old"}
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_rename_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "weights").write_text("old")
    rename, done = Path.rename, list[Path]()

    def failing_the_second_time(path: Path, to: Path) -> Path:
        done.append(path)
        if len(done) == 2:
            raise OSError("disk on fire")
        return rename(path, to)

    # The old folder is moved aside, the new one fails to take its place, the old one comes back.
    with pytest.raises(OSError, match="disk on fire"), whole_directory(target) as temporary:
        (temporary / "weights").write_text("new")
        monkeypatch.setattr(Path, "rename", failing_the_second_time)
    monkeypatch.undo()
    assert len(done) == 3
    assert files(target) == {"weights": "old"}
    assert list(tmp_path.iterdir()) == [target]
