"""Statements on Cheshire East as a whole: verdicts by hand, what a changed panel does, and the years."""

import numpy as np
import pandas as pd
import pytest
from ledger_rows import entry, with_rows

from crewe_lib import la_claims, la_did, la_facts
from crewe_lib import la_specifications as spec
from crewe_lib.claim_rules.authorities import STATEMENTS, weigh
from crewe_lib.errors import DataError
from crewe_lib.load import load_claims, load_la_panel

AGREES = {"value": "agrees"}
ROWS = {
    **dict.fromkeys((*STATEMENTS, "r2.did.parallel"), AGREES),
    "r2.did.cin_exception": {"value": "2012/13", "unit": "label"},
    "r2.did.matching_years": {"value": "2010 to 2014", "unit": "years"},
}
DESIGN = dict(
    treated=la_did.CHESHIRE_EAST, comparators=spec.PUBLISHED, implemented=2015, first_year=2011, last_year=2019
)


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return load_la_panel()


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return with_rows(load_claims(), ROWS)


def check(register, panel, id):
    return entry(register, id, {"la_panel": ("official", panel)})


def change(panel: pd.DataFrame, column: str, authority: str, factor: float, *, after: int = 2015, until: int = 2099):
    """The panel with one authority's counts multiplied in the years after `after`, up to `until`."""
    changed = panel.copy()
    rows = (changed["authority"] == authority) & changed["year"].gt(after) & changed["year"].le(until)
    changed.loc[rows, column] = (changed.loc[rows, column].astype(float) * factor).round().astype("Int64")
    return changed


def hand_rate(panel, column, authority, year):
    vintage = "first_published" if year <= 2012 else "revised"
    row = panel[(panel["authority"] == authority) & (panel["year"] == year) & (panel["vintage"] == vintage)].iloc[0]
    return 10_000 * float(row[column]) / float(row["population_all_ages"])


def test_the_lines_are_counts_over_residents(register, panel) -> None:
    found = check(register, panel, "r2.did.closures_fell")
    for authority, year in ((la_did.CHESHIRE_EAST, 2019), (la_did.ENFIELD, 2018)):
        assert f"{hand_rate(panel, 'episodes_ended', authority, year):.1f} in {year}" in found.how


def test_slopes_are_those_of_least_squares(panel) -> None:
    rate = la_facts.derive_facts(panel).rate("escalations", la_did.CHESHIRE_EAST)
    years = np.arange(2015, 2020)
    by_hand = np.sum((years - 2017) * rate.loc[2015:2019].to_numpy()) / np.sum((years - 2017) ** 2)
    assert la_facts.slope(rate, 2015, 2019) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("id", "verdict", "cls"),
    [
        ("r2.did.closures_fell", "agrees in part", "minor"),
        ("r2.did.rereferrals_east", "agrees", "exact"),
        ("r2.did.rereferrals_west", "agrees in part", "minor"),
        ("r2.did.cin_no_trend", "agrees", "exact"),
        ("r2.did.swings", "agrees", "exact"),
        ("r2.did.rereferrals_alike", "agrees in part", "minor"),
        ("r2.did.rereferrals_below_england", "agrees in part", "minor"),
        ("r2.did.escalations_before", "agrees", "exact"),
        ("r2.did.escalations_after", "agrees in part", "minor"),
        ("r2.did.wandsworth_like_england", "agrees", "exact"),
        ("r2.did.cin_fell", "agrees", "exact"),
        ("r2.did.first_year", "agrees in part", "minor"),
        ("r2.did.parallel", "does not agree", "decision"),
    ],
)
def test_verdicts(register, panel, id, verdict, cls) -> None:
    found = check(register, panel, id)
    assert (found.recomputed, found.cls) == (verdict, cls)
    assert found.kinds == ("official", "published")


# What is done to the panel → the verdict that follows. Each turns a part of the statement round.
@pytest.mark.parametrize(
    ("id", "column", "authority", "factor", "verdict"),
    [
        ("r2.did.rereferrals_east", "rereferrals", la_did.CHESHIRE_EAST, 3, "agrees in part"),
        ("r2.did.rereferrals_west", "rereferrals", la_did.CHESHIRE_WEST, 3, "agrees"),
        ("r2.did.rereferrals_west", "rereferrals", la_did.CHESHIRE_WEST, 0.2, "does not agree"),
        ("r2.did.cin_no_trend", "cin_31_march", la_did.CHESHIRE_EAST, 3, "agrees in part"),
        ("r2.did.escalations_after", "cpp_started", la_did.CHESHIRE_EAST, 0.2, "agrees"),
        ("r2.did.cin_fell", "cin_31_march", la_did.CHESHIRE_EAST, 2, "does not agree"),
        ("r2.did.wandsworth_like_england", "cpp_started", la_did.WANDSWORTH, 0.1, "agrees in part"),
    ],
)
def test_a_verdict_follows_the_panel(register, panel, id, column, authority, factor, verdict) -> None:
    assert check(register, change(panel, column, authority, factor), id).recomputed == verdict


