"""Closing at the end of the trial: 64% or 61% of the control families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, p_value
from crewe_lib.implied import Arms, Pair, closed_total, counts_printing, printed_arms, trial_arms
from crewe_lib.leads import Lead, Verdict
from crewe_lib.provenance import infers, traced

_whole, _one = fixed(0), fixed(1)
COLUMNS: Mapping[str, Column] = {
    "arm_pc": Column("PC families", _whole),
    "arm_cec": Column("CEC families", _whole),
    "closed_least": Column("Closed, least", _one),
    "closed_most": Column("Closed, most", _one),
    "cec_printed": Column("CEC % printed", _whole),
    "cec_closed": Column("CEC closed", _whole),
    "cec_share": Column("CEC %", _one),
    "pc_closed": Column("PC closed", _whole),
    "pc_share": Column("PC %", _one),
    "gap": Column("Gap, points", _one),
    "p_value": Column("p (Fisher)", p_value),
    "both_raw": Column("Both can be raw", either("yes", "no")),
}


@traced
@infers
def check_closure_at_trial_end(register: pd.DataFrame) -> Lead:
    """Whether 64% (first report) and 61% (second) can describe the same control arm on the same day.

    Raises DataError if a claim it needs is missing.
    """
    reader = read_register(register)
    first, second = reader.number("r1.closure.cec"), reader.number("r2.closure.r1_control")
    readings = pd.DataFrame(list(_closure_rows(reader)), columns=list(COLUMNS))
    numbers = _closure_numbers(reader, readings)
    verdict: Verdict = "refuted" if first == second else "confirmed"
    return Lead(
        id="closure_at_trial_end",
        title="Control families closed at the end of the trial",
        verdict=verdict,
        finding=_closure_finding(numbers) if verdict == "confirmed" else "Both reports print the same share.",
        settles="The closing status of the control families on 1 November 2016 in the file used for each report, and "
        "whether each figure is a raw share or a model's prediction.",
        claims=(
            "r1.closure.pc",
            "r1.closure.cec",
            "r1.closure.ate",
            "r1.closure.total_implied",
            "r2.closure.r1_control",
            "r2.closure.increase",
        ),
        readings=readings,
        numbers=numbers,
    )


def _closure_rows(reader: Reader) -> Iterator[tuple[float | int | bool, ...]]:
    pc = reader.number("r1.closure.pc")
    printed = [reader.number(id) for id in ("r1.closure.cec", "r2.closure.r1_control")]
    for arms in [*trial_arms(reader), printed_arms(reader)]:
        total = closed_total(reader, arms)
        for share in dict.fromkeys(printed):
            for k2 in counts_printing(share, arms[1]):
                for closed in total.whole or [-1]:
                    yield _closure_row(
                        arms, (total.low, total.high), share, k2, closed - k2 if closed >= 0 else None, pc
                    )


def _closure_row(
    arms: Arms, bounds: tuple[float, float], share: float, k2: int, k1: int | None, pc: float
) -> tuple[float | int | bool, ...]:
    start = (*arms, *bounds, share, k2, 100 * k2 / arms[1])
    if k1 is None or not 0 <= k1 <= arms[0]:
        return (*start, np.nan, np.nan, np.nan, np.nan, False)
    pair = Pair(k1, arms[0], k2, arms[1])
    fisher = pair.tests()[f"{pair.written}, Fisher's exact"]
    return (*start, k1, 100 * k1 / arms[0], pair.gap, fisher, k1 in counts_printing(pc, arms[0]))


def _closure_numbers(reader: Reader, readings: pd.DataFrame) -> dict[str, float | str]:
    first, second, now = (reader.number(id) for id in ("r1.closure.cec", "r2.closure.r1_control", "r2.closure.control"))
    pc, effect = reader.number("r1.closure.pc"), reader.number("r1.closure.ate")
    earnings, worth = reader.number("r1.cost.earn_cec"), reader.number("r1.cost.premium")
    low, high = reader.number("r1.ext.gcse_cin"), reader.number("r1.ext.gcse_all")
    totals = {k for arms in trial_arms(reader) for k in closed_total(reader, arms).whole}
    pairs = {share: _select(readings, share, reader.count("r1.sample.final")) for share in (first, second)}
    gap = float(pairs[second]["gap"].max())
    return {
        "first": first,
        "second": second,
        "priced": 100 * (100 * earnings / worth - low) / (high - low),
        "closed": " or ".join(map(str, sorted(totals))) or "no whole number",
        "families": reader.count("r1.sample.final"),
        "first_pairs": _write_pairs(pairs[first]),
        "second_pairs": _write_pairs(pairs[second]),
        "raw": " and ".join(f"{_whole(share)}%" for share in pairs if pairs[share]["both_raw"].any()) or "neither",
        "second_gap": gap,
        "effect": effect,
        "correction": gap - effect,
        "rise_points": now - second,
        "rise_relative": 100 * (now / second - 1),
        "rise_points_first": now - first,
        "rise_relative_first": 100 * (now / first - 1),
        "effect_relative": 100 * (pc / first - 1),
    }


def _select(readings: pd.DataFrame, share: float, families: int) -> pd.DataFrame:
    """Rows of a control share at the trial's size: those that can be raw on both sides, else all."""
    size = readings["arm_pc"] + readings["arm_cec"] == families
    rows = readings[size & (readings["cec_printed"] == share) & readings["pc_closed"].notna()]
    return rows[rows["both_raw"]] if rows["both_raw"].any() else rows


def _write_pairs(rows: pd.DataFrame) -> str:
    said = [
        f"{_whole(row.pc_closed)} of {row.arm_pc} and {row.cec_closed} of {row.arm_cec} "
        f"({_one(row.pc_share)}% and {_one(row.cec_share)}%)"
        for row in rows.itertuples()
    ]
    return " or ".join(said) or "no whole numbers of families"


def _closure_finding(numbers: Mapping[str, float | str]) -> str:
    return (
        f"The 2017 report prints {_whole(numbers['first'])}%, and its earnings table rests on "
        f"{_whole(numbers['priced'])}%; the 2020 report gives {_whole(numbers['second'])}% as the 2017 figure. If the "
        f"2017 shares are the means of its model, {numbers['closed']} of {numbers['families']} closed families are "
        f"implied. As raw counts {_whole(numbers['first'])}% then goes with {numbers['first_pairs']}, "
        f"{_whole(numbers['second'])}% with {numbers['second_pairs']}; both arms agree with print for: "
        f"{numbers['raw']}. The later figure can be a raw share beside the earlier one as a prediction only if the "
        f"control variables take {_one(numbers['correction'])} percentage points off the gap. The rise that the 2020 "
        f"report calls {_whole(numbers['rise_points'])}% is in percentage points "
        f"({_whole(numbers['rise_relative'])}% of its start); from the 2017 figure as printed it is "
        f"{_whole(numbers['rise_points_first'])} points."
    )
