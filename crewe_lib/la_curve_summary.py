"""What a specification curve shows, in counts and in words."""

from __future__ import annotations

import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, p_value, percent
from crewe_lib.la_curve import Curve
from crewe_lib.models.panel import check_alpha
from crewe_lib.provenance import traced

CURVE_SUMMARY_COLUMNS = {
    "label": Column("Outcome"),
    "n": Column("Estimates"),
    "not_possible": Column("Not possible"),
    "negative": Column("Below zero", percent()),
    "below_alpha": Column("p at or below level", percent()),
    "median": Column("Median, %", fixed(1, sign=True)),
    "lowest": Column("Lowest, %", fixed(1, sign=True)),
    "highest": Column("Highest, %", fixed(1, sign=True)),
    "published": Column("Nearest to the report's model, %", fixed(1, sign=True)),
    "published_rank": Column("Its rank from the lowest"),
    "published_p": Column("Its p, placebo", p_value),
}


@traced
def summarise_curve(curve: Curve, *, alpha: float) -> pd.DataFrame:
    """One row per outcome: outcome, label, n, not_possible, negative and positive (shares), below_alpha (share with a
    placebo p at or below alpha), median, lowest, highest (%), and the one nearest to the report's: published (%),
    published_p, published_rank (1 is the lowest), missing where it is not possible.
    """
    check_alpha(alpha)
    return pd.DataFrame(
        [_summary(own, alpha) for _, own in curve.estimates.groupby("outcome", sort=False)],
    )


@traced
def derive_curve_of(curve: Curve, *, outcome: str) -> pd.DataFrame:
    """The estimates of one outcome from the lowest to the highest, for the figure: adds `position` from 1.

    Specifications that are not possible are left out; they stay in the table. Raises CreweError if none remains.
    """
    own = curve.estimates[curve.estimates["outcome"].eq(outcome) & curve.estimates["percent"].notna()]
    if own.empty:
        known = ", ".join(curve.estimates["outcome"].unique())
        raise CreweError(f"curve: no estimate of {outcome!r}; the curve holds {known}, some of it not possible.")
    ordered = own.sort_values("percent", kind="stable", ignore_index=True)
    return ordered.assign(position=range(1, len(ordered) + 1))


@traced
def describe_curve(ordered: pd.DataFrame, *, alpha: float) -> dict[str, str]:
    """In words, for who cannot see the figure: number, range, median, signs, p-values, the report's place."""
    check_alpha(alpha)
    value, n = ordered["percent"], len(ordered)
    text = (
        f"{n} estimates of the change in {str(ordered['label'].iloc[0]).lower()}, from {_pct(value.min())} to "
        f"{_pct(value.max())} of the earlier rate, median {_pct(value.median())}; {int(value.lt(0).sum())} lie below "
        f"zero, {int(ordered['p_value'].le(alpha).sum())} have a placebo p of {alpha:g} or less."
    )
    marked = ordered[ordered["published"]]
    if len(marked):
        one = marked.iloc[0]
        text += (
            f" The one nearest to the report's, {_pct(one['percent'])}, is number {one['position']} from the lowest."
        )
    return {"text": text}


def _pct(value: float) -> str:
    return f"{fixed(1)(value)}%"


def _summary(own: pd.DataFrame, alpha: float) -> dict[str, object]:
    done = own[own["percent"].notna()]
    value, marked = done["percent"], done[done["published"]]
    one = marked.iloc[0] if len(marked) else None
    return {
        "outcome": own["outcome"].iloc[0],
        "label": own["label"].iloc[0],
        "n": len(done),
        "not_possible": len(own) - len(done),
        "negative": value.lt(0).mean(),
        "positive": value.gt(0).mean(),
        "below_alpha": done["p_value"].le(alpha).mean(),
        "median": value.median(),
        "lowest": value.min(),
        "highest": value.max(),
        "published": None if one is None else one["percent"],
        "published_p": None if one is None else one["p_value"],
        "published_rank": None if one is None else int(value.lt(one["percent"]).sum()) + 1,
    }