def test_closures_upside_down(register, panel) -> None:
    """Three times the closures in Cheshire East after 2015, and a fall in Enfield: nothing of the statement is left."""
    changed = change(change(panel, "episodes_ended", la_did.CHESHIRE_EAST, 3), "episodes_ended", la_did.ENFIELD, 0.2)
    found = check(register, changed, "r2.did.closures_fell")
    assert (found.recomputed, found.cls) == ("does not agree", "major")
    assert "closures fell in Cheshire East" in found.note


def test_part_of_a_statement() -> None:
    assert weigh({"a": True, "b": True}, "x").words == "agrees"
    half = weigh({"a": True, "b": False}, "x", against="decision")
    assert (half.words, half.differs) == ("agrees in part", "minor") and "bear out that b" in half.note
    none = weigh({"a": False, "b": False}, "x", against="decision")
    assert (none.words, none.differs) == ("does not agree", "decision")


@pytest.mark.parametrize(
    ("id", "outcome", "excluding"),
    [
        ("r2.did.closure_sig", "closures", 0),
        ("r2.did.reref_sig", "rereferrals", 3),
        ("r2.did.escal_sig", "escalations", 0),
    ],
)
def test_significance_is_that_of_the_report_model(register, panel, id, outcome, excluding) -> None:
    estimates = spec.estimate_published(panel, alpha=0.05, **DESIGN)
    smallest = estimates.loc[estimates["outcome"] == outcome, "p_value"].min()
    found = check(register, panel, id)
    assert found.cls == "exact" and found.recomputed.startswith(f"p = {smallest:.3f} to ")
    assert ("leaves out zero in none" in found.note) == (excluding == 0)
    claimed = with_rows(register, {id: {"value": "significant"}})
    assert check(claimed, panel, id).cls == "decision"


def test_a_large_effect_would_be_significant(register, panel) -> None:
    changed = change(panel, "episodes_ended", la_did.CHESHIRE_EAST, 6)
    assert check(register, changed, "r2.did.closure_sig").cls in ("decision", "major")


def test_parallel_trends_severity(register, panel) -> None:
    """Two of three are apart; comparators that follow Cheshire East but for a wobble are not."""
    found = check(register, panel, "r2.did.parallel")
    assert "both methods for re-referrals" in found.note and "escalations" in found.note
    trends = spec.check_trends(panel, alpha=0.05, **DESIGN)
    for p in trends["p_value"]:
        assert f"{p:.2f}" in found.how or f"{p:.3f}" in found.how
    same = panel.copy()  # the comparator becomes Cheshire East with constant extra cases: parallel by construction
    for column, comparator in (("rereferrals", la_did.CHESHIRE_WEST), ("cpp_started", la_did.WANDSWORTH)):
        own = panel[panel["authority"] == la_did.CHESHIRE_EAST].set_index(["year", "vintage"])
        for index in same.index[same["authority"] == comparator]:
            key = (same.at[index, "year"], same.at[index, "vintage"])
            wobble = 3 if key[0] % 2 else -3
            same.at[index, column] = own.at[key, column] + wobble if pd.notna(own.at[key, column]) else pd.NA
            same.at[index, "population_all_ages"] = own.at[key, "population_all_ages"]
    assert check(register, same, "r2.did.parallel").recomputed == "agrees"


class TestChildrenInNeed:
    def test_one_year_by_two_of_three_counts(self, register, panel) -> None:
        found = check(register, panel, "r2.did.cin_below")
        assert found.cls == "exact" and "per resident: none" in found.how
        row = panel[panel["year"].eq(2012) & panel["vintage"].eq("first_published")].set_index("authority")
        mean = float(row.at[la_did.ENGLAND, "cin_31_march"]) / (len(row) - 1)
        assert row.at[la_did.CHESHIRE_EAST, "cin_31_march"] > mean
        assert f"{mean:,.1f}" in check(register, panel, "r2.did.cin_exception").how

    def test_the_year_is_the_one_before(self, register, panel) -> None:
        found = check(register, panel, "r2.did.cin_exception")
        assert (found.recomputed, found.cls) == ("2011/12", "minor")
        assert "327.0 against 325.7" in found.how
        right = with_rows(register, {"r2.did.cin_exception": {"value": "2011/12"}})
        assert check(right, panel, "r2.did.cin_exception").cls == "exact"

    def test_three_years_would_not_do(self, register, panel) -> None:
        changed = with_rows(register, {"r2.did.cin_below": {"value": "3"}})
        assert check(changed, panel, "r2.did.cin_below").cls == "minor"


