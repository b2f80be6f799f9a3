"""The specification curve: against the chapter's own estimates, invariances, a known effect, gaps, the real panel."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_panel import EAST, OTHER, THIRD, made_panel, marks, set_cell

from crewe_lib import la_curve, la_did
from crewe_lib import la_curve_summary as summary
from crewe_lib import la_specifications as spec
from crewe_lib.errors import CreweError
from crewe_lib.figures.la_curve import draw_curve
from crewe_lib.load import load_la_missing, load_la_panel

DESIGN = dict(treated=EAST, implemented=2015, first_year=2011, last_year=2019, alpha=0.05)
GIVEN = {"closures": OTHER, "rereferrals": THIRD, "escalations": "E09000032"}


@pytest.fixture(scope="module")
def panel():
    return load_la_panel()


@pytest.fixture(scope="module")
def curve(panel):
    return la_curve.estimate_curve(panel, load_la_missing(), comparators=GIVEN, **DESIGN)


def made(panel, missing=None, **changes):
    options = DESIGN | {"comparators": {"closures": OTHER}} | changes
    return la_curve.estimate_curve(panel, marks() if missing is None else missing, **options)


def test_the_published_one_is_the_chapters_own_estimate(panel, curve) -> None:
    published = spec.estimate_published(panel, **(DESIGN | {"comparators": spec.PUBLISHED}))
    for covariate in ("none", "children in need"):
        own = published[(published["covariate"] == covariate) & (published["covariance"] == "CR2")]
        rows = curve.estimates.query(
            "vintage == 'main series' and definition != 'reason RC7 only' and denominator == 'all ages' "
            "and set == 'given' and implemented == 2015 and covariate == @covariate"
        )
        np.testing.assert_allclose(rows["change"], own["estimate"])
    assert curve.estimates.query("published")["covariate"].tolist() == ["children in need"] * 3


def test_per_cent_is_of_the_authoritys_own_earlier_rate(panel, curve) -> None:
    rates = la_did.derive_rates(panel, outcome="closures", series="main", first_year=2011, last_year=2019)
    before = rates.query("authority == @EAST and year <= 2015")["rate"].mean()
    row = curve.estimates.query("published and outcome == 'closures'").iloc[0]
    assert row["percent"] == pytest.approx(100 * row["change"] / before)


def test_every_combination_is_there_once(curve) -> None:
    keys = ["outcome", *la_curve.CHOICES]
    assert not curve.estimates.duplicated(keys).any()
    assert curve.estimates.groupby("outcome").size().to_dict() == {
        "closures": 162,  # 9 × 2 × 3 for all endings in two vintages, and for RC7 in the one that there is
        "escalations": 54,
        "rereferrals": 108,
    }


def test_interval_and_p_value_agree(curve) -> None:
    for alpha in (0.05, 0.5):
        rows = curve.estimates if alpha == 0.05 else made(made_panel(), alpha=alpha).estimates
        beyond = (rows["conf_low"] > 0) | (rows["conf_high"] < 0)
        assert (beyond == (rows["p_value"] <= alpha)).all()


def test_eligible_and_excluded_are_all(panel, curve) -> None:
    others = curve.estimates[curve.estimates["set"] == "all others"]
    assert (others["units"] + others["excluded"] == 152).all()
    figures = ["outcome", "vintage", "definition", "denominator", "covariate"]
    counted = curve.exclusions.groupby(figures)["number"].sum()
    stated = curve.estimates.groupby(figures)["excluded"].first()
    assert counted.sort_index().equals(stated.sort_index())


def test_a_large_effect_is_found_by_all_and_moves_by_its_size() -> None:
    base, moved = made(made_panel()).estimates, made(made_panel(effect=60)).estimates
    at = base["implemented"].eq(2015) & base["covariate"].eq("none") & base["denominator"].eq("all ages")
    np.testing.assert_allclose((moved["change"] - base["change"])[at], 60)
    assert (moved["p_value"] <= 1 / 13 + 1e-9).all()  # the lowest that 13 or 14 authorities allow


def test_scale_and_order_do_not_matter() -> None:
    panel = made_panel()
    tenfold = panel.assign(population_all_ages=100_000).sample(frac=1, random_state=1)
    one, other = made(panel).estimates, made(tenfold).estimates
    np.testing.assert_allclose(one["percent"], other["percent"])
    assert one["p_value"].tolist() == other["p_value"].tolist()


def test_children_stand_in_for_residents_from_the_release_before_2013() -> None:
    """Doubling the release's children in 2011 and 2012 halves those rates, and no others."""
    panel = made_panel()
    doubled = panel.assign(population_0_17_in_release=2 * panel["population_0_17_in_release"])
    one, other = made(panel).estimates, made(doubled).estimates
    ages = one["denominator"] == "all ages"
    assert one.loc[ages, "percent"].equals(other.loc[ages, "percent"])
    assert (one.loc[~ages, "percent"] != other.loc[~ages, "percent"]).all()


