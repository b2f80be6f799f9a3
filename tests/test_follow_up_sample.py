"""Ages at referral by arm."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from crewe_lib import follow_up_sample as sample
from crewe_lib.definitions import derive_cases, derive_study_dates
from crewe_lib.figures.follow_up_sample import draw_ages
from crewe_lib.follow_up import derive_follow_up_set
from crewe_lib.load import load_claims, load_records


def test_ages_by_arm() -> None:
    records, dates = load_records(), derive_study_dates(load_claims())
    ages = sample.derive_ages(records, dates=dates)
    summary = sample.summarise_ages(ages).set_index("arm")
    families = derive_follow_up_set(records, dates=dates).groupby("arm")
    assert summary["n"].to_dict() == {"treatment": 84, "control": 44}
    assert summary["under_11"].to_dict() == families["under_11"].sum().to_dict()
    assert summary["could_age_out"].to_dict() == families["aged_out"].sum().to_dict()
    own = ages.loc[ages["arm"] == "control", "years"]
    assert summary.loc["control", "median"] == pytest.approx(np.median(own))
    assert summary.loc["control", "lower"] < summary.loc["control", "median"] < summary.loc["control", "upper"]


def test_age_is_counted_from_the_middle_of_the_month_of_birth() -> None:
    records, dates = load_records(), derive_study_dates(load_claims())
    cases = derive_cases(records, dates=dates)
    days = (cases["referred_on"] - cases["born_on"]).dt.days
    assert sorted(sample.derive_ages(records, dates=dates)["years"]) == pytest.approx(sorted(days / 365.25))
    assert "median" in sample.describe_ages(sample.summarise_ages(sample.derive_ages(records, dates=dates)))["text"]


def test_a_child_past_seventeen_stays_on_the_figure() -> None:
    ages = pd.DataFrame({"arm": ["treatment", "treatment", "control"], "years": [3.0, 19.4, 8.0]})
    ages = ages.assign(under_11=[True, False, True], could_age_out=[False, True, False])
    _, ax = plt.subplots()
    draw_ages(ages, ax=ax, summary=sample.summarise_ages(ages), under=11)
    assert ax.get_xlim() == (0, 20)
    plt.close("all")
