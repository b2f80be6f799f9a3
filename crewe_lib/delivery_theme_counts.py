"""What the reports count beside the themes of their interviews, and when changes came beside the trial's follow-up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from crewe_lib.claim_register import read_register
from crewe_lib.claim_writing import write_dates
from crewe_lib.provenance import infers, traced

# What the prose shows → the claim that prints it: whole numbers, then other numbers, dates and results of tests.
COUNTS: Mapping[str, str] = {
    "visits_autumn": "r1.visits.autumn",
    "visits_spring": "r1.visits.spring",
    "visits_ratio": "r1.visits.ratio",
    "contact_ratio": "blog.contact_ratio",
    "volunteer_families": "r1.qual.volunteer_families",
    "volunteers": "r1.design.volunteers",
    "training_days": "r2.design.training_days",
    "training_days_after": "r2.design.training_days_after",
    "training_days_quote": "r2.design.training_days_quote",
    "failed": "r1.qual.pc_fail",
    "cases": "r1.qual.cases_pc",
    "cases_council": "r1.qual.cases_cec",
    "risk_cases_service": "r1.risk.n_pc",
    "risk_cases_council": "r1.risk.n_cec",
    "crossover": "r2.design.crossover",
    "most_referrals": "r2.design.referrals_max2",
    "pod": "r1.design.pod_size",
    "pod_before": "r1.design.pod_size_before",
    "pod_cases": "r1.design.swc_cases_after",
    "pod_cases_before": "r1.design.swc_cases_before",
    "cases_each": "r2.design.cases_each",
    "caseload_november": "r1.caseload.nov15",
    "caseload_april": "r1.caseload.apr16",
    "caseload_later": "r1.caseload.nov16",
    "cap": "r1.design.fp_cap",
    "stressed_council": "r1.stress.k_cec",
    "answered_council": "r1.stress.n_cec",
    "stressed": "r1.stress.k_fp",
    "answered": "r1.stress.n_fp",
    "escalated_pilot": "r1.escal.year",
    "escalated_trial": "r2.escal.n",
    "families_served": "r2.mi.families",
    "capacity_first": "r2.t1.p1.capacity",
    "capacity_last": "r2.t1.p4.capacity",
    "people": "r1.t1.total.participants",
    "social_workers": "r1.t1.sw.participants",
    "later_people": "r2.qual.n",
    "later_social_workers": "r2.qual.c_sw",
    "later_social_workers_planned": "r2.qual.planned_sw",
}
OTHER: Mapping[str, str] = {
    "closed": "r1.closure.pc",
    "closed_council": "r1.closure.cec",
    "history_bullet": "r1.closure.hist_bullet",
    "history_text": "r1.closure.hist_text",
    "rereferred": "r2.reref.treat",
    "rereferred_council": "r2.reref.control",
    "escalated_share": "r2.mi.escalated",
    "caseload_fall": "blog.caseload_drop",
    "caseload_share": "r1.stress.cin_share_sw",
}
DATES: Mapping[str, str] = {
    "volunteers_date": "r1.design.volunteers_date",
    "criteria_from": "r2.t1.criteria_from",
    "survey": "r1.stress.date",
    "pod_change": "r2.design.pod_change",
    "office_from": "r2.t1.colocation",
    "signs_from": "r2.t1.sos",
    "pilot_end": "r1.design.pilot_end",
    "followed_to": "r2.design.study_end",
}
TESTS: Mapping[str, str] = {
    "closed_tested": "r1.closure.sig",
    "history_tested": "r1.closure.hist_sig",
    "rereferred_tested": "r2.reref.sig",
}
_MONTH = 365.25 / 12


@traced
def derive_theme_numbers(register: pd.DataFrame) -> dict[str, Any]:
    """What is printed on the themes, by the names of `COUNTS`, `OTHER` (percentages and points), `DATES` and `TESTS`.

    Besides, failed_council: the council's case studies that escalated or did not change; where_fewer: the page that
    words the criterion of earlier referrals the other way. Raises DataError.
    """
    reader = read_register(register)
    return {
        **{name: reader.count(id) for name, id in COUNTS.items()},
        **{name: reader.number(id) for name, id in OTHER.items()},
        **{name: write_dates(reader.text(id)) for name, id in DATES.items()},
        **{name: reader.text(id) for name, id in TESTS.items()},
        "failed_council": reader.count("r1.t3.no_change.cec") + reader.count("r1.t3.escalated.cec"),
        "where_fewer": reader.claim("r2.design.referrals_lt2").place,
    }


@traced
@infers
def derive_timing(register: pd.DataFrame) -> dict[str, float]:
    """When changes came, beside the time in which the trial's families were followed; printed nowhere, so implied.

    months: from the first day of allocation to the end of the follow-up; signs_months: of these, those after Signs of
    Safety can have begun (from the first day of the printed year), the most that it can have touched; criteria_months:
    from the last day of allocation to the first criteria; open_share: per cent of Project Crewe's cases not yet closed
    at the end of the pilot; escalated: families of the whole service that escalated, by its printed share. Raises
    DataError.
    """
    reader = read_register(register)
    first, last = reader.day("r1.design.rct_start"), reader.day("r1.design.rct_end", end=True)
    end = reader.day("r2.design.study_end")
    return {
        "months": _months(first, end),
        "signs_months": max(_months(reader.day("r2.t1.sos"), end), 0.0),
        "criteria_months": _months(last, reader.day("r2.t1.criteria_from")),
        "open_share": 100 - reader.number("r1.closure.pc"),
        "escalated": reader.share("r2.mi.escalated") * reader.number("r2.mi.families"),
    }


def _months(first: date, last: date) -> float:
    return (last - first).days / _MONTH
