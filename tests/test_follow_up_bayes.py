"""Beliefs after each date's counts: the engine's numbers, both directions of benefit, rivals, records, the figure."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from register_copy import PUBLISHED

from crewe_lib import follow_up_bayes, load
from crewe_lib.definitions import derive_study_dates
from crewe_lib.errors import CreweError
from crewe_lib.evidence import written
from crewe_lib.figures.follow_up_bayes import describe_views, draw_views
from crewe_lib.follow_up import derive_follow_up_set
from crewe_lib.follow_up_bayes import (
    COLUMNS,
    RECORD_COLUMNS,
    VIEW_COLUMNS,
    derive_prior_beliefs,
    derive_views,
    estimate_beliefs,
    summarise_beliefs,
    write_chance,
)
from crewe_lib.follow_up_record_counts import derive_record_counts
from crewe_lib.implied_counts import derive_implied_counts
from crewe_lib.models.small_trial import fit_small_trial
from crewe_lib.models.trial_priors import fit_priors
from crewe_lib.provenance import start_recording, stop_recording

DATES = derive_study_dates(PUBLISHED)
READINGS = {"closed_reading": "status", "rereferral_reading": "any", "trial_reading": "any_but_escalated"}
PRIORS = ["sceptical", "neutral", "enthusiastic"]


def made_counts(k: dict[tuple[str, str], tuple[int, int, int, int]]) -> pd.DataFrame:
    rows = [
        (outcome, date, arm, *pair, "main")
        for (outcome, date), (k1, n1, k2, n2) in k.items()
        for arm, pair in (("pc", (k1, n1)), ("cec", (k2, n2)))
    ]
    return pd.DataFrame(rows, columns=["outcome", "date", "arm", "k", "n", "reading"])


MADE = made_counts(
    {
        ("closed", "trial_end"): (12, 20, 6, 10),
        ("closed", "november_2019"): (15, 20, 5, 10),
        ("rereferred", "trial_end"): (0, 20, 0, 10),
        ("rereferred", "november_2019"): (5, 20, 5, 10),
    }
)


@pytest.fixture(scope="module")
def beliefs() -> pd.DataFrame:
    return estimate_beliefs(MADE, worthwhile=10, alpha=0.1)


@pytest.fixture(scope="module")
def implied() -> pd.DataFrame:
    """The readings of one outcome and date, so that the test is quick; the others stand in as they are made."""
    found = derive_implied_counts(PUBLISHED)
    later = found[(found["outcome"] == "closed") & (found["date"] == "november_2019")]
    rest = MADE[~((MADE["outcome"] == "closed") & (MADE["date"] == "november_2019"))]
    return pd.concat([later, rest], ignore_index=True)


def row_of(table: pd.DataFrame, outcome: str, date: str, prior: str) -> pd.Series:
    return table.set_index(["outcome", "date", "prior"]).loc[(outcome, date, prior)]


def test_rows_are_outcome_date_and_prior(beliefs: pd.DataFrame) -> None:
    assert list(beliefs["prior"]) == PRIORS * 4
    assert list(beliefs["label"].drop_duplicates()) == [
        "Closed, November 2016",
        "Closed, November 2019",
        "Re-referred, November 2016",
        "Re-referred, November 2019",
    ]
    row = row_of(beliefs, "closed", "november_2019", "sceptical")
    assert (row["treatment"], row["control"]) == (
        "15\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}20",
        "5 of 10".replace(" ", "\N{NO-BREAK SPACE}"),
    )


@pytest.mark.parametrize("prior", PRIORS)
def test_more_closed_is_a_benefit(beliefs: pd.DataFrame, prior: str) -> None:
    row = row_of(beliefs, "closed", "november_2019", prior)
    found = fit_small_trial(15, 20, 5, 10, prior=fit_priors(0.1)[prior], worthwhile=0.1, alpha=0.1)
    assert (row["median"], row["conf_low"]) == pytest.approx((100 * found.median, 100 * found.conf_low))
    assert (row["benefit"], row["worthwhile"], row["harm"]) == pytest.approx(
        (found.rise, found.worthwhile_rise, found.worthwhile_fall)
    )


@pytest.mark.parametrize("prior", PRIORS)
def test_fewer_rereferred_is_the_benefit_of_as_many_not_rereferred(beliefs: pd.DataFrame, prior: str) -> None:
    """5 of 20 and 5 of 10 came back: 15 and 5 did not, the counts of closing."""
    back, closed = (row_of(beliefs, name, "november_2019", prior) for name in ("rereferred", "closed"))
    for name in ("benefit", "worthwhile", "harm"):
        assert back[name] == pytest.approx(closed[name], abs=1e-10)
    assert (back["median"], back["conf_low"]) == pytest.approx((-closed["median"], -closed["conf_high"]))


def test_each_date_starts_from_the_priors(beliefs: pd.DataFrame) -> None:
    """What the other date shows changes nothing."""
    changed = MADE.copy()
    changed.loc[changed["date"] == "trial_end", "k"] = 1
    other = estimate_beliefs(changed, worthwhile=10, alpha=0.1)
    later = beliefs["date"] == "november_2019"
    pd.testing.assert_frame_equal(beliefs[later], other[later])


def test_nobody_with_the_outcome_is_no_error(beliefs: pd.DataFrame) -> None:
    row = row_of(beliefs, "rereferred", "trial_end", "sceptical")
    # Nobody in the larger arm says a little more than nobody in the smaller.
    assert 0.5 < row["benefit"] < 0.65 and row["worthwhile"] < 0.05
    assert np.isfinite(beliefs.select_dtypes("number").to_numpy()).all()


def test_order_of_rows_does_not_matter(beliefs: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(estimate_beliefs(MADE.iloc[::-1], worthwhile=10, alpha=0.1), beliefs)


def test_rival_readings_stand_beside_the_main_one(implied: pd.DataFrame, beliefs: pd.DataFrame) -> None:
    found = estimate_beliefs(implied, worthwhile=10, alpha=0.05)
    row = row_of(found, "closed", "november_2019", "neutral")
    own = implied[(implied["outcome"] == "closed") & (implied["date"] == "november_2019")]
    per_arm = own.groupby("arm").size()
    assert row["readings"] == per_arm["pc"] * per_arm["cec"] == 50
    values = []
    for one in own[own["arm"] == "pc"].itertuples():
        for other in own[own["arm"] == "cec"].itertuples():
            law = fit_priors(0.1)["neutral"]
            counts = (one.k, one.n, other.k, other.n)
            values.append(fit_small_trial(*counts, prior=law, worthwhile=0.1, alpha=0.05, nodes=(96, 48)).rise)
    assert (row["benefit_least"], row["benefit_most"]) == pytest.approx((min(values), max(values)), abs=1e-6)
    assert row["benefit_least"] <= row["benefit"] <= row["benefit_most"]
    assert row["benefit_said"] == "12% (7%\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}14%)"
    assert (row["treatment"], row["control"]) == tuple(
        text.replace(" ", "\N{NO-BREAK SPACE}") for text in ("60 of 84", "36 of 44")
    )
    assert row_of(beliefs, "closed", "november_2019", "neutral")["benefit_said"].endswith("%")


def test_what_rests_on_implied_counts_is_marked_implied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_up_bayes, "fit_chances", lambda *_, **__: (0.5, 0.1, 0.1))  # of the rivals; for speed
    recorder = start_recording()
    try:
        counts = derive_implied_counts(load.load_claims())
        kept = estimate_beliefs(counts, worthwhile=10, alpha=0.05)
        views = derive_views(kept, derive_prior_beliefs(worthwhile=10, alpha=0.05), worthwhile=10)
        for result in (kept, views, summarise_beliefs(kept, alpha=0.05), describe_views(views)):
            origin = recorder.find(result)
            assert origin is not None and "inferred" in origin.kinds
    finally:
        stop_recording()


def test_priors_say_their_points() -> None:
    table = derive_prior_beliefs(worthwhile=15, alpha=0.05).set_index("prior")
    assert list(table.index) == PRIORS
    assert table.loc["sceptical", "worthwhile"] == pytest.approx(0.05)
    assert table.loc["enthusiastic", "median"] == pytest.approx(15)
    assert "15 points" in table.loc["enthusiastic", "meaning"] and "5%" in table.loc["sceptical", "meaning"]


@pytest.mark.parametrize(
    ("chances", "verdict"),
    [
        ((0.96, 0.99), "a benefit is now all but certain"),
        ((0.01, 0.04), "all but certain that there was no benefit"),
        ((0.6, 0.99), "likelier than not, not all are sure"),
        ((0.6, 0.9), "likelier than not, none is sure"),
        ((0.01, 0.4), "less likely than not"),
        ((0.2, 0.8), "depends on what one believed before"),
    ],
)
def test_the_verdict_follows_the_chances(chances: tuple[float, float], verdict: str) -> None:
    low, high = chances
    table = pd.DataFrame(
        {"outcome": "closed", "date": "trial_end", "benefit_least": [low, high], "benefit_most": [low, high]}
    )
    found = summarise_beliefs(table, alpha=0.05)
    assert len(found) == 1 and verdict in found["verdict"].iloc[0]


def test_a_chance_is_never_none_or_all() -> None:
    assert [write_chance(x) for x in (0.0, 0.004, 0.05, 0.5, 0.995, 1.0)] == [
        "under 1%",
        "under 1%",
        "5%",
        "50%",
        "over 99%",
        "over 99%",
    ]


def test_counts_of_records_are_those_of_the_follow_up_set() -> None:
    records = load.load_simulated_cohort()
    table = derive_follow_up_set(records, dates=DATES)
    counts = derive_record_counts(records, table, dates=DATES, **READINGS).set_index(["outcome", "date", "arm"])
    later = counts.xs("november_2019", level="date")[["k", "n", "unknown"]]
    assert later.loc[("closed", "pc")].tolist() == [60, 84, 0]
    assert later.loc[("closed", "cec")].tolist() == [36, 44, 0]
    assert later.loc[("rereferred", "pc")].tolist() == [34, 83, 1]
    assert later.loc[("rereferred", "cec")].tolist() == [19, 43, 1]
    families = derive_follow_up_set(records, dates=DATES).groupby("treated").size()
    assert (counts["n"] + counts["unknown"]).xs("pc", level="arm").eq(families[1]).all()
    recorded = derive_record_counts(records, table, dates=DATES, **{**READINGS, "closed_reading": "recorded"})
    assert not recorded["k"].equals(counts["k"].reset_index(drop=True))


def test_an_arm_whose_outcomes_are_all_unknown_is_named() -> None:
    records = load.load_simulated_cohort()
    table = derive_follow_up_set(records, dates=DATES)
    table.loc[table["arm"] == "control", "closed_status"] = pd.NA
    counts = derive_record_counts(records, table, dates=DATES, **READINGS)
    with pytest.raises(CreweError, match="Closed, November 2019: the control arm has no family whose outcome is known"):
        estimate_beliefs(counts, worthwhile=10, alpha=0.05)


def test_records_of_nobody_closed_within_the_pilot_work() -> None:
    records = load.load_simulated_cohort()
    episodes = records.episodes.assign(closed_reason="escalated")
    records = replace(records, episodes=episodes)
    table = derive_follow_up_set(records, dates=DATES)
    counts = derive_record_counts(records, table, dates=DATES, **READINGS)
    assert counts.query("outcome == 'closed' and date == 'trial_end'")["k"].eq(0).all()
    assert len(estimate_beliefs(counts, worthwhile=10, alpha=0.05)) == 12


@pytest.mark.parametrize(
    ("counts", "changes", "message"),
    [
        (MADE[MADE["arm"] == "pc"], {}, "Closed, November 2016: the control arm has 0 main counts"),
        (pd.concat([MADE, MADE]), {}, "the treatment arm has 2 main counts"),
        (MADE.assign(n=MADE["n"].where(MADE["arm"] == "pc", 0)), {}, "control arm has no family"),
        (MADE.assign(k=99), {}, "no proportion"),
        (MADE, {"worthwhile": 0}, "gives no priors"),
        (MADE, {"worthwhile": 60}, "60 percentage points gives no priors"),
        (MADE, {"alpha": 1.0}, "alpha"),
    ],
)
def test_bad_input_is_named(counts: pd.DataFrame, changes: dict, message: str) -> None:
    with pytest.raises(CreweError, match=message):
        estimate_beliefs(counts, **{"worthwhile": 10, "alpha": 0.05, **changes})


def test_the_figure_draws_what_it_is_given(beliefs: pd.DataFrame) -> None:
    priors = derive_prior_beliefs(worthwhile=10, alpha=0.1)
    views = derive_views(beliefs, priors, worthwhile=10)
    assert list(views["date"].iloc[:9]) == ["before"] * 3 + ["trial_end"] * 3 + ["november_2019"] * 3
    turned = views[(views["date"] == "before") & (views["outcome"] == "rereferred")].set_index("prior")
    assert turned.loc["enthusiastic", "median"] == pytest.approx(-10)
    assert turned.loc["enthusiastic", "conf_low"] < turned.loc["enthusiastic", "conf_high"]
    _, axes = plt.subplots(2, 1)
    drawn = draw_views(views, ax=list(axes), treatment="treatment", control="control")
    for panel, (_, own) in zip(drawn, views.groupby("outcome", sort=False), strict=True):
        medians = [
            line.get_xdata()[0] for line in panel.lines if len(line.get_xdata()) == 1 and line.get_marker() in "so^"
        ]
        assert medians == pytest.approx(own["median"].tolist())
        words = [text.get_text() for text in panel.texts]
        assert "Before any counts" in words and write_chance(own["benefit"].iloc[-1]) in words
    assert any("5% for a benefit of 10 points" in text.get_text() for text in drawn[-1].texts)
    assert any("neither from the other" in text.get_text() for text in drawn[-1].texts)
    plt.close("all")
    said = describe_views(views)["text"]
    assert said.count("Closed, ") == said.count("Re-referred, ") == 3 and "\N{NO-BREAK SPACE}" not in said
    for frame, columns in ((beliefs, COLUMNS), (beliefs, RECORD_COLUMNS), (views, VIEW_COLUMNS)):
        assert len(written(frame, columns)) == len(frame) + 1
