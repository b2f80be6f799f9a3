"""How chapter 05 shows its uncertainty: headings, formats, and figures in words. No result is computed here."""

from __future__ import annotations

import pandas as pd

from crewe_lib.cost_benefit import IMPLIED
from crewe_lib.evidence import Column, traced
from crewe_lib.figures.cost_uncertainty import format_share
from crewe_lib.formats import either, fixed, percent, plain, pounds

FAMILIES = {
    "beta": "beta",
    "normal": "normal",
    "uniform": "uniform",
    "gamma": "gamma",
    "count": "gamma, as for a Poisson count",
    "two_point": "either of two values",
    "whole": "whole numbers, equally likely",
}
_KINDS = {"published": "printed", "inferred": "implied", IMPLIED: "printed, implied weight"}

DISTRIBUTION_COLUMNS = {
    "label": Column("Input"),
    "kind": Column("Kind"),
    "value": Column("Value"),
    "mean": Column("Assumed mean"),
    "sd": Column("Assumed standard deviation"),
    "shape": Column("Assumed shape"),
    "basis": Column("Basis"),
}
PSA_COLUMNS = {
    "label": Column("Result, per case"),
    "value": Column("At the reported or implied values", pounds()),
    "mean": Column("Mean of draws", pounds()),
    "low": Column("Low", pounds()),
    "high": Column("High", pounds()),
    "share_above": Column("Draws above zero", format_share),
    "mc_error": Column("Error of that from drawing", percent(1)),
}
CLOSURE_COST_COLUMNS = {
    "label": Column("Reading"),
    "extra_closed": Column("Extra closed", percent()),
    "extra_cost": Column("Extra cost per case", pounds()),
    "icer": Column("Cost per extra closed case, about", pounds(-2), blank="undefined"),
    "dearer_closes_more": Column("Draws: dearer, closes more", format_share),
    "dearer_closes_fewer": Column("Dearer, closes fewer", format_share),
    "cheaper_closes_more": Column("Cheaper, closes more", format_share),
    "cheaper_closes_fewer": Column("Cheaper, closes fewer", format_share),
}
DISCOUNT_COLUMNS = {
    "age": Column("Age of the child"),
    "years": Column("Years to the examinations"),
    "factor": Column("Factor", fixed(2)),
    "earnings_2017": Column("Closures at trial end", pounds(sign=True)),
    "earnings_2019": Column("Closures in November 2019", pounds(sign=True)),
}
OPTIMISM_COLUMNS = {
    "share": Column("Adjustment", percent()),
    "earnings": Column("Lifetime earnings", pounds(sign=True)),
    "escalation_saving": Column("Escalation saving", pounds(2, sign=True)),
    "extra_cost": Column("Extra staff cost", pounds()),
    "value_per_closure": Column("Value of a closed case that covers it", pounds()),
}
BREAK_EVEN_COLUMNS = {
    "label": Column("Quantity"),
    "break_even": Column("Break-even"),
    "reported": Column("For comparison"),
    "note": Column("Remark"),
}
SCENARIO_COLUMNS = {
    "closure_label": Column("Closures"),
    "escalation_label": Column("Escalations"),
    "earnings": Column("Lifetime earnings (the child)", pounds(sign=True)),
    "tax": Column("Tax on them (the Exchequer)", pounds(sign=True)),
    "escalation_saving": Column("Escalation saving (the council)", pounds(2, sign=True)),
    "extra_cost": Column("Extra staff cost (the council)", pounds()),
    "value_per_closure": Column("Value of a closed case that covers it", pounds(), blank="none"),
}
INFLUENCE_COLUMNS = {
    "result": Column("Result"),
    "label": Column("Datum, if known exactly"),
    "variance_share": Column("Share of variance", percent()),
    "mc_error": Column("Error of that from drawing", percent(1)),
    "low": Column("Result at one end", pounds()),
    "high": Column("Result at the other", pounds()),
    "flips": Column("Sign changes at an end", either("yes", "no")),
    "flip_share": Column("Chance that the sign changes", format_share),
}
RESULTS = {
    "lifetime_earnings_gap": "Lifetime earnings",
    "extra_cost": "Extra staff cost",
    "rereferral_cost_gap": "Cost of re-referrals",
    "escalation_saving": "Escalation saving",
}


