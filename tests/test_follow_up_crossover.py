"""Control families that had the service later: three views, each checked by hand."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from crewe_lib import follow_up_crossover as crossover
from crewe_lib.definitions import StudyDates, derive_study_dates
from crewe_lib.errors import CreweError
from crewe_lib.follow_up import OUTCOMES as READINGS
from crewe_lib.follow_up import derive_follow_up_set
from crewe_lib.follow_up_outcomes import choose_outcomes
from crewe_lib.formats import interval
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
    assert found["settled"] == 0 and found["settled_rereferred"] == 2
    bounds = table.loc[("closed", "bounds")]
    assert found["outer"] == interval(bounds["outer_low"], bounds["outer_high"])
    assert "does not hang on them" in found["sign_said"]


def balke_pearl(chances: dict[tuple[int, int, int], float]) -> tuple[float, float]:
    """Sharp bounds of the effect on all families, by linear programming over the kinds of family there can be.

    chances: of (outcome, received) given the lot. A kind is what it receives by lot and its outcome by what it
    receives, so the lot acts through that alone: sixteen kinds (Balke and Pearl 1997).
    """
    kinds = list(itertools.product((0, 1), repeat=4))  # received if lot 0, if lot 1; outcome if received 0, if 1
    rows, values = [], []
    for (y, d, z), chance in chances.items():
        rows.append([float(kind[z] == d and kind[2 + d] == y) for kind in kinds])
        values.append(chance)
    effect = np.array([kind[3] - kind[2] for kind in kinds], float)
    ends = [linprog(sign * effect, A_eq=rows, b_eq=values, bounds=(0, 1)).fun * sign for sign in (1, -1)]
    return ends[0], ends[1]


@pytest.mark.parametrize(("closed", "without"), [(31, 3), (20, 0), (39, 5)])
def test_bounds_are_those_of_balke_and_pearl(closed: int, without: int) -> None:
    """84 treated families, 60 with the outcome; 44 controls, 5 crossed, of the others `closed` have the outcome."""
    crossed_with = 5 - without
    y = np.repeat([1, 0, 1, 0, 1, 0], [60, 24, closed, 39 - closed, crossed_with, without])
    frame = pd.DataFrame({"outcome": y, "treated": np.repeat([1, 0], [84, 44])}).astype(float)
    frame["received"] = np.repeat([1.0, 0.0, 1.0], [84, 39, 5])
    received = pd.DataFrame(
        {"arm": np.where(frame["treated"] == 1, "treatment", "control"), "crossed_on": pd.NaT}
        | {name: frame[name].astype(int) for name in ("treated", "received")}
        | dict.fromkeys(READINGS, frame["outcome"].astype("Int64"))
        | dict.fromkeys((f"settled_{name}" for name in READINGS), 0)
    )
    chances = {
        (y, d, z): float(((frame["outcome"] == y) & (frame["received"] == d))[frame["treated"] == z].mean())
        for y, d, z in itertools.product((0, 1), repeat=3)
    }
    low, high = balke_pearl(chances)
    table = crossover.estimate_crossover(received, OUTCOMES, alpha=0.05).set_index(["outcome", "approach"])
    bounds = table.loc[("closed", "bounds")]
    assert (bounds["conf_low"], bounds["conf_high"]) == pytest.approx((100 * low, 100 * high), abs=1e-7)
    assert bounds["outer_low"] < bounds["conf_low"] <= bounds["conf_high"] < bounds["outer_high"]


def test_an_outcome_known_before_crossing_cannot_have_been_changed(records: Records, dates: StudyDates) -> None:
    received, table = estimate(records, dates)
    crossers = received[(received["treated"] == 0) & (received["received"] == 1)]
    episodes = records.episodes.merge(crossers[["child_id", "crossed_on"]], on="child_id")
    again = episodes[episodes["referred_on"] > episodes.groupby("child_id")["referred_on"].transform("min")]
    after_pilot = again[(again["referred_on"] > dates.pilot_end) & (again["referred_on"] <= again["crossed_on"])]
    assert set(after_pilot["child_id"]) == set(crossers.loc[crossers["settled_rereferred_any"] == 1, "child_id"])
    assert (crossers["settled_closed_status"] == 0).all()  # a status of the last day is open until then
    early = crossers["crossed_on"] > pd.Timestamp("2017-03-01")  # over twelve months after the last referral
    assert (crossers.loc[early, "settled_rereferred_printed"] == 1).all()
    # Two of the five were settled, so at most three can hide an effect.
    bounds = table.loc[("rereferred", "bounds")]
    assert bounds["conf_high"] - bounds["conf_low"] == pytest.approx(100 * 3 / 43)
    intention = table.loc[("rereferred", "intention"), "difference"]
    assert table.loc[("rereferred", "in_time"), "difference"] == pytest.approx(intention / (1 - 3 / 43))
    assert ("closed", "in_time") not in table.index


@pytest.mark.parametrize(("days", "settled"), [(-1, 0), (0, 0), (1, 1)])
def test_a_closing_on_the_day_of_crossing_may_be_its_doing(
    records: Records, dates: StudyDates, days: int, settled: int
) -> None:
    closed = records.episodes[(records.episodes["child_id"] == "C0115") & (records.episodes["status"] == "closed")]
    day = closed["closed_on"].iloc[0] + pd.Timedelta(days=days)
    one = pd.DataFrame({"family_id": ["F0046"], "crossed_on": [day]})
    received, _ = estimate(dataclasses.replace(records, crossovers=one), dates)
    row = received[received["family_id"] == "F0046"].iloc[0]
    assert row["settled_closed_recorded"] == settled
    assert received["settled_closed_recorded"].sum() == settled


def test_a_closing_on_an_unknown_day_settles_nothing(records: Records, dates: StudyDates) -> None:
    own = records.episodes["child_id"] == "C0115"
    unknown = records.episodes.assign(closed_on=records.episodes["closed_on"].mask(own))
    received, _ = estimate(dataclasses.replace(records, episodes=unknown), dates)
    row = received[received["family_id"] == "F0046"].iloc[0]
    assert row["closed_recorded"] == 1 and row["settled_closed_recorded"] == 0


def test_families_without_sex_are_compared_too(records: Records, dates: StudyDates) -> None:
    families = derive_follow_up_set(records, dates=dates)
    families = families.assign(female=families["female"].mask(families.index < 40))
    received = crossover.derive_received(records, families, dates=dates)
    table = crossover.estimate_crossover(received, OUTCOMES, alpha=0.05)
    assert table.loc[table["outcome"] == "closed", "n"].tolist() == [128] * 3


def test_nobody_crossed_and_an_arm_that_does_not_vary_are_said(records: Records, dates: StudyDates) -> None:
    received, table = estimate(dataclasses.replace(records, crossovers=records.crossovers.iloc[:0]), dates)
    found = crossover.summarise_crossover(received, table.reset_index(), dates=dates)
    assert found["crossed"] == found["settled"] == 0 and found["bounds_low"] == found["bounds_high"]
    flat = received.assign(closed_status=received["closed_status"].mask(received["treated"] == 0, 1))
    table = crossover.estimate_crossover(flat, OUTCOMES, alpha=0.05).set_index(["outcome", "approach"])
    assert "all or none" in table.loc[("closed", "intention"), "note"]
    assert "all or none" in table.loc[("closed", "received"), "note"]
    apart = received.assign(closed_status=received["treated"].astype("Int64"))
    table = crossover.estimate_crossover(apart, OUTCOMES, alpha=0.05).set_index(["outcome", "approach"])
    assert "not possible" in table.loc[("closed", "intention"), "note"]
    assert "does not vary on either side" in table.loc[("closed", "received"), "note"]


def test_an_arm_without_a_known_outcome_is_named(records: Records, dates: StudyDates) -> None:
    families = derive_follow_up_set(records, dates=dates)
    none = families.assign(closed_status=families["closed_status"].mask(families["treated"] == 0))
    received = crossover.derive_received(records, none, dates=dates)
    with pytest.raises(CreweError, match="control arm has no family with the outcome"):
        crossover.estimate_crossover(received, OUTCOMES, alpha=0.05)
