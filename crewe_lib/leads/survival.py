"""Time to closing: where the curves begin, whether they cross, and how long cases were open."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed
from crewe_lib.implied import implied_days
from crewe_lib.leads import Lead, Verdict
from crewe_lib.provenance import infers, traced

_whole, _one, _two = fixed(0), fixed(1), fixed(2)
COLUMNS: Mapping[str, Column] = {
    "quantity": Column("Quantity"),
    "pc": Column("PC", _two),
    "cec": Column("CEC", _two),
    "difference": Column("PC − CEC", fixed(2, sign=True)),
    "slower": Column("Open longer"),
}
MONTH = 365.25 / 12


@traced
@infers
def check_survival_curves(register: pd.DataFrame) -> Lead:
    """Whether what is said of the curves can hold together: two origins, order early and late, one hazard ratio.

    Mean days open are the area under a curve: where the arm with the larger area ends lower, the curves have crossed.
    Under proportional hazards S_PC(t) = S_CEC(t) to the power of the ratio, so one curve would lie above the other at
    all times; estimated curves of few families may still cross by chance. Raises DataError if a claim is missing.
    """
    reader = read_register(register)
    readings = pd.DataFrame(list(_rows(reader)), columns=list(COLUMNS))
    numbers = _numbers(reader, readings)
    verdict: Verdict = "confirmed in part" if numbers["crosses"] else "refuted"
    return Lead(
        id="survival_curves",
        title="How fast cases closed",
        verdict=verdict,
        finding=_finding(numbers),
        settles="The dates of referral and closing of each family, or the estimated curves with the numbers at risk; "
        "and a test of proportional hazards.",
        claims=(
            "r1.surv.origin",
            "r1.surv.drop_low",
            "r1.surv.drop_high",
            "r1.surv.end_order",
            "r1.surv.faster",
            "r1.design.data_months",
            "r2.mi.days",
        ),
        readings=readings,
        numbers=numbers,
    )


def _rows(reader: Reader) -> Iterator[tuple[str | float, ...]]:
    early = "CEC" if reader.text("r1.surv.faster") == "PC shorter" else "PC"
    nan = math.nan
    low, high = reader.number("r1.surv.drop_low"), reader.number("r1.surv.drop_high")
    yield f"Order described between day {_whole(low)} and day {_whole(high)}", nan, nan, nan, early
    pc, cec = (1 - reader.share(f"r1.closure.{arm}") for arm in ("pc", "cec"))
    yield "Share open at the end (one less the share closed)", pc, cec, pc - cec, _longer(pc - cec)
    days = tuple(implied_days(reader, arm) for arm in ("pc", "cec"))
    yield "Mean days open, from cost per case over weekly cost", *days, days[0] - days[1], _longer(days[0] - days[1])
    yield "Mean days to close, all FACT22 families to 2020", reader.number("r2.mi.days"), nan, nan, "–"


def _longer(difference: float) -> str:
    return "PC" if difference > 0 else "CEC" if difference < 0 else "alike"


def _numbers(reader: Reader, readings: pd.DataFrame) -> dict[str, float | str | bool]:
    start, end = reader.day("r1.design.pilot_start"), reader.day("r1.design.pilot_end")
    last = reader.day("r1.design.rct_end", end=True)
    pc, cec = (float(readings[arm].iloc[1]) for arm in ("pc", "cec"))
    days_pc, days_cec = (float(readings[arm].iloc[2]) for arm in ("pc", "cec"))
    low, high = (start + timedelta(days=reader.number(f"r1.surv.drop_{name}")) for name in ("low", "high"))
    late, average = str(readings["slower"].iloc[1]), str(readings["slower"].iloc[2])
    return {
        "crosses": {late, average} == {"PC", "CEC"},
        "open_pc": pc,
        "open_cec": cec,
        "end_ratio": math.log(pc) / math.log(cec) if 0 < pc < 1 and 0 < cec < 1 else math.nan,
        "days_pc": days_pc,
        "days_cec": days_cec,
        "days_gap": days_pc - days_cec,
        "days_2020": reader.number("r2.mi.days"),
        "origin": reader.text("r1.surv.origin"),
        "span_days": (end - start).days,
        "months": (end - start).days / MONTH,
        "months_printed": reader.number("r1.design.data_months"),
        "least_follow_up": (end - last).days,
        "drop_from": f"{low.day} {low:%B %Y}",
        "drop_to": f"{high.day} {high:%B %Y}",
        "referrals_to": f"{last:%B %Y}",
    }


def _finding(found: Mapping[str, float | str | bool]) -> str:
    order = (
        f"Fewer cases are open at the end in PC ({_two(found['open_pc'])} against {_two(found['open_cec'])}), yet the "
        f"implied mean time open is longer there ({_one(found['days_pc'])} against {_one(found['days_cec'])} days), so "
        "that the curves must cross if that mean is the area under them. One hazard ratio for all times, which the "
        f"model assumes, would not let them (the ends alone imply {_two(found['end_ratio'])} in favour of PC). "
        "Estimated curves of few families can cross by chance, so this puts the assumption in doubt and does not "
        "refute it; no ratio and no test is printed."
        if found["crosses"]
        else "The curves' ends and the implied mean days open agree in order, so one hazard ratio is possible."
    )
    span = f"{_whole(found['months_printed'])} months are said to be covered; the dates span {_one(found['months'])}."
    return (
        f"{order} The text counts days both from referral and from the start of the pilot: the second would put the "
        f"fast decline between {found['drop_from']} and {found['drop_to']}, with families still being referred until "
        f"{found['referrals_to']}; with the first, some are followed for {_whole(found['least_follow_up'])} days only, "
        f"and the curves' ends need not be the shares still open. {span} The 2020 report's "
        f"{_whole(found['days_2020'])} days are to closing, over all families of the service, and need not contradict "
        "this."
    )
