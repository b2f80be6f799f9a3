"""Rules on outcomes: each by hand, and what happens to the class when a printed number changes."""

from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from crewe_lib.claim_register import Claim, Reader, read_claims_file, to_claims
from crewe_lib.claims import check_claim
from crewe_lib.implied import (
    arms_less,
    closed_total,
    cost_arms,
    counts_printing,
    implied_days,
    pairs_printing,
    smallest_expected,
    trial_arms,
)

REGISTER = Path(__file__).parents[1] / "data" / "published" / "claims.csv"


@pytest.fixture(scope="module")
def claims() -> dict[str, Claim]:
    return to_claims(read_claims_file(REGISTER))


def changed(claims, **values):
    """The register with other printed values; '__' stands for a full stop in an id."""
    new = {id.replace("__", "."): value for id, value in values.items()}
    return {**claims, **{id: replace(claims[id], value=value) for id, value in new.items()}}


def with_row(claims, id, like, **fields):
    return {**claims, id: replace(claims[like], id=id, status="", reason="", **fields)}


def cls(claims, id):
    return check_claim(claims, id, {}).cls


@pytest.mark.parametrize(
    ("id", "expected", "recomputed"),
    [
        ("r1.closure.ate", "rounding", 8),
        ("r1.closure.pc", "rounding", 72.5),
        ("r1.closure.cec", "rounding", 63.5),
        ("r1.closure.total_implied", "exact", 87),
        ("r1.closure.hist_bullet", "major", 20),
        ("r1.closure.hist_text", "major", 12),
        ("r1.reref.total", "exact", 8),
        ("r1.reref.rate_pc", "exact", 100 * 5 / 83),
        ("r1.reref.rate_cec", "exact", 100 * 3 / 45),
        ("r1.reref.diff", "rounding", 100 * (3 / 45 - 5 / 83)),
        ("r2.closure.treat", "exact", 100 * 60 / 84),
        ("r2.closure.control", "exact", 100 * 36 / 44),
        ("r2.closure.r1_control", "minor", 64),
        ("r2.closure.increase", "exact", 21),
        ("r2.closure.steady", "rounding", -1),
        ("r2.reref.treat", "exact", 100 * 34 / 83),
        ("r2.reref.control", "exact", 100 * 19 / 43),
        ("r2.escal.control", "exact", 0),
        ("r2.mi.crewe", "exact", 80),
        ("r2.mi.months", "exact", 188 / 30.4375),
    ],
)
def test_numbers_by_hand(claims, id, expected, recomputed):
    entry = check_claim(claims, id, {})
    assert (entry.cls, entry.recomputed) == (expected, pytest.approx(recomputed))


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        ("r1.surv.end_order", "exact"),
        ("r1.surv.faster", "exact"),
        ("r2.closure.r1_history", "exact"),
        ("r2.def.reref_feasible", "exact"),
        ("r2.did.rowsig_similar", "major"),
        ("r1.closure.sig", "exact"),
        ("r2.closure.sig", "exact"),
        ("r2.reref.sig", "exact"),
        ("r2.mi.closed", "not recomputable without the records"),
        ("r2.mi.escalated", "not recomputable without the records"),
        ("r2.r1.risk_fig", "not recomputable without the records"),
    ],
)
def test_words_and_tests(claims, id, expected):
    assert cls(claims, id) == expected


def test_implied_numbers_are_marked_as_inferred(claims):
    for id in ("r1.closure.total_implied", "r1.closure.sig", "r1.surv.faster", "r1.reref.rate_cec", "r2.reref.treat"):
        assert "inferred" in check_claim(claims, id, {}).kinds
    assert "inferred" not in check_claim(claims, "r1.reref.total", {}).kinds