@traced
def derive_distribution_table(distributions: pd.DataFrame) -> pd.DataFrame:
    """Every assumption as a reader sees it, amounts with their units."""
    frame = distributions.assign(shape=distributions["family"].map(FAMILIES), kind=distributions["kind"].map(_KINDS))
    for name in ("value", "mean", "sd"):
        frame[name] = [format_amount(x, unit) for x, unit in zip(frame[name], frame["unit"], strict=True)]
    return frame[list(DISTRIBUTION_COLUMNS)]


@traced
def derive_break_even_table(break_evens: pd.DataFrame) -> pd.DataFrame:
    """Break-evens as a reader sees them, amounts with their units; missing stays missing."""
    frame = break_evens.copy()
    for name in ("break_even", "reported"):
        amounts = zip(break_evens[name], break_evens["unit"], strict=True)
        frame[name] = [None if pd.isna(x) else format_amount(x, unit) for x, unit in amounts]
    return frame


@traced
def derive_influence_table(influence: pd.DataFrame) -> pd.DataFrame:
    """The ranking with the name of each result."""
    return influence.assign(result=influence["outcome"].map(RESULTS))


@traced
def derive_curve_table(curves: pd.DataFrame, *, every: int = 10) -> pd.DataFrame:
    """Every tenth point of the acceptability curves as the table behind their figure, one column a reading."""
    labels = list(dict.fromkeys(curves["label"]))
    wide = curves.pivot(index="value_per_closure", columns="label", values="probability")[labels].iloc[::every]
    shown = wide.map(format_share).reset_index()
    shown["value_per_closure"] = shown["value_per_closure"].map(pounds())
    return shown.rename(columns={"value_per_closure": "Value of a closed case"}).rename_axis(columns=None)


def format_amount(value: float, unit: str) -> str:
    """A share in per cent, money in pounds, anything else with one decimal and, but for a choice, its unit."""
    if unit == "share":
        return percent(1)(value)
    if unit.startswith("GBP"):
        return f"{pounds(2 if unit == 'GBP per week' else 0)(value)}{' a week' if unit == 'GBP per week' else ''}"
    return fixed(1)(value) if unit == "choice" else f"{fixed(1)(value)} {unit}"


@traced
def describe_psa(summary: pd.DataFrame) -> dict[str, str]:
    """In words, for who cannot see the figure: each result's mean, interval and share of draws above zero."""
    said = [
        f"{row['label']}: mean {pounds()(row['mean'])}, from {pounds()(row['low'])} to {pounds()(row['high'])}, "
        f"{format_share(row['share_above'])} of draws above zero"
        for row in summary.to_dict("records")
    ]
    return {"text": "; ".join(said) + "."}


@traced
def describe_acceptability(curves: pd.DataFrame) -> dict[str, str | float]:
    """The curves in words and their ends as numbers: `text`, and for each reading `<reading>_zero`, `<reading>_highest`
    (probabilities), `<reading>_half` (£, the first value at which the chance is a half; NaN if it never is) and
    `<reading>_half_text`."""
    found: dict[str, str | float] = {}
    said = []
    for reading, part in curves.groupby("reading", sort=False):
        first, last = part.iloc[0], part.iloc[-1]
        reached = part["value_per_closure"][part["probability"] >= 0.5]
        half = float(reached.iloc[0]) if len(reached) else float("nan")
        found |= {f"{reading}_zero": float(first["probability"]), f"{reading}_highest": float(last["probability"])}
        middle = f"an even chance from {pounds()(half)}" if len(reached) else "never an even chance"
        found |= {f"{reading}_half": half, f"{reading}_half_text": middle}
        said.append(
            f"{plain(first['label'])}: {format_share(first['probability'])} at {pounds()(0)}, {middle}, "
            f"{format_share(last['probability'])} at {pounds()(last['value_per_closure'])}"
        )
    return {**found, "text": "; ".join(said) + "."}
