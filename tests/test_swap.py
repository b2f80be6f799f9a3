"""Putting a folder in another's place: by exchange where the system can, by undoable renames where it cannot."""

import json
from pathlib import Path

import pytest

from crewe_lib import swap
from crewe_lib.errors import BuildError


def book(name: str) -> str:
    return json.dumps({"run": name, "items": []})


def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("staged", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "evidence.json").write_text(book(name))
    return tmp_path / "staged", tmp_path / "out"


@pytest.mark.parametrize("exchange", [True, False])
def test_the_new_folder_takes_the_place(tmp_path, monkeypatch, exchange) -> None:
    staged, out = folders(tmp_path)
    if not exchange:
        monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    swap.swap_in(staged, out)
    assert (out / "evidence.json").read_text() == book("staged")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_first_book_needs_no_swap(tmp_path) -> None:
    staged, _ = folders(tmp_path)
    swap.swap_in(staged, tmp_path / "new")
    assert (tmp_path / "new" / "evidence.json").read_text() == book("staged")


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
    assert (out / "evidence.json").read_text() == book("out")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"evidence.json": "{}"}, "no build of ours wrote"),
        ({"evidence.json": "{"}, "no build of ours wrote"),
        ({"evidence.json": '["run", "items"]'}, "no build of ours wrote"),
        ({"evidence.json": book("x"), "thesis.txt": "y"}, "also holds thesis.txt"),
        ({"evidence.json": book("x"), "index.html": "y", "_static": "z"}, "also holds _static, index.html"),
        ({"html": ""}, "holds no evidence.json"),
    ],
)
def test_a_folder_that_is_not_a_book_is_refused_also_at_the_last_moment(tmp_path, files, message) -> None:
    staged, _ = folders(tmp_path)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    for name, text in files.items():
        (foreign / name).write_text(text)
    for attempt in (lambda: swap.check_target(foreign), lambda: swap.swap_in(staged, foreign)):
        with pytest.raises(BuildError, match=f"{message}.*nothing was touched"):
            attempt()
    assert {p.name: p.read_text() for p in foreign.iterdir()} == files


def test_an_earlier_book_may_be_replaced(tmp_path) -> None:
    _, out = folders(tmp_path)
    (out / "html").mkdir()
    (out / "html" / "evidence.json").write_text(book("out"))
    (out / "crewe.pdf").write_text("")
    swap.check_target(out)
    with pytest.raises(BuildError, match="not an earlier book"):
        (out / "html" / "index.html").write_text("")
        swap.check_target(out / "html")


def test_a_target_that_cannot_be_looked_at_is_one_line(tmp_path) -> None:
    with pytest.raises(BuildError, match="cannot be used"):
        swap.check_target(tmp_path / ("x" * 300))
