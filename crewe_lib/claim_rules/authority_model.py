"""The second report's comparison of authorities: its design, its tests, and children in need against England."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.authorities import AGREES, DISAGREES, IN_PART
from crewe_lib.claim_rules.registry import add_rule, rule
from crewe_lib.formats import fixed, p_phrase, year_range
from crewe_lib.la_did import CHESHIRE_EAST, FIRST_YEAR, LAST_YEAR, OUTCOMES
from crewe_lib.la_facts import START, PanelFacts, derive_facts

# Statement on an outcome's difference → the outcome.
TESTS: Mapping[str, str] = {
    "r2.did.closure_sig": "closures",
    "r2.did.reref_sig": "rereferrals",
    "r2.did.escal_sig": "escalations",
}
PER_WORDS: Mapping[str, str] = {
    "residents": "per resident",
    "children": "per child as first published, to 2017",
    "authorities": "as a number, against the mean of all authorities",
}
write = fixed(1)
ANY_COUNT = 5  # below so many expected in a cell, the usual tests say little


def _facts(reader: Reader) -> PanelFacts:
    return derive_facts(reader.table("la_panel"))


def _whole(reader: Reader, id: str) -> int:
    """A number of whole years, which rounding has not moved."""
    return int(reader.claim(id).number)


def _significance(outcome: str) -> Callable[[Reader], Recomputed]:
    """The p-values of the report's model, with and without its covariate, by both reckonings of error."""

    def compute(reader: Reader) -> Recomputed:
        facts = _facts(reader)
        rows = facts.estimates[facts.estimates["outcome"] == outcome]
        keys = (rows["covariate"].map(lambda name: f"covariate {name}") + ", " + rows["covariance"]).tolist()
        p_values = dict(zip(keys, rows["p_value"].tolist(), strict=True))
        beyond, others = facts.variants(outcome)
        note = (
            f"It holds in the report's own model. Under other choices of years and counts the interval leaves out zero "
            f"in {beyond} of {others} variants."
            if beyond
            else f"The interval leaves out zero in none of {others} variants either."
        )
        how = f"two authorities, {year_range(FIRST_YEAR, LAST_YEAR)}, smallest {p_phrase(min(p_values.values()))}"
        return Recomputed(how, p_values=p_values, note=note)

    return compute


@rule("r2.did.parallel", "official data")
def check_parallel(reader: Reader) -> Recomputed:
    """Apart by both methods: not parallel. Apart by one of them: in doubt."""
    trends = _facts(reader).trends
    apart = trends.groupby("label", sort=False)["excludes_zero"].sum()
    methods = trends["method"].nunique()
    clearly, perhaps = apart.index[apart == methods].tolist(), apart.index[apart.between(1, methods - 1)].tolist()
    how = "; ".join(
        f"{label}: {' and '.join(p_phrase(p) for p in rows['p_value'])}"
        for label, rows in trends.groupby("label", sort=False)
    )
    said = [f"The trends up to {START} differ by both methods for {' and '.join(clearly).lower()}."] if clearly else []
    said += [f"One method of two finds a difference for {' and '.join(perhaps).lower()}."] if perhaps else []
    said += [
        "The report's own section on limitations calls the assumption difficult to verify, with few years and large "
        "shifts between them."
    ]
    words = DISAGREES if clearly else IN_PART if perhaps else AGREES
    return Recomputed(
        f"difference in trend up to {START}, two methods: {how}",
        words=words,
        differs="decision" if clearly else "major",
        note=" ".join(said),
    )


def _years_above(reader: Reader) -> dict[str, pd.DataFrame]:
    """By what both are counted per: the years in which Cheshire East stood at or above England."""
    return {key: table[table["own"] >= table["england"]] for key, table in _facts(reader).need_beside_england().items()}


@rule("r2.did.cin_below", "official data")
def count_years_above(reader: Reader) -> Recomputed:
    """In how many years Cheshire East stood at or above England, by what both are counted per."""
    above = _years_above(reader)
    how = "; ".join(f"{PER_WORDS[key]}: {', '.join(map(str, rows.index)) or 'none'}" for key, rows in above.items())
    return Recomputed(
        f"years at or above England at 31 March, {how}",
        choices=tuple(float(len(rows)) for rows in above.values()),
        differs="minor",
        note="The report does not say what the two are counted per, and the number of years depends on it.",
    )


