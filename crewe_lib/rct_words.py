"""How chapter 01 writes its numbers: the bindings of its prose. Nothing is computed here."""

from __future__ import annotations

from crewe_lib import rct_coverage
from crewe_lib.evidence import Binding
from crewe_lib.formats import agree, choose, count, fixed, level, p_phrase, p_value, percent

GENERAL = (
    Binding("cohort", "cohort", "name"),
    Binding("level", "settings", "confidence_level", show=level),
    Binding("draws", "settings", "n_draws", show=fixed(0)),
)

_signed = fixed(1, sign=True)
_STAFF, _ESCALATED = {"outcome": "stressed_staff"}, {"outcome": "escalated"}
_RATIO = {"basis": "as printed as a ratio"}
_MAIN = {"group": "all", "approach": "better"}

PRINTED = (
    Binding("staff_fp", "printed", "treatment", _STAFF),
    Binding("staff_cec", "printed", "control", _STAFF),
    Binding("staff_difference", "printed", "difference", _STAFF, _signed),
    Binding("staff_exact", "printed", "exact", _STAFF),
    Binding("staff_p", "printed", "barnard", _STAFF, p_phrase),
    Binding("escalated_pc", "printed", "treatment", _ESCALATED),
    Binding("escalated_cec", "printed", "control", _ESCALATED),
    Binding("escalated_exact", "printed", "exact", _ESCALATED),
    Binding("escalated_none", "printed", "control_interval", _ESCALATED),
    Binding("escalated_p", "printed", "barnard", _ESCALATED, p_phrase),
    Binding("events", "events", "of", _RATIO, fixed(0)),
    Binding("events_pc", "events", "k1", _RATIO, fixed(0)),
    Binding("events_expected", "events", "expected", _RATIO, fixed(1)),
    Binding("events_interval", "events", "interval", _RATIO),
    Binding("events_p", "events", "p_value", _RATIO, p_phrase),
)

IMPLIED = (
    Binding("readings", "reading_counts", "readings", show=count),
    Binding("readings_least", "reading_counts", "difference_least", show=_signed),
    Binding("readings_most", "reading_counts", "difference_most", show=_signed),
    Binding("readings_zero", "reading_counts", "contain_zero", show=agree("contains zero", "contain zero")),
    Binding("readings_reach", "reading_counts", "reach", show=agree("reaches", "reach")),
    Binding("readings_smallest_p", "reading_counts", "p_smallest", show=p_value),
    Binding("main_treatment", "reading_counts", "main_treatment"),
    Binding("main_control", "reading_counts", "main_control"),
    Binding("main_difference", "reading_counts", "main_difference", show=_signed),
    Binding("main_newcombe", "reading_counts", "main_newcombe"),
    Binding("bound_effect", "bounds", "effect", {"id": "all"}, fixed(1)),
    Binding("bound_error", "bounds", "least_error", {"id": "all"}, fixed(1)),
    Binding("bound_reaches", "bounds", "reaches", {"id": "all"}),
    Binding("history_effect", "bounds", "effect", {"id": "history"}, fixed(0)),
    Binding("history_reaches", "bounds", "reaches", {"id": "history"}),
    Binding("history_bullet", "bounds", "effect", {"id": "history_bullet"}, fixed(0)),
    Binding("days_pc", "survival_lead", "numbers.days_pc", show=fixed(0)),
    Binding("days_cec", "survival_lead", "numbers.days_cec", show=fixed(0)),
    Binding("days_gap", "survival_lead", "numbers.days_gap", show=lambda value: fixed(0)(abs(value))),
    Binding("days_word", "survival_lead", "numbers.days_gap", show=choose("more", "fewer", "of difference")),
)

