"""How chapter 09 writes its numbers: the bindings of its prose. Nothing is computed here."""

from __future__ import annotations

from crewe_lib.design_conclusions import CLOSING, format_chance
from crewe_lib.evidence import Binding
from crewe_lib.formats import agree, count, fixed, level, p_phrase, percent, spelt

_one, _none = fixed(1), fixed(0)
_MAIN = {"reading": "main"}


def _least(outcome: str, source: str, case: str) -> dict[str, str]:
    return {"outcome": outcome, "source": source, "case": case}


_HISTORICAL = _least("Re-referred", "historical rate", "lead")
_SEEN = _least("Re-referred", "seen in the pilot", "lead")
_CLOSED = _least("Closed", "2017 report", "lead")


def _never(tests: int) -> str:
    verb = "has" if tests == 1 else "have"
    return f"{spelt(tests).capitalize()} of the tests {verb} too few counts to stand out at all"


GENERAL = (
    Binding("cohort", "cohort", "name"),
    Binding("level", "settings", "confidence_level", show=level),
    Binding("alpha_level", "settings", "alpha", show=level),
)

PRINTED = (
    Binding("implied_first", "arm_counts", "first", show=spelt),
    Binding("implied_first_reach", "arm_counts", "first_reach", show=agree("can", "can")),
    Binding("implied_second_reach", "arm_counts", "second_reach", show=agree("can", "can")),
    Binding("randomised_2017", "flow_counts", "randomised_2017", show=count),
    Binding("children_2017", "flow_counts", "children_2017", show=count),
    Binding("randomised_2020", "flow_counts", "randomised_2020", show=count),
    Binding("comparisons", "flow_counts", "comparisons", show=spelt),
    Binding("disagree", "flow_counts", "disagree", show=agree("disagrees", "disagree")),
    Binding("empty_boxes", "flow_counts", "empty", show=lambda n: spelt(n).capitalize()),
    Binding("boxes", "flow_counts", "boxes", show=spelt),
)
IMPLIED = (
    Binding("implied_rows", "implied_counts", "rows", show=spelt),
    Binding("implied_beyond", "implied_counts", "beyond", show=agree("stands", "stand")),
    Binding("implied_expected", "implied_counts", "expected", show=fixed(1)),
    Binding("implied_characteristics", "implied_counts", "characteristics", show=spelt),
    Binding("implied_largest", "implied_counts", "largest"),
    Binding("implied_largest_size", "implied_counts", "largest_size", show=fixed(2)),
)
NEED = (
    Binding("need_year", "need_words", "year"),
    *(Binding(f"need_{key}", "need_words", key) for key in ("first", "above", "below")),
    *(
        Binding(f"need_{key}_{who}", "need_words", f"{key}_{who}", show=percent(0))
        for key in ("first", "above", "below")
        for who in ("own", "england")
    ),
)
RECORDS = (
    *(
        Binding(f"records_{key}", "records_counts", key, show=count)
        for key in ("families", "children", "analysed", "no_case_data", "no_outcome", "checks")
    ),
    Binding("records_failed", "records_counts", "failed", show=agree("fails", "fail")),
    Binding("balance_characteristics", "balance_counts", "characteristics", show=count),
    Binding("balance_beyond", "balance_counts", "beyond", show=agree("stands", "stand")),
    Binding("balance_expected", "balance_counts", "expected", show=fixed(1)),
    Binding("balance_joint_word", "balance_counts", "further"),
    Binding("balance_joint_p", "balance_counts", "joint_p", show=p_phrase),
    Binding("balance_chance", "balance_counts", "chance", show=fixed(2)),
    Binding("balance_draws", "balance_counts", "n_draws", show=fixed(0)),
)

REVIEWED = (
    Binding("implied_families", "implied_counts", "families", show=_none),
    Binding("implied_widest", "implied_counts", "widest", show=fixed(1)),
    Binding("implied_never", "implied_counts", "never", show=_never),
    Binding("closing_rise_formula", "detectable", "rise_formula_words", _CLOSED),
    Binding("closing_rise_chi", "detectable", "rise_chi_words", _CLOSED),
    Binding("referred_fall_formula", "detectable", "fall_formula_words", _HISTORICAL),
    Binding("halving_lead_formula", "detectable", "halving_formula", _HISTORICAL, percent()),
    Binding("seen_rate", "detectable", "baseline", _SEEN, _one),
    Binding("seen_fall", "detectable", "fall_words", _SEEN),
    Binding("seen_nothing", "detectable", "nothing", _SEEN, percent()),
    Binding("seen_nothing_chi", "detectable", "nothing_chi", _SEEN, percent()),
    Binding("readings", "reading_range", "readings", show=spelt),
    *(
        Binding(f"readings_{name}", "reading_range", name, show=lambda value: _one(abs(value)))
        for name in ("low_least", "low_most", "high_least", "high_most")
    ),
    *(
        Binding(f"readings_{name}", "reading_range", name, show=_none)
        for name in ("margin_least", "margin_most", "families_least", "families_most")
    ),
    Binding("readings_within", "reading_range", "within", show=agree("lies", "lie")),
    Binding("readings_chance", "reading_range", "chance", show=format_chance),
    Binding("historical_rate", "detectable", "baseline", _HISTORICAL, _one),
)

