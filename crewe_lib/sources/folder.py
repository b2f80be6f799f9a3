"""A folder of publishers' files: which file is which release, what is missing, what is not needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from crewe_lib.errors import DataError
from crewe_lib.sources import Layout, dfe, match_layout, mhclg, ons, outcomes, read_cells
from crewe_lib.sources.rawfile import read_table

LAYOUTS = dfe.LAYOUTS + ons.LAYOUTS + mhclg.LAYOUTS + outcomes.LAYOUTS


@dataclass(frozen=True)
class Source:
    """One file as read: its layout, where it lies, its cells (`sources.CELL_COLUMNS`)."""

    layout: Layout
    path: Path
    cells: pd.DataFrame

    @property
    def years(self) -> tuple[int, int]:
        """First and last year as the file states them: years ending 31 March, or mid-years of populations."""
        years = self.cells["year"] - self.layout.year_shift
        return int(years.min()), int(years.max())

    @property
    def title(self) -> str:
        """The release, with the newest year in the file where the title depends on it."""
        return self.layout.title.format(newest=self.years[1])


@dataclass(frozen=True)
class Ignored:
    """A file of the folder that the panel does not use, and why."""

    path: Path
    reason: str


def read_sources(source_dir: Path) -> tuple[list[Source], list[Ignored]]:
    """Every file below the folder that the panel needs, recognised by header, in the order of LAYOUTS.

    Raises DataError for a missing folder or release, two files of one layout, or any fault within a file.
    """
    if not source_dir.is_dir():
        raise DataError(f"{source_dir}: there is no such folder; give the one that holds the publishers' files.")
    found: dict[str, tuple[Layout, Path]] = {}
    ignored: list[Ignored] = []
    for path in sorted(item for item in source_dir.rglob("*") if item.is_file()):
        if path.suffix.lower() not in (".csv", ".xlsx") or path.name.startswith((".", "~")):
            ignored.append(Ignored(path, "neither a .csv nor an .xlsx file"))
            continue
        layout = match_layout(read_table(path), LAYOUTS)
        if layout is None:
            ignored.append(Ignored(path, "its header is of no known layout"))
            continue
        if layout.key in found:
            raise DataError(f"{found[layout.key][1]} and {path} are both {layout.key}. To mend: keep one of them.")
        found[layout.key] = (layout, path)
        if not layout.used:
            ignored.append(Ignored(path, f"{layout.key} is not needed"))
    _refuse_missing(source_dir, found, ignored)
    read = [found[layout.key] for layout in LAYOUTS if layout.used]
    return [Source(one, path, read_cells(read_table(path, encoding=one.encoding), one)) for one, path in read], ignored


def _refuse_missing(source_dir: Path, found: Iterable[str], ignored: Sequence[Ignored]) -> None:
    """Raise DataError naming the releases that are not there, and the files that might have been meant."""
    missing = [f"{layout.key} ({layout.title})" for layout in LAYOUTS if layout.used and layout.key not in found]
    if not missing:
        return
    unknown = [item.path.name for item in ignored if item.reason == "its header is of no known layout"]
    hint = f" Files of unknown layout: {', '.join(unknown[:10])}." if unknown else ""
    raise DataError(
        f"{source_dir}: no file for {'; '.join(missing).replace('{newest}', '(any year)')}.{hint} "
        "To mend: put the publisher's file, as released, anywhere below that folder."
    )
