"""Bands of SDQ scores: the cut-offs for each form and age version, where each was seen, and how scores fall into them.

The owner's site could not be opened. Cut-offs that a source opened by us prints are marked with it; the others, as
commonly given, are marked as not verified. No finding rests on a cut-off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, percent
from crewe_lib.provenance import traced
from crewe_lib.sdq_scoring import LABELS, OUTCOMES, is_better_low

Form = Literal["parent", "teacher", "self"]
Verified = Literal["yes", "in part", "no"]


@dataclass(frozen=True)
class CutOffs:
    """Cut-offs of one form, age version and number of bands.

    starts: for each score, where the second, third (and fourth) band begins: going up where fewer points are better,
    going down for prosocial behaviour. verified: whether a source that we opened prints them; source: which of
    `SOURCES`, blank if none.
    """

    form: Form
    version: str
    bands: int
    starts: Mapping[str, tuple[int, ...]]
    verified: Verified
    source: str = ""


def _starts(*rows: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return dict(zip(OUTCOMES, rows, strict=True))


# What we opened, by the letter that stands in the table; Table 2 of the first gives 2–4 and 4–17 years in one column.
SOURCES: Mapping[str, str] = {
    "a": "BMC Pediatrics 23 (2023), doi 10.1186/s12887-023-03837-1, Table 2, column UK",
    "b": "PMC4830858, Table 1, after the owner’s scoring instructions",
}
# In the order of OUTCOMES: emotional, conduct, hyperactivity, peer, prosocial, total.
CUT_OFFS = (
    CutOffs("parent", "4_17", 3, _starts((4, 5), (3, 4), (6, 7), (3, 4), (5, 4), (14, 17)), "yes", "a"),
    CutOffs("parent", "4_17", 4, _starts((4, 5, 7), (3, 4, 6), (6, 8, 9), (3, 4, 5), (7, 6, 5), (14, 17, 20)), "no"),
    CutOffs("teacher", "4_17", 3, _starts((5, 6), (3, 4), (6, 7), (4, 5), (5, 4), (12, 16)), "no"),
    CutOffs(
        "teacher", "4_17", 4, _starts((4, 5, 6), (3, 4, 5), (6, 8, 9), (3, 5, 6), (5, 4, 3), (12, 16, 19)), "yes", "b"
    ),
    CutOffs("self", "4_17", 3, _starts((6, 7), (4, 5), (6, 7), (4, 6), (5, 4), (16, 20)), "no"),
    CutOffs("self", "4_17", 4, _starts((5, 6, 7), (4, 5, 6), (6, 7, 8), (3, 4, 5), (6, 5, 4), (15, 18, 20)), "no"),
    # The source has three bands; where the fourth begins, it does not say.
    CutOffs(
        "parent", "2_4", 4, _starts((3, 4, 5), (4, 5, 7), (6, 7, 8), (3, 4, 5), (6, 5, 4), (13, 16, 19)), "in part", "a"
    ),
)
BANDS: Mapping[int, tuple[str, ...]] = {
    3: ("normal", "borderline", "abnormal"),
    4: ("close to average", "slightly raised", "high", "very high"),
}
NO_BAND = "no cut-offs for the version"
VERSIONS: Mapping[str, str] = {"2_4": "2–4", "4_17": "4–17"}
# The questionnaire has a form for parents and one for teachers; a worker's answers have to be read by one of them.
FORMS: Mapping[str, Mapping[str, Form]] = {
    "worker as teacher": {"parent": "parent", "practitioner": "teacher", "self": "self"},
    "worker as parent": {"parent": "parent", "practitioner": "parent", "self": "self"},
}

CUT_OFF_COLUMNS = {
    "form": Column("Form, ages, bands"),
    **{outcome: Column(LABELS[outcome].split()[0]) for outcome in OUTCOMES},
    "verified": Column("Verified"),
}
BAND_COLUMNS = {
    "reading": Column("Workers' answers read by"),
    "band": Column("Total difficulties"),
    "treatment": Column("Project Crewe", fixed(0)),
    "treatment_share": Column("Share", percent()),
    "control": Column("Cheshire East", fixed(0)),
    "control_share": Column("Share", percent()),
}


def find_band(outcome: str, score: int, cut_offs: CutOffs) -> int:
    """The band of a score, from 1 (best) to the number of bands (worst)."""
    starts = cut_offs.starts[outcome]
    return 1 + sum(score >= start if is_better_low(outcome) else score <= start for start in starts)


def find_cut_offs(form: Form, version: str, bands: int) -> CutOffs | None:
    """The cut-offs of a form, age version and number of bands; None if there are none here."""
    return next((c for c in CUT_OFFS if (c.form, c.version, c.bands) == (form, version, bands)), None)


@traced
def derive_cut_offs() -> pd.DataFrame:
    """The cut-offs as a table: form (with ages and bands), one column per score (where the second, third and fourth
    band begin, as words), verified (with the letter of its source)."""
    rows = []
    for one in CUT_OFFS:
        starts = {outcome: ", ".join(map(str, one.starts[outcome])) for outcome in OUTCOMES}
        form = f"{one.form}, {VERSIONS[one.version]}, {one.bands}"
        rows.append({"form": form, **starts, "verified": ", ".join(filter(None, [one.verified, one.source]))})
    return pd.DataFrame(rows)


@traced
def summarise_cut_offs() -> dict[str, Any]:
    """How many sets of cut-offs there are, how many of them are verified, and from where: sets, yes, in_part, no,
    sources."""
    said = [one.verified for one in CUT_OFFS]
    return {
        "sets": len(said),
        "yes": said.count("yes"),
        "in_part": said.count("in part"),
        "no": said.count("no"),
        "sources": "; ".join(f"{letter}: {source}" for letter, source in SOURCES.items()),
    }


@traced
def derive_bands(scores: pd.DataFrame, *, bands: int) -> pd.DataFrame:
    """How total difficulties fall into bands, by arm, with workers' answers read by the teacher's or parent's form.

    scores: one row per child, as in `derive_scores`. A version without cut-offs is counted in a row of its own;
    children without a total are left out. Columns: reading, band, treatment, control (children), treatment_share,
    control_share (of the arm's children, missing for an arm without any). Raises CreweError for another number of
    bands.
    """
    if bands not in BANDS:
        raise CreweError(f"bands is {bands}; scores fall into 3 or 4 bands.")
    known = scores[scores["total"].notna()]
    rows = []
    for reading, forms in FORMS.items():
        found = [
            _name_band(int(total), find_cut_offs(forms[informant], version, bands))
            for total, informant, version in known[["total", "informant", "version"]].itertuples(index=False)
        ]
        counts = pd.crosstab(pd.Series(found, dtype=object), known["arm"].to_numpy())
        for band in (*BANDS[bands], NO_BAND):
            row: dict[str, object] = {"reading": f"{reading.split()[-1]} form", "band": band}
            for arm in ("treatment", "control"):
                own = int(counts[arm].loc[band]) if band in counts.index and arm in counts else 0
                of = int((known["arm"] == arm).sum())
                row |= {arm: own, f"{arm}_share": own / of if of else np.nan}
            if band != NO_BAND or row["treatment"] or row["control"]:
                rows.append(row)
    return pd.DataFrame(rows)


def _name_band(total: int, cut_offs: CutOffs | None) -> str:
    return NO_BAND if cut_offs is None else BANDS[cut_offs.bands][find_band("total", total, cut_offs) - 1]