POWER = (
    Binding("power_sought", "settings", "power", show=level),
    Binding("power_alpha", "settings", "alpha", show=level),
    Binding("power_level", "settings", "confidence_level", show=level),
    Binding("power_margin", "settings", "margin", show=lambda value: f"{value:g}"),
    Binding("power_effects", "power_lead", "numbers.effects", show=spelt),
    Binding("power_matches", "power_lead", "numbers.matches", show=spelt),
    Binding("power_form", "power_lead", "numbers.form_words"),
    Binding("power_direction", "power_lead", "numbers.direction"),
    Binding("power_allocations", "power_lead", "numbers.allocations"),
    Binding("power_randomised", "power_lead", "numbers.randomised", show=_none),
    Binding("power_expected", "power_lead", "numbers.expected", show=_none),
    Binding("power_shortfall", "power_lead", "numbers.shortfall_stated", show=_none),
    Binding("power_assumed", "power_lead", "numbers.children_assumed", show=_none),
    Binding("power_realised", "power_lead", "numbers.children_realised", show=fixed(2)),
    Binding("power_fall_strict", "power_lead", "numbers.fall_icc1", show=_one),
    Binding("power_fall_low", "power_lead", "numbers.fall_icc36", show=_one),
    Binding("power_largest", "power_lead", "numbers.largest_halved", show=_one),
    Binding("power_halved", "power_lead", "numbers.baseline_halved", show=_one),
    Binding("power_possible", "printed_effects", "as_fall", {"effect": "half_icc1"}),
    Binding("closing_rise", "detectable", "rise_words", _least("Closed", "2017 report", "lead")),
    Binding("closing_fall", "detectable", "fall_words", _least("Closed", "2017 report", "lead")),
    Binding("closing_rise_other", "detectable", "rise_words", _least("Closed", "2020 report", "lead")),
    Binding("referred_fall", "detectable", "fall_words", _least("Re-referred", "historical rate", "lead")),
    Binding("referred_rise", "detectable", "rise_words", _least("Re-referred", "historical rate", "lead")),
    Binding("siblings_fall", "detectable", "fall_words", _least("Re-referred", "historical rate", "low unequal")),
    Binding("halving_lead", "detectable", "halving", _least("Re-referred", "historical rate", "lead"), percent()),
    Binding("halving_low", "detectable", "halving", _least("Re-referred", "historical rate", "low unequal"), percent()),
    Binding("alike_fall", "detectable", "fall_words", _least("Re-referred", "historical rate", "high unequal")),
    Binding("closing_difference", "conclusions", "difference", _MAIN, fixed(1, sign=True)),
    Binding("closing_interval", "conclusions", "interval", _MAIN),
    Binding("closing_error", "conclusions", "std_error", _MAIN, _one),
    Binding("closing_least", "conclusions", "least_significant", _MAIN, _one),
    Binding("closing_narrow", "conclusions", "narrow", _MAIN),
    Binding("closing_counts", "conclusions", "counts", _MAIN),
    Binding("equivalent", "conclusions", "equivalent_words", _MAIN),
    Binding("chance_equivalent", "conclusions", "chance", _MAIN, format_chance),
    Binding("margin_needed", "conclusions", "margin_needed", _MAIN, _none),
    Binding("families_needed", "conclusions", "families", _MAIN, _none),
    Binding("reref_events", "rereferrals", "events", show=spelt),
    Binding("reref_control", "rereferrals", "control", show=spelt),
    Binding("reref_n", "rereferrals", "n2", show=_none),
    Binding("reref_nothing", "rereferrals", "nothing", show=percent()),
    *(
        Binding(f"{word}_{field}", "examples", field, {"label": CLOSING, "difference": points}, show)
        for points, word in ((5.0, "small"), (10.0, "middling"), (20.0, "large"))
        for field, show in (("difference", _none), ("power", percent()), ("exaggeration", _one))
    ),
    *(
        Binding(f"{word}_wrong", "examples", "sign_error", {"label": CLOSING, "difference": points}, format_chance)
        for points, word in ((5.0, "small"), (10.0, "middling"))
    ),
)

SIMULATED = (
    Binding("trials", "simulated_summary", "trials", show=_none),
    Binding("test_arcsine", "simulated_summary", "test_arcsine", show=_one),
    Binding("test_unpooled", "simulated_summary", "test_unpooled", show=_one),
    Binding("test_exact", "simulated_summary", "exact", show=_one),
    Binding("size_least", "simulated_summary", "size_least", show=percent(1)),
    Binding("size_most", "simulated_summary", "size_most", show=percent(1)),
    Binding("naive_least", "simulated_summary", "naive_least", show=percent()),
    Binding("naive_most", "simulated_summary", "naive_most", show=percent()),
)
