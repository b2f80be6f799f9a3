"""What the second report says of Cheshire East as a whole, held against the official panel, one function per claim.

Each claim is put in our own words. `holds` is True or False where the panel decides it, None where it leaves it open;
every verdict comes from the numbers in the same row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from crewe_lib.evidence import Column
from crewe_lib.la_did import CHESHIRE_EAST, CHESHIRE_WEST, ENFIELD, ENGLAND, PER, WANDSWORTH, derive_rates
from crewe_lib.provenance import traced

FIRST, LAST, START = 2011, 2019, 2015
Lines = dict[str, pd.DataFrame]


COLUMNS = {
    "claim": Column("The report says"),
    "place": Column("Where"),
    "shown": Column("The panel shows"),
    "verdict": Column("Verdict"),
}


@dataclass(frozen=True)
class ClaimCheck:
    """A claim, where it stands, what the panel shows in words with its numbers, and whether it holds."""

    claim: str
    place: str
    shown: str
    holds: bool | None
    verdict: str


@traced
def check_claims(panel: pd.DataFrame, estimates: pd.DataFrame, trends: pd.DataFrame) -> pd.DataFrame:
    """Every claim of the report's section on the wider impact and of its Appendix 4 that the panel can speak to.

    estimates and trends are the tables of `estimate_published` and `check_trends`. Columns: claim, place, shown,
    holds, verdict.
    """
    lines = {
        name: derive_rates(panel, outcome=name, series="main", first_year=FIRST - 1, last_year=LAST)
        for name in ("closures", "rereferrals", "escalations", "children_in_need")
    }
    checks = [check(lines) for check in _FROM_LINES]
    checks.append(_check_children_in_need_per_child(panel))
    checks += [_check_significance(estimates, name) for name in ("closures", "rereferrals", "escalations")]
    checks.append(_check_parallel(trends))
    return pd.DataFrame([asdict(check) for check in checks])


@traced
def summarise_claims(checks: pd.DataFrame) -> dict[str, int]:
    """How many claims were checked, and how many agree, agree in part or are left open, and do not agree."""
    holds = checks["holds"]
    return {
        "all": len(checks),
        "agree": int((holds == True).sum()),  # noqa: E712 - the column holds None too
        "disagree": int((holds == False).sum()),  # noqa: E712
        "partly": int(holds.isna().sum()),
    }


def _rate(lines: Lines, outcome: str, authority: str) -> pd.Series:
    rows = lines[outcome]
    own = rows[(rows["authority"] == authority) & rows["rate"].notna()]
    return own.set_index("year")["rate"]


def _slope(rate: pd.Series, first: int, last: int) -> float:
    part = rate.loc[first:last]
    return float(np.polyfit(part.index.to_numpy(float), part.to_numpy(float), 1)[0])


def _from_to(name: str, rate: pd.Series, first: int, last: int) -> str:
    return f"{name} {rate[first]:.1f} in {first}, {rate[last]:.1f} in {last}"


def _verdict(parts: Sequence[bool]) -> tuple[bool | None, str]:
    if all(parts):
        return True, "agrees"
    return (None, "agrees in part") if any(parts) else (False, "does not agree")


def _check_closures(lines: Lines) -> ClaimCheck:
    east, enfield = _rate(lines, "closures", CHESHIRE_EAST), _rate(lines, "closures", ENFIELD)
    before_last = enfield.loc[: LAST - 1]
    holds, verdict = _verdict([east[LAST] < east[START], _slope(enfield, START, LAST) > 0])
    shown = (
        f"{_from_to('Cheshire East', east, START, LAST)}; {_from_to('Enfield', enfield, START, LAST)}, "
        f"but {before_last.iloc[-1]:.1f} the year before"
    )
    return ClaimCheck(
        "Closures fell in Cheshire East while FACT22 ran; Enfield's generally rose",
        "p. 26–27",
        shown,
        holds,
        verdict,
    )


def _check_rereferrals_east(lines: Lines) -> ClaimCheck:
    east = _rate(lines, "rereferrals", CHESHIRE_EAST)
    peak = int(east.loc[START:].idxmax())
    parts = [_slope(east, FIRST, START) < 0, peak > START, east[LAST] < east[peak], east[LAST] < east[FIRST]]
    holds, verdict = _verdict(parts)
    shown = ", ".join(f"{east[year]:.1f} in {year}" for year in (FIRST, START, peak, LAST))
    return ClaimCheck(
        "Re-referrals in Cheshire East fell until the start, rose sharply, fell sharply from 2017, and ended lower",
        "p. 27",
        shown,
        holds,
        verdict,
    )


def _check_rereferrals_west(lines: Lines) -> ClaimCheck:
    west = _rate(lines, "rereferrals", CHESHIRE_WEST)
    over_all, since_start = west[LAST] > west[FIRST], west[LAST] > west[START]
    holds, verdict = _verdict([bool(over_all), bool(since_start)])
    shown = f"{west[FIRST]:.1f} in {FIRST}, {west[START]:.1f} in {START}, {west[LAST]:.1f} in {LAST}"
    return ClaimCheck(
        "Re-referrals in Cheshire West and Chester ended with a small long-term rise",
        "p. 27",
        shown,
        holds,
        verdict,
    )


def _check_rereferrals_below_england(lines: Lines) -> ClaimCheck:
    england = _rate(lines, "rereferrals", ENGLAND)
    above = {
        name: [int(y) for y in rate.index if rate[y] >= england[y]]
        for name, rate in (
            ("Cheshire East", _rate(lines, "rereferrals", CHESHIRE_EAST)),
            ("Cheshire West and Chester", _rate(lines, "rereferrals", CHESHIRE_WEST)),
        )
    }
    said = "; ".join(
        f"{name}: {'above England in ' + ', '.join(map(str, years)) if years else 'below England every year'}"
        for name, years in above.items()
    )
    holds, verdict = _verdict([not years for years in above.values()])
    return ClaimCheck("Re-referral rates of both authorities stay well below England's", "p. 27", said, holds, verdict)


def _check_escalations_before(lines: Lines) -> ClaimCheck:
    rates = {
        "England": _rate(lines, "escalations", ENGLAND),
        "Cheshire East": _rate(lines, "escalations", CHESHIRE_EAST),
        "Wandsworth": _rate(lines, "escalations", WANDSWORTH),
    }
    holds, verdict = _verdict([_slope(rate, FIRST - 1, START) > 0 for rate in rates.values()])
    shown = "; ".join(_from_to(name, rate, FIRST - 1, START) for name, rate in rates.items())
    return ClaimCheck(
        "Escalations rose from 2010 to 2015 in England, Cheshire East and Wandsworth",
        "p. 28",
        shown,
        holds,
        verdict,
    )


def _check_escalations_after(lines: Lines) -> ClaimCheck:
    east, west = _rate(lines, "escalations", CHESHIRE_EAST), _rate(lines, "escalations", CHESHIRE_WEST)
    wandsworth = _rate(lines, "escalations", WANDSWORTH)
    parts = [east[LAST] < east[START], west[LAST] < west[START], wandsworth[LAST] > wandsworth[START]]
    holds, verdict = _verdict([bool(part) for part in parts])
    shown = "; ".join(
        _from_to(name, rate, START, LAST)
        for name, rate in (
            ("Cheshire East", east),
            ("Cheshire West and Chester", west),
            ("Wandsworth", wandsworth),
        )
    )
    return ClaimCheck(
        "After 2015 escalations fell in Cheshire East and Cheshire West and Chester, and rose slightly in Wandsworth",
        "p. 28",
        shown,
        holds,
        verdict,
    )


def _check_children_in_need(lines: Lines) -> ClaimCheck:
    east, england = _rate(lines, "children_in_need", CHESHIRE_EAST), _rate(lines, "children_in_need", ENGLAND)
    above = [int(year) for year in east.index if east[year] >= england[year]]
    holds, verdict = _verdict([east[LAST] < east.iloc[0], len(above) == 1])
    shown = f"{_from_to('Cheshire East', east, int(east.index[0]), LAST)}; at or above England in {len(above)} years"
    return ClaimCheck(
        "Children in need per resident fell overall and were below England in every year but one, 2012/13",
        "Appendix 4, Figure 14",
        shown,
        holds,
        verdict,
    )


def _check_children_in_need_per_child(panel: pd.DataFrame) -> ClaimCheck:
    """The same claim per child: the denominator of the official publication, as first published."""
    rows = panel[(panel["vintage"] == "first_published") & panel["authority"].isin([CHESHIRE_EAST, ENGLAND])]
    per_child = (PER * rows["cin_31_march"].astype(float) / rows["population_0_17_in_release"].astype(float)).rename(
        "rate"
    )
    wide = pd.concat([rows[["authority", "year"]], per_child], axis=1).pivot(
        index="year", columns="authority", values="rate"
    )
    above = wide.index[wide[CHESHIRE_EAST] >= wide[ENGLAND]].tolist()
    said = (
        "; ".join(f"{y}: {wide.at[y, CHESHIRE_EAST]:.1f} against {wide.at[y, ENGLAND]:.1f}" for y in above)
        or "in no year"
    )
    return ClaimCheck(
        "The same, read per 10,000 children as first published",
        "Appendix 4, Figure 14",
        f"at or above England at 31 March of {said}",
        None,
        "one year too, but the report says 2012/13" if len(above) == 1 else "left open",
    )


def _check_significance(estimates: pd.DataFrame, outcome: str) -> ClaimCheck:
    rows = estimates[estimates["outcome"] == outcome]
    lowest = float(rows["p_value"].min())
    holds = bool((rows["conf_low"].lt(0) & rows["conf_high"].gt(0)).all())
    label = str(rows["label"].iloc[0])
    return ClaimCheck(
        f"{label}: the difference between the authorities is not significant",
        "p. 26–28",
        f"smallest p-value of the {len(rows)} models shown: {lowest:.3f}",
        holds,
        "agrees" if holds else "depends on the model",
    )


def _check_parallel(trends: pd.DataFrame) -> ClaimCheck:
    classical = trends[trends["covariance"] == "classical"]
    excluded = classical[classical["conf_low"].gt(0) | classical["conf_high"].lt(0)]
    shown = "; ".join(f"{row.label}: p = {row.p_value:.3f}" for row in classical.itertuples())
    return ClaimCheck(
        "Parallel trends before the start were confirmed for every comparator",
        "p. 26; Appendix 4",
        shown,
        excluded.empty,
        "agrees" if excluded.empty else f"does not agree for {', '.join(excluded['label']).lower()}",
    )


_FROM_LINES: tuple[Callable[[Lines], ClaimCheck], ...] = (
    _check_closures,
    _check_rereferrals_east,
    _check_rereferrals_west,
    _check_rereferrals_below_england,
    _check_escalations_before,
    _check_escalations_after,
    _check_children_in_need,
)
