"""Turning eighteen as a rival of closing: what came first, by hand and in the cohort; nobody, everybody; the figure."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from crewe_lib import definitions, follow_up
from crewe_lib import follow_up_ageing as ageing
from crewe_lib.errors import CreweError
from crewe_lib.figures import follow_up_curves as figure
from crewe_lib.load import load_claims, load_records

DATES = definitions.derive_study_dates(load_claims())
RECORDS = load_records()
OUTCOMES = follow_up.derive_follow_up_set(RECORDS, dates=DATES)
DAYS, TICKS = (365, 1095), (0, 182, 365, 730, 1095)


def changed(child: str, *, born: str | None = None, protection: str | None = None, **episode: object):
    """The cohort with another month of birth, first protection or index episode of one child."""
    children, episodes, protections = (getattr(RECORDS, t).copy() for t in ("children", "episodes", "protection"))
    own = definitions.derive_cases(RECORDS, dates=DATES).set_index("child_id").loc[child]
    if born:
        children.loc[children["child_id"] == child, "born_in"] = pd.Timestamp(born)
    for name, value in episode.items():
        episodes.loc[episodes["episode_id"] == own["episode_id"], name] = value
    if protection:
        row = protections.iloc[[0]].assign(
            child_id=child, started_on=pd.Timestamp(protection), ended_on=pd.Timestamp("2019-01-01")
        )
        protections = pd.concat([protections, row], ignore_index=True)
    return replace(RECORDS, children=children, episodes=episodes, protection=protections)


def only(records, child: str) -> pd.Series:
    return ageing.derive_ageing_set(records, dates=DATES).set_index("child_id").loc[child]


def made(treatment: list[tuple[int, int]], control: list[tuple[int, int]], ages: int = 16) -> pd.DataFrame:
    """A set from (days, cause) of each case; who turned eighteen first did so by the last day."""
    rows = [("treatment", *case) for case in treatment] + [("control", *case) for case in control]
    frame = pd.DataFrame(rows, columns=["arm", "days", "cause"]).astype({"days": "Int64", "cause": "Int64"})
    names = [f"c{n}" for n in range(len(frame))]
    aged = (frame["cause"] == 2).astype(int)
    return frame.assign(child_id=names, family_id=names, aged_out=aged, age_at_referral=ages, remark="")


def summary(frame: pd.DataFrame, days: tuple[int, ...] = (20,)) -> dict:
    first = ageing.estimate_what_came_first(frame, days=days, alpha=0.05)
    outcomes = frame[["child_id"]].assign(closed_status=1)
    return ageing.summarise_ageing(frame, first, outcomes, reading="status")


class TestWhatCameFirst:
    """C0001's case ran from the pilot's first day to 13 July 2016."""

    def test_closing(self) -> None:
        row = only(RECORDS, "C0001")
        assert (row["cause"], row["days"], row["aged_out"]) == (1, 347, 1)

    @pytest.mark.parametrize(
        ("change", "cause", "last"),
        [
            (dict(born="1998-03-01"), 2, "2016-03-15"),
            (dict(closed_reason="aged_out"), 2, "2016-07-13"),
            (dict(born="1998-03-01", closed_reason="aged_out"), 2, "2016-03-15"),
            (dict(protection="2016-05-01"), 3, "2016-05-01"),
            (dict(protection="2016-07-13"), 3, "2016-07-13"),
            (dict(protection="2016-07-14"), 1, "2016-07-13"),
            (dict(protection="2015-07-30"), 1, "2016-07-13"),
            (dict(closed_reason="escalated"), 3, "2016-07-13"),
            (dict(born="1998-03-01", protection="2016-03-15"), 3, "2016-03-15"),
            (dict(born="1998-03-01", closed_on=pd.Timestamp("2016-03-15")), 1, "2016-03-15"),
            (dict(status="open", closed_on=pd.NaT, closed_reason=None), 2, "2019-10-15"),
            (dict(born="2003-03-01", status="open", closed_on=pd.NaT, closed_reason=None), 0, "2019-11-22"),
            (dict(born="2003-03-01", closed_on=pd.Timestamp("2020-01-05")), 0, "2019-11-22"),
        ],
    )
    def test_the_first_of_several(self, change: dict, cause: int, last: str) -> None:
        row = only(changed("C0001", **change), "C0001")
        assert (row["cause"], row["days"]) == (cause, (pd.Timestamp(last) - DATES.pilot_start).days)

    @pytest.mark.parametrize(
        ("change", "remark"),
        [(dict(closed_on=pd.NaT), "closed on an unknown day"), (dict(born="1997-03-01"), "referred at eighteen")],
    )
    def test_what_cannot_be_placed_is_missing_and_counted(self, change: dict, remark: str) -> None:
        records = changed("C0001", **change)
        row = only(records, "C0001")
        assert row["remark"] == remark and pd.isna(row["days"]) and pd.isna(row["cause"])
        frame = ageing.derive_ageing_set(records, dates=DATES)
        first = ageing.estimate_what_came_first(frame, days=DAYS, alpha=0.05)
        found = ageing.summarise_ageing(frame, first, OUTCOMES, reading="status")
        assert found["unknown"] + found["adult"] == 3 and found["known_treatment"] == 81

    def test_the_cohort(self) -> None:
        frame = ageing.derive_ageing_set(RECORDS, dates=DATES)
        assert len(frame) == 128 and frame["child_id"].is_monotonic_increasing
        assert frame.groupby("arm")["aged_out"].sum().to_dict() == {"treatment": 11, "control": 13}
        known = frame.dropna(subset="days")
        assert (known["days"] >= 0).all() and known["cause"].isin(range(4)).all()


class TestNumbers:
    def test_shares_by_hand(self) -> None:
        frame = made([(10, 1), (20, 2), (30, 0), (30, 0)], [(5, 1), (10, 3), (40, 0)])
        curves = ageing.derive_ageing_curves(frame, alpha=0.05)
        own = curves[(curves["arm"] == "treatment") & (curves["state"] == "closed")]
        assert own["day"].tolist() == [0, 10, 20, 30] and own["share"].tolist() == [0, 0.25, 0.25, 0.25]
        assert own["at_risk"].tolist() == [4, 4, 3, 2]
        first = ageing.estimate_what_came_first(frame, days=(20,), alpha=0.05).set_index("outcome")
        gap, row = 1 / 4 - 1 / 3, first.loc["closed"]
        error = np.sqrt(3 / 16 / 4 + 2 / 9 / 3)
        assert (row["estimate"], row["std_error"]) == pytest.approx((100 * gap, 100 * error))
        assert (row["conf_low"] + row["conf_high"]) / 2 == pytest.approx(100 * gap)
        # Nobody in control turned eighteen: no error there, and none is made up.
        assert first.loc["turned eighteen", "estimate"] == pytest.approx(25)
        assert (
            np.isnan(first.loc["turned eighteen", "conf_low"])
            and "none of the cases" in first.loc["turned eighteen", "remark"]
        )

    def test_swapping_arms_flips_the_difference(self) -> None:
        frame = ageing.derive_ageing_set(RECORDS, dates=DATES)
        swapped = frame.assign(arm=frame["arm"].map({"treatment": "control", "control": "treatment"}))
        one, other = (ageing.estimate_what_came_first(f, days=DAYS, alpha=0.05) for f in (frame, swapped))
        np.testing.assert_allclose(one["estimate"], -other["estimate"], atol=1e-12)
        np.testing.assert_allclose(one["conf_low"], -other["conf_high"])
        np.testing.assert_allclose(one["p_value"], other["p_value"])

    def test_ages_account_for_a_difference_that_is_all_due_to_them(self) -> None:
        frame = made([(10, 1)] * 6 + [(9, 2)] * 2, [(10, 1)] * 2 + [(9, 2)] * 2)
        frame["age_at_referral"] = np.where(frame["cause"] == 2, 17, 5)
        found = summary(frame, days=(9,))
        assert (found["gap"], found["expected_gap"]) == pytest.approx((-25, -25))
        frame["age_at_referral"] = 5
        assert summary(frame, days=(9,))["expected_gap"] == pytest.approx(0)

    def test_by_age_adds_up(self) -> None:
        frame = ageing.derive_ageing_set(RECORDS, dates=DATES)
        table = ageing.summarise_by_age(frame)
        numbers = table.drop(columns="age")
        np.testing.assert_array_equal(numbers.iloc[:-1].sum(), numbers.iloc[-1])
        assert table.iloc[-1][["n_treatment", "aged_treatment", "n_control", "aged_control"]].tolist() == [
            84,
            11,
            44,
            13,
        ]
        assert set(ageing.AGE_COLUMNS) == set(table)

    def test_taking_other_events_for_censoring_overstates_closing(self) -> None:
        """Of four, one turns eighteen on day 5 and the others close on day 10: 3/4, and not everybody."""
        frame = made([(5, 2), (10, 1), (10, 1), (10, 1)], [(10, 1), (12, 0), (30, 0)])
        assert summary(frame, days=(20,))["overstated"] == pytest.approx(25)
        assert summary(made([(10, 1), (30, 0)], [(10, 1), (30, 0)]))["overstated"] == pytest.approx(0, abs=1e-12)


class TestExtremes:
    @pytest.mark.parametrize(
        ("treatment", "control"),
        [
            ([(10, 1), (30, 0)], [(5, 1), (40, 0)]),  # nobody turned eighteen
            ([(10, 2), (12, 2)], [(5, 2), (5, 2)]),  # everybody did
            ([(30, 0), (30, 0)], [(40, 0)]),  # nothing happened at all
            ([(0, 1), (0, 1)], [(0, 3)]),  # all on the first day
            ([(7, 1), (7, 2), (7, 3), (7, 0)], [(7, 1), (7, 0)]),  # all on one day
        ],
    )
    def test_everything_is_still_answered_and_drawn(self, treatment: list, control: list) -> None:
        frame = made(treatment, control)
        curves = ageing.derive_ageing_curves(frame, alpha=0.05)
        shares = curves.pivot_table(index=["arm", "day"], columns="state", values="share").sum(axis=1)
        assert (shares <= 1 + 1e-12).all() and shares.notna().all()
        found = summary(frame, days=(7,))
        assert found["aged_open"] == (frame["cause"] == 2).sum() and all(v is not None for v in found.values())
        assert "nan" not in str(found) and len(ageing.summarise_by_age(frame)) == 5
        text = figure.describe_what_came_first(curves, ticks=(0, 7, 30))["text"]
        assert "nan" not in text
        assert len(figure.derive_behind(curves, ticks=(0, 7, 30))) == 6
        drawn, axes = plt.subplots(3, 1)
        figure.draw_what_came_first(curves, ax=list(axes), ticks=(0, 7, 30))
        drawn.canvas.draw()
        plt.close(drawn)

    def test_an_arm_of_which_nothing_is_known_is_named(self) -> None:
        frame = made([(10, 1)], [(5, 1)])
        frame.loc[1, ["days", "cause"]] = pd.NA
        for run in (
            lambda: ageing.derive_ageing_curves(frame, alpha=0.05),
            lambda: ageing.estimate_what_came_first(frame, days=(5,), alpha=0.05),
        ):
            with pytest.raises(CreweError, match="no case of the control arm"):
                run()

    def test_a_day_that_nobody_reached_is_named(self) -> None:
        with pytest.raises(CreweError, match="choose 30 at most"):
            ageing.estimate_what_came_first(made([(10, 1), (30, 0)], [(50, 0)]), days=(40,), alpha=0.05)


class TestFigure:
    def test_it_shows_the_results_and_nothing_else(self) -> None:
        frame = ageing.derive_ageing_set(RECORDS, dates=DATES)
        curves = ageing.derive_ageing_curves(frame, alpha=0.05)
        drawn, axes = plt.subplots(3, 1)
        figure.draw_what_came_first(curves, ax=list(axes), ticks=TICKS)
        for panel, state in zip(axes, ageing.STATES, strict=True):
            assert panel.get_title(loc="left") == f"{state.capitalize()} first"
            for line, arm in zip(panel.lines, follow_up.ARMS, strict=True):
                own = curves[(curves["arm"] == arm) & (curves["state"] == state) & (curves["day"] <= TICKS[-1])]
                np.testing.assert_array_equal(line.get_ydata()[:-1], own["share"])
                assert line.get_xdata()[-1] == TICKS[-1]
        texts = [text.get_text() for text in axes[-1].texts]
        behind = figure.derive_behind(curves, ticks=TICKS)
        assert texts[1:6] == [str(n) for n in behind.loc[behind["Arm"] == "Treatment", "At risk"]]
        assert axes[0].get_legend().get_texts()[0].get_text() == "Treatment (n = 82)"
        plt.close(drawn)

    def test_words_and_table_agree_with_the_curves(self) -> None:
        frame = ageing.derive_ageing_set(RECORDS, dates=DATES)
        curves = ageing.derive_ageing_curves(frame, alpha=0.05)
        first = ageing.estimate_what_came_first(frame, days=DAYS, alpha=0.05)
        behind = figure.derive_behind(curves, ticks=TICKS).set_index(["Arm", "Day"])
        for row in first.to_dict("records"):
            column = f"{row['outcome'].capitalize()} first, %"
            assert behind.loc[("Treatment", row["day"]), column] == pytest.approx(row["treatment"])
        text = figure.describe_what_came_first(curves, ticks=TICKS)["text"]
        share = behind.loc[("Control", 365), "Closed first, %"]
        assert f"Closed first, control: 50.0% by day 182, {share:.1f}% by day 365" in text
