"""Control families that had the service later: three views, each checked by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from crewe_lib import follow_up_crossover as crossover
from crewe_lib.definitions import StudyDates, derive_study_dates
from crewe_lib.follow_up import derive_follow_up_set
from crewe_lib.follow_up_outcomes import choose_outcomes
from crewe_lib.load import load_claims, load_records
from crewe_lib.records import Records

OUTCOMES = choose_outcomes(closed_reading="status", rereferral_reading="any")


@pytest.fixture(scope="module")
def dates() -> StudyDates:
    return derive_study_dates(load_claims())


@pytest.fixture(scope="module")
def records() -> Records:
    return load_records()


def estimate(records: Records, dates: StudyDates) -> tuple[pd.DataFrame, pd.DataFrame]:
    families = derive_follow_up_set(records, dates=dates)
    received = crossover.derive_received(records, families, dates=dates)
    return received, crossover.estimate_crossover(received, OUTCOMES, alpha=0.05).set_index(["outcome", "approach"])


def test_the_effect_of_having_had_it_is_that_of_the_lot_over_the_share_it_changes(
    records: Records, dates: StudyDates
) -> None:
    received, table = estimate(records, dates)
    crossed = received[(received["treated"] == 0) & (received["received"] == 1)]
    assert len(crossed) == 5
    intention = table.loc[("closed", "intention"), "difference"]
    assert intention == pytest.approx(100 * (60 / 84 - 36 / 44))
    assert table.loc[("closed", "received"), "difference"] == pytest.approx(intention / (1 - 5 / 44))
    # Both are tested by the lot, so no assumption can make the one significant and the other not.
    assert table.loc[("closed", "received"), "p_value"] == pytest.approx(table.loc[("closed", "intention"), "p_value"])
    closed = int(crossed["closed_status"].sum())
    low, high = (100 * (60 / 84 - k / 44) for k in (36 + 5 - closed, 36 - closed))
    assert table.loc[("closed", "bounds"), ["conf_low", "conf_high"]].tolist() == pytest.approx([low, high])


def test_days_after_the_last_one_do_not_count(records: Records, dates: StudyDates) -> None:
    late = records.crossovers.assign(crossed_on=dates.study_end + pd.Timedelta(days=1))
    received, table = estimate(dataclasses.replace(records, crossovers=late), dates)
    assert (received["received"] == received["treated"]).all()
    intention = table.loc[("closed", "intention"), "difference"]
    assert table.loc[("closed", "received"), "difference"] == pytest.approx(intention)
    bounds = table.loc[("closed", "bounds")]
    assert bounds["conf_low"] == pytest.approx(bounds["conf_high"]) and "0 crossed" in bounds["note"]


def test_everybody_in_control_crossed_is_said(records: Records, dates: StudyDates) -> None:
    control = records.families.loc[records.families["arm"] == "control", "family_id"]
    every = pd.DataFrame({"family_id": control, "crossed_on": pd.Timestamp("2017-01-01")})
    _, table = estimate(dataclasses.replace(records, crossovers=every), dates)
    row = table.loc[("closed", "received")]
    assert np.isnan(row["difference"]) and "received is the same" in row["note"]


def test_everybody_closed_is_said(records: Records, dates: StudyDates) -> None:
    families = derive_follow_up_set(records, dates=dates).assign(closed_status=1)
    received = crossover.derive_received(records, families, dates=dates)
    table = crossover.estimate_crossover(received, OUTCOMES, alpha=0.05).set_index(["outcome", "approach"])
    assert "not possible" in table.loc[("closed", "received"), "note"]


def test_numbers_for_prose(records: Records, dates: StudyDates) -> None:
    received, table = estimate(records, dates)
    found = crossover.summarise_crossover(received, table.reset_index(), dates=dates)
    assert (found["crossed"], found["controls"]) == (5, 44) and found["share"] == pytest.approx(5 / 44)
    assert found["last_year"] == 1