WORDED = (
    Binding("staff_fisher", "printed", "fisher", _STAFF, p_phrase),
    Binding("escalated_fisher", "printed", "fisher", _ESCALATED, p_phrase),
    Binding("escalated_year", "escalations", "year", show=fixed(0)),
    Binding("escalated_table", "escalations", "table", show=fixed(0)),
    Binding("escalated_later", "escalations", "later", show=fixed(0)),
    Binding("escalated_verdict", "escalations", "verdict"),
    Binding("wide_divided", "reading_counts", "wide_divided", show=count),
    Binding("wide_tables", "reading_counts", "wide_tables", show=count),
    Binding("wide_families_least", "reading_counts", "wide_families_least", show=fixed(0)),
    Binding("wide_families_most", "reading_counts", "wide_families_most", show=fixed(0)),
    Binding("wide_share_least", "reading_counts", "wide_share_least", show=fixed(0)),
    Binding("wide_share_most", "reading_counts", "wide_share_most", show=fixed(0)),
    Binding("wide_least", "reading_counts", "wide_least", show=_signed),
    Binding("wide_most", "reading_counts", "wide_most", show=_signed),
    Binding("wide_leave_out", "reading_counts", "wide_leave_out", show=agree("leaves out zero", "leave out zero")),
    Binding("wide_reach", "reading_counts", "wide_reach", show=agree("reaches", "reach")),
    Binding("wide_smallest_p", "reading_counts", "wide_p_smallest", show=p_value),
    Binding("bound_level", "bounds", "level", {"id": "all"}, level),
    Binding("bound_overlap_error", "bounds", "overlap_error", {"id": "all"}, fixed(1)),
    Binding("bound_overlap_reaches", "bounds", "overlap_reaches", {"id": "all"}),
    Binding("worded_closing", "wording", "printed", {"id": "closing"}, fixed(1)),
    Binding("worded_closing_meaning", "wording", "meaning", {"id": "closing"}),
    Binding("worded_closing_base", "wording", "second", {"id": "closing"}, fixed(0)),
    Binding("worded_closing_relative", "wording", "worded_relative", {"id": "closing"}, fixed(0)),
    Binding("worded_again", "wording", "printed", {"id": "rereferred"}, fixed(1)),
    Binding("worded_again_meaning", "wording", "meaning", {"id": "rereferred"}),
    Binding("worded_again_relative", "wording", "relative", {"id": "rereferred"}, lambda v: fixed(0)(abs(v))),
    Binding("worded_bullet", "implied_wording", "bullet", show=fixed(0)),
    Binding("worded_text", "implied_wording", "text", show=fixed(0)),
    Binding("worded_base", "implied_wording", "base_needed", show=fixed(0)),
    Binding("worded_base_verdict", "implied_wording", "base_verdict"),
    Binding("worded_overall_relative", "implied_wording", "overall_relative", show=fixed(1)),
    Binding("worded_overall_near", "implied_wording", "overall_near"),
)

CLOSING = (
    *(
        Binding(f"means_{arm}", "means", "estimate", {"group": "all", "arm": arm}, lambda v: f"{fixed(0)(v)}%")
        for arm in ("treatment", "control")
    ),
    Binding("closing_points", "effects", "estimate", _MAIN, lambda v: fixed(1)(abs(v))),
    Binding("closing_direction", "effects", "estimate", _MAIN, choose("more", "fewer", "of difference")),
    Binding("closing_interval", "effects", "interval", _MAIN),
    Binding(
        "closing_side",
        "effect_counts",
        "side",
        show=choose(
            "All of the interval is above zero.",
            "All of the interval is below zero.",
            "The interval reaches from fewer closed to more, so it does not settle the question.",
        ),
    ),
    Binding(
        "closing_history_side",
        "effect_counts",
        "interaction_side",
        show=choose(
            "The difference between the arms is larger with history, and its interval leaves out zero.",
            "The difference between the arms is smaller with history, and its interval leaves out zero.",
            "Whether the difference between the arms is larger with history or without, the intervals leave open.",
        ),
    ),
    Binding("closing_interaction_p", "effects", "p_value", {"group": "interaction", "approach": "better"}, p_phrase),
    Binding("closing_tests", "effect_counts", "tests", show=count),
    Binding("closing_rejecting", "effect_counts", "rejecting", show=agree("rejects", "reject")),
    Binding("closing_wider", "effect_counts", "wider", show=lambda v: fixed(1)(abs(v))),
    Binding("closing_wider_word", "effect_counts", "wider", show=choose("wider", "narrower", "wider")),
)

