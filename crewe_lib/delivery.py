"""How the service was delivered, from printed figures: visits, caseloads, and what staff said troubled them.

Sources: Project Crewe evaluation (2017), "Frequency of contact", "Flexibility", "Stress" and Figures 11 and 12;
Catch22's article (2017). Heights of bars that are only drawn are not read off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crewe_lib.claim_register import read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, interval, p_value
from crewe_lib.models.exact_proportions import fit_unconditional
from crewe_lib.models.proportions import fit_newcombe, fit_two_proportions, fit_wilson
from crewe_lib.provenance import infers, traced

WEEKS_A_MONTH = 365.25 / 12 / 7
# Columns: what, when, value; the wave of each printed number.
_VISITS = (("autumn 2015", "r1.visits.autumn"), ("spring 2016", "r1.visits.spring"))
_CASELOADS = (
    ("November 2015", "r1.caseload.nov15"),
    ("April 2016", "r1.caseload.apr16"),
    ("November 2016", "r1.caseload.nov16"),
)
VISIT_COLUMNS: Mapping[str, Column] = {
    "service": Column("Service"),
    "when": Column("When"),
    "visits": Column("Visits a month", fixed(1)),
    "weekly": Column("a week", fixed(1)),
    "basis": Column("Basis"),
}
CASELOAD_COLUMNS: Mapping[str, Column] = {
    "when": Column("When"),
    "cases": Column("Cases of a family practitioner, mean", fixed(0)),
    "most": Column("Most that was allowed", fixed(0)),
}
STRESS_COLUMNS: Mapping[str, Column] = {
    "who": Column("Staff"),
    "k": Column("Named workload first", fixed(0)),
    "n": Column("of", fixed(0)),
    "share": Column("%", fixed(0)),
    "interval": Column("Interval, %"),
}


@traced
@infers
def derive_visits(register: pd.DataFrame) -> pd.DataFrame:
    """Visits to a case in a month: the practitioners' as printed, the social workers' as the printed ratio implies.

    The report draws the social workers' visits and prints only that practitioners came almost three times as often.
    Columns: service, when, visits, weekly, basis ('printed', 'implied').
    """
    reader = read_register(register)
    ratio = reader.number("r1.visits.ratio_text")
    rows = [("Project Crewe", when, reader.number(id), "printed") for when, id in _VISITS]
    rows += [("Cheshire East", when, reader.number(id) / ratio, "implied") for when, id in _VISITS]
    frame = pd.DataFrame(rows, columns=["service", "when", "visits", "basis"])
    return frame.assign(weekly=frame["visits"] / WEEKS_A_MONTH)


@traced
def derive_caseloads(register: pd.DataFrame) -> pd.DataFrame:
    """Mean cases of a family practitioner at three dates, beside the most that the service allowed. Columns: when,
    cases, most."""
    reader = read_register(register)
    most = reader.number("r2.design.fp_cap")
    return pd.DataFrame([(when, reader.number(id), most) for when, id in _CASELOADS], columns=["when", "cases", "most"])


@traced
def derive_stress(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Staff who named workload as the main cause of stress, of those who answered the survey of November 2015.

    Wilson's interval. Columns: staff, who, k, n, share, low, high (per cent), interval and
    written ('8 of 9').
    """
    reader = read_register(register)
    rows = []
    for staff, who in (("sw", "Staff of Cheshire East"), ("fp", "Family practitioners")):
        name = {"sw": "cec", "fp": "fp"}[staff]
        k, n = reader.count(f"r1.stress.k_{name}"), reader.count(f"r1.stress.n_{name}")
        low, high = (100 * limit for limit in fit_wilson(k, n, alpha=alpha))
        row = {"staff": staff, "who": who, "k": k, "n": n, "share": 100 * k / n, "low": low, "high": high}
        rows.append(row | {"interval": interval(low, high, 0), "written": f"{k} of {n}"})
    return pd.DataFrame(rows)


@traced
def estimate_stress(stress: pd.DataFrame, *, alpha: float) -> dict[str, Any]:
    """The contrast that the 2017 report prints and does not test: workload named, Cheshire East less practitioners.

    In points with Newcombe's interval, exact limits, and two-sided p-values of Fisher's and Boschloo's tests. It takes
    the answers as independent of each other, which people of one team need not be.
    """
    (k1, n1), (k2, n2) = stress.set_index("staff").loc[["sw", "fp"], ["k", "n"]].astype(int).to_numpy().tolist()
    low, high = fit_newcombe(k1, n1, k2, n2, alpha=alpha)
    exact = fit_unconditional(k1, n1, k2, n2, alpha=alpha)
    tests = fit_two_proportions(k1, n1, k2, n2, alpha=alpha)
    return {
        "difference": 100 * (k1 / n1 - k2 / n2),
        "conf_low": 100 * low,
        "conf_high": 100 * high,
        "exact_low": 100 * exact.conf_low,
        "exact_high": 100 * exact.conf_high,
        "exact": interval(100 * exact.conf_low, 100 * exact.conf_high, 0),
        "p_fisher": tests.p_values["Fisher's exact"],
        "p_boschloo": exact.boschloo,
    }


@traced
def summarise_delivery(register: pd.DataFrame, caseloads: pd.DataFrame) -> dict[str, object]:
    """Numbers for prose on visits and caseloads, with what else is printed of them."""
    reader = read_register(register)
    first, last = (reader.number(id) for _, id in _VISITS)
    return {
        "visits_first": first,
        "visits_last": last,
        "weekly_first": first / WEEKS_A_MONTH,
        "weekly_last": last / WEEKS_A_MONTH,
        "weekly_article": reader.text("blog.visits").replace(" to ", "–"),
        "ratio": reader.number("r1.visits.ratio_text"),
        "ratio_article": reader.number("blog.contact_ratio"),
        "cases_first": float(caseloads["cases"].iloc[0]),
        "cases_last": float(caseloads["cases"].iloc[-1]),
        "cases_most": float(caseloads["most"].iloc[0]),
        "in_need_sw": reader.number("r1.stress.cin_share_sw"),
        "in_need_fp": reader.number("r1.stress.cin_share_fp"),
    }


@traced
def describe_visits(visits: pd.DataFrame) -> dict[str, str]:
    """The figure of visits in words."""
    said = [
        f"{row['service']}, {row['when']}: {fixed(1)(row['visits'])} a month, {row['basis']}"
        for row in visits.to_dict("records")
    ]
    return {"text": "; ".join(said) + "."}


@traced
def describe_stress(stress: pd.DataFrame, contrast: Mapping[str, Any]) -> dict[str, str]:
    """The figure of causes of stress in words."""
    said = [
        f"{row['who']}: {row['k']} of {row['n']}, {fixed(0)(row['share'])} per cent, interval {row['interval']}"
        for row in stress.to_dict("records")
    ]
    return {"text": "; ".join(said) + f". Fisher's exact test: p {p_value(contrast['p_fisher'])}."}
