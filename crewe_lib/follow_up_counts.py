"""Printed and implied counts of the long follow-up, and the same families at two dates side by side.

The reports follow the same families to November 2016 and to November 2019: the two dates are two views of one trial,
never pooled and never two pieces of evidence. Differences are in percentage points, treatment less control. What rests
on counts that no report prints is inference (`@infers`), and stands beside its rival readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from crewe_lib.arm_percentages import recommended_arms
from crewe_lib.claim_classes import ALPHA
from crewe_lib.claim_register import Reader, read_register
from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, interval, p_value, percent
from crewe_lib.implied import Pair, cost_arms, follow_up_arms, pairs_printing, printed_arms, printed_pairs
from crewe_lib.implied_counts import preferred_sizes
from crewe_lib.leads.ageing_out import TABLES, check_ageing_out
from crewe_lib.models.exact_proportions import fit_unconditional
from crewe_lib.models.proportions import fit_two_proportions
from crewe_lib.provenance import infers, traced
from crewe_lib.rct_counts import compare_exactly, estimate_implied_rereferred, estimate_printed_counts
from crewe_lib.rct_implied import estimate_implied_closing

_signed = fixed(1, sign=True)
FIRST, SECOND = "November 2016", "November 2019"
LABELS: Mapping[str, str] = {"closed": "Closed", "rereferred": "Re-referred", "escalated": "Escalated"}
_PERCENTAGES: Mapping[str, tuple[str, str]] = {
    "closed": ("r2.closure.treat", "r2.closure.control"),
    "rereferred": ("r2.reref.treat", "r2.reref.control"),
}
# Shares of the families in treatment that a reading may have, in the wide search: the reports print two-thirds.
_SHARES = (0.6, 0.73)
READING_COLUMNS: Mapping[str, Column] = {
    "label": Column("Outcome"),
    "reading": Column("Implied arms"),
    "treatment": Column("FACT22, implied"),
    "control": Column("Cheshire East, implied"),
    "difference": Column("Difference, points", _signed),
    "exact": Column("Exact interval"),
    "p_smallest": Column("Smallest p", p_value),
    "p_largest": Column("Largest p", p_value),
}
DATE_COLUMNS: Mapping[str, Column] = {
    "label": Column("Outcome"),
    "date": Column("By"),
    "treatment": Column("FACT22"),
    "control": Column("Cheshire East"),
    "basis": Column("Counts are"),
    "difference": Column("Difference, points", _signed),
    "interval": Column("Exact interval"),
    "range": Column("Over other readings"),
    "p_value": Column("p, Boschloo", p_value),
}
TEST_COLUMNS: Mapping[str, Column] = {
    "test": Column("Test"),
    "printed": Column("p, arms as printed", p_value),
    "tables": Column("p, arms behind the cost tables", p_value),
    "highest": Column("p, reading with the highest", p_value),
}
SERVICE_COLUMNS: Mapping[str, Column] = {
    "what": Column("Printed"),
    "value": Column("Value"),
    "families": Column("Families, implied"),
    "place": Column("Where"),
}


@traced
@infers
def estimate_implied_follow_up(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Families closed and re-referred by November 2019 as the printed percentages imply them, over the divisions of the
    families that the reports print or imply.

    Divisions: as printed; less the two families without some outcomes (whichever arm they are from); behind the 2017
    cost tables; of all recommended. The main reading is that of `implied_counts`, and comes first. Columns: outcome,
    label, reading, main, and those of `compare_exactly`. Raises DataError if an outcome has no reading.
    """
    reader, sizes = read_register(register), preferred_sizes(read_register(register))
    rows: list[dict[str, Any]] = []
    for outcome, ids in _PERCENTAGES.items():
        own = []
        preferred = sizes[outcome, "november_2019"]
        for pair in printed_pairs(reader, ids, list(_divisions(reader))):
            main = (pair.n1, pair.n2) == (preferred["pc"], preferred["cec"])
            named = {"outcome": outcome, "label": LABELS[outcome], "reading": _name(reader, pair), "main": main}
            own.append(named | compare_exactly(pair.k1, pair.n1, pair.k2, pair.n2, alpha=alpha))
        if not any(row["main"] for row in own):
            raise DataError(f"follow-up: no whole numbers of families print the percentages of '{outcome}'.")
        rows += sorted(own, key=lambda row: not row["main"])
    return pd.DataFrame(rows)


def _divisions(reader: Reader) -> Iterator[tuple[int, int]]:
    seen = [printed_arms(reader), *follow_up_arms(reader), cost_arms(reader)]
    recommended = recommended_arms(reader)
    if recommended:
        seen.append((recommended["pc"], recommended["cec"]))
    yield from dict.fromkeys(seen)


