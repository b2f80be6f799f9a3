"""The local-authority chapter: rates by hand, definitions, the published design, and named errors."""

import numpy as np
import pandas as pd
import pytest

from crewe_lib import la_did
from crewe_lib import la_specifications as spec
from crewe_lib.errors import CreweError
from crewe_lib.load import load_la_panel

YEARS = dict(first_year=2011, last_year=2019)
DESIGN = dict(treated=la_did.CHESHIRE_EAST, comparators=spec.PUBLISHED, implemented=2015, **YEARS)


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return load_la_panel()


def made_panel(effect: float = 0.0) -> pd.DataFrame:
    """Two authorities, nine years, both vintages; 10,000 residents, so that counts are rates."""
    rng = np.random.default_rng(5)
    rows = []
    for code, level in ((la_did.CHESHIRE_EAST, 50), (la_did.ENFIELD, 80)):
        for year in range(2011, 2020):
            count = level + round(float(rng.normal(0, 2))) + (effect if level == 50 and year > 2015 else 0)
            for vintage, factor in (("first_published", 1), ("revised", 2)):
                rows.append((code, f"Name {code}", year, vintage, factor * count, 3 * count, 10_000, 60 + year % 3))
    columns = [
        "authority",
        "name",
        "year",
        "vintage",
        "episodes_ended",
        "children_ended",
        "population_all_ages",
    ]
    return pd.DataFrame(rows, columns=[*columns, "cin_31_march"])


def test_rates_by_hand(panel) -> None:
    """Cheshire East, year ending March 2015, revised: endings over residents in mid-2014, per 10,000."""
    row = panel.query("authority == 'E06000049' and year == 2015 and vintage == 'revised'").iloc[0]
    rates = la_did.derive_rates(panel, outcome="closures", series="main", **YEARS)
    rate = rates.query("authority == 'E06000049' and year == 2015")["rate"].iloc[0]
    assert rate == pytest.approx(10_000 * row["episodes_ended"] / row["population_all_ages"])
    assert rate == pytest.approx(61.9, abs=0.05)


def test_the_main_series_joins_the_vintages_after_2012() -> None:
    rates = la_did.derive_rates(made_panel(), outcome="closures", series="main", **YEARS)
    joined = rates.groupby("year")["vintage"].unique().map(list).to_dict()
    assert joined[2012] == ["first_published"] and joined[2013] == ["revised"]
    later = la_did.derive_rates(made_panel(), outcome="closures", series="first_published_to_2017", **YEARS)
    assert later.groupby("year")["vintage"].first()[[2017, 2018]].tolist() == ["first_published", "revised"]


def test_children_come_from_their_own_column() -> None:
    rates = la_did.derive_rates(made_panel(), outcome="closures", series="children", first_year=2013, last_year=2019)
    assert (rates["count"] > 120).all()  # three times the first-published count
    with pytest.raises(CreweError, match="count no children for 'rereferrals'"):
        la_did.derive_rates(made_panel(), outcome="rereferrals", series="children", **YEARS)


def estimate(frame: pd.DataFrame, **changes):
    options = dict(treated=la_did.CHESHIRE_EAST, comparator=la_did.ENFIELD, implemented=2015, alpha=0.05)
    options |= dict(covariate="none", covariance="CR2") | changes
    return la_did.estimate_did(frame, **options)


def rates_of(frame: pd.DataFrame) -> pd.DataFrame:
    return la_did.derive_rates(frame, outcome="closures", series="first_published_to_2017", **YEARS)


def test_the_estimate_is_the_difference_of_changes(panel) -> None:
    rates = la_did.derive_rates(panel, outcome="closures", series="main", **YEARS)
    means = {}
    for code in (la_did.CHESHIRE_EAST, la_did.ENFIELD):
        own = rates[rates["authority"] == code].set_index("year")["rate"]
        means[code] = own.loc[2016:].mean() - own.loc[:2015].mean()
    result = estimate(rates)
    assert result.estimate == pytest.approx(means[la_did.CHESHIRE_EAST] - means[la_did.ENFIELD])
    assert result.n == 18


def test_a_known_effect_is_found_and_none_is_not() -> None:
    frame = made_panel(effect=0)
    frame = frame[frame["vintage"] == "first_published"].assign(vintage="revised")
    base = la_did.derive_rates(frame, outcome="closures", series="children", first_year=2011, last_year=2019)
    moved = made_panel(effect=10)
    moved = moved[moved["vintage"] == "first_published"].assign(vintage="revised")
    shifted = la_did.derive_rates(moved, outcome="closures", series="children", first_year=2011, last_year=2019)
    assert estimate(shifted).estimate - estimate(base).estimate == pytest.approx(30)  # children are three per ending
    assert estimate(shifted).conf_low > 0


def test_order_of_rows_and_swap_of_roles() -> None:
    rates = rates_of(made_panel())
    shuffled = rates.sample(frac=1, random_state=1)
    assert estimate(shuffled).conf_low == pytest.approx(estimate(rates).conf_low)
    swapped = estimate(rates, treated=la_did.ENFIELD, comparator=la_did.CHESHIRE_EAST)
    assert swapped.estimate == pytest.approx(-estimate(rates).estimate)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"comparator": la_did.CHESHIRE_EAST}, "cannot be its own comparator"),
        ({"comparator": "E99"}, "no authority with code E99"),
        ({"implemented": 2019}, "must be the last of the pre-period years, from 2011 to 2018"),
        ({"implemented": 2010}, "must be the last of the pre-period years"),
    ],
)
def test_bad_designs_are_named(changes, message) -> None:
    with pytest.raises(CreweError, match=message):
        estimate(rates_of(made_panel()), **changes)


