"""How the reports word what they print of the trial: 'more likely' in points or in per cent, and escalations by count.

What is arithmetic on printed numbers stands apart from what must be inferred of them (`@infers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crewe_lib.claim_register import Claim, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed
from crewe_lib.leads.history import check_history_effect
from crewe_lib.provenance import infers, traced

WORDING_COLUMNS: Mapping[str, Column] = {
    "label": Column("Worded as a percentage"),
    "printed": Column("Printed, %", lambda value: f"{value:g}"),
    "first": Column("Share, %", lambda value: f"{value:g}"),
    "second": Column("Compared with, %", lambda value: f"{value:g}"),
    "points": Column("Difference, points", fixed(1, sign=True)),
    "relative": Column("Difference, % of the share compared with", fixed(1, sign=True)),
    "meaning": Column("So it is in"),
}
# id, label, claim of what is worded, claims of the two shares.
_WORDINGS = (
    (
        "closing",
        "Cases closed: Project Crewe and Cheshire East",
        "r1.closure.ate_percent",
        ("r1.closure.pc", "r1.closure.cec"),
    ),
    (
        "rereferred",
        "Re-referrals: Project Crewe and Cheshire East",
        "r1.reref.diff",
        ("r1.reref.rate_pc", "r1.reref.rate_cec"),
    ),
    (
        "follow_up",
        "Cases closed with Cheshire East: end of the study and end of the trial",
        "r2.closure.increase_percent",
        ("r2.closure.control", "r2.closure.r1_control"),
    ),
)


@traced
def derive_wording(register: pd.DataFrame) -> pd.DataFrame:
    """Differences of two printed shares that the reports word as percentages: whether points or relative.

    Arithmetic on printed numbers. The meaning is the size (sign apart) that rounding of the two shares and of the
    difference allows: 'percentage points', 'per cent', 'either', 'neither'. Columns: id, label, printed, first, second
    (per cent), points, relative (first over second less one, per cent), worded_relative (what is printed, taken as
    points, as per cent of the second), meaning. Raises DataError.
    """
    reader = read_register(register)
    rows = []
    for id, label, worded, (one, other) in _WORDINGS:
        claim, first, second = reader.claim(worded), reader.claim(one), reader.claim(other)
        printed, points = claim.number, first.number - second.number
        rows.append(
            {
                **{"id": id, "label": label, "printed": printed, "first": first.number, "second": second.number},
                "points": points,
                "relative": 100 * points / second.number,
                "worded_relative": 100 * printed / second.number,
                "meaning": _meaning(claim, first, second),
            }
        )
    return pd.DataFrame(rows)


def _meaning(printed: Claim, first: Claim, second: Claim) -> str:
    """Which reading of a printed difference of shares fits, all three let vary within their rounding."""
    (first_low, first_high), (second_low, second_high) = (
        (share.number - share.half_unit, share.number + share.half_unit) for share in (first, second)
    )
    points = (first_low - second_high, first_high - second_low)
    relative = (100 * (first_low / second_high - 1), 100 * (first_high / second_low - 1))
    size = abs(printed.number) if first.number >= second.number else -abs(printed.number)
    fits = [low - printed.half_unit <= size <= high + printed.half_unit for low, high in (points, relative)]
    return {
        (True, False): "percentage points",
        (False, True): "per cent",
        (True, True): "either",
        (False, False): "neither",
    }[fits[0], fits[1]]


@traced
@infers
def derive_implied_wording(register: pd.DataFrame) -> dict[str, Any]:
    """The smaller of the two effects printed for families with a history, read as relative (`leads.history`).

    bullet (printed as 'per cent more likely'), text (points); base_needed: the share closed with Cheshire East, in per
    cent, of which `text` points would be `bullet` per cent; base_verdict: whether a share can be so large;
    base_exchanged (of which `bullet` points are `text` per cent: the labels exchanged); overall_points,
    overall_relative (of all families: points, and per cent by the shares closed), overall_near: whether the latter is
    within one of `bullet`. Raises DataError.
    """
    numbers = check_history_effect(register).numbers
    bullet, text, relative = (float(numbers[name]) for name in ("bullet", "text", "relative"))
    needed = 100 * text / bullet
    return {
        **{"bullet": bullet, "text": text, "base_needed": needed, "base_exchanged": float(numbers["exchanged_base"])},
        "base_verdict": "which is impossible" if needed > 100 else "which is possible",
        **{"overall_points": float(numbers["overall"]), "overall_relative": relative},
        "overall_near": "about the size" if abs(relative - bullet) <= 1 else "not the size",
    }


@traced
def derive_printed_escalations(register: pd.DataFrame) -> dict[str, Any]:
    """Escalations as the reports count them, in order; the reports do not say that they are of the same families.

    year (the pilot year; whether of the trial's families only is not said), half_year (of these, November 2015 to April
    2016), table (Table 9, of Project Crewe's sample), later (the trial's families with FACT22 to November 2019),
    verdict (whether the first can be part of the last). Raises DataError.
    """
    reader = read_register(register)
    names = {"year": "r1.escal.year", "half_year": "r1.escal.nov_apr", "table": "r1.cost.escal_obs"}
    found = {name: reader.count(id) for name, id in {**names, "later": "r2.escal.treat"}.items()}
    apart = "A count to a later day cannot be smaller, so these are not the same families counted by the same rule."
    same = "The later count is no smaller, so these may be the same families."
    return {**found, "verdict": apart if found["year"] > found["later"] else same}
