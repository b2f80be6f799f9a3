"""How the chapters on the follow-up write their numbers: the bindings of their prose. Nothing is computed here.

PRINTED_GENERAL, COUNTS and BELIEFS are of 06_follow_up, the others of 06_follow_up_records.
"""

from __future__ import annotations

from crewe_lib.evidence import Binding
from crewe_lib.follow_up_bayes import write_chance
from crewe_lib.formats import agree, count, fixed, level, p_phrase, percent, spelt

_signed = fixed(1, sign=True)
_CLOSED, _AGAIN = {"outcome": "closed"}, {"outcome": "rereferred"}
_FIRST, _LATER = {"date": "trial_end"}, {"date": "november_2019"}
_S, _N, _E = ({"prior": name} for name in ("sceptical", "neutral", "enthusiastic"))

PRINTED_GENERAL = (
    Binding("level", "settings", "confidence_level", show=level),
    Binding("worthwhile", "settings", "worthwhile", show=lambda value: f"{value:g}"),
)
GENERAL = (
    Binding("cohort", "cohort", "name"),
    Binding("level", "settings", "confidence_level", show=level),
    Binding("alpha", "settings", "alpha", show=lambda value: f"{value:g}"),
    Binding("imputations", "settings", "imputations", show=fixed(0)),
    Binding("worthwhile", "settings", "worthwhile", show=lambda value: f"{value:g}"),
)
_ESCALATED = {"outcome": "escalated"}
COUNTS = (
    *(Binding(name, "at_dates", name, show=_signed) for name in ("closed_first", "closed_second", "rereferred_second")),
    *(
        Binding(f"{name}_interval", "at_dates", f"{name}_interval")
        for name in ("closed_first", "closed_second", "rereferred_second")
    ),
    *(Binding(f"{name}_range", "at_dates", f"{name}_range") for name in ("closed_second", "rereferred_second")),
    Binding("closed_second_high", "at_dates", "closed_second_high", show=fixed(1)),
    Binding("closed_second_low", "at_dates", "closed_second_low", show=lambda value: fixed(1)(-value)),
    Binding("escalated_second_treatment", "printed", "treatment", _ESCALATED),
    Binding("escalated_second_control", "printed", "control", _ESCALATED),
    Binding("escalated_second_p", "printed", "boschloo", _ESCALATED, p_phrase),
    *(Binding(name, "at_dates", name) for name in ("aged_treatment", "aged_control", "aged_interval")),
    Binding("aged_level", "at_dates", "aged_level", show=lambda value: f"{value:g}"),
    Binding("aged_difference", "at_dates", "aged_difference", show=_signed),
    *(
        Binding(f"aged_{name}_{what}", "at_dates", f"aged_{name}_{what}", show=spelt)
        for name in ("printed", "tables", "highest")
        for what in ("tests", "below")
    ),
    Binding("statements_all", "answered", "statements", show=fixed(0)),
    *(Binding(f"statements_{name}", "answered", name, show=fixed(0)) for name in ("agreed", "corrected", "open")),
    Binding("without_aged_closed", "without", "all_closed", show=_signed),
    Binding("without_aged_range", "without", "range"),
    Binding("without_aged_forced", "without", "forced_control", show=spelt),
    Binding("statements_choices", "answered", "choices", show=fixed(0)),
    Binding("closure_said", "closure", "finding"),
    Binding("again_said", "again", "finding"),
    Binding("crossing_said", "crossing", "finding"),
    Binding("unknown_families", "implied_ways", "missing", show=spelt),
    Binding("unknown_ways", "implied_ways", "ways", show=spelt),
    Binding("unknown_said", "implied_ways", "said"),
    Binding("unknown_least", "implied_ways", "least", show=_signed),
    Binding("unknown_greatest", "implied_ways", "greatest", show=_signed),
    Binding("risk_rise_treatment", "risk_now", "rise_treatment", show=fixed(1), same_as="risk.rise_treatment"),
    Binding("risk_rise_control", "risk_now", "rise_control", show=fixed(1), same_as="risk.rise_control"),
    *(
        Binding(f"risk_{name}", "risk_now", name, show=spelt)
        for name in ("followed_treatment", "followed_control", "lost")
    ),
    Binding("risk_cases", "risk_now", "n", show=spelt),
    Binding("risk_gap", "risk_spread", "gap", show=fixed(1)),
    Binding("risk_spread", "risk_spread", "spread", show=fixed(1)),
)
BELIEFS = (
    Binding("prior_sceptical_worth", "priors", "worthwhile", _S, write_chance),
    Binding("prior_neutral_worth", "priors", "worthwhile", _N, write_chance),
    Binding("prior_enthusiastic_benefit", "priors", "benefit", _E, write_chance),
    Binding("prior_sceptical_sd", "priors", "log_odds_sd", _S, fixed(2)),
    Binding("prior_neutral_sd", "priors", "log_odds_sd", _N, fixed(2)),
    Binding("prior_enthusiastic_mean", "priors", "log_odds_mean", _E, fixed(2)),
    Binding("prior_enthusiastic_sd", "priors", "log_odds_sd", _E, fixed(2)),
    Binding("belief_first_verdict", "beliefs_summary", "verdict", {**_CLOSED, **_FIRST}),
    Binding("belief_later_verdict", "beliefs_summary", "verdict", {**_CLOSED, **_LATER}),
    Binding("belief_later_sceptical", "beliefs", "benefit_said", {**_CLOSED, **_LATER, **_S}),
    Binding("belief_later_enthusiastic", "beliefs", "benefit_said", {**_CLOSED, **_LATER, **_E}),
    Binding("belief_again_verdict", "beliefs_summary", "verdict", {**_AGAIN, **_LATER}),
    Binding("belief_again_sceptical", "beliefs", "worthwhile_said", {**_AGAIN, **_LATER, **_S}),
    Binding("belief_again_enthusiastic", "beliefs", "worthwhile_said", {**_AGAIN, **_LATER, **_E}),
)
_aged = "aged_summary"
SAMPLE = (
    Binding("median_treatment", "by_arm", "median", {"arm": "treatment"}, fixed(1)),
    Binding("median_control", "by_arm", "median", {"arm": "control"}, fixed(1)),
    Binding("under", "by_arm", "under_11", {"arm": "treatment"}, fixed(0)),
    Binding("under_control", "by_arm", "under_11", {"arm": "control"}, fixed(0)),
    Binding("of_treatment", "by_arm", "n", {"arm": "treatment"}, fixed(0)),
    Binding("of_control", "by_arm", "n", {"arm": "control"}, fixed(0)),
    Binding("age_limit", "ages_limit", "under", show=spelt),
    Binding("aged_treatment", _aged, "aged_of_treatment"),
    Binding("aged_control", _aged, "aged_of_control"),
    Binding("aged_gap", _aged, "gap", show=_signed),
    Binding("aged_expected_treatment", _aged, "expected_pct_treatment", show=fixed(1)),
    Binding("aged_expected_control", _aged, "expected_pct_control", show=fixed(1)),
    Binding("aged_expected_gap", _aged, "expected_gap", show=_signed),
    Binding("aged_all", _aged, "aged", show=count),
    Binding("aged_open", _aged, "aged_open", show=agree("did so", "did so")),
    Binding("aged_closed", _aged, "aged_closed", show=agree("counts", "count")),
    Binding("first_closed_year_treatment", _aged, "closed_365_treatment", show=fixed(1)),
    Binding("first_closed_year_control", _aged, "closed_365_control", show=fixed(1)),
    Binding("first_closed_year", _aged, "closed_365_text"),
    Binding("first_closed_three_treatment", _aged, "closed_1095_treatment", show=fixed(1)),
    Binding("first_closed_three_control", _aged, "closed_1095_control", show=fixed(1)),
    Binding("first_closed_three", _aged, "closed_1095_text"),
    Binding("first_overstated", _aged, "overstated", show=fixed(1)),
    Binding("first_unknown", _aged, "unknown", show=count),
    Binding("first_adult", _aged, "adult", show=count),
)
OUTCOMES = (
    *(
        Binding(f"effect_{name}", "effect_summary", name, show=_signed)
        for name in ("closed", "rereferred", "escalated")
    ),
    *(
        Binding(f"effect_{name}_interval", "effect_summary", f"{name}_interval")
        for name in ("closed", "rereferred", "escalated")
    ),
    Binding("effect_tests", "effect_summary", "tests", show=spelt),
    Binding("effect_rejecting", "effect_summary", "rejecting", show=agree("has", "have")),
    *(Binding(f"range_{name}", f"range_{name}", "range") for name in ("closed", "rereferred", "escalated")),
    *(
        Binding(f"range_{name}_rejecting", f"range_{name}", "rejecting", show=agree("has", "have"))
        for name in ("closed", "rereferred", "escalated")
    ),
    Binding("crossed", "crossed", "crossed", show=count),
    Binding("crossed_of", "crossed", "controls", show=fixed(0)),
    Binding("crossed_share", "crossed", "share", show=percent(0)),
    Binding("crossed_last_year", "crossed", "last_year", show=agree("did so", "did so")),
    Binding("crossed_bounds", "crossed", "bounds"),
    Binding("crossed_sign", "crossed", "sign_said"),
    Binding("crossed_outer", "crossed", "outer"),
    Binding("crossed_settled", "crossed", "settled", show=count),
    Binding("crossed_settled_again", "crossed", "settled_rereferred", show=count),
)


