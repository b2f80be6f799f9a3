"""How chapter 10 shows its tables, and the numbers that its text takes from them. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping

from crewe_lib.evidence import Binding, Column
from crewe_lib.formats import either, fixed, level, p_phrase, p_value, percent, plain, pounds, spelt

CLASS_COLUMNS: Mapping[str, Column] = {
    "cls": Column("Class"),
    "meaning": Column("What it means"),
    "claims": Column("Claims", fixed(0)),
    "by_rule": Column("of them recomputed", fixed(0)),
    "derived": Column("Derived rows, apart", fixed(0)),
}
EXCERPT_COLUMNS: Mapping[str, Column] = {
    "statement": Column("What is claimed"),
    "place": Column("Where"),
    "printed": Column("Printed"),
    "recomputed": Column("Recomputed", lambda text: text or "–"),
    "cls": Column("Class"),
}
POWER_COLUMNS: Mapping[str, Column] = {
    "case": Column("Assumed"),
    "printed": Column("Printed", fixed(1)),
    "fall": Column("Same design (implied), a fall", fixed(1)),
    "own_rise": Column("Families randomised, a rise", fixed(1)),
    "own_fall": Column("Families randomised, a fall", fixed(1)),
}
UNDER_COLUMNS: Mapping[str, Column] = {
    "order": Column("Labels of the arms"),
    "arms": Column("Families in the arms"),
    "counts_treat": Column("Turned eighteen, FACT22, of those eleven or over"),
    "counts_control": Column("Turned eighteen, control group, of those eleven or over"),
    "p_fisher": Column("p (Fisher's exact test)", p_value),
}
WINDOW_COLUMNS: Mapping[str, Column] = {
    "stretch": Column("Time"),
    "months": Column("Months", fixed(1)),
    "rereferrals": Column("Re-referrals", fixed(0)),
    "per_month": Column("Re-referrals a month", fixed(1)),
}
HISTORY_COLUMNS: Mapping[str, Column] = {
    "reading": Column("If one number is …"),
    "history_share": Column("Share with a history", percent()),
    "other_effect": Column("Effect in other families, points", fixed(1)),
    "gives": Column("The other number would be", fixed(1)),
    "possible": Column("Possible", either("yes", "no")),
}
ESCALATION_COLUMNS: Mapping[str, Column] = {
    "reading": Column("Count", lambda text: text[:1].upper() + text[1:]),
    "place": Column("Where"),
    "escalated": Column("Escalated", fixed(0)),
    "of": Column("Out of", fixed(0)),
    "unit": Column("Counted in"),
}


def _count(id: str, cls: str) -> Binding:
    return Binding(id, "summary", "claims", {"cls": cls}, fixed(0))


COUNTS = (
    Binding("level", "level", "level", None, level),
    Binding("claims", "totals", "claims", None, fixed(0)),
    Binding("computed", "totals", "computed", None, fixed(0)),
    Binding("follow", "totals", "follow", None, fixed(0)),
    Binding("differ", "totals", "differ", None, fixed(0)),
    _count("minor", "minor"),
    _count("major", "major"),
    Binding("decision", "summary", "claims", {"cls": "decision"}, spelt),
    Binding("derived", "totals", "derived", None, fixed(0)),
    Binding("supports", "totals", "supports", None, fixed(0)),
    Binding("exact", "totals", "exact", None, fixed(0)),
    Binding("external_checked", "totals", "external_checked", None, fixed(0)),
    Binding("external", "totals", "external", None, fixed(0)),
)
_POINTS = fixed(1)


def _of(lead: str, *numbers: tuple[str, str, object]) -> tuple[Binding, ...]:
    return tuple(Binding(id, lead, f"numbers.{number}", None, show) for id, number, show in numbers)  # type: ignore[arg-type]


NUMBERS: tuple[Binding, ...] = (
    Binding("aged_settles", "ageing_out", "settles"),
    *_of(
        "ageing_out",
        ("aged_p_least", "p_least", p_value),
        ("aged_p_greatest", "p_greatest", p_value),
        ("aged_tests", "tests", spelt),
        ("aged_treat", "k_treat", fixed(0)),
        ("aged_control", "k_control", fixed(0)),
        ("aged_cut", "cut_off", spelt),
        ("aged_full", "full", fixed(0)),
        ("aged_above", "full_any_above", spelt),
        ("aged_rounded", "full_rounded", spelt),
        ("aged_difference", "difference", lambda value: fixed(0)(abs(value))),
        ("gap_not_aged", "gap_not_aged", fixed(1)),
    ),
    Binding("closed_settles", "closure_at_trial_end", "settles"),
    *_of(
        "closure_at_trial_end",
        ("closed_first", "first", fixed(0)),
        ("closed_second", "second", fixed(0)),
        ("rise_points", "rise_points", fixed(0)),
        ("rise_points_first", "rise_points_first", fixed(0)),
        ("rise_relative", "rise_relative", fixed(0)),
        ("closed_total", "closed", plain),
        ("closed_families", "families", fixed(0)),
    ),
    Binding("long_settles", "long_term_closure", "settles"),
    *_of(
        "long_term_closure",
        ("ever_printed", "ever_printed", fixed(0)),
        ("ever_least", "ever_least", fixed(0)),
        ("now_printed", "now_printed", fixed(0)),
        ("now_closed", "now_closed", fixed(0)),
        ("gap", "gap", _POINTS),
        ("gap_low", "gap_low", _POINTS),
        ("gap_high", "gap_high", _POINTS),
    ),
    Binding("reref_settles", "rereferral", "settles"),
    *_of(
        "rereferral",
        ("reref_pair", "pair", plain),
        ("reref_together", "together", fixed(0)),
        ("reref_early", "early", spelt),
        ("reref_later", "later", fixed(0)),
        ("reref_window", "last_window", plain),
        ("reref_readings", "readings_total", spelt),
        ("reref_fisher", "fisher", p_phrase),
    ),
    Binding("history_settles", "history_effect", "settles"),
    *_of(
        "history_effect",
        ("history_bullet", "bullet", fixed(0)),
        ("history_text", "text", fixed(0)),
        ("history_overall", "overall", _POINTS),
    ),
    Binding("power_settles", "power_calculation", "settles"),
    *_of(
        "power_calculation",
        ("power_equal", "families_1_1_low", fixed(0)),
        ("power_two", "families_2_1_low", fixed(0)),
        ("power_seventy", "families_70_30_low", fixed(0)),
        ("power_halving_high_icc", "power_halving_icc1", percent()),
        ("power_halving_low_icc", "power_halving_icc36", percent()),
        ("power_fall_low", "randomised_fall_icc36", _POINTS),
        ("power_fall_high", "randomised_fall_icc1", _POINTS),
        ("power_randomised", "randomised", fixed(0)),
        ("power_largest", "largest_halved", _POINTS),
        ("power_baseline", "baseline_halved", _POINTS),
    ),
    Binding("escal_settles", "escalations", "settles"),
    *_of(
        "escalations",
        ("escal_year", "year_count", spelt),
        ("escal_cost", "cost_count", spelt),
        ("escal_saving", "saving_printed", pounds(2)),
        ("escal_saving_year", "saving_year", pounds(2)),
        ("escal_fact22", "trial_fact22", spelt),
        ("escal_cec", "trial_cec", spelt),
        ("escal_fisher", "fisher", p_phrase),
    ),
    Binding("arms_settles", "families_and_arms", "settles"),
    *_of(
        "families_and_arms",
        ("randomised", "randomised", fixed(0)),
        ("families_second", "families", fixed(0)),
        ("analysed", "analysed", fixed(0)),
        ("arm_treat", "n_treat", fixed(0)),
        ("arm_control", "n_control", fixed(0)),
        ("table_treat", "tables_treat", fixed(0)),
        ("table_control", "tables_control", fixed(0)),
        ("start_treat", "start_treat", fixed(0)),
        ("start_control", "start_control", fixed(0)),
    ),
    Binding("under_settles", "under_11", "settles"),
    *_of(
        "under_11",
        ("u11_printed_p", "printed_p_fisher", p_phrase),
        ("u11_exchanged_p", "exchanged_p_fisher", p_phrase),
    ),
    *_of(
        "costs",
        ("earnings_first", "earnings_report_2017", pounds()),
        ("earnings_later", "earnings_november_2019", pounds(sign=True)),
    ),
    *_of("minor_slips", ("slip_count", "slips", fixed(0)), ("workload_p", "workload_p", p_phrase)),
    *_of("reproduced", ("good_claims", "follow", fixed(0))),
)

# Questions that the chapter answers at length.
TOLD = (
    "ageing_out",
    "families_and_arms",
    "closure_at_trial_end",
    "history_effect",
    "long_term_closure",
    "rereferral",
    "escalations",
    "power_calculation",
    "under_11",
)
