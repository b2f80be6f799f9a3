"""What the second report says of Cheshire East as a whole, held against the official panel, one rule per statement.

Each statement is in parts that the panel decides one by one: all borne out, some, or none. Rates are per 10,000
residents, and years end on 31 March.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import pandas as pd
from scipy.stats import linregress

from crewe_lib.claim_classes import ALPHA, Recomputed, Severity
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.registry import add_rule
from crewe_lib.formats import fixed, p_phrase, percent
from crewe_lib.la_did import CHESHIRE_EAST, CHESHIRE_WEST, ENFIELD, ENGLAND, FIRST_YEAR, LAST_YEAR, WANDSWORTH
from crewe_lib.la_facts import START, PanelFacts, derive_facts, slope, write_ends, write_years

AGREES, IN_PART, DISAGREES = "agrees", "agrees in part", "does not agree"
RATES = "per 10,000 residents: "
NAMES: Mapping[str, str] = {
    CHESHIRE_EAST: "Cheshire East",
    CHESHIRE_WEST: "Cheshire West and Chester",
    ENFIELD: "Enfield",
    WANDSWORTH: "Wandsworth",
    ENGLAND: "England",
}
change = fixed(1, sign=True)
# Ours, as the report gives none: a change that counts as large, a share that counts as small.
SWING, SMALL = 0.1, 0.25
Check = Callable[[PanelFacts], Recomputed]


def weigh(parts: Mapping[str, bool], how: str, *, note: str = "", against: Severity = "major") -> Recomputed:
    """The verdict on a statement: `parts` says in words what it asserts, and whether the panel bears that out."""
    failed = [part for part, holds in parts.items() if not holds]
    words = AGREES if not failed else DISAGREES if len(failed) == len(parts) else IN_PART
    said = f"The panel does not bear out that {' or that '.join(failed)}." if failed else ""
    severity: Severity = "minor" if words == IN_PART else against
    return Recomputed(how, words=words, differs=severity, note=" ".join(filter(None, (said, note))))


def check_closures(facts: PanelFacts) -> Recomputed:
    """Fell in Cheshire East, generally rose in Enfield."""
    east, enfield = facts.rate("closures", CHESHIRE_EAST), facts.rate("closures", ENFIELD)
    parts = {
        "closures fell in Cheshire East": slope(east, START, LAST_YEAR) < 0,
        "closures in Enfield rose, its last year apart": slope(enfield, START, LAST_YEAR - 1) > 0,
        "closures in Enfield rose, its last year included": slope(enfield, START, LAST_YEAR) > 0,
    }
    enfield_years = write_years(enfield, (START, START + 1, LAST_YEAR - 1, LAST_YEAR))
    return weigh(parts, f"{RATES}{write_ends('Cheshire East', east, START, LAST_YEAR)}; Enfield {enfield_years}")


def check_rereferrals_east(facts: PanelFacts) -> Recomputed:
    """Fell until the start, rose, fell from the peak, ended lower."""
    east = facts.rate("rereferrals", CHESHIRE_EAST)
    peak = int(east.loc[START:].idxmax())
    parts = {
        "re-referrals fell until the start": slope(east, FIRST_YEAR, START) < 0,
        "re-referrals then rose": peak > START,
        "re-referrals then fell again": bool(east[LAST_YEAR] < east[peak]),
        "re-referrals ended lower than they began": bool(east[LAST_YEAR] < east[FIRST_YEAR]),
    }
    return weigh(parts, f"{RATES}Cheshire East {write_years(east, (FIRST_YEAR, START, peak, LAST_YEAR))}")


def check_rereferrals_west(facts: PanelFacts) -> Recomputed:
    """A small rise at the end, over the whole time or since the start."""
    west = facts.rate("rereferrals", CHESHIRE_WEST)
    parts = {
        "re-referrals rose over the whole time": bool(west[LAST_YEAR] > west[FIRST_YEAR]),
        f"re-referrals rose from {START}": bool(west[LAST_YEAR] > west[START]),
    }
    note = "It does so for the other part." if len(set(parts.values())) > 1 else ""
    how = f"{RATES}Cheshire West and Chester {write_years(west, (FIRST_YEAR, START, LAST_YEAR))}"
    return weigh(parts, how, note=note)


def check_rereferrals_alike(facts: PanelFacts) -> Recomputed:
    """The same directions before and after the start as in Cheshire East, but less pronounced."""
    east, west = facts.rate("rereferrals", CHESHIRE_EAST), facts.rate("rereferrals", CHESHIRE_WEST)
    before, after = ((slope(east, *span), slope(west, *span)) for span in ((FIRST_YEAR, START), (START, LAST_YEAR)))
    parts = {
        f"both moved alike up to {START}": before[0] * before[1] > 0,
        f"both moved alike from {START}": after[0] * after[1] > 0,
        f"Cheshire West and Chester's change was the smaller up to {START}": abs(before[1]) < abs(before[0]),
        f"Cheshire West and Chester's change was the smaller from {START}": abs(after[1]) < abs(after[0]),
    }
    said = (
        f"{RATES}yearly change in Cheshire East {change(before[0])} up to {START} and {change(after[0])} from then; "
        f"in Cheshire West and Chester {change(before[1])} and {change(after[1])}"
    )
    return weigh(parts, said)


def check_rereferrals_below_england(facts: PanelFacts) -> Recomputed:
    """Both authorities below England in every year."""
    england = facts.rate("rereferrals", ENGLAND)
    rates = {NAMES[code]: facts.rate("rereferrals", code) for code in (CHESHIRE_EAST, CHESHIRE_WEST)}
    above = {name: [int(y) for y in rate.index if rate[y] >= england[y]] for name, rate in rates.items()}
    how = "; ".join(
        f"{name} {'at or above England in ' + ', '.join(map(str, years)) if years else 'below England every year'}"
        for name, years in above.items()
    )
    return weigh({f"{name} was always below England": not years for name, years in above.items()}, RATES + how)


def check_escalations_before(facts: PanelFacts) -> Recomputed:
    """A rise up to the start in all three."""
    rates = {code: facts.rate("escalations", code) for code in (ENGLAND, CHESHIRE_EAST, WANDSWORTH)}
    first = FIRST_YEAR - 1
    how = "; ".join(write_ends(NAMES[code], rate, first, START) for code, rate in rates.items())
    parts = {f"escalations rose in {NAMES[code]}": slope(rate, first, START) > 0 for code, rate in rates.items()}
    return weigh(parts, RATES + how)


def check_escalations_after(facts: PanelFacts) -> Recomputed:
    """A fall in both Cheshires, a slight rise in Wandsworth."""
    rates = {code: facts.rate("escalations", code) for code in (CHESHIRE_EAST, CHESHIRE_WEST, WANDSWORTH)}
    slopes = {code: slope(rate, START, LAST_YEAR) for code, rate in rates.items()}
    parts = {
        "escalations fell in Cheshire East, by the line through all years": slopes[CHESHIRE_EAST] < 0,
        "escalations fell in Cheshire West and Chester": slopes[CHESHIRE_WEST] < 0,
        "escalations rose in Wandsworth": slopes[WANDSWORTH] > 0,
    }
    how = "; ".join(
        f"{write_ends(NAMES[code], rate, START, LAST_YEAR)}, {change(slopes[code])} a year"
        for code, rate in rates.items()
    )
    return weigh(parts, RATES + how)


def check_wandsworth_like_england(facts: PanelFacts) -> Recomputed:
    """An upward line in both."""
    own, england = facts.rate("escalations", WANDSWORTH), facts.rate("escalations", ENGLAND)
    parts = {
        "escalations rose in Wandsworth": slope(own, FIRST_YEAR, LAST_YEAR) > 0,
        "escalations rose in England": slope(england, FIRST_YEAR, LAST_YEAR) > 0,
    }
    wandsworth = write_years(own, (FIRST_YEAR, int(own.idxmax()), LAST_YEAR))
    how = f"{RATES}Wandsworth {wandsworth}; {write_ends('England', england, FIRST_YEAR, LAST_YEAR)}"
    return weigh(parts, how, note="Checked in direction only; how alike two courses must be to be similar is open.")


def check_children_in_need(facts: PanelFacts) -> Recomputed:
    """Fewer in the last year than in March 2010."""
    number, first = need_in_east(facts), FIRST_YEAR - 1
    how = f"{int(number[first]):,} at 31 March {first}, {int(number[LAST_YEAR]):,} at 31 March {LAST_YEAR}"
    return weigh({"the number fell": bool(number[LAST_YEAR] < number[first])}, how)


def check_no_trend(facts: PanelFacts) -> Recomputed:
    """Large swings in the number of children in need, and no line through all years."""
    number = need_in_east(facts)
    fit, yearly = linregress(number.index.to_numpy(float), number.to_numpy(float)), number.pct_change().abs()
    year = int(yearly.idxmax())
    parts = {
        "the number swings by more than a tenth from one year to the next": bool(yearly.max() > SWING),
        "there is no overall trend": bool(fit.pvalue >= ALPHA),
    }
    how = (
        f"largest change from one year to the next {percent()(yearly.max())}, to {int(number[year]):,} in {year}; "
        f"line through {len(number)} years {change(fit.slope)} a year, {p_phrase(fit.pvalue)}"
    )
    note = "What counts as large is our choice. The sentence before states a fall, which compares two years only."
    return weigh(parts, how, note=note)


def check_swings(facts: PanelFacts) -> Recomputed:
    """Mean change from year to year in Cheshire East, as a share of the mean, beside England's."""
    parts, said = {}, []
    for name, label in (("closures", "closures"), ("rereferrals", "re-referrals"), ("escalations", "escalations")):
        rates = [facts.rate(name, code).loc[FIRST_YEAR:] for code in (CHESHIRE_EAST, ENGLAND)]
        east, england = (float(rate.diff().abs().mean() / rate.mean()) for rate in rates)
        parts[f"{label} change by more than a tenth a year"] = east > SWING
        said.append(f"{label} {percent()(east)} (England {percent()(england)})")
    note = "Shares of the mean rate; that a tenth is substantial is our choice."
    return weigh(parts, f"mean change from year to year in Cheshire East: {', '.join(said)}", note=note)


