"""What is known of each family before its treatment: one row per family with case data, described by its lead child."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from crewe_lib.definitions import StudyDates, derive_cases
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, percent, spelt
from crewe_lib.provenance import traced
from crewe_lib.records import Records

ARMS = ("treatment", "control")


@dataclass(frozen=True)
class Characteristic:
    """How a characteristic is named, and what it is: a share of families, or a mean in a unit."""

    label: str
    kind: Literal["share", "mean"]
    unit: str = ""


CHARACTERISTICS: Mapping[str, Characteristic] = {
    "female": Characteristic("Female", "share"),
    "age": Characteristic("Age at referral", "mean", "years"),
    "under_11": Characteristic("Under 11 at referral", "share"),
    "disability": Characteristic("Disability", "share"),
    "white_british": Characteristic("White British", "share"),
    "other_white": Characteristic("Other White", "share"),
    "other_cin": Characteristic("Another child in need in the family", "share"),
    "children": Characteristic("Children in the family", "mean", "number"),
    "history": Characteristic("Child-in-need plan before the pilot", "share"),
    "referred_before": Characteristic("Referred before the pilot began", "share"),
    "abuse": Characteristic("Primary need: abuse or neglect", "share"),
    "acute_stress": Characteristic("Primary need: family in acute stress", "share"),
    "dysfunction": Characteristic("Primary need: family dysfunction", "share"),
}
SAMPLE_COLUMNS: Mapping[str, Column] = {
    "label": Column("Lead child or family"),
    "treatment": Column("Treatment"),
    "control": Column("Control"),
    "missing": Column("Not known", lambda value: spelt(value)),
}


@traced
def derive_baseline(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """Family by family, the characteristics of `CHARACTERISTICS`: shares as 0 or 1, missing where not recorded.

    Columns: family_id, treated (0 or 1), then one per characteristic (float). Families with case data, sorted by
    family_id. Ethnic groups are shares of those recorded; need is that of the index episode, and stated for all but N0.
    Raises CreweError if an arm has no family with case data.
    """
    cases = derive_cases(records, dates=dates)
    if lacking := [arm for arm in ARMS if arm not in set(cases["arm"])]:
        raise CreweError(
            f"baseline: no family of the {' and the '.join(lacking)} arm has case data, so there is nothing to "
            "compare; see case_data in families.csv."
        )
    ethnicity = cases["ethnicity"].mask(cases["ethnicity"] == "not_recorded")
    sex = cases["sex"].mask(cases["sex"] == "not_recorded")
    need = cases["episode_id"].map(records.episodes.set_index("episode_id")["primary_need"])
    need = need.mask(need == "N0")
    table = pd.DataFrame({"family_id": cases["family_id"], "treated": (cases["arm"] == "treatment").astype(int)})
    found: dict[str, pd.Series] = {
        "female": _share(sex, "female"),
        "age": cases["age_at_referral"],
        "under_11": cases["under_11"],
        "disability": _share(cases["disability"].mask(cases["disability"] == ""), "1"),
        "white_british": _share(ethnicity, "white_british"),
        "other_white": _share(ethnicity, "white_other"),
        "other_cin": cases["other_cin"],
        "children": cases["family_id"].map(records.children.groupby("family_id").size()),
        "history": cases["history"],
        "referred_before": cases["referred_on_recorded"] < dates.pilot_start,
        "abuse": _share(need, "N1"),
        "acute_stress": _share(need, "N4"),
        "dysfunction": _share(need, "N5"),
    }
    return table.assign(**{name: found[name].astype("float64") for name in CHARACTERISTICS})


def _share(values: pd.Series, wanted: str) -> pd.Series:
    """1 where the value is the one wanted, 0 where it is another, missing where there is none."""
    return (values == wanted).astype("float64").mask(values.isna())


@traced
def derive_sample(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """The sample by arm: one row per characteristic, and first the families.

    Columns: characteristic, label, treatment and control (text: share with its counts, or mean with the standard
    deviation), missing (families for which it is not known), n_treatment, n_control (families for which it is), and
    mean_treatment, mean_control (a share as 0 to 1; missing where nobody is known).
    """
    baseline = derive_baseline(records, dates=dates)
    sizes = {arm: int((baseline["treated"] == side).sum()) for arm, side in (("treatment", 1), ("control", 0))}
    first = {"characteristic": "families", "label": "Families with case data", "missing": 0}
    rows = [{**first, **{arm: f"{n:,}" for arm, n in sizes.items()}, **{f"n_{arm}": n for arm, n in sizes.items()}}]
    for name, one in CHARACTERISTICS.items():
        row: dict[str, object] = {
            "characteristic": name,
            "label": one.label,
            "missing": int(baseline[name].isna().sum()),
        }
        if one.unit:
            row["label"] = f"{one.label}, mean (standard deviation)"
        for arm, side in (("treatment", 1), ("control", 0)):
            own = baseline.loc[baseline["treated"] == side, name].dropna().to_numpy()
            mean = float(np.mean(own)) if len(own) else float("nan")
            row |= {arm: _write(own, one), f"n_{arm}": len(own), f"mean_{arm}": mean}
        rows.append(row)
    return pd.DataFrame(rows)


def _write(values: np.ndarray, one: Characteristic) -> str:
    """'42% (35 of 84)' or '8.4 (4.7)'; a dash where nobody is known."""
    if not len(values):
        return "–"
    mean = float(np.mean(values))
    if one.kind == "share":
        return f"{percent(0)(mean)} ({int(np.sum(values)):,} of {len(values):,})"
    return f"{fixed(1)(mean)} ({fixed(1)(float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)})"