SURVIVAL = (
    Binding("survival_n", "survival", "n", show=fixed(0)),
    Binding("came_back", "survival", "rereferred", show=count),
    Binding("escalated_early", "survival", "escalated", show=count),
    Binding("left_early", "survival", "left", show=count),
    Binding("at_risk_last", "survival", "at_risk_last", show=count),
    Binding("recoded_last", "survival", "recoded_last", show=count),
    Binding("ratio_said", "sooner", "ratio"),
    Binding("difference_said", "sooner", "difference"),
    Binding("constant_said", "sooner", "constant"),
    Binding("crossing", "crossing", "text"),
    Binding("last_day", "survival", "last_day", show=fixed(0)),
    Binding("mean_treatment", "restricted", "estimate", {"arm": "treatment"}, fixed(0)),
    Binding("mean_control", "restricted", "estimate", {"arm": "control"}, fixed(0)),
    Binding("steep_to", "printed_days", "last", show=fixed(0)),
)

OTHERS = (
    Binding("again_treatment", "rereferred", "treatment"),
    Binding("again_control", "rereferred", "control"),
    Binding("again_compared", "rereferred", "compared"),
    Binding("specifications", "choice_counts", "fitted", show=count),
    Binding("specification_rows", "choice_counts", "rows", show=count),
    Binding("children_warning", "choice_counts", "children_warning"),
    Binding("differences_least", "choice_counts", "least", show=_signed),
    Binding("differences_most", "choice_counts", "most", show=_signed),
    Binding("specifications_below", "choice_counts", "below", show=agree("is", "are")),
    Binding("specifications_smallest_p", "choice_counts", "smallest_p", show=p_value),
    Binding("children_error", "choice_counts", "children_error"),
)


def _row(id: str, method: str, field: str) -> Binding:
    return Binding(id, "coverage", field, {"method": method}, percent(1))


COVERAGE = (
    _row("coverage_history", rct_coverage.HISTORY_HC1, "coverage_real"),
    _row("coverage_apart", rct_coverage.INTERACTION_HC1, "coverage_real"),
    _row("coverage_history_found", rct_coverage.HISTORY_CR2, "rejected_real"),
    _row("coverage_apart_found", rct_coverage.INTERACTION_CR2, "rejected_real"),
    Binding("coverage_true_history", "coverage_summary", "true_points_history", None, fixed(1)),
    Binding("coverage_true_apart", "coverage_summary", "true_points_apart", None, fixed(1)),
    Binding("coverage_correlation", "coverage_summary", "correlation", None, fixed(2)),
    Binding("coverage_trials", "coverage_summary", "trials", None, fixed(0)),
    Binding("coverage_true_points", "coverage_summary", "true_points", None, fixed(1)),
    Binding("coverage_mc_error", "coverage_summary", "mc_error", None, lambda share: fixed(1)(100 * share)),
    Binding("coverage_published_verdict", "coverage_summary", "published_verdict"),
    Binding("coverage_ignored_verdict", "coverage_summary", "ignored_verdict"),
    _row("coverage_published", rct_coverage.HC1, "coverage_real"),
    _row("coverage_better", rct_coverage.CR2, "coverage_real"),
    _row("coverage_randomisation", rct_coverage.RANDOMISATION, "coverage_real"),
    _row("coverage_ignored", rct_coverage.CHILDREN_HC1, "coverage_real"),
    _row("coverage_ignored_false", rct_coverage.CHILDREN_HC1, "rejected_none"),
    _row("coverage_clustered", rct_coverage.CHILDREN_CR2, "coverage_real"),
    _row("coverage_clustered_false", rct_coverage.CHILDREN_CR2, "rejected_none"),
    _row("coverage_clustered_found", rct_coverage.CHILDREN_CR2, "rejected_real"),
    _row("coverage_published_found", rct_coverage.HC1, "rejected_real"),
    _row("coverage_days_found", rct_coverage.RESTRICTED_MEAN, "rejected_real"),
    Binding(
        "coverage_width", "coverage", "mean_width", {"method": rct_coverage.HC1}, lambda width: fixed(0)(int(width))
    ),
)
