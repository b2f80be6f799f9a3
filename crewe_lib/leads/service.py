"""The service beside the trial: who was counted, and whether caseloads fell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.claim_rules.common import written
from crewe_lib.claim_rules.service import WEEKS_PER_MONTH
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, percent
from crewe_lib.leads import Lead
from crewe_lib.provenance import infers, traced

SERVICE_COLUMNS: Mapping[str, Column] = {
    "reading": Column("Size of the trial arm"),
    "trial_families": Column("Families of the trial", fixed(0)),
    "outside_2017": Column("Others by March 2017", fixed(0)),
    "share_outside_2017": Column("Share", percent(0)),
    "outside_2020": Column("Others by 2020", fixed(0)),
    "share_outside_2020": Column("Share", percent(0)),
}
CASELOAD_COLUMNS: Mapping[str, Column] = {
    "reading": Column("Question"),
    "first": Column("One statement", fixed(1)),
    "second": Column("The other", fixed(1)),
    "unit": Column("Unit"),
    "agrees": Column("Agree", either("yes", "no")),
}
_ONE = fixed(1)


@traced
@infers
def check_trial_and_service(register: pd.DataFrame) -> Lead:
    """How many of the families and escalations of the service can have been in the trial.

    readings: one row per size of the trial arm: reading, trial_families, outside_2017, share_outside_2017,
    outside_2020, share_outside_2020 (families, shares of one). Raises DataError.
    """
    reader = read_register(register)
    served, all_years = reader.count("blog.families"), reader.count("r2.mi.families")
    arms = {
        "2020 report": reader.number("r2.sample.n_treat"),
        "implied by the cost tables of 2017": reader.number("r1.sample.arm_pc_implied"),
        "share printed in 2017 of all randomised": reader.share("r1.sample.pc_share")
        * reader.number("r1.sample.randomised"),
    }
    rows = [
        (name, n, served - n, 1 - n / served, all_years - n, 1 - n / all_years) for name, n in arms.items()
    ]  # fmt: skip
    readings = pd.DataFrame(rows, columns=list(SERVICE_COLUMNS))
    numbers = _escalations(reader) | {
        "families_2017": served,
        "families_2020": all_years,
        "least_outside_2017": float(readings["outside_2017"].min()),
        "least_share_2017": float(readings["share_outside_2017"].min()),
        "least_share_2020": float(readings["share_outside_2020"].min()),
        "children_per_family": reader.number("blog.children") / served,
        "closed_exceed_families": reader.number("blog.closed") > served,
    }
    return Lead(
        id="trial_and_service",
        title="Which figures are of the trial, and which of the whole service?",
        verdict="confirmed" if numbers["least_outside_2017"] > 0 else "refuted",
        finding=_service_words(numbers),
        settles="A list of the service's families, with date of referral and whether randomised, would settle it.",
        claims=tuple(sorted(reader.read)),
        readings=readings,
        numbers=numbers,
    )


def _service_words(numbers: Mapping[str, Any]) -> str:
    return (
        f"Of {numbers['families_2017']} families that the service had worked with by March 2017, at least "
        f"{fixed(0)(numbers['least_outside_2017'])} ({percent()(numbers['least_share_2017'])}) are implied to have "
        f"been outside the trial; of {numbers['families_2020']} by 2020, at least "
        f"{percent()(numbers['least_share_2020'])}. Caseloads, stress and the escalations printed in 2017 seem to be "
        f"those of the whole service. The {numbers['escalated_2017']} escalations of 2017 compare with "
        f"{numbers['escalated_trial']} in the trial over the whole follow-up, so {numbers['escalated_outside']} of "
        "them are implied to be others' or siblings counted one by one."
    )


def _escalations(reader: Reader) -> dict[str, Any]:
    year, trial = reader.count("r1.escal.year"), reader.count("r2.escal.treat")
    return {
        "escalated_2017": year,
        "escalated_trial": trial,
        "escalated_outside": max(year - trial, 0),
        "escalated_blog": reader.count("blog.cpp") + reader.count("blog.lac"),
        "escalated_2020": reader.share("r2.mi.escalated") * reader.number("r2.mi.families"),
    }


@traced
@infers
def check_caseload_relief(register: pd.DataFrame) -> Lead:
    """Whether the 2017 report and Catch22's article agree on caseloads and visits.

    readings: reading, first, second (in `unit`), agrees. The share of a caseload that could be relieved is bounded by
    the share of children in need in it. Raises DataError.
    """
    reader = read_register(register)
    drop, share = reader.number("blog.caseload_drop"), reader.number("r1.stress.cin_share_sw")
    fall = reader.number("blog.cin_drop")
    ratio, contact = reader.number("r1.visits.ratio"), reader.number("blog.contact_ratio")
    weekly = [reader.number(f"r1.visits.{season}") / WEEKS_PER_MONTH for season in ("autumn", "spring")]
    relief = 0.0 if reader.text("r1.caseload.sw_relief") == "no" else drop
    freed, most = fall * share / 100, reader.claim("blog.visits").ends[1]
    rows = [
        ("Fall in caseloads: 2017 report, article", relief, drop, "%", relief == drop),
        ("Most that diverting every child in need could free, fall stated", share, drop, "%", drop <= share),
        ("The fall in children in need as part of caseloads, fall stated", freed, drop, "%", freed >= drop),
        ("Visits: times as many, times as much contact", ratio, contact, "times", ratio >= contact),
        ("Visits a week in autumn, most in the article", weekly[0], most, "a week", weekly[0] <= most),
        ("Visits a week in spring, most in the article", weekly[1], most, "a week", weekly[1] <= most),
    ]
    readings = pd.DataFrame(rows, columns=list(CASELOAD_COLUMNS))
    numbers: dict[str, Any] = {
        "drop": drop,
        "share": share,
        "needed_share_before": 100 * (1 - (1 - drop / 100) * (1 - share / 100)),
        "freed": freed,
        "weekly_autumn": weekly[0],
        "weekly_spring": weekly[1],
        "longer_visits": contact / ratio,
    }
    return Lead(
        id="caseload_relief",
        title="Did the caseloads of social workers fall?",
        verdict="refuted" if readings["agrees"].all() else "confirmed" if relief != drop else "confirmed in part",
        finding=_relief_words(numbers, relief, contact, ratio),
        settles="The Crewe team's open cases and staff by month, and the log of visits, would settle it.",
        claims=tuple(sorted(reader.read)),
        readings=readings,
        numbers=numbers,
    )


def _relief_words(numbers: Mapping[str, Any], relief: float, contact: float, ratio: float) -> str:
    first = (
        f"The 2017 report says that caseloads did not fall, the article that they fell by {written(numbers['drop'])}%."
        if relief != numbers["drop"]
        else f"Both documents have caseloads fall by {written(numbers['drop'])}%."
    )
    if numbers["drop"] > numbers["share"]:
        bound = (
            f"With children in need at {written(numbers['share'])}% of a caseload, not even all of them diverted would "
            f"free so much; a share of {written(numbers['needed_share_before'])}% before the pilot is implied."
        )
    else:
        bound = (
            f"With children in need at {written(numbers['share'])}% of a caseload the fall is implied to be possible."
        )
    return (
        f"{first} {bound} Contact of {written(contact)} times against visits of {written(ratio)} times needs visits "
        f"{_ONE(numbers['longer_visits'])} times as long; {_ONE(numbers['weekly_autumn'])} and "
        f"{_ONE(numbers['weekly_spring'])} visits a week are printed as 'once or twice'."
    )