@rule("r2.did.cin_exception", "official data")
def name_year_above(reader: Reader) -> Recomputed:
    """Which year that is, where there is one."""
    single = {key: rows for key, rows in _years_above(reader).items() if len(rows) == 1}
    years = sorted({int(rows.index[0]) for rows in single.values()})
    how = "; ".join(
        f"{PER_WORDS[key]}: 31 March {rows.index[0]}, {write(rows['own'].iloc[0])} against "
        f"{write(rows['england'].iloc[0])}"
        for key, rows in single.items()
    )
    return Recomputed(
        how or "no year, or several",
        words=" or ".join(f"{year - 1}/{year % 100:02d}" for year in years) or "no single year",
        differs="minor",
        note="Children are counted on 31 March, at the end of the year named here. A figure labelled by that year "
        "alone may have been read as the year that begins then.",
    )


@rule("r2.did.pre_years", "dates")
def count_years_before(reader: Reader) -> Recomputed:
    """Years ending 31 March, with all three outcomes, that were over when the service began."""
    start = reader.day("r1.design.pilot_start")
    panel = reader.table("la_panel")
    own = panel[panel["authority"] == CHESHIRE_EAST]
    complete = own[own[["episodes_ended", "rereferrals", "cpp_started"]].notna().all(axis=1)]
    first, last = int(complete["year"].min()), start.year if start.month > 3 else start.year - 1
    return Recomputed(f"years ending March {first} to {last}", value=last - first + 1)


@rule("r2.did.matching_years", "dates")
def name_years_before(reader: Reader) -> Recomputed:
    """The years before the start, each named by the year in which it begins."""
    start, before = reader.day("r1.design.pilot_start"), _whole(reader, "r2.did.pre_years")
    last = start.year - 1 if start.month > 3 else start.year - 2
    return Recomputed(
        f"{before} years, the last from April {last} to March {last + 1}",
        words=f"{last - before + 1} to {last}",
        differs="minor",
        note=f"It fits if years are named by where they begin; by where they end they are {last - before + 2} to "
        f"{last + 1}.",
    )


@rule("r2.did.post_years", "dates")
def count_years_after(reader: Reader) -> Recomputed:
    """Years ending 31 March after the start, up to the end of the figures."""
    start, end = reader.day("r1.design.pilot_start"), reader.day("r2.did.figure_end", end=True)
    first = start.year + 1 if start.month > 3 else start.year
    return Recomputed(f"years ending March {first} to {end.year}", value=end.year - first + 1)


@rule("r2.did.data_span", "dates")
def count_span(reader: Reader) -> Recomputed:
    """The years that 'five before and four after' cover, back from the end of the figures."""
    before, after = _whole(reader, "r2.did.pre_years"), _whole(reader, "r2.did.post_years")
    last = reader.day("r2.did.figure_end", end=True).year
    first = last - before - after
    return Recomputed(
        f"{before} + {after} years from April {first} to March {last}",
        words=f"{first} to {last}",
        differs="minor",
        note=f"It fits from where the first year begins; the years end in March {first + 1} to March {last}.",
    )


@rule("r2.did.n_obs", "arithmetic")
def count_observations(reader: Reader) -> Recomputed:
    """Two authorities in each year."""
    before, after = _whole(reader, "r2.did.pre_years"), _whole(reader, "r2.did.post_years")
    return Recomputed(f"2 × ({before} + {after})", value=2 * (before + after))


@rule("r2.did.figure_end", "official data")
def find_figure_years(reader: Reader) -> Recomputed:
    """The first year for which the files give all three outcomes; the last is the report's own choice."""
    facts = _facts(reader)
    starts = {name: int(facts.rate(name, CHESHIRE_EAST).index.min()) for name in TESTS.values()}
    how = "; ".join(
        f"{OUTCOMES[name].label.lower()} from the year ending March {year}" for name, year in starts.items()
    )
    return Recomputed(
        how,
        words=f"{max(starts.values()) - 1}-03 to {LAST_YEAR}-03",
        differs="minor",
        note="It fits from where the first year with all three outcomes begins. If the first month printed is the end "
        "of a year, the files have no re-referrals for it.",
    )


@rule("r2.did.escal_span", "dates")
def find_described_years(reader: Reader) -> Recomputed:
    """From the start of the service to the end of the figures."""
    start, end = reader.day("r1.design.pilot_start"), reader.day("r2.did.figure_end", end=True)
    return Recomputed(
        f"from the start in {start.year} to the end of the figures in March {end.year}",
        words=f"{start.year} to {end.year}",
        differs="minor",
        note="A trend to 2020 is described, but the figures end in March 2019.",
    )


@rule("r2.did.outcomes", "arithmetic")
def count_outcomes(reader: Reader) -> Recomputed:
    """One comparator is named for each outcome."""
    names = [reader.text(id) for id in reader.starting("r2.did.comparator_")]
    return Recomputed(f"one comparator for each outcome: {', '.join(names)}", value=len(names))


for _id, _outcome in TESTS.items():
    add_rule(_id, _significance(_outcome), "official data")