def _ways(outcome: str) -> tuple[Binding, ...]:
    where = {"outcome": outcome}
    return (
        Binding(f"{outcome}_missing", "ways_summary", "missing", where, count),
        Binding(f"{outcome}_ways_said", "ways_summary", "said", where),
        Binding(f"{outcome}_ways_least", "ways_summary", "least", where, _signed),
        Binding(f"{outcome}_ways_greatest", "ways_summary", "greatest", where, _signed),
    )


LENGTHS = (
    *(Binding(f"length_{name}", "length_better", name) for name in ("share", "days", "ratio", "ignoring")),
    *(Binding(f"length_{name}", "length_said", name) for name in ("difference", "short", "error", "negative")),
    *(Binding(f"length_{name}", "length_counts", name) for name in ("left_out", "no_sex")),
    *(
        Binding(f"length_{name}", "length_counts", name, show=fixed(0))
        for name in ("n", "n_treatment", "n_control", "unknown")
    ),
    *(Binding(f"length_{name}", "length_counts", name, show=spelt) for name in ("late_treatment", "late_control")),
    Binding("length_last_day", "length_span", "last_day", show=fixed(0)),
)
REST = (
    *_ways("closed"),
    *_ways("rereferred"),
    Binding("later_n_treatment", "risk_summary", "n_treatment", show=spelt),
    Binding("later_n_control", "risk_summary", "n_control", show=spelt),
    Binding("later_lost", "risk_summary", "lost", show=spelt),
    Binding("later_child", "risk_summary", "child_new", show=count),
    Binding("later_treatment", "risk_summary", "moved_treatment"),
    Binding("later_control", "risk_summary", "moved_control"),
    Binding("later_said", "risk_summary", "said"),
    Binding("later_range", "risk_summary", "range"),
    Binding("later_rows", "risk_summary", "rows", show=count),
    Binding("later_small", "risk_summary", "small", show=agree("has", "have")),
    Binding("later_allocations", "risk_summary", "allocations", show=fixed(0)),
    Binding("record_later_verdict", "record_beliefs_summary", "verdict", {**_CLOSED, **_LATER}),
    Binding("record_later_sceptical", "record_beliefs", "benefit_said", {**_CLOSED, **_LATER, **_S}),
    Binding("record_later_enthusiastic", "record_beliefs", "benefit_said", {**_CLOSED, **_LATER, **_E}),
    Binding("record_again_verdict", "record_beliefs_summary", "verdict", {**_AGAIN, **_LATER}),
    Binding("record_again_sceptical", "record_beliefs", "benefit_said", {**_AGAIN, **_LATER, **_S}),
    Binding("record_again_enthusiastic", "record_beliefs", "benefit_said", {**_AGAIN, **_LATER, **_E}),
    Binding("record_unknown_treatment", "record_counts", "unknown", {**_AGAIN, **_LATER, "arm": "pc"}, count),
    Binding("record_unknown_control", "record_counts", "unknown", {**_AGAIN, **_LATER, "arm": "cec"}, count),
)
