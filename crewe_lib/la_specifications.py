"""Tables of local-authority estimates: the published models side by side, and how the answer moves with each choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, interval, p_value, year_range
from crewe_lib.la_did import (
    OUTCOMES,
    SERIES_LABELS,
    Series,
    check_parallel_trends,
    derive_rates,
    estimate_did,
)
from crewe_lib.models.did import TrendMethod
from crewe_lib.models.linear import Covariance
from crewe_lib.provenance import traced
from crewe_lib.results import Estimate

COVARIANCES: tuple[Covariance, ...] = ("classical", "CR2")
COVARIATES: tuple[Literal["none", "children in need"], ...] = ("none", "children in need")
TESTED = ("closures", "rereferrals", "escalations")
# Outcome → code of the authority it is compared with.
Comparators = Mapping[str, str]
# The report's own, in its order.
PUBLISHED: Comparators = {name: OUTCOMES[name].comparator for name in TESTED}

_RESULT = {
    "estimate": Column("Estimate", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
}
_SIZE = {"df": Column("df", fixed(1)), "n": Column("n")}
PUBLISHED_COLUMNS = {
    "label": Column("Outcome"),
    "comparator": Column("Compared with"),
    "covariate": Column("Covariate"),
    "covariance": Column("Covariance"),
    **_RESULT,
    **_SIZE,
}
TREND_COLUMNS = {
    "label": Column("Outcome"),
    "comparator": Column("Compared with"),
    "method": Column("Method"),
    **_RESULT,
    **_SIZE,
    "carried": Column("Carried forward", fixed(1, sign=True)),
}
SPECIFICATION_COLUMNS = {
    "label": Column("Outcome"),
    "series": Column("Series"),
    "years": Column("Years"),
    "implemented": Column("Last year before"),
    "chosen": Column("Main", either("yes", "")),
    **_RESULT,
    "p_classical": Column("p, classical", p_value),
    "n": Column("n", fixed(0)),
}


@traced
def derive_period_means(
    panel: pd.DataFrame,
    *,
    treated: str,
    comparators: Comparators,
    implemented: int,
    first_year: int,
    last_year: int,
) -> pd.DataFrame:
    """Mean yearly rate per 10,000 residents before and after, for the treated authority and each comparator.

    Columns: outcome, role ('treated', 'comparator'), authority, name, before, after, change.
    """
    rows = []
    for outcome in (OUTCOMES[name] for name in comparators):
        rates = derive_rates(panel, outcome=outcome.name, series="main", first_year=first_year, last_year=last_year)
        for role, code in (("treated", treated), ("comparator", comparators[outcome.name])):
            own = rates[rates["authority"] == code]
            after = own["year"] > implemented
            before_mean, after_mean = own.loc[~after, "rate"].mean(), own.loc[after, "rate"].mean()
            rows.append(
                {
                    "outcome": outcome.name,
                    "role": role,
                    "authority": code,
                    "name": own["name"].iloc[0],
                    "before": before_mean,
                    "after": after_mean,
                    "change": after_mean - before_mean,
                }
            )
    return pd.DataFrame(rows)


@traced
def estimate_published(
    panel: pd.DataFrame,
    *,
    treated: str,
    comparators: Comparators,
    implemented: int,
    first_year: int,
    last_year: int,
    alpha: float,
) -> pd.DataFrame:
    """The report's model for each outcome, with and without its covariate, under both covariances.

    Columns: those of Estimate, and label, comparator (name), covariate, covariance.
    """
    rows = []
    for outcome in (OUTCOMES[name] for name in comparators):
        rates = derive_rates(panel, outcome=outcome.name, series="main", first_year=first_year, last_year=last_year)
        for covariate in COVARIATES:
            for covariance in COVARIANCES:
                estimate = estimate_did(
                    rates,
                    treated=treated,
                    comparator=comparators[outcome.name],
                    implemented=implemented,
                    covariate=covariate,
                    covariance=covariance,
                    alpha=alpha,
                )
                rows.append(
                    {
                        **asdict(estimate),
                        "label": outcome.label,
                        "comparator": _name(rates, comparators[outcome.name]),
                        "covariate": covariate,
                        "covariance": covariance,
                    }
                )
    return derive_intervals(pd.DataFrame(rows))


@traced
def check_trends(
    panel: pd.DataFrame,
    *,
    treated: str,
    comparators: Comparators,
    implemented: int,
    first_year: int,
    last_year: int,
    alpha: float,
) -> pd.DataFrame:
    """The parallel-trend check for each outcome by both methods.

    Columns: those of Estimate and `derive_intervals`, and label, comparator, carried: what the earlier difference in
    trend would make of itself between the middle of the years before and the middle of the years after, per 10,000
    residents.
    """
    rows = []
    for outcome in (OUTCOMES[name] for name in comparators):
        rates = derive_rates(panel, outcome=outcome.name, series="main", first_year=first_year, last_year=last_year)
        for method in get_args(TrendMethod):
            estimate = check_parallel_trends(
                rates,
                treated=treated,
                comparator=comparators[outcome.name],
                implemented=implemented,
                method=method,
                alpha=alpha,
            )
            distance = (implemented + 1 + last_year) / 2 - (first_year + implemented) / 2
            rows.append(
                {
                    **asdict(estimate),
                    "label": outcome.label,
                    "comparator": _name(rates, comparators[outcome.name]),
                    "carried": estimate.estimate * distance,
                }
            )
    return derive_intervals(pd.DataFrame(rows))


@traced
def estimate_specifications(
    panel: pd.DataFrame,
    *,
    treated: str,
    comparators: Comparators,
    implemented: int,
    first_year: int,
    last_year: int,
    alpha: float,
) -> pd.DataFrame:
    """The same model, without covariate, under other choices.

    Varied together: the last year before (the chosen one, the one before and the one after) and the last year of all
    (the chosen one and the one before). Varied alone: a first year in 2010 where the files have it, the vintage where
    it matters, children in place of episodes. Intervals are CR2.

    Columns: those of Estimate and `derive_intervals`, and label, series (in words), implemented, years (as a range),
    last_year, chosen (is this the chapter's main estimate), p_classical.
    """
    rows = []
    for choice in _choices(comparators, implemented, first_year, last_year):
        main = Choice(choice.outcome, "main", first_year, implemented, last_year)
        described = {
            "label": OUTCOMES[choice.outcome].label,
            "series": SERIES_LABELS[choice.series],
            "implemented": choice.implemented,
            "years": year_range(choice.first_year, choice.last_year),
            "last_year": choice.last_year,
            "chosen": choice == main,
        }
        try:
            fits = {c: _estimate(panel, choice, c, treated, comparators, alpha) for c in COVARIANCES}
        except CreweError as reason:
            if choice == main:
                raise
            rows.append({"outcome": choice.outcome, **described, "left_out": str(reason)})
            continue
        rows.append({**asdict(fits["CR2"]), **described, "p_classical": fits["classical"].p_value, "left_out": ""})
    return derive_intervals(pd.DataFrame(rows))


def _estimate(
    panel: pd.DataFrame, choice: Choice, covariance: Covariance, treated: str, comparators: Comparators, alpha: float
) -> Estimate:
    rates = derive_rates(
        panel, outcome=choice.outcome, series=choice.series, first_year=choice.first_year, last_year=choice.last_year
    )
    return estimate_did(
        rates,
        treated=treated,
        comparator=comparators[choice.outcome],
        implemented=choice.implemented,
        covariate="none",
        covariance=covariance,
        alpha=alpha,
    )


@traced
def derive_intervals(estimates: pd.DataFrame) -> pd.DataFrame:
    """The same estimates with the interval as text (interval) and whether it leaves out zero (excludes_zero)."""
    limits = zip(estimates["conf_low"], estimates["conf_high"], strict=True)
    text = pd.Series([None if pd.isna(low) else interval(low, high) for low, high in limits], estimates.index, object)
    beyond = estimates["conf_low"].gt(0) | estimates["conf_high"].lt(0)
    return estimates.assign(interval=text, excludes_zero=beyond)


@traced
def summarise_specifications(specifications: pd.DataFrame) -> dict[str, int]:
    """How many estimates there are, and in how many the interval leaves out zero, in all and by outcome.

    Keys: all, all_excluding, and for each outcome its name, alone, with '_excluding' and, where the whole interval
    lies above zero, with '_above'.
    """
    specifications = specifications[specifications["estimate"].notna()]
    by_outcome = specifications.groupby("outcome")["excludes_zero"].agg(["size", "sum"])
    counts = {"all": len(specifications), "all_excluding": int(specifications["excludes_zero"].sum())}
    for outcome, size, excluding in by_outcome.itertuples():
        above = specifications.loc[specifications["outcome"] == outcome, "conf_low"].gt(0).sum()
        counts |= {str(outcome): int(size), f"{outcome}_excluding": int(excluding), f"{outcome}_above": int(above)}
    return counts


@dataclass(frozen=True)
class Choice:
    """One specification."""

    outcome: str
    series: Series
    first_year: int
    implemented: int
    last_year: int


def _choices(comparators: Comparators, implemented: int, first_year: int, last_year: int) -> Iterator[Choice]:
    for outcome in comparators:
        for cut in (implemented, implemented - 1, implemented + 1):
            for end in (last_year, last_year - 1):
                yield Choice(outcome, "main", first_year, cut, end)
        if outcome != "rereferrals":  # counted differently before 2011
            yield Choice(outcome, "main", first_year - 1, implemented, last_year)
        if outcome != "escalations":  # plans begun do not differ between the vintages
            yield Choice(outcome, "first_published_to_2017", first_year, implemented, last_year)
        if OUTCOMES[outcome].children_column:  # in the revised files alone, which begin in 2013
            yield Choice(outcome, "children", max(first_year, 2013), implemented, last_year)


def _name(rates: pd.DataFrame, authority: str) -> str:
    return str(rates.loc[rates["authority"] == authority, "name"].iloc[0])
