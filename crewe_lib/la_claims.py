"""What the second report says of Cheshire East as a whole, held against the official panel, one function per claim.

Each claim is put in our own words. `holds` is True or False where the panel decides it, None where it leaves it open;
every verdict comes from the numbers in the same row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from crewe_lib.evidence import Column
from crewe_lib.formats import p_phrase, p_value
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
def check_claims(
    panel: pd.DataFrame, estimates: pd.DataFrame, trends: pd.DataFrame, specifications: pd.DataFrame
) -> pd.DataFrame:
    """Every claim of the report's section on the wider impact and of its Appendix 4 that the panel can speak to.

    The other tables are those of `estimate_published`, `check_trends` and `estimate_specifications`. Columns: claim,
    place, shown, holds, verdict.
    """
    lines = {
        name: derive_rates(panel, outcome=name, series="main", first_year=FIRST - 1, last_year=LAST)
        for name in ("closures", "rereferrals", "escalations", "children_in_need")
    }
    checks = [check(lines) for check in _FROM_LINES]
    checks += [_check_children_in_need_per_child(panel), _check_first_year(panel)]
    checks += [
        _check_significance(estimates, specifications, name) for name in ("closures", "rereferrals", "escalations")
    ]
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


def _years(rate: pd.Series, years: Sequence[int]) -> str:
    return ", ".join(f"{rate[year]:.1f} in {year}" for year in dict.fromkeys(years))


def _verdict(parts: Sequence[bool]) -> tuple[bool | None, str]:
    if all(parts):
        return True, "agrees"
    return (None, "agrees in part") if any(parts) else (False, "does not agree")


def _check_closures(lines: Lines) -> ClaimCheck:
    east, enfield = _rate(lines, "closures", CHESHIRE_EAST), _rate(lines, "closures", ENFIELD)
    rising, rising_before_last = _slope(enfield, START, LAST) > 0, _slope(enfield, START, LAST - 1) > 0
    holds, verdict = _verdict([_slope(east, START, LAST) < 0, rising and rising_before_last])
    shown = (
        f"{_from_to('Cheshire East', east, START, LAST)}; Enfield {_years(enfield, (START, START + 1, LAST - 1, LAST))}"
    )
    claim = "Closures fell in Cheshire East while FACT22 ran; Enfield's generally rose"
    return ClaimCheck(claim, "p. 26–27", shown, holds, verdict)


def _check_rereferrals_east(lines: Lines) -> ClaimCheck:
    east = _rate(lines, "rereferrals", CHESHIRE_EAST)
    peak = int(east.loc[START:].idxmax())
    parts = [_slope(east, FIRST, START) < 0, peak > START, east[LAST] < east[peak], east[LAST] < east[FIRST]]
    holds, verdict = _verdict(parts)
    claim = "Re-referrals in Cheshire East fell until the start, rose sharply, fell sharply from 2017, and ended lower"
    return ClaimCheck(claim, "p. 27", _years(east, (FIRST, START, peak, LAST)), holds, verdict)


def _check_rereferrals_west(lines: Lines) -> ClaimCheck:
    west = _rate(lines, "rereferrals", CHESHIRE_WEST)
    over_all, since_start = bool(west[LAST] > west[FIRST]), bool(west[LAST] > west[START])
    verdict = "agrees" if over_all else f"does not agree{f' except from {START}' if since_start else ''}"
    claim = "Re-referrals in Cheshire West and Chester ended with a small long-term rise"
    return ClaimCheck(claim, "p. 27", _years(west, (FIRST, START, LAST)), over_all, verdict)


def _check_rereferrals_alike(lines: Lines) -> ClaimCheck:
    east, west = _rate(lines, "rereferrals", CHESHIRE_EAST), _rate(lines, "rereferrals", CHESHIRE_WEST)
    before, after = ((_slope(r, FIRST, START), _slope(r, START, LAST)) for r in (east, west))
    holds, verdict = _verdict(
        [before[0] * after[0] > 0, abs(after[0]) < abs(before[0]), abs(after[1]) < abs(before[1])]
    )
    shown = (
        f"yearly change to {START}: Cheshire East {before[0]:+.1f}, Cheshire West and Chester {after[0]:+.1f}; "
        f"from {START}: {before[1]:+.1f} and {after[1]:+.1f}"
    ).replace("-", "−")
    claim = "Cheshire West and Chester shows a trend in re-referrals like Cheshire East's, but less pronounced"
    return ClaimCheck(claim, "p. 27", shown, holds, verdict)


def _check_rereferrals_below_england(lines: Lines) -> ClaimCheck:
    england = _rate(lines, "rereferrals", ENGLAND)
    rates = {
        "Cheshire East": _rate(lines, "rereferrals", CHESHIRE_EAST),
        "Cheshire West and Chester": _rate(lines, "rereferrals", CHESHIRE_WEST),
    }
    above = {name: [int(y) for y in rate.index if rate[y] >= england[y]] for name, rate in rates.items()}
    shown = "; ".join(
        f"{name}: {'above England in ' + ', '.join(map(str, years)) if years else 'below England every year'}"
        for name, years in above.items()
    )
    holds, verdict = _verdict([not years for years in above.values()])
    claim = "Re-referral rates of both authorities remain substantially below England's"
    return ClaimCheck(claim, "p. 27", shown, holds, verdict)


def _check_escalations_before(lines: Lines) -> ClaimCheck:
    rates = _escalations(lines, {"England": ENGLAND, "Cheshire East": CHESHIRE_EAST, "Wandsworth": WANDSWORTH})
    holds, verdict = _verdict([_slope(rate, FIRST - 1, START) > 0 for rate in rates.values()])
    shown = "; ".join(_from_to(name, rate, FIRST - 1, START) for name, rate in rates.items())
    claim = "Escalations rose from 2010 to 2015 in England, Cheshire East and Wandsworth"
    return ClaimCheck(claim, "p. 28", shown, holds, verdict)


def _check_escalations_after(lines: Lines) -> ClaimCheck:
    codes = {"Cheshire East": CHESHIRE_EAST, "Cheshire West and Chester": CHESHIRE_WEST, "Wandsworth": WANDSWORTH}
    rates = _escalations(lines, codes)
    slopes = {name: _slope(rate, START, LAST) for name, rate in rates.items()}
    holds, verdict = _verdict(
        [slopes["Cheshire East"] < 0, slopes["Cheshire West and Chester"] < 0, slopes["Wandsworth"] > 0]
    )
    shown = "; ".join(
        f"{_from_to(name, rate, START, LAST)}, {slopes[name]:+.1f} a year".replace("-", "−")
        for name, rate in rates.items()
    )
    claim = (
        "After 2015 escalations fell in Cheshire East and Cheshire West and Chester, and rose slightly in Wandsworth"
    )
    return ClaimCheck(claim, "p. 28", shown, holds, verdict)


def _check_wandsworth_like_england(lines: Lines) -> ClaimCheck:
    rates = _escalations(lines, {"Wandsworth": WANDSWORTH, "England": ENGLAND})
    slopes = [_slope(rate, FIRST, LAST) for rate in rates.values()]
    holds, verdict = _verdict([all(slope > 0 for slope in slopes)])
    peak = int(rates["Wandsworth"].idxmax())
    wandsworth = _years(rates["Wandsworth"], (FIRST, peak, LAST))
    shown = f"Wandsworth {wandsworth}; {_from_to('England', rates['England'], FIRST, LAST)}"
    claim = "Escalations in Wandsworth follow an upward course similar to England's"
    return ClaimCheck(claim, "p. 28", shown, holds, "agrees in direction" if holds else verdict)


def _escalations(lines: Lines, codes: Mapping[str, str]) -> dict[str, pd.Series]:
    return {name: _rate(lines, "escalations", code) for name, code in codes.items()}


def _check_children_in_need(lines: Lines) -> ClaimCheck:
    rows = lines["children_in_need"]
    count = rows[rows["authority"] == CHESHIRE_EAST].set_index("year")["count"]
    holds, verdict = _verdict([bool(count[LAST] < count[FIRST - 1])])
    shown = f"{int(count[FIRST - 1]):,} in {FIRST - 1}, {int(count[LAST]):,} in {LAST}"
    claim = "The number of children in need in Cheshire East has fallen since March 2010"
    return ClaimCheck(claim, "Appendix 4, Figure 14", shown, holds, verdict)


def _check_children_in_need_below_england(lines: Lines) -> ClaimCheck:
    east, england = _rate(lines, "children_in_need", CHESHIRE_EAST), _rate(lines, "children_in_need", ENGLAND)
    above = [int(year) for year in east.index if east[year] >= england[year]]
    shown = f"per 10,000 residents, at or above England in {len(above) or 'none'} of {len(east)} years"
    claim = "Children in need are below the national average in every year but one, 2012/13"
    verdict = "agrees" if len(above) == 1 else "agrees but for the exception" if not above else "does not agree"
    return ClaimCheck(claim, "Appendix 4, Figure 14", shown, None if not above else len(above) == 1, verdict)


def _check_children_in_need_per_child(panel: pd.DataFrame) -> ClaimCheck:
    """The same claim per child: the denominator of the official publication, as first published (to 2017)."""
    rows = panel[(panel["vintage"] == "first_published") & panel["authority"].isin([CHESHIRE_EAST, ENGLAND])]
    per_child = (PER * rows["cin_31_march"].astype(float) / rows["population_0_17_in_release"].astype(float)).rename(
        "rate"
    )
    keyed = pd.concat([rows[["authority", "year"]], per_child], axis=1)
    wide = keyed.pivot(index="year", columns="authority", values="rate")
    above = wide.index[wide[CHESHIRE_EAST] >= wide[ENGLAND]].tolist()
    said = (
        "; ".join(f"{y}, {wide.at[y, CHESHIRE_EAST]:.1f} against {wide.at[y, ENGLAND]:.1f}" for y in above)
        or "in no year"
    )
    claim = "The same, read per 10,000 children as first published (2010 to 2017)"
    verdict = "one year, but the one before" if len(above) == 1 else "left open"
    return ClaimCheck(claim, "Appendix 4, Figure 14", f"at or above England at 31 March of {said}", None, verdict)


def _check_first_year(panel: pd.DataFrame) -> ClaimCheck:
    """The report dates the data from 2010–11; which outcomes do the files give for the year before?"""
    row = panel[(panel["authority"] == CHESHIRE_EAST) & (panel["year"] == FIRST - 1)].iloc[0]
    columns = {"closures": "episodes_ended", "re-referrals": "rereferrals", "escalations": "cpp_started"}
    given = [name for name, column in columns.items() if pd.notna(row[column])]
    shown = f"the release for the year ending March {FIRST - 1} gives {', '.join(given) or 'none of them'}"
    verdict = "agrees" if not given else f"not for {' and '.join(given)}"
    return ClaimCheck("The data begin with 2010–11", "Appendix 4", shown, None if given else True, verdict)


def _check_significance(estimates: pd.DataFrame, specifications: pd.DataFrame, outcome: str) -> ClaimCheck:
    rows = estimates[estimates["outcome"] == outcome]
    others = specifications[specifications["outcome"].eq(outcome) & ~specifications["chosen"]]
    beyond = int(others["excludes_zero"].sum())
    holds = not rows["excludes_zero"].any()
    verdict = "agrees" if holds and not beyond else "agrees in its own model" if holds else "does not agree"
    return ClaimCheck(
        f"{rows['label'].iloc[0]}: the difference between the authorities is not significant",
        "p. 26–28",
        f"smallest p-value with and without the covariate {p_value(rows['p_value'].min())}; the interval leaves out "
        f"zero in {beyond} of {len(others)} variants",
        holds if holds and not beyond else None if holds else False,
        verdict,
    )


def _check_parallel(trends: pd.DataFrame) -> ClaimCheck:
    """Apart by both methods: does not agree. Apart by one of them: in doubt."""
    apart = trends.groupby("label", sort=False)["excludes_zero"].sum()
    methods = trends["method"].nunique()
    clearly, perhaps = apart.index[apart == methods].tolist(), apart.index[apart.between(1, methods - 1)].tolist()
    said = [f"does not agree for {' and '.join(clearly).lower()}"] if clearly else []
    said += [f"in doubt for {' and '.join(perhaps).lower()}"] if perhaps else []
    shown = "; ".join(
        f"{label}: {' and '.join(p_phrase(p) for p in rows['p_value'])}"
        for label, rows in trends.groupby("label", sort=False)
    )
    holds = False if clearly else None if perhaps else True
    claim = "Parallel trends before the start were confirmed for every comparator"
    return ClaimCheck(claim, "p. 26; Appendix 4", shown, holds, "; ".join(said) or "agrees")


_FROM_LINES: tuple[Callable[[Lines], ClaimCheck], ...] = (
    _check_closures,
    _check_rereferrals_east,
    _check_rereferrals_west,
    _check_rereferrals_alike,
    _check_rereferrals_below_england,
    _check_escalations_before,
    _check_escalations_after,
    _check_wandsworth_like_england,
    _check_children_in_need,
    _check_children_in_need_below_england,
)