class TestYears:
    def test_five_and_four(self, register, panel) -> None:
        for id, value in (("r2.did.pre_years", 5), ("r2.did.post_years", 4), ("r2.did.n_obs", 18)):
            found = check(register, panel, id)
            assert (found.recomputed, found.cls) == (value, "exact")

    def test_named_by_where_they_begin(self, register, panel) -> None:
        for id in ("r2.did.data_span", "r2.did.matching_years", "r2.did.figure_end"):
            assert check(register, panel, id).cls == "exact", id

    def test_the_trend_to_2020_is_beyond_the_figures(self, register, panel) -> None:
        assert check(register, panel, "r2.did.escal_span").recomputed == "2015 to 2019"

    def test_they_follow_the_start(self, register, panel) -> None:
        later = with_rows(register, {"r1.design.pilot_start": {"value": "2016-08-01"}})
        assert check(later, panel, "r2.did.pre_years").recomputed == 6
        assert check(later, panel, "r2.did.post_years").recomputed == 3
        early = with_rows(register, {"r1.design.pilot_start": {"value": "2015-02-01"}})
        assert check(early, panel, "r2.did.pre_years").recomputed == 4

    def test_one_more_year_before(self, register, panel) -> None:
        changed = with_rows(register, {"r2.did.pre_years": {"value": "6"}})
        assert check(changed, panel, "r2.did.n_obs").recomputed == 20
        assert check(changed, panel, "r2.did.data_span").recomputed == "2009 to 2019"


def test_the_chapter_shows_the_rows_of_the_ledger(register, panel) -> None:
    table = la_claims.check_statements(register, panel)
    assert list(table["id"]) == list(la_claims.STATEMENTS) and len(table) == 16
    for row in table.itertuples():
        found = check(register, panel, row.id)
        assert (row.shown, row.note, row.claim) == (found.how, found.note, found.claim.statement)
        if row.id in STATEMENTS or row.id == "r2.did.parallel":
            assert row.verdict == found.recomputed
        else:
            assert row.verdict == ("agrees" if found.cls == "exact" else "agrees in part")
    counts = la_claims.summarise_statements(table)
    assert counts == {"all": 16, "agree": 8, "partly": 7, "disagree": 1}


def test_a_small_minority_by_hand(register, panel) -> None:
    """Capacity of 192, 144 and 96 cases over the children in need at the ends of the years it held for."""
    rows = panel[(panel["authority"] == la_did.CHESHIRE_EAST) & (panel["vintage"] == "revised")].set_index("year")
    shares = [c / rows["cin_31_march"][y] for y, c in ((2016, 192), (2017, 192), (2018, 144), (2019, 96))]
    found = check(register, panel, "r2.did.small_minority")
    assert (found.recomputed, found.cls) == ("small minority", "exact") and "inferred" in found.kinds
    assert all(f"{100 * share:.1f}%" in found.how for share in shares)
    assert f"{100 * max(shares):.1f}%" in found.note and f"{100 * max(shares) * 326 / 132:.0f}%" in found.note
    larger = with_rows(register, {"r2.t1.p2.capacity": {"value": "600"}})
    assert check(larger, panel, "r2.did.small_minority").cls == "major"


def test_quiet_years_are_no_swings(register, panel) -> None:
    """With the same counts every year in Cheshire East only the population moves its rates."""
    quiet = panel.copy()
    east = quiet["authority"] == la_did.CHESHIRE_EAST
    for column in ("episodes_ended", "rereferrals", "cpp_started"):
        quiet.loc[east & quiet[column].notna(), column] = 500
    assert check(register, quiet, "r2.did.swings").recomputed == "does not agree"


def test_a_register_without_a_statement_is_refused(register, panel) -> None:
    with pytest.raises(DataError, match=r"no claim 'r2\.did\.parallel'"):
        la_claims.check_statements(register[register["id"] != "r2.did.parallel"], panel)


def test_a_panel_is_read_once(panel, register) -> None:
    la_facts.derive_facts(panel)
    assert la_facts.derive_facts(panel) is la_facts.derive_facts(panel)
    assert la_facts.derive_facts(panel.copy()) is not la_facts.derive_facts(panel)
