"""Writing a simulated cohort: CSV files and a card that says loudly what they are not."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from crewe_lib.cohort.draw import Simulated
from crewe_lib.cohort.text import write_table
from crewe_lib.contract import TABLES
from crewe_lib.contract_fields import describe_contract_table
from crewe_lib.datapackage import DESCRIPTOR, write_descriptor
from crewe_lib.errors import CreweError

PUBLISHED_SEED, PUBLISHED_FAMILIES = 20150801, 132
NAME = "simulated_cohort"
TITLE = "SIMULATED cohort: invented families, not evidence"
WARNING = (
    "INVENTED DATA. No row describes a real family or child, and nothing computed from these files is evidence about "
    "Project Crewe, FACT22 or Cheshire East. They stand in for records that cannot be public, so that methods can be "
    "run and tested."
)
CALIBRATED = (
    "Calibrated: which of the invented families are in the files was chosen so that they agree with the figures that "
    "the two reports print. That they agree therefore confirms nothing."
)
PLAIN = (
    "Not calibrated: a plain draw from a model with the parameters given under 'simulation'. It does not agree with "
    f"the reports' figures; only seed {PUBLISHED_SEED} at {PUBLISHED_FAMILIES} families does."
)


def write_cohort(simulated: Simulated, out: Path) -> Path:
    """Write a cohort to the folder `out`: one CSV file for each table, and `datapackage.json` of kind simulated.

    Everything is written beside `out` and then renamed, so that there is never half a cohort. An earlier simulated
    cohort is replaced. Raises CreweError if `out` is anything else that is not empty, or cannot be written.
    """
    check_out(out)
    if not simulated.calibrated and _holds_the_published_draw(out):
        raise CreweError(
            f"--out {out}: this is the calibrated cohort; a plain draw does not replace it. Name another folder."
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as fault:
        raise CreweError(f"--out {out}: cannot be written ({fault.strerror}).") from None
    try:
        staged.chmod(0o777 & ~_umask())
        for name, frame in simulated.tables.items():
            write_table(frame, staged / f"{name}.csv")
        write_descriptor(staged, describe_cohort(simulated))
        _put(staged, out)
    except OSError as fault:
        raise CreweError(f"--out {out}: cannot be written ({fault.strerror}).") from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return out


def describe_cohort(simulated: Simulated) -> dict[str, Any]:
    """The card of a cohort."""
    how = CALIBRATED if simulated.calibrated else PLAIN
    dates = f"invented days, the last {simulated.truth.study_end}; seed {simulated.seed}"
    return {
        "profile": "tabular-data-package",
        "name": NAME,
        "kind": "simulated",
        "title": TITLE,
        "description": f"{WARNING} {how}",
        "licenses": [{"name": "CC0-1.0", "title": "CC0 1.0 Universal (made by this project)"}],
        "sources": [
            {"title": f"crewe simulate --seed {simulated.seed} --families {simulated.families}: crewe_lib.synthetic"}
        ],
        "simulation": {
            "calibrated": simulated.calibrated,
            "seed": simulated.seed,
            "families": simulated.families,
            "parameters": simulated.truth.as_plain(),
        },
        "resources": [
            {**describe_contract_table(TABLES[name]), "dates": dates, "rows": len(frame)}
            for name, frame in simulated.tables.items()
        ],
    }


def check_out(out: Path) -> None:
    """Refuse to replace anything but an empty folder or an earlier simulated cohort. Raises CreweError."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise CreweError(f"--out {out}: this is not a folder; name a new folder or an earlier simulated cohort.")
    if out.is_dir() and (why := _not_a_cohort(out)):
        raise CreweError(
            f"--out {out}: the folder {why}, so it is not an earlier simulated cohort; nothing was touched. Name a new "
            "folder, or empty this one."
        )


def _not_a_cohort(folder: Path) -> str:
    """Why a folder is not a simulated cohort of ours, or '' if it is one or is empty."""
    names = {item.name for item in folder.iterdir()}
    if not names:
        return ""
    if DESCRIPTOR not in names:
        return f"is not empty and holds no {DESCRIPTOR}"
    if others := names - {DESCRIPTOR, *(f"{name}.csv" for name in TABLES)}:
        return f"also holds {len(others)} other file{'s' if len(others) > 1 else ''}"
    try:
        card = json.loads((folder / DESCRIPTOR).read_bytes())
    except (ValueError, OSError):
        card = None
    if not isinstance(card, dict) or (card.get("kind"), card.get("name")) != ("simulated", NAME):
        return f"holds a {DESCRIPTOR} of something else"
    return ""


def _holds_the_published_draw(folder: Path) -> bool:
    """Whether a folder is a calibrated cohort, which a plain draw must not replace."""
    try:
        card = json.loads((folder / DESCRIPTOR).read_bytes())
    except (ValueError, OSError):
        return False
    return isinstance(card, dict) and bool((card.get("simulation") or {}).get("calibrated"))


def _put(staged: Path, out: Path) -> None:
    """Move the finished folder into place; the old one, if any, comes back should that fail."""
    check_out(out)
    if not out.exists():
        staged.rename(out)
        return
    old = staged.with_name(f"{staged.name}-old")
    out.rename(old)
    try:
        staged.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    """The mask of new files; reading it means setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