def need_in_east(facts: PanelFacts) -> pd.Series:
    """Children in need in Cheshire East at 31 March, by year."""
    rows = facts.lines["children_in_need"]
    return rows[rows["authority"] == CHESHIRE_EAST].set_index("year")["count"].astype(float)


def check_small_minority(reader: Reader) -> Recomputed:
    """Most cases that the service could hold over the children in need of Cheshire East, by year."""
    reader.infer()
    number = need_in_east(derive_facts(reader.table("la_panel")))
    shares = {}
    for phase in ("p1", "p2", "p3"):
        period = "r2.design.pilot_period" if phase == "p1" else f"r2.t1.{phase}.period"
        start, end = reader.day(period), reader.day(period, end=True)
        for year in (year for year in number.index if start < date(year, 3, 31) <= end):
            shares[year] = reader.number(f"r2.t1.{phase}.capacity") / number[year]
    if not shares:
        return Recomputed("capacity", uninformative="The panel has no year in which the service ran.")
    most = max(shares.values())
    each = reader.number("r1.sample.children") / reader.number("r1.sample.randomised")
    return Recomputed(
        "capacity over children in need at 31 March: "
        + ", ".join(f"{percent(1)(share)} in {year}" for year, share in shares.items()),
        words="small minority" if most < SMALL else "minority" if most < 0.5 else "majority",
        differs="major",
        note=f"At most {percent(1)(most)} of the children if a case is a child. With the {each:.2f} children of a "
        f"trial family it would be {percent()(most * each)}. That less than a quarter is small is our choice.",
    )


