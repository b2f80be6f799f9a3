"""The surroundings of a kernel: nothing of the user's or of anybody else's reaches a chapter."""

import stat
from pathlib import Path

import pytest

from crewe_lib import execute
from crewe_lib.execute import font_cache, kernel_environment


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "crewe" / "matplotlib"


def test_start_up_files_can_only_lie_in_this_builds_own_folder(tmp_path, cache, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", "mine.py")
    environment = kernel_environment(tmp_path / "stage")
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        assert Path(environment[name]).is_relative_to(tmp_path / "stage")
    assert environment["PYTHONSTARTUP"] == "" and environment["MPLCONFIGDIR"] == str(cache)


def test_the_list_of_fonts_is_kept_in_the_users_own_cache(tmp_path, cache, monkeypatch) -> None:
    assert font_cache(tmp_path / "stage") == cache and stat.S_IMODE(cache.stat().st_mode) == 0o700
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert font_cache(tmp_path / "stage") == tmp_path / "home" / ".cache" / "crewe" / "matplotlib"


def test_a_cache_that_cannot_be_used_gives_way_to_the_stage(tmp_path, cache, monkeypatch) -> None:
    monkeypatch.setattr(execute.os, "getuid", lambda: cache.stat().st_uid + 1)
    assert font_cache(tmp_path / "stage") == tmp_path / "stage" / "matplotlib"  # somebody else's
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert font_cache(tmp_path / "stage") == tmp_path / "stage" / "matplotlib"
