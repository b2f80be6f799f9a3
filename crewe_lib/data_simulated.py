"""Chapter 11: the simulated cohort as a reader must see it: what was put in, and what it was held against.

Nothing here says anything about Crewe: a cohort that was chosen to agree with the reports confirms nothing in them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pandas as pd

from crewe_lib.calibration import OFFICIAL, SHOWN, TUNED
from crewe_lib.cohort.truth import Truth
from crewe_lib.formats import MINUS
from crewe_lib.provenance import note_simulated, traced
from crewe_lib.synthetic import PUBLISHED_FAMILIES, PUBLISHED_SEED

FIRST_PART = "dates and sample"
_PART, _REMARK = re.compile(r"    # (?P<part>.+)"), re.compile(r"    (?P<name>\w+): [^#]*(?:#\s*(?P<remark>.+))?")


@traced
def derive_truth() -> pd.DataFrame:
    """The parameters of the model behind the simulated cohort: part, parameter, value, remark.

    Parts and remarks are the comments of `cohort.truth.Truth`, so that page and code cannot disagree.
    """
    note_simulated()
    truth, remarks, rows = Truth(), _read_remarks(), []
    for item in fields(Truth):
        heading, remark = remarks[item.name]
        part, detail = re.match(r"([^;:]*)(?:[;:] )?(.*)", heading).groups()  # type: ignore[union-attr]  # matches all
        value = getattr(truth, item.name)
        said = remark or (detail if isinstance(value, tuple) else "")
        rows.append(
            {"part": part, "parameter": item.name.replace("_", " "), "value": write_value(value), "remark": said}
        )
    return pd.DataFrame(rows)


def _read_remarks() -> dict[str, tuple[str, str]]:
    """Field of Truth → the heading comment above it, and the comment behind it."""
    part, found = FIRST_PART, {}
    for line in inspect.getsource(Truth).splitlines():
        if heading := _PART.fullmatch(line):
            part = heading["part"]
        elif entry := _REMARK.fullmatch(line):
            found[entry["name"]] = (part, entry["remark"] or "")
    return found


def write_value(value: Any) -> str:
    """A parameter as text: four significant digits, several values separated by semicolons."""
    if isinstance(value, Mapping):
        return "; ".join(f"{str(name).replace('_', ' ')} {write_value(each)}" for name, each in value.items())
    if isinstance(value, tuple):
        nested = any(isinstance(each, tuple) for each in value)
        return ("; " if nested or len(value) < 2 else ", ").join(write_value(each) for each in value)
    return f"{value:.4g}".replace("-", MINUS) if isinstance(value, float | int) else str(value)


@traced
def derive_held(calibration: pd.DataFrame) -> pd.DataFrame:
    """The targets that the cohort was held against: those of `check_calibration` with their verdict as a word."""
    held = calibration[calibration["use"] == TUNED]
    return held.assign(met=held["met"].map({True: "yes", False: "NO"})).reset_index(drop=True)


@traced
def derive_readings(calibration: pd.DataFrame) -> pd.DataFrame:
    """Targets that the cohort was held against and that can be read otherwise: the reading taken, and the rejected."""
    held = calibration["use"] == TUNED
    return calibration[held & (calibration["rejected"] != "")].reset_index(drop=True)


@traced
def derive_shown(calibration: pd.DataFrame) -> pd.DataFrame:
    """Figures of the reports that the cohort was not held against: chapter, quantity, group, target, use,
    rejected (reading)."""
    return calibration[calibration["use"] != TUNED].reset_index(drop=True)


@traced
def summarise_calibration(calibration: pd.DataFrame) -> dict[str, Any]:
    """How many targets the cohort was held against and met, and of how many kinds they are.

    held, met, missed; of the held ones: rejected (a rival reading was), free (our own choice), printed, implied; shown
    and official: targets that are shown only, or computed from official data. Also seed and families of the draw.
    """
    use, held = calibration["use"].value_counts(), calibration[calibration["use"] == TUNED]
    missed = int((~held["met"].fillna(False).astype(bool)).sum())
    return {
        "held": len(held),
        "met": len(held) - missed,
        "missed": missed,
        "verdict": "met them all" if missed == 0 else f"missed {missed} of them",
        "rejected": int((held["rejected"] != "").sum()),
        "free": int((held["status"] == "free").sum()),
        "printed": int((held["basis"] == "printed").sum()),
        "implied": int((held["basis"] == "implied").sum()),
        "shown": int(use.get(SHOWN, 0)),
        "official": int(use.get(OFFICIAL, 0)),
        "seed": PUBLISHED_SEED,
        "families": PUBLISHED_FAMILIES,
    }
