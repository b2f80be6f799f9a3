"""Put a finished folder where the old one was, in one step: there is always a book, the old one or the new."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
from pathlib import Path

from crewe_lib.errors import BuildError

MARKER = "evidence.json"
_HOLDS = {"html", MARKER, "crewe.pdf"}
_AT_FDCWD, _RENAME_EXCHANGE, _RENAME_SWAP = -100, 2, 2


def check_target(out: Path) -> None:
    """Refuse to replace anything but an earlier book. Raises BuildError."""
    try:
        if out.is_symlink() or (out.exists() and not out.is_dir()):
            raise BuildError(f"--out {out}: this is not a folder; name a new folder or an earlier book.")
        if out.is_dir() and (why := _not_a_book(out)):
            raise BuildError(
                f"--out {out}: the folder {why}, so it is not an earlier book; nothing was touched. Name a new folder, "
                "or empty this one."
            )
    except OSError as fault:
        raise BuildError(f"--out {out}: cannot be used ({fault.strerror}).") from None


def _not_a_book(folder: Path) -> str:
    """Why a folder is not a book that we made, or '' if it is one or is empty."""
    names = {item.name for item in folder.iterdir()}
    if not names:
        return ""
    if MARKER not in names:
        return f"is not empty and holds no {MARKER}"
    if others := sorted(names - _HOLDS):
        return f"also holds {', '.join(others[:3])}"
    try:
        evidence = json.loads((folder / MARKER).read_bytes())
    except ValueError:
        evidence = None
    if not isinstance(evidence, dict) or not {"run", "items"} <= evidence.keys():
        return f"holds an {MARKER} that no build of ours wrote"
    return ""


def swap_in(staged: Path, out: Path) -> None:
    """Replace `out` by `staged` (both on one file system). The old folder is deleted only afterwards.

    The target is looked at again, since it may have changed while the book was being built. Raises BuildError.
    """
    check_target(out)
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
