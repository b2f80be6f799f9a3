"""Putting a folder in another's place: by exchange where the system can, by undoable renames where it cannot."""

from pathlib import Path

import pytest

from crewe_lib import swap


def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("staged", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "evidence.json").write_text(name)
    return tmp_path / "staged", tmp_path / "out"


@pytest.mark.parametrize("exchange", [True, False])
def test_the_new_folder_takes_the_place(tmp_path, monkeypatch, exchange) -> None:
    staged, out = folders(tmp_path)
    if not exchange:
        monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    swap.swap_in(staged, out)
    assert (out / "evidence.json").read_text() == "staged"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_first_book_needs_no_swap(tmp_path) -> None:
    staged, _ = folders(tmp_path)
    swap.swap_in(staged, tmp_path / "new")
    assert (tmp_path / "new" / "evidence.json").read_text() == "staged"


def test_a_failed_second_rename_is_undone(tmp_path, monkeypatch) -> None:
    staged, out = folders(tmp_path)
    real, calls = Path.rename, []

    def rename(source, target):
        calls.append(source)
        if len(calls) == 2:
            raise OSError("disk gone")
        return real(source, target)

    monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="disk gone"):
        swap.swap_in(staged, out)
    assert (out / "evidence.json").read_text() == "out"