@pytest.mark.parametrize(
    ("id", "change", "expected"),
    [
        ("r1.closure.ate", {"r1__closure__pc": "75"}, "major"),
        ("r1.closure.pc", {"r1__closure__ate": "12.0"}, "minor"),
        ("r1.closure.total_implied", {"r1__closure__cec": "66", "r1__closure__pc": "74"}, "minor"),
        ("r1.surv.end_order", {"r1__closure__pc": "60"}, "decision"),
        ("r1.surv.faster", {"r1__cost__case_cec": "2450"}, "decision"),
        ("r1.reref.total", {"r1__reref__cec": "4"}, "major"),
        ("r1.reref.rate_cec", {"r1__reref__cec": "4"}, "major"),
        ("r2.closure.treat", {"r2__closure__treat": "72"}, "rounding"),
        ("r2.closure.sig", {"r2__closure__treat": "50"}, "decision"),
        ("r2.closure.r1_control", {"r2__closure__r1_control": "64"}, "not recomputable without the records"),
        ("r2.closure.increase", {"r2__closure__control": "86"}, "major"),
        ("r2.closure.steady", {"r2__closure__treat": "60"}, "major"),
        ("r2.reref.control", {"r2__reref__control": "46"}, "rounding"),
        ("r2.def.reref_feasible", {"r2__reref__treat": "45"}, "minor"),
        ("r2.escal.control", {"r2__escal__n": "6"}, "major"),
        ("r2.mi.macc", {"r2__mi__crewe": "75"}, "major"),
        ("r2.mi.months", {"r2__mi__days": "252"}, "major"),
        ("r2.mi.closed", {"r2__mi__families": "38"}, "minor"),
        ("r1.closure.hist_text", {"r1__closure__hist_bullet": "20"}, "not recomputable without the records"),
    ],
)
def test_a_changed_print_changes_the_class(claims, id, change, expected):
    assert cls(changed(claims, **change), id) == expected


def test_similar_escalations_need_enough_events(claims):
    many = changed(claims, r2__escal__treat="20", r2__escal__n="30")
    assert cls(many, "r2.did.rowsig_similar") == "exact"
    apart = changed(claims, r2__escal__treat="40", r2__escal__n="42")
    assert check_claim(apart, "r2.did.rowsig_similar", {}).recomputed == "different"


def test_re_referral_rate_that_no_arms_reach(claims):
    entry = check_claim(changed(claims, r2__reref__control="4"), "r2.reref.treat", {})
    assert (entry.cls, entry.recomputed) == ("major", "none")


def test_words_of_units(claims):
    """Rows of statements whose unit is misprinted, as the rules take them."""
    points = with_row(claims, "r2.closure.increase_percent", "r2.closure.treat", value="21")
    entry = check_claim(points, "r2.closure.increase_percent", {})
    assert (entry.cls, entry.recomputed) == ("minor", pytest.approx(100 * (82 / 61 - 1)))
    effect = with_row(claims, "r1.closure.ate_percent", "r1.closure.pc", value="8.5")
    assert check_claim(effect, "r1.closure.ate_percent", {}).recomputed == pytest.approx(12.5)


@pytest.mark.parametrize(
    ("id", "value"),
    [
        ("r2.closure.order", "CEC higher"),
        ("r2.escal.too_few", "too few to compare"),
        ("sum.closure.more", "PC more"),
        ("sum.closure.history", "largest"),
        ("sum.surv.faster", "CEC shorter"),
        ("r1.closure.order", "PC more"),
        ("r1.closure.hist_order", "larger"),
        ("r2.r1.open_longer", "FACT22 longer"),
        ("r2.closure.not_sustained", "not sustained"),
        ("r2.closure.increased", "rose"),
        ("r2.reref.order", "FACT22 lower"),
        ("r2.mi.escalation_higher", "higher"),
    ],
)
def test_directions(claims, id, value):
    register = with_row(claims, id, "r1.surv.faster", value=value)
    assert cls(register, id) == "exact"
    assert cls(with_row(claims, id, "r1.surv.faster", value="another"), id) != "exact"


def test_the_cost_tables_imply_arms(claims):
    assert cost_arms(Reader(claims)) == (83, 45)
    assert trial_arms(Reader(claims)) == [(84, 42), (83, 43), (82, 44), (81, 45)]
    assert arms_less((84, 44), 126) == [(84, 42), (83, 43), (82, 44)]


