"""How chapter 08 writes its numbers: the bindings of its prose. Nothing is computed here."""

from __future__ import annotations

from typing import Any

from crewe_lib.evidence import Binding
from crewe_lib.formats import choose, count, fixed, level, p_phrase, spelt

_one = fixed(1)


def _tested(text: str) -> str:
    """What a report says of a test."""
    return "not statistically significant" if text == "n.s." else text


def _percent(value: Any) -> str:
    return f"{fixed(0)(value)}%"


_MODEL_SPELT = [
    "pods_first", "pods_least", "pods_last", "challenges", "changes", "view_better", "view_worse", "view_mixed",
    "themes_central", "moderators", "pod_size", "workshop", "questions", "answered_no", "answered_not_told",
]  # fmt: skip
_MODEL_COUNT = [
    "capacity_first", "capacity_last", "training_days", "training_days_after", "cap", "pod_cases", "measures",
    "answered_yes", "answered_in_part",
]  # fmt: skip

MODEL = (
    *(Binding(f"model_{name}", "summary", name, show=spelt) for name in _MODEL_SPELT),
    *(Binding(f"model_{name}", "summary", name, show=count) for name in _MODEL_COUNT),
    Binding("model_items", "lead", "numbers.items", show=spelt),
    Binding("model_differ", "lead", "numbers.differ", show=spelt),
    *(Binding(f"model_{name}", "exposure", name) for name in ("drawn_to", "closed_by", "closed_on", "renewed")),
    Binding("model_mean_days", "exposure", "mean_days", show=fixed(0)),
    Binding("model_closed_share", "exposure", "closed_share", show=fixed(0)),
    Binding("model_before", "exposure", "margin", show=choose("before", "after", "on the day of")),
)  # fmt: skip


_SPELT = [
    "volunteer_families", "volunteers", "training_days_quote", "failed", "cases", "cases_council", "failed_council",
    "pod", "pod_before", "crossover", "risk_cases_service", "risk_cases_council", "most_referrals",
    "stressed_council", "answered_council", "stressed", "escalated_pilot", "escalated_trial", "social_workers",
    "later_social_workers", "later_social_workers_planned", "later_people", "visits_ratio", "contact_ratio",
]  # fmt: skip
_COUNT = [
    "visits_autumn", "visits_spring", "training_days", "training_days_after", "pod_cases", "pod_cases_before",
    "cases_each", "caseload_november", "caseload_april", "caseload_later", "cap", "answered", "families_served",
    "capacity_first", "capacity_last", "people",
]  # fmt: skip
_SHARES = [
    "closed", "closed_council", "history_bullet", "rereferred", "rereferred_council", "escalated_share",
    "caseload_fall", "caseload_share",
]  # fmt: skip
_WORDS = [
    "volunteers_date", "criteria_from", "survey", "pod_change", "office_from", "signs_from", "pilot_end",
    "followed_to", "where_fewer",
]  # fmt: skip
_ODDS = {
    "sooner": "r1_sooner_believed",
    "caseload": "r1_caseload_steady",
    "volunteers": "r1_volunteers_unnamed",
    "history": "r1_history_warmest",
    "relief": "r1_no_relief",
    "criteria": "r1_criteria_agreed",
    "escalations": "r1_escalations_few",
}

_TESTED = ("closed", "history", "rereferred")
_TIMING = ("months", "signs_months", "criteria_months", "escalated")
THEMES = (
    *(Binding(f"th_{name}", "counted", name, show=spelt) for name in _SPELT),
    *(Binding(f"th_{name}", "counted", name, show=count) for name in _COUNT),
    *(Binding(f"th_{name}", "counted", name, show=_percent) for name in _SHARES),
    *(Binding(f"th_{name}", "counted", name) for name in _WORDS),
    Binding("th_history_text", "counted", "history_text", show=fixed(0)),
    *(Binding(f"th_{name}_tested", "counted", f"{name}_tested", show=_tested) for name in _TESTED),
    *(Binding(f"th_{name}", "timing", name, show=fixed(0)) for name in _TIMING),
    Binding("th_open_share", "timing", "open_share", show=_percent),
    *(Binding(f"odds_{name}", "odds", "where", {"id": id}) for name, id in _ODDS.items()),
    *(Binding(f"odds_{name}_other", "odds", "other_where", {"id": id}) for name, id in _ODDS.items()),
    Binding("odds_pairs", "voices", "disagreements", show=spelt),
    Binding("voices_first", "voices", "n_r1", show=count),
    Binding("voices_social_workers", "voices", "social_workers_r1", show=spelt),
    Binding("voices_practitioners", "voices", "practitioners_r1", show=count),
    Binding("voices_families", "voices", "families_r1", show=spelt),
    Binding("voices_later", "voices", "n_r2", show=count),
    Binding("voices_later_families", "voices", "families_r2", show=spelt),
)  # fmt: skip


_INTERVIEWS_SPELT = [
    "rows_wrong", "cases", "planned_per_case", "complete_printed", "most_per_case", "children", "sw_planned",
    "sw_held",
]  # fmt: skip
OWN = (
    Binding("level", "settings", "confidence_level", show=level),
    *(Binding(name, "spoken", name, show=count) for name in ("people", "interviews", "staff_planned", "staff_held")),
    *(Binding(name, "spoken", name, show=spelt) for name in _INTERVIEWS_SPELT),
    Binding("wrong", "spoken", "wrong"),
    *(
        Binding(name, "delivered", name, show=fixed(0))
        for name in ("visits_first", "visits_last", "cases_first", "cases_last", "cases_most")
    ),
    *(Binding(name, "delivered", name, show=_one) for name in ("weekly_first", "weekly_last")),
    Binding("weekly_article", "delivered", "weekly_article"),
    *(Binding(name, "delivered", name, show=spelt) for name in ("ratio", "ratio_article")),
    *(Binding(name, "delivered", name, show=fixed(0)) for name in ("in_need_sw", "in_need_fp")),
    Binding("stress_sw", "stress", "written", {"staff": "sw"}),
    Binding("stress_fp", "stress", "written", {"staff": "fp"}),
    Binding("stress_difference", "contrast", "difference", show=fixed(0)),
    Binding("stress_interval", "contrast", "exact"),
    Binding("stress_p", "contrast", "p_fisher", show=p_phrase),
)
NUMBERS = (*OWN, *MODEL, *THEMES)