def test_a_missing_figure_is_named_not_dropped(panel) -> None:
    """Enfield gave no re-referrals for the year ending March 2011."""
    rates = la_did.derive_rates(panel, outcome="rereferrals", series="main", **YEARS)
    with pytest.raises(CreweError, match="rereferrals: the official files give no figure for Enfield 2011"):
        estimate(rates)


def test_doubled_or_absent_rows_are_refused(panel) -> None:
    rates = la_did.derive_rates(panel, outcome="closures", series="main", **YEARS)
    enfield = rates["authority"] == la_did.ENFIELD
    for broken in (pd.concat([rates, rates[enfield]]), rates[~(enfield & rates["year"].eq(2014))]):
        with pytest.raises(CreweError, match="must stand once in every year"):
            estimate(broken)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(series="children", first_year=2011), "series 'children' has no figures for 2011, 2012"),
        (dict(series="main", first_year=2008), "has no figures for 2008, 2009"),
        (dict(series="revised", first_year=2013), "series is 'revised'; it must be one of main"),
    ],
)
def test_years_and_series_that_do_not_exist_are_named(panel, options, message) -> None:
    with pytest.raises(CreweError, match=message):
        la_did.derive_rates(panel, outcome="closures", last_year=2019, **options)


def test_an_unknown_covariate_is_named() -> None:
    with pytest.raises(CreweError, match="covariate is 'cin'"):
        estimate(rates_of(made_panel()), covariate="cin")


def test_unknown_outcome_lists_what_there_is(panel) -> None:
    with pytest.raises(CreweError, match="must be one of closures, rereferrals, escalations, children_in_need"):
        la_did.derive_rates(panel, outcome="closure", series="main", **YEARS)


def test_published_table_has_every_model_of_the_report(panel) -> None:
    table = spec.estimate_published(panel, alpha=0.05, **DESIGN)
    assert len(table) == 3 * 2 * 2 and (table["n"] == 18).all()
    assert set(table["comparator"]) == {"Enfield", "Cheshire West and Chester", "Wandsworth"}
    assert (table["conf_low"] < table["estimate"]).all() and (table["estimate"] < table["conf_high"]).all()


def test_the_cut_changes_the_answer_for_rereferrals(panel) -> None:
    """The one place where a choice of years decides: intervals leave out zero with 2014 as the last year before."""
    table = spec.estimate_specifications(panel, alpha=0.05, **DESIGN)
    main = table.query("series == 'main series' and last_year == 2019 and outcome == 'rereferrals'")
    assert main.set_index("implemented")["excludes_zero"].to_dict() == {2015: False, 2014: True, 2016: False}
    summary = spec.summarise_specifications(table)
    assert summary["all"] == len(table) == summary["closures"] + summary["rereferrals"] + summary["escalations"]
    assert summary["all_excluding"] == table["excludes_zero"].sum()
    assert table["chosen"].sum() == 3


def test_the_trend_check_finds_rereferrals_apart(panel) -> None:
    trends = spec.check_trends(panel, alpha=0.05, **DESIGN)
    p_values = trends.pivot(index="outcome", columns="method", values="p_value")
    assert (p_values.loc["rereferrals"] < 0.05).all() and (p_values.loc["closures"] > 0.05).all()
    # Shocks shared by the two authorities hide the drift in escalations from the pooled test, not from the gaps.
    assert p_values.loc["escalations"].tolist() == pytest.approx([0.305, 0.012], abs=0.001)


def test_wider_intervals_at_a_higher_level(panel) -> None:
    narrow, wide = (spec.estimate_published(panel, alpha=a, **DESIGN) for a in (0.1, 0.01))
    assert (wide["conf_low"] < narrow["conf_low"]).all() and (wide["p_value"] == narrow["p_value"]).all()


def test_the_earlier_drift_is_carried_from_middle_to_middle(panel) -> None:
    """2011–2015 and 2016–2019 have their middles 4.5 years apart."""
    trends = spec.check_trends(panel, alpha=0.05, **DESIGN)
    np.testing.assert_allclose(trends["carried"], 4.5 * trends["estimate"])


def test_lines_are_in_drawing_order_and_described(panel) -> None:
    codes = dict(treated=la_did.CHESHIRE_EAST, comparator=la_did.CHESHIRE_WEST)
    lines = la_did.derive_lines(panel, outcome="rereferrals", **codes, **YEARS)
    assert list(dict.fromkeys(lines["name"])) == ["Cheshire East", "Cheshire West and Chester", "England"]
    text = la_did.describe_lines(lines)["text"]
    assert text.startswith(
        "Cheshire East goes from 22.8 in 2011 to 13.4 in 2019, lowest 13.4 in 2019, highest 23.0 in 2017;"
    )
    wide = la_did.derive_wide(lines)
    assert len(wide) == 9 and list(wide.columns[1:]) == [
        "Cheshire East",
        "Cheshire West and Chester",
        "England",
    ]
