"""What the printed shares of closed families imply: every reading of the counts, and of 'not significant'.

All of it is inference (`@infers`): no reading is a finding, and none stands without its rivals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple
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
from crewe_lib.models.proportions import fit_two_proportions
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
    "least_error": Column("Error at least, if the difference was tested", fixed(1)),
    "reaches": Column("Interval at least, if it was tested"),
    "overlap_error": Column("Error at least, if the arms' intervals only overlap", fixed(1)),
    "overlap_reaches": Column("Interval at least, if they only overlap"),
}


@traced
@infers
def estimate_implied_closing(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The readings shown of the families closed at the end of the trial, by arm, with the p-values of ten tests.

    Arms come from the division that the 2020 report prints and from the 2017 cost tables, no others; all divisions that
    the printed shares allow are searched by `summarise_implied_closing`. The ten tests are variants of one comparison,
    not independent evidence. Arms that go together: `implied.trial_arms`, and those of all families. A reading fits the
    percentages of both arms (72, and 64 or 61, each rounded from a whole number of its arm), or the control's and 'the
    total' closed that the model's means imply (`leads.closure`, with its numbers), or all of these. The main reading is
    that of `implied_counts`. Columns: main, control_printed, basis, and those of `compare_counts`; readings of the
    trial's size before others. Raises DataError.
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
def summarise_implied_closing(readings: pd.DataFrame, register: pd.DataFrame, *, alpha: float) -> dict[str, Any]:
    """Over all readings of `estimate_implied_closing`: how many, their differences, intervals and p-values; then the
    same over every division of the families that the printed shares allow.

    readings; difference_least, difference_most; low, high (furthest limits of Newcombe's intervals); p_smallest,
    p_largest (of all tests and readings); reach (readings with a test at alpha or below); reach_all (with every one);
    contain_zero (intervals). Of the main reading, if there is one: main, main_treatment, main_control, main_difference,
    main_newcombe, main_p_smallest, main_p_largest. Of the wide search (`_search_widely`): wide_divided (tables in those
    divisions), wide_tables (with the readings), and over these wide_least, wide_most (difference), wide_low, wide_high,
    wide_leave_out (intervals without zero), wide_reach, wide_p_smallest; wide_families_least, wide_families_most,
    wide_share_least, wide_share_most (per cent). Raises CreweError for bad alpha or no reading, DataError.
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
        **{
            f"wide_{name}": value
            for name, value in _search_widely(readings, read_register(register), alpha=alpha).items()
        },
    }


def _search_widely(readings: pd.DataFrame, reader: Reader, *, alpha: float) -> dict[str, float]:
    """Every table of whole families whose size lies between the two printed ones, whose share of treatment lies between
    the two printed ones, rounding allowed for, and whose shares closed print as 72, and as 64 or 61 per cent: `divided`
    of them. With them the readings, some of which are of other divisions: families were left out after the lot."""
    families = sorted(reader.count(id) for id in ("r1.sample.final", "r2.sample.families"))
    printed = [reader.claim(id) for id in ("r2.sample.pct_treat", "r1.sample.pc_share")]
    first, last = min(printed, key=lambda claim: claim.number), max(printed, key=lambda claim: claim.number)
    least, most = first.number - first.half_unit, last.number + last.half_unit
    sizes = range(families[0], families[-1] + 1)
    arms = {(n1, n - n1) for n in sizes for n1 in range(1, n) if least <= 100 * n1 / n <= most}
    shares = _control_shares(reader)
    tables = {pair for share in shares for pair in pairs_printing(reader.number("r1.closure.pc"), share, arms)}
    shown = {Pair(*map(int, row)) for row in readings[["k1", "n1", "k2", "n2"]].itertuples(index=False, name=None)}
    found = [fit_two_proportions(*astuple(one), alpha=alpha) for one in sorted(tables | shown, key=astuple)]
    smallest = [min(one.p_values.values()) for one in found]
    return {
        "divided": len(tables),
        "tables": len(found),
        "least": 100 * min(one.difference for one in found),
        "most": 100 * max(one.difference for one in found),
        "low": 100 * min(one.conf_low for one in found),
        "high": 100 * max(one.conf_high for one in found),
        "leave_out": sum(one.conf_low > 0 or one.conf_high < 0 for one in found),
        "reach": sum(p <= alpha for p in smallest),
        "p_smallest": min(smallest),
        "families_least": families[0],
        "families_most": families[-1],
        "share_least": first.number,
        "share_most": last.number,
    }


_BOUNDS = (
    ("all", "All families, adjusted", "r1.closure.ate"),
    ("history", "Families with a history, in the text", "r1.closure.hist_text"),
    ("history_bullet", "Families with a history, in the bullet, read as points", "r1.closure.hist_bullet"),
)


@traced
@infers
def derive_implied_bounds(register: pd.DataFrame) -> pd.DataFrame:
    """What 'not significant' implies of effects on closing that are printed without a standard error.

    The levels are the report's own, not a reader's: that of its power calculation for a test, and that of the intervals
    it draws. If the difference b was tested at that level, as the absent asterisks suggest, its interval, symmetric
    about b, holds zero; so it reaches at least from zero to 2b, and the standard error is at least |b| over the normal
    quantile q. The report's printed rule is also that the two arms' intervals overlap. That rule alone implies less:
    intervals with errors s1 and s2 overlap while |b| ≤ q (s1 + s2), and s1 + s2 is at most √2 times the error of the
    difference if the arms are independent (just that, if s1 = s2). So the error is at least |b| / (q √2), and an
    interval of the difference could still have left out zero. Rounding of b is allowed for at both ends. Columns: id,
    label, effect, level (a share), least_error, low, high, reaches, and overlap_error, overlap_low, overlap_high,
    overlap_reaches (points). Raises DataError, CreweError.
    """
    reader = read_register(register)
    level, drawn = reader.share("r1.power.alpha"), 1 - reader.share("r1.closure.ci_level")
    quantile, overlap = _quantile(level), _quantile(drawn) * math.sqrt(2)
    rows = []
    for id, label, claim in _BOUNDS:
        effect, half = reader.number(claim), reader.claim(claim).half_unit
        least, most = max(0.0, abs(effect) - half), abs(effect) + half
        own = {"id": id, "label": label, "effect": effect, "level": level, "least_error": least / quantile}
        tested = _limits("", (0.0, 2 * least), effect)
        both = _limits("overlap_", _overlapping(least, most), effect)
        rows.append({**own, **tested, "overlap_error": least / overlap, **both})
    return pd.DataFrame(rows)


def _overlapping(least: float, most: float) -> tuple[float, float]:
    """What intervals b ± |b| / √2 have in common for all |b| between least and most."""
    high = least * (1 + math.sqrt(0.5))
    return min(most * (1 - math.sqrt(0.5)), high), high


def _quantile(alpha: float) -> float:
    check_alpha(alpha)
    return float(stats.norm.isf(alpha / 2))


def _limits(before: str, sizes: tuple[float, float], effect: float) -> dict[str, Any]:
    """Limits on the effect's side of zero, as numbers and in words."""
    low, high = sizes if effect > 0 else (-sizes[1], -sizes[0])
    low, high = low + 0.0, high + 0.0  # no negative zero
    return {f"{before}low": low, f"{before}high": high, f"{before}reaches": interval(low, high)}