def test_counts_behind_a_percentage():
    assert counts_printing(72, 82) == [59]
    assert counts_printing(72, 84) == []
    assert counts_printing(12.5, 8, 1) == [1]
    assert [pair.written for pair in pairs_printing(72, 64, [(82, 44), (81, 45), (83, 43)])] == [
        "59 of 82 and 28 of 44",
        "58 of 81 and 29 of 45",
    ]


def test_closed_total_against_a_grid(claims):
    """The bounds hold every total that some control mean and effect within rounding give, and are reached."""
    for arms in ((82, 44), (83, 43)):
        found = closed_total(Reader(claims), arms)
        totals = [
            sum(arms) * (mean + arms[0] / sum(arms) * effect) / 100
            for effect in [8.45 + i / 1000 for i in range(101)]
            for mean in [63.5 + i / 500 for i in range(501)]
            if 71.5 <= mean + effect <= 72.5
        ]
        assert (found.low, found.high) == (pytest.approx(min(totals), abs=5e-3), pytest.approx(max(totals), abs=5e-3))
    assert closed_total(Reader(claims), (82, 44)).whole == [87]
    assert closed_total(Reader(claims), (83, 43)).whole == []


def test_closed_total_that_cannot_be(claims):
    register = changed(claims, r1__closure__ate="20.0")
    assert closed_total(Reader(register), (82, 44)).whole == []


def test_days_and_expected_counts(claims):
    assert implied_days(Reader(claims), "pc") == pytest.approx(7 * 2450 / 68.05)
    table = stats.contingency.expected_freq([[4, 80], [0, 44]])
    assert smallest_expected((4, 0), (84, 44)) == pytest.approx(table[1, 0])


def test_significance_uses_the_counts(claims):
    entry = check_claim(claims, "r2.closure.sig", {})
    fisher = stats.fisher_exact([[60, 24], [36, 8]]).pvalue
    assert entry.recomputed == "p = 0.175 to 0.283"
    assert 0.175 < fisher < 0.2835


def test_a_higher_rate_depends_on_the_national_one(claims):
    rows = with_row(claims, "r2.mi.escalation_higher", "r1.surv.faster", value="higher")
    assert cls(rows, "r2.mi.escalation_higher") == "exact"
    assert cls(changed(rows, r2__mi__national_escalation="12.5"), "r2.mi.escalation_higher") == "decision"


def test_an_advantage_that_stayed(claims):
    rows = with_row(claims, "r2.closure.not_sustained", "r1.surv.faster", value="not sustained")
    assert cls(changed(rows, r2__closure__treat="93"), "r2.closure.not_sustained") == "decision"


def test_significance_in_the_summary(claims):
    rows = with_row(claims, "sum.closure.sig", "r1.closure.sig")
    assert cls(rows, "sum.closure.sig") == "exact"
    apart = changed(rows, r1__closure__pc="85", r1__closure__cec="43")
    assert cls(apart, "sum.closure.sig") == "decision"


def test_effective_is_held_to_the_tests(claims):
    found = check_claim(claims, "r1.claim.effective", {})
    assert (found.recomputed, found.cls) == ("not established", "decision")
    law = stats.hypergeom(83 + 45, 8, 83)
    mid_p = sum(law.pmf(k) for k in range(9) if law.pmf(k) <= law.pmf(5) * (1 + 1e-9)) - law.pmf(5) / 2
    assert f"re-referrals p = {mid_p:.2f}" in found.how and "implied" in found.how and "says so itself" in found.note
    wide = changed(claims, r1__closure__pc="90", r1__closure__cec="50")
    assert cls(wide, "r1.claim.effective") == "exact"
    assert (
        "itself" not in check_claim(changed(claims, r1__claim__no_significance="significant"), found.claim.id, {}).note
    )


def test_similar_is_held_to_what_was_called_promising(claims):
    found = check_claim(claims, "r2.closure.similar", {})
    assert found.cls == "major" and "11 points" in found.how and "8.5" in found.how
    assert cls(changed(claims, r2__closure__control="75"), "r2.closure.similar") == "exact"
