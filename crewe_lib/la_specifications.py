"""Tables of local-authority estimates: the published models side by side, and how the answer moves with each choice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Literal, get_args

import pandas as pd

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
from crewe_lib.models.linear import Covariance
from crewe_lib.provenance import traced

COVARIANCES: tuple[Covariance, ...] = ("classical", "CR2")
COVARIATES: tuple[Literal["none", "children in need"], ...] = ("none", "children in need")
TESTED = ("closures", "rereferrals", "escalations")

_RESULT = {
    "estimate": Column("Estimate", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "df": Column("df", fixed(1)),
    "n": Column("n"),
}
PUBLISHED_COLUMNS = {
    "label": Column("Outcome"),
    "comparator": Column("Compared with"),
    "covariate": Column("Covariate"),
    "covariance": Column("Covariance"),
    **_RESULT,
}
TREND_COLUMNS = {name: column for name, column in PUBLISHED_COLUMNS.items() if name != "covariate"}
SPECIFICATION_COLUMNS = {
    "label": Column("Outcome"),
    "series": Column("Series"),
    "implemented": Column("Last year before"),
    "years": Column("Years"),
    "chosen": Column("Main", either("yes", "")),
    **_RESULT,
}


@traced
def derive_period_means(
    panel: pd.DataFrame, *, treated: str, implemented: int, first_year: int, last_year: int
) -> pd.DataFrame:
    """Mean yearly rate per 10,000 residents before and after, for the treated authority and each comparator.

    Columns: outcome, role ('treated', 'comparator'), authority, name, before, after, change.
    """
    rows = []
    for outcome in (OUTCOMES[name] for name in TESTED):
        rates = derive_rates(panel, outcome=outcome.name, series="main", first_year=first_year, last_year=last_year)
        for role, code in (("treated", treated), ("comparator", outcome.comparator)):
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
    panel: pd.DataFrame, *, treated: str, implemented: int, first_year: int, last_year: int, alpha: float
) -> pd.DataFrame:
    """The report's model for each outcome, with and without its covariate, under both covariances.

    Columns: those of Estimate, and label, comparator (name), covariate, covariance.
    """
    rows = []
    for outcome in (OUTCOMES[name] for name in TESTED):
        rates = derive_rates(panel, outcome=outcome.name, series="main", first_year=first_year, last_year=last_year)
        for covariate in COVARIATES:
            for covariance in COVARIANCES:
                estimate = estimate_did(
                    rates,
                    treated=treated,
                    comparator=outcome.comparator,
                    implemented=implemented,
                    covariate=covariate,
                    covariance=covariance,
                    alpha=alpha,
                )
                rows.append(
                    {
                        **asdict(estimate),
                        "label": outcome.label,
                        "comparator": _name(rates, outcome.comparator),
                        "covariate": covariate,
                        "covariance": covariance,
                    }
                )
    return derive_intervals(pd.DataFrame(rows))


@traced
def check_trends(
    panel: pd.DataFrame, *, treated: str, implemented: int, first_year: int, last_year: int, alpha: float
) -> pd.DataFrame:
    """The parallel-trend check for each outcome under both covariances; columns as in `estimate_published`."""
    rows = []
    for outcome in (OUTCOMES[name] for name in TESTED):
        rates = derive_rates(panel, outcome=outcome.name, series="main", first_year=first_year, last_year=last_year)
        for covariance in COVARIANCES:
            estimate = check_parallel_trends(
                rates,
                treated=treated,
                comparator=outcome.comparator,
                implemented=implemented,
                covariance=covariance,
                alpha=alpha,
            )
            comparator = _name(rates, outcome.comparator)
            rows.append(
                {
                    **asdict(estimate),
                    "label": outcome.label,
                    "comparator": comparator,
                    "covariance": covariance,
                }
            )
    return derive_intervals(pd.DataFrame(rows))


@traced
def estimate_specifications(
    panel: pd.DataFrame, *, treated: str, implemented: int, first_year: int, last_year: int, alpha: float
) -> pd.DataFrame:
    """Every combination of series and last pre-period year (the chosen one and the year before), and the main series
    without its last year; CR2, no covariate.

    Columns: those of Estimate, and label, series (in words), implemented, years (as a range), last_year, chosen (is
    this the chapter's main estimate), and those of `derive_intervals`.
    """
    rows = []
    for outcome, series, cut, end in _choices(implemented, last_year):
        # Children are counted from the revised files alone, which begin in 2013.
        start = max(first_year, 2013) if series == "children" else first_year
        rates = derive_rates(panel, outcome=outcome, series=series, first_year=start, last_year=end)
        estimate = estimate_did(
            rates,
            treated=treated,
            comparator=OUTCOMES[outcome].comparator,
            implemented=cut,
            covariate="none",
            covariance="CR2",
            alpha=alpha,
        )
        rows.append(
            {
                **asdict(estimate),
                "label": OUTCOMES[outcome].label,
                "series": SERIES_LABELS[series],
                "implemented": cut,
                "years": year_range(start, end),
                "last_year": end,
                "chosen": series == "main" and cut == implemented and end == last_year,
            }
        )
    return derive_intervals(pd.DataFrame(rows))


@traced
def derive_intervals(estimates: pd.DataFrame) -> pd.DataFrame:
    """The same estimates with the interval as text (interval) and whether it leaves out zero (excludes_zero)."""
    text = [interval(low, high) for low, high in zip(estimates["conf_low"], estimates["conf_high"], strict=True)]
    beyond = estimates["conf_low"].gt(0) | estimates["conf_high"].lt(0)
    return estimates.assign(interval=text, excludes_zero=beyond)


@traced
def summarise_specifications(specifications: pd.DataFrame) -> dict[str, int]:
    """How many estimates there are, and in how many the interval leaves out zero, in all and by outcome.

    Keys: all, all_excluding, and for each outcome its name, alone and with '_excluding'.
    """
    by_outcome = specifications.groupby("outcome")["excludes_zero"].agg(["size", "sum"])
    counts = {"all": len(specifications), "all_excluding": int(specifications["excludes_zero"].sum())}
    for outcome, size, excluding in by_outcome.itertuples():
        counts |= {str(outcome): int(size), f"{outcome}_excluding": int(excluding)}
    return counts


def _choices(implemented: int, last_year: int) -> Iterator[tuple[str, Series, int, int]]:
    for outcome in TESTED:
        for series in get_args(Series):
            if series == "children" and OUTCOMES[outcome].children_column is None:
                continue
            for cut in (implemented, implemented - 1):
                yield outcome, series, cut, last_year
        yield outcome, "main", implemented, last_year - 1


def _name(rates: pd.DataFrame, authority: str) -> str:
    return str(rates.loc[rates["authority"] == authority, "name"].iloc[0])