def test_a_gap_leaves_a_reason_and_no_number() -> None:
    panel = set_cell(made_panel(), OTHER, 2014, "episodes_ended", None)
    done = made(panel, marks((OTHER, 2014, "revised", "episodes_ended", "withheld, too small")))
    given = done.estimates["set"].eq("given") & done.estimates["definition"].eq("all endings")
    assert (done.estimates.loc[given, "reason"] == "Name 1: endings: withheld, too small").all()
    assert done.estimates.loc[given, "percent"].isna().all() and done.estimates.loc[~given, "percent"].notna().all()
    assert summary.summarise_curve(done, alpha=0.05).loc[0, ["published", "not_possible"]].tolist() == [
        None,
        given.sum(),
    ]
    assert set(done.exclusions["reason"]) == {"endings: withheld, too small"} and done.exclusions["number"].eq(1).all()


def test_without_peers_there_are_still_the_other_comparisons() -> None:
    """Children in need of 2013 are missing: no peers and no covariate, but the rest."""
    done = made(set_cell(made_panel(), EAST, 2013, "cin_31_march", None)).estimates
    possible = done["covariate"].eq("none") & done["set"].ne("ten peers")
    assert (done["percent"].notna() == possible).all() and (done["reason"].eq("") == possible).all()
    alone = done[done["covariate"].eq("none") & done["set"].eq("ten peers")]
    assert (alone["reason"] == "Name 0: lacks a figure by which peers are found").all()


def test_no_case_before_is_a_reason() -> None:
    panel = made_panel()
    panel.loc[panel["authority"].eq("E08000002") & panel["year"].lt(2015), ["episodes_ended", "episodes_ended_rc7"]] = 0
    assert set(made(panel).exclusions["reason"]) == {"no case before the start"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"comparators": {"closures": EAST}}, "cannot be its own comparator"),
        ({"comparators": {"children_in_need": OTHER}}, "is not an outcome of the curve"),
        ({"comparators": {"closures": "E06000094"}}, "the comparator for closures is 'E06000094'"),
        ({"implemented": 2017}, "it must be from 2013 to 2016"),
        ({"alpha": 5}, "alpha is 5"),
        ({"first_year": 2009}, "no figures for 2009–2010"),
    ],
)
def test_bad_designs_are_named(changes, message) -> None:
    with pytest.raises(CreweError, match=message):
        made(made_panel(), **changes)


def test_what_it_shows_for_cheshire_east(curve) -> None:
    """Closures fell under every choice, and under none more than many other authorities' did."""
    table = summary.summarise_curve(curve, alpha=0.05).set_index("outcome")
    assert table["below_alpha"].eq(0).all() and table.loc["closures", "negative"] == 1
    assert table["published"].tolist() == pytest.approx([-41.7, 25.1, -21.6], abs=0.1)
    assert table["published_rank"].tolist() == [9, 86, 5]
    escalations = curve.estimates[curve.estimates["outcome"] == "escalations"]
    assert escalations.loc[escalations["comparators"] == "Wandsworth", "percent"].median() < 0
    assert (escalations.loc[escalations["comparators"] == "ten peers", "percent"] > 0).all()


def test_any_other_authority_can_be_asked_for(panel) -> None:
    """Enfield: no re-referrals for 2011, so reasons stand in the place of estimates."""
    options = DESIGN | {"treated": OTHER, "comparators": {"rereferrals": THIRD, "closures": "E09000032"}}
    done = la_curve.estimate_curve(panel, load_la_missing(), **options).estimates
    assert done.loc[done["outcome"] == "rereferrals", "reason"].str.startswith("Enfield: re-referrals: not avail").all()
    assert done.loc[done["outcome"] == "closures", "percent"].notna().all()
    text = summary.describe_curve(summary.derive_curve_of(la_curve.Curve(done, done), outcome="closures"), alpha=0.05)
    assert "162 estimates" in text["text"] or "estimates of the change in case closures" in text["text"]


def test_the_figure_draws_what_it_is_given(curve) -> None:
    ordered = summary.derive_curve_of(curve, outcome="escalations")
    figure, axes = plt.subplots(2)
    try:
        assert draw_curve(ordered, ax=list(axes)) is axes[0]
        assert axes[0].lines[0].get_ydata().tolist() == ordered["percent"].tolist()
        written = [label.get_text() for label in axes[1].get_yticklabels()]
        assert "Wandsworth" in written and "Compared with" in written and "Vintage" not in written  # one vintage
        with pytest.raises(CreweError, match="needs two Axes"):
            draw_curve(ordered, ax=[axes[0]])
    finally:
        plt.close(figure)
    with pytest.raises(CreweError, match="no estimate of 'other'; the curve holds closures"):
        summary.derive_curve_of(curve, outcome="other")
