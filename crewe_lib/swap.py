"""Put a finished folder where the old one was, in one step: there is always a book, the old one or the new."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

from crewe_lib.errors import BuildError

MARKER = "evidence.json"
_AT_FDCWD, _RENAME_EXCHANGE, _RENAME_SWAP = -100, 2, 2


def check_target(out: Path) -> None:
    """Refuse to replace anything but an earlier book. Raises BuildError."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise BuildError(f"--out {out}: this is not a folder; name a new folder or an earlier book.")
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise BuildError(
            f"--out {out}: the folder is not empty and holds no {MARKER}, so it is not an earlier book; nothing was "
            "touched. Name a new folder, or empty this one."
        )


def swap_in(staged: Path, out: Path) -> None:
    """Replace `out` by `staged` (both on one file system). The old folder is deleted only afterwards."""
    if not out.exists():
        staged.rename(out)
        return
    if _exchange(staged, out):
        shutil.rmtree(staged)
        return
    # No exchange on this system: two renames, undone if the second fails.
    old = staged.with_name(staged.name + "-old")
    out.rename(old)
    try:
        staged.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders' names atomically, where the system can."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform.startswith("linux"):
            return bool(
                library.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0
            )
        if sys.platform == "darwin":
            return bool(library.renamex_np(os.fsencode(one), os.fsencode(other), _RENAME_SWAP) == 0)
    except (OSError, AttributeError):
        pass
    return False