def _name(reader: Reader, pair: Pair) -> str:
    arms = (pair.n1, pair.n2)
    if arms == printed_arms(reader):
        return "as printed"
    if arms in follow_up_arms(reader):
        return "as printed, less the families without the outcome"
    return "behind the cost tables" if arms == cost_arms(reader) else "shares of all recommended"


def _wide(reader: Reader, outcome: str) -> list[Pair]:
    """Every division of the families, of those without some outcomes and of all recommended, that prints both."""
    first, second = (reader.number(id) for id in _PERCENTAGES[outcome])
    totals = {reader.count(id) for id in ("r2.sample.some_outcomes", "r2.sample.families", "r2.sample.recommended")}
    arms = [(n1, n - n1) for n in sorted(totals) for n1 in range(n) if _SHARES[0] <= n1 / n <= _SHARES[1]]
    return pairs_printing(first, second, arms)


@traced
@infers
def derive_two_dates(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The trial's outcomes by November 2016 and by November 2019, one row each, the main reading with the range of the
    difference over all others.

    Columns: outcome, label, date, basis ('printed', 'implied'; 'implied arms' where the counts are printed and what
    they are out of is not), treatment, control (words), k1, n1, k2, n2, difference, low, high (exact unconditional
    interval), interval, least, most (of the difference over the readings), range, readings, p_value (Boschloo).
    Escalations by November 2016 have no row: no report prints the control arm's. Raises DataError.
    """
    reader = read_register(register)
    closing = estimate_implied_closing(register, alpha=alpha)
    again = estimate_implied_rereferred(register, alpha=alpha)
    later = estimate_implied_follow_up(register, alpha=alpha)
    printed = estimate_printed_counts(register, alpha=alpha)
    rows = [
        _date_row("closed", FIRST, "implied", closing[closing["main"]].iloc[0], closing["difference"], alpha),
        _later_row(reader, later, "closed", alpha),
        _date_row("rereferred", FIRST, "implied arms", _preferred(reader, again), again["difference"], alpha),
        _later_row(reader, later, "rereferred", alpha),
    ]
    escalated = printed[printed["outcome"] == "escalated"].iloc[0]
    rows.append(_date_row("escalated", SECOND, "printed", escalated, pd.Series([escalated["difference"]]), alpha))
    return pd.DataFrame(rows)


def _preferred(reader: Reader, again: pd.DataFrame) -> pd.Series:
    """The reading of re-referrals by the end of the pilot that `implied_counts` takes for the main one."""
    sizes = preferred_sizes(reader)["rereferred", "trial_end"]
    own = again[(again["n1"] == sizes["pc"]) & (again["n2"] == sizes["cec"])]
    return (again if own.empty else own).iloc[0]


def _later_row(reader: Reader, later: pd.DataFrame, outcome: str, alpha: float) -> dict[str, Any]:
    own = later[later["outcome"] == outcome]
    named = {Pair(*counts) for counts in own[["k1", "n1", "k2", "n2"]].astype(int).to_numpy().tolist()}
    every = pd.Series(sorted(pair.gap for pair in named | set(_wide(reader, outcome))))
    return _date_row(outcome, SECOND, "implied", own.iloc[0], every, alpha)


def _date_row(
    outcome: str, date: str, basis: str, main: pd.Series, readings: pd.Series, alpha: float
) -> dict[str, Any]:
    k1, n1, k2, n2 = (int(main[name]) for name in ("k1", "n1", "k2", "n2"))
    found = fit_unconditional(k1, n1, k2, n2, alpha=alpha)
    low, high = 100 * found.conf_low, 100 * found.conf_high
    least, most = float(readings.min()), float(readings.max())
    return {
        "outcome": outcome,
        "label": LABELS[outcome],
        "date": date,
        "basis": basis,
        "treatment": str(main["treatment"]),
        "control": str(main["control"]),
        **{"k1": k1, "n1": n1, "k2": k2, "n2": n2},
        "difference": 100 * found.difference,
        **{"low": low, "high": high, "interval": interval(low, high)},
        **{"least": least, "most": most},
        "range": interval(least, most) if basis != "printed" else None,
        "readings": len(readings),
        "p_value": found.boschloo,
    }


@traced
@infers
def derive_ageing_tests(register: pd.DataFrame) -> pd.DataFrame:
    """Every reasonable test of whether ageing out was balanced, at three implied readings of the counts.

    Readings that give all four printed numbers (two shares, the number, the total share): the arms as printed; those
    behind the 2017 cost tables; and the one whose tests have the highest p. Columns: test, printed, tables, highest.
    The tests are variants of one comparison, not as many pieces of evidence. Raises DataError.
    """
    readings = check_ageing_out(register).readings
    full = readings[readings["matched"] == readings["matched"].max()]
    chosen = {
        "printed": readings[readings["reading"] == "arms as printed"].head(1),
        "tables": readings[readings["reading"] == TABLES].head(1),
        "highest": full.sort_values("p_greatest", ascending=False).head(1),
    }
    tests: dict[str, dict[str, float]] = {}
    for name, row in chosen.items():
        for one in row[["k_treat", "n_treat", "k_control", "n_control"]].astype(int).to_numpy().tolist():
            exact = fit_unconditional(*one, alpha=0.05)
            found = {**fit_two_proportions(*one).p_values, "Boschloo's": exact.boschloo, "Barnard's": exact.barnard}
            tests = {test: tests.get(test, {}) | {name: p} for test, p in found.items()}
    return pd.DataFrame([{"test": test, **values} for test, values in tests.items()], columns=list(TEST_COLUMNS))


@traced
@infers
def derive_service(register: pd.DataFrame) -> pd.DataFrame:
    """What the 2020 report prints of the service as a whole, beyond the trial, with the families that shares imply.

    Columns: id, what, value (words), families (words; blank for what is no share), place.
    """
    reader = read_register(register)
    families = reader.count("r2.mi.families")
    rows: list[dict[str, Any]] = []
    for id, what in _SERVICE:
        claim = reader.claim(id)
        value = percent(0)(reader.share(id)) if claim.unit == "%" else f"{claim.value} {claim.unit}"
        implied = ""
        if claim.unit == "%":
            counts = [k for k in range(families + 1) if round(100 * k / families) == reader.number(id)]
            implied = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else "none fits"
        rows.append({"id": id, "what": what, "value": value, "families": implied or None, "place": claim.place})
    return pd.DataFrame(rows)


_SERVICE = (
    ("r2.mi.families", "Families that the service worked with"),
    ("r2.mi.crewe", "of them in Crewe"),
    ("r2.mi.macc", "in Macclesfield"),
    ("r2.mi.unknown", "town not known"),
    ("r2.mi.closed", "Cases closed"),
    ("r2.mi.escalated", "Cases escalated to child protection or care"),
    ("r2.mi.days", "Days until a case closed, mean"),
)


@traced
@infers
def summarise_two_dates(dates: pd.DataFrame, tests: pd.DataFrame, register: pd.DataFrame) -> dict[str, Any]:
    """Numbers for prose. Of each outcome and date ('closed_first', 'closed_second', …): difference, interval, range,
    treatment, control, p; of ageing out: counts at the printed arms, tests in all and below aged_level by reading."""
    reader, found = read_register(register), dict[str, Any]()
    for row in dates.to_dict("records"):
        name = f"{row['outcome']}_{'first' if row['date'] == FIRST else 'second'}"
        found |= {name: row["difference"], f"{name}_interval": row["interval"], f"{name}_p": row["p_value"]}
        found |= {f"{name}_treatment": row["treatment"], f"{name}_control": row["control"]}
        found |= {f"{name}_low": row["low"], f"{name}_high": row["high"]}
        found |= {f"{name}_range": row["range"] or "", f"{name}_readings": row["readings"]}
    lead = check_ageing_out(register).numbers
    aged: dict[str, Any] = {"aged_treatment": f"{lead['k_treat']} of {reader.count('r2.sample.n_treat')}"}
    aged |= {"aged_control": f"{lead['k_control']} of {reader.count('r2.sample.n_control')}"}
    aged |= {
        "aged_level": ALPHA,
        "aged_difference": lead["difference"],
        "aged_interval": interval(lead["conf_low"], lead["conf_high"]),
    }
    for name in ("printed", "tables", "highest"):
        known = tests[name].dropna()
        aged |= {f"aged_{name}_tests": len(known), f"aged_{name}_below": int((known < ALPHA).sum())}
    leaves_zero = (dates["low"] > 0) | (dates["high"] < 0)
    return found | aged | {"rows": len(dates), "leave_zero_out": int(leaves_zero.sum())}


@traced
@infers
def describe_two_dates(dates: pd.DataFrame) -> dict[str, str]:
    """The figure of both dates in words."""
    said = [
        f"{row['label']} by {row['date']} ({row['basis']}): {_signed(row['difference'])} points, {row['interval']}"
        + (f"; other readings {row['range']}" if row["range"] else "")
        for row in dates.to_dict("records")
    ]
    return {"text": ". ".join(said) + "."}
