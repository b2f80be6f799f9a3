"""What the printed shares of closed families imply: every reading of the counts, and of 'not significant'.

All of it is inference (`@infers`): no reading is a finding, and none stands without its rivals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy import stats

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, interval, p_value
from crewe_lib.implied import Pair, cost_arms, pairs_printing, printed_arms, trial_arms
from crewe_lib.implied_counts import preferred_sizes
from crewe_lib.leads.closure import check_closure_at_trial_end
from crewe_lib.models.panel import check_alpha
from crewe_lib.provenance import infers, traced
from crewe_lib.rct_counts import compare_counts

CLOSING_COLUMNS: Mapping[str, Column] = {
    "treatment": Column("Project Crewe, implied"),
    "control": Column("Cheshire East, implied"),
    "basis": Column("Fits"),
    "difference": Column("Difference, points", fixed(1, sign=True)),
    "newcombe": Column("Newcombe"),
    "p_smallest": Column("Smallest p", p_value),
    "p_largest": Column("Largest p", p_value),
    "main": Column("Main reading", either("yes", "")),
}
BOUND_COLUMNS: Mapping[str, Column] = {
    "label": Column("Printed, not significant"),
    "effect": Column("Effect, points", fixed(1)),
    "least_error": Column("Standard error at least", fixed(1)),
    "reaches": Column("Interval reaches at least"),
}


@traced
@infers
def estimate_implied_closing(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Every reading of the families closed at the end of the trial, by arm, with the p-values of ten tests.

    Arms that go together: `implied.trial_arms`, and those of all families. A reading fits the percentages of both arms
    (72, and 64 or 61, each rounded from a whole number of its arm), or the control's and 'the total' closed that the
    model's means imply (`leads.closure`, with its numbers), or all of these. The main reading is that of
    `implied_counts`. Columns: main, control_printed, basis, and those of `compare_counts`; readings of the trial's size
    before others. Raises DataError.
    """
    reader = read_register(register)
    both = {
        (pair, share)
        for share in _control_shares(reader)
        for pair in pairs_printing(
            reader.number("r1.closure.pc"), share, {*trial_arms(reader), printed_arms(reader), cost_arms(reader)}
        )
    }
    totals = _readings_of_total(register)
    main = preferred_sizes(reader)["closed", "trial_end"]
    order = sorted(both | totals, key=lambda one: _place(one, reader.count("r1.sample.final")))
    first = next((one for one in order if one in both and (one[0].n1, one[0].n2) == (main["pc"], main["cec"])), None)
    return pd.DataFrame(
        {
            "main": one == first,
            "control_printed": one[1],
            "basis": _describe_fit(reader, one[1], both=one in both, total=one in totals),
            **compare_counts(one[0].k1, one[0].n1, one[0].k2, one[0].n2, alpha=alpha),
        }
        for one in order
    )


_Reading = tuple[Pair, float]


def _control_shares(reader: Reader) -> list[float]:
    """The control arm's percentage in the first report and, for the same day, in the second."""
    return list(dict.fromkeys(reader.number(id) for id in ("r1.closure.cec", "r2.closure.r1_control")))


def _readings_of_total(register: pd.DataFrame) -> set[_Reading]:
    rows = check_closure_at_trial_end(register).readings.dropna(subset=["pc_closed"])
    columns = ["pc_closed", "arm_pc", "cec_closed", "arm_cec", "cec_printed"]
    return {
        (Pair(int(k1), int(n1), int(k2), int(n2)), float(share))
        for k1, n1, k2, n2, share in rows[columns].itertuples(index=False)
    }


def _place(one: _Reading, families: int) -> tuple[bool, float, int, int]:
    """Order of readings: of the trial's size first, then the first report's percentage, then the larger first arm."""
    pair, share = one
    return pair.n1 + pair.n2 != families, -share, -pair.n1, pair.k1


def _describe_fit(reader: Reader, share: float, *, both: bool, total: bool) -> str:
    """What a reading fits: '72%, 64% and the total'."""
    parts = [f"{reader.number('r1.closure.pc'):g}%"] if both else []
    parts += [f"{share:g}%", *(["the total"] if total else [])]
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


@traced
@infers
def summarise_implied_closing(readings: pd.DataFrame, *, alpha: float) -> dict[str, Any]:
    """Over all readings of `estimate_implied_closing`: how many, their differences, intervals and p-values.

    readings; difference_least, difference_most; low, high (furthest limits of Newcombe's intervals); p_smallest,
    p_largest (of all tests and readings); reach (readings with a test at alpha or below); reach_all (with every one);
    contain_zero (intervals). Of the main reading, if there is one: main, main_treatment, main_control, main_difference,
    main_newcombe, main_p_smallest, main_p_largest. Raises CreweError for bad alpha or no reading.
    """
    check_alpha(alpha)
    if readings.empty:
        raise CreweError("closing: no whole numbers of families fit the printed percentages, so nothing is implied.")
    main = readings[readings["main"]]
    fields = ("treatment", "control", "difference", "newcombe", "p_smallest", "p_largest")
    return {
        "readings": len(readings),
        "difference_least": float(readings["difference"].min()),
        "difference_most": float(readings["difference"].max()),
        "low": float(readings["newcombe_low"].min()),
        "high": float(readings["newcombe_high"].max()),
        "p_smallest": float(readings["p_smallest"].min()),
        "p_largest": float(readings["p_largest"].max()),
        "reach": int((readings["p_smallest"] <= alpha).sum()),
        "reach_all": int((readings["p_largest"] <= alpha).sum()),
        "contain_zero": int(((readings["newcombe_low"] <= 0) & (readings["newcombe_high"] >= 0)).sum()),
        "main": not main.empty,
        **({f"main_{name}": main.astype(object)[name].iloc[0] for name in fields} if not main.empty else {}),
    }


_BOUNDS = (
    ("all", "All families, adjusted", "r1.closure.ate"),
    ("history", "Families with a history, in the text", "r1.closure.hist_text"),
    ("history_bullet", "Families with a history, in the bullet, read as points", "r1.closure.hist_bullet"),
)


@traced
@infers
def derive_implied_bounds(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """What 'not significant' implies of effects on closing that are printed without a standard error.

    An effect b is not significant at alpha if its interval, symmetric about b, holds zero; so it reaches at least from
    zero to 2b, whatever the distribution, and the standard error is at least |b| over the normal quantile. b is taken
    at the end of its rounding nearest to zero, so that the bounds hold. That the report tested at this level is itself
    inferred. Columns: id, label, effect, least_error, low, high, reaches (points). Raises DataError, CreweError.
    """
    check_alpha(alpha)
    reader = read_register(register)
    quantile = float(stats.norm.isf(alpha / 2))
    rows = []
    for id, label, claim in _BOUNDS:
        effect = reader.number(claim)
        least = max(0.0, abs(effect) - reader.claim(claim).half_unit)
        low, high = sorted((0.0, 2 * least if effect > 0 else -2 * least))
        own = {"id": id, "label": label, "effect": effect, "least_error": least / quantile}
        rows.append({**own, "low": low, "high": high, "reaches": interval(low, high)})
    return pd.DataFrame(rows)
