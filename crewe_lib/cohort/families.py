"""The simulated cohort's families and children, as arrays: days are day numbers, families and children are counted from
0. Pseudonyms and codes are put on when the tables are written (`synthetic_text`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.cohort.truth import DAYS_IN_YEAR, Truth

Days = npt.NDArray[np.int64]
NEVER = -(10**6)  # a day that is blank
FAR = 10**7  # a day that never comes


def draw_codes(rng: np.random.Generator, shares: Mapping[str, float], size: int) -> npt.NDArray[Any]:
    """Codes drawn by their shares."""
    return np.array(list(shares), dtype=object)[rng.choice(len(shares), size, p=list(shares.values()))]


def draw_families(rng: np.random.Generator, families: int, truth: Truth) -> pd.DataFrame:
    """One row per family: arm, days of referral (recorded, recoded), effects. Exactly the treated share is treated."""
    treated = np.zeros(families, dtype=bool)
    treated[rng.permutation(families)[: round(families * truth.treated_share)]] = True
    start, last = truth.day("pilot_start"), truth.day("last_referral")
    before = rng.random(families) < truth.open_before_pilot
    days_before = np.ceil(rng.exponential(truth.days_open_before, families)).clip(1, 900).astype(np.int64)
    # Referrals come thick at first, while the new service fills.
    later = np.floor(rng.beta(1.0, 1.5, families) * (last - start + 1)).astype(np.int64)
    referred = np.where(before, start - days_before, start + later)
    origin = np.maximum(referred, start)
    return pd.DataFrame(
        {
            "treated": treated,
            "site": draw_codes(rng, truth.site, families),
            "case_data": rng.random(families) < truth.case_data_found,
            "referred": referred,
            "origin": origin,
            "randomised": origin + np.where(before, rng.integers(2, 61, families), rng.integers(0, 22, families)),
            "size": 1 + rng.choice(len(truth.family_sizes), families, p=truth.family_sizes),
            "ethnicity": draw_codes(rng, truth.ethnicity, families),
            "frailty": rng.normal(0, truth.family_sd, families),
            "rereferral_frailty": rng.normal(0, truth.rereferral_family_sd, families),
            "absence_effect": rng.normal(0, truth.absence_family_sd, families),
            "moves": origin
            + np.ceil(rng.exponential(DAYS_IN_YEAR / max(truth.moving_per_year, 1e-9), families)).clip(max=FAR),
        }
    ).astype({"moves": np.int64})


def draw_children(rng: np.random.Generator, families: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """One row per child, the lead child of each family first: family (its position), lead, sex, born (day), and so on.

    All are under eighteen and born by the recoded referral; one born after the recorded one is referred at birth.
    """
    size = families["size"].to_numpy()
    family = np.repeat(np.arange(len(families)), size)
    total = len(family)
    lead = np.r_[True, family[1:] != family[:-1]]
    born = families["origin"].to_numpy() - _lead_age_days(rng, len(families), truth)
    origin = families["origin"].to_numpy()[family]
    own = _draw_births(rng, born[family], origin, lead, truth)
    sex, disability = _draw_marks(rng, total, truth)
    return pd.DataFrame(
        {
            "family": family,
            "lead": lead,
            "sex": sex,
            "born": own,
            "ethnicity": families["ethnicity"].to_numpy()[family],
            "disability": disability,
            "is_cin": lead | (rng.random(total) < truth.sibling_is_cin),
        }
    )


def _draw_births(
    rng: np.random.Generator, lead_born: Days, origin: Days, lead: npt.NDArray[np.bool_], truth: Truth
) -> Days:
    """Days of birth: siblings some years to either side of the lead child, all under eighteen and born in time."""
    total = len(lead)
    gap = np.ceil((1 + np.abs(rng.normal(0, truth.sibling_gap_years, total))) * DAYS_IN_YEAR).astype(np.int64)
    side = np.where(rng.random(total) < 0.5, 1, -1)
    own = lead_born + np.where(lead, 0, side * gap)
    oldest, youngest = origin - int(17.9 * DAYS_IN_YEAR), origin - 1
    outside = (own < oldest) | (own > youngest)
    born: Days = np.where(outside & ~lead, lead_born - side * gap, own).clip(oldest, youngest)
    return born


def _draw_marks(rng: np.random.Generator, total: int, truth: Truth) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Sex and disability as recorded."""
    draw = rng.random(total)
    sex = np.where(draw < truth.sex_not_recorded, "not_recorded", "male").astype(object)
    sex[draw > 1 - truth.female] = "female"
    disability = np.where(rng.random(total) < truth.disability, "1", "0").astype(object)
    disability[rng.random(total) < truth.disability_unknown] = ""
    return sex, disability


def _lead_age_days(rng: np.random.Generator, size: int, truth: Truth) -> Days:
    """Ages in days: a band by its share, then anywhere within it."""
    first, last, shares = (np.array(column, dtype=float) for column in zip(*truth.lead_ages, strict=True))
    band = rng.choice(len(shares), size, p=shares)
    years = first[band] + rng.random(size) * (last[band] + 1 - first[band])
    days: Days = (years * DAYS_IN_YEAR).astype(np.int64).clip(1, int(17.9 * DAYS_IN_YEAR))
    return days