def check_first_year(facts: PanelFacts) -> Recomputed:
    """Which outcomes do the files give for the year before the one the report names?"""
    panel = facts.panel
    row = panel[(panel["authority"] == CHESHIRE_EAST) & (panel["year"] == FIRST_YEAR - 1)].iloc[0]
    columns = {"closures": "episodes_ended", "re-referrals": "rereferrals", "escalations": "cpp_started"}
    parts = {
        f"figures of {name} begin with {FIRST_YEAR - 1}–{FIRST_YEAR % 100}": bool(row.isna()[column])
        for name, column in columns.items()
    }
    given = [name for name, absent in zip(columns, parts.values(), strict=True) if not absent]
    how = f"the release for the year ending March {FIRST_YEAR - 1} gives {' and '.join(given) or 'none of them'}"
    return weigh(parts, how)


def from_panel(check: Check) -> Callable[[Reader], Recomputed]:
    """A rule that reads nothing but the panel."""
    return lambda reader: check(derive_facts(reader.table("la_panel")))


STATEMENTS: Mapping[str, Check] = {
    "r2.did.closures_fell": check_closures,
    "r2.did.rereferrals_east": check_rereferrals_east,
    "r2.did.rereferrals_west": check_rereferrals_west,
    "r2.did.rereferrals_alike": check_rereferrals_alike,
    "r2.did.rereferrals_below_england": check_rereferrals_below_england,
    "r2.did.escalations_before": check_escalations_before,
    "r2.did.escalations_after": check_escalations_after,
    "r2.did.wandsworth_like_england": check_wandsworth_like_england,
    "r2.did.cin_fell": check_children_in_need,
    "r2.did.cin_no_trend": check_no_trend,
    "r2.did.swings": check_swings,
    "r2.did.first_year": check_first_year,
}
for _id, _check in STATEMENTS.items():
    add_rule(_id, from_panel(_check), "official data")
add_rule("r2.did.small_minority", check_small_minority, "official data")
