"""How chapter 07 writes its numbers: the bindings of its prose, and the sentences that follow from results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from crewe_lib.evidence import Binding, Column
from crewe_lib.formats import NO_BREAK, agree, count, fixed, level, p_value
from crewe_lib.la_did import CHESHIRE_EAST, LAST_YEAR, OUTCOMES, PER
from crewe_lib.la_eligible import Eligible
from crewe_lib.la_power import ALL_PHASES
from crewe_lib.provenance import traced

FINDING_COLUMNS = {
    "label": Column("Per 10,000 residents a year"),
    "own": Column("Before and after"),
    "comparator": Column("Compared with"),
    "other": Column("Before and after"),
    "difference": Column("Difference", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "among_all": Column("Against all others", fixed(1, sign=True)),
    "among_interval": Column("Interval, against all"),
}


@traced
def derive_findings(means: pd.DataFrame, published: pd.DataFrame, inference: pd.DataFrame) -> pd.DataFrame:
    """One row per outcome: means before and after, the two-authority estimate, and the one against all others.

    Columns: outcome, label, own, comparator, other, difference, interval (CR2 by year), among_all, among_interval
    (Conley–Taber).
    """
    rows = []
    main = published[published["covariate"].eq("none") & published["covariance"].eq("CR2")].set_index("outcome")
    among = inference[inference["method"] == "Conley–Taber"].set_index("outcome")
    for own in means[means["role"] == "treated"].to_dict("records"):
        outcome = str(own["outcome"])
        other = means[means["role"].eq("comparator") & means["outcome"].eq(outcome)].iloc[0]
        rows.append(
            {
                "outcome": outcome,
                "label": OUTCOMES[outcome].label,
                "own": _moved(own),
                "comparator": other["name"],
                "other": _moved(other),
                "difference": main.at[outcome, "estimate"],
                "interval": main.at[outcome, "interval"],
                "among_all": among.at[outcome, "estimate"],
                "among_interval": among.at[outcome, "interval"],
            }
        )
    return pd.DataFrame(rows)


def _moved(means: Mapping[Any, Any] | pd.Series) -> str:
    """'55.8 → 47.7', kept on one line."""
    return f"{fixed(1)(means['before'])}{NO_BREAK}→{NO_BREAK}{fixed(1)(means['after'])}"


@traced
def summarise_findings(findings: pd.DataFrame, inference: pd.DataFrame, *, alpha: float) -> dict[str, float]:
    """Over outcomes and methods against all others: how many p-values there are, how many below alpha, the smallest."""
    p_values = inference["p_value"]
    return {
        "outcomes": len(findings),
        "tests": len(p_values),
        "below": int((p_values <= alpha).sum()),
        "smallest": float(p_values.min()),
    }


@traced
def derive_names(
    panel: pd.DataFrame, *, treated: str, implemented: int, first_year: int, last_year: int
) -> dict[str, str]:
    """The authority's name and the years, as words for prose."""
    name = str(panel.loc[panel["authority"] == treated, "name"].iloc[0])
    years = {
        "implemented": implemented,
        "first_after": implemented + 1,
        "first_year": first_year,
        "last_year": last_year,
    }
    return {"treated": name, **{key: str(year) for key, year in years.items()}}


def per_residents(outcome: str) -> str:
    """The unit of an outcome's rate, for axes and alternative text."""
    return f"{OUTCOMES[outcome].label} per {PER:,} residents"


def caption(outcome: str, *, as_published: bool) -> str:
    """The caption of an outcome's trend figure; the report's figure is named when it is repeated."""
    own = f" (the report has this as its {OUTCOMES[outcome].figure})" if as_published else ""
    return f"{per_residents(outcome)}{own}."


def start_label(treated: str) -> str:
    """What the upright line in the figures stands for."""
    return "Project Crewe begins" if treated == CHESHIRE_EAST else "last year before ends"


def beside(comparators: Mapping[str, str]) -> list[str]:
    """The authorities shown beside the one studied and England where an outcome has no comparator of its own."""
    return [comparators["closures"]] if "closures" in comparators else []


LEFT_OUT_COLUMNS = {
    "label": Column("Outcome"),
    "number": Column("Authorities", fixed(0)),
    "reason": Column("Left out because"),
    "names": Column("Which, and years"),
}


@traced
def derive_left_out(sets: Mapping[str, Eligible]) -> pd.DataFrame:
    """The authorities left out of the comparison, by outcome and reason: label, number, reason, names (with years)."""
    rows = []
    for outcome, one in sets.items():
        for reason, group in one.exclusions.groupby("kind", sort=True):
            names = [f"{name} ({years})" for name, years in zip(group["name"], group["years"], strict=True)]
            rows.append((OUTCOMES[outcome].label, len(group), str(reason), ", ".join(names)))
    return pd.DataFrame(rows, columns=["label", "number", "reason", "names"])


@traced
def derive_mean_reach(reach: pd.DataFrame) -> pd.DataFrame:
    """The rows of `derive_reach` for the whole time of the service."""
    return reach[reach["phase"] == ALL_PHASES].reset_index(drop=True)


@traced
def describe_left_out(sets: Mapping[str, Eligible]) -> dict[str, str]:
    """In words: how many authorities are compared and how many left out, for each outcome."""
    said = [
        f"{OUTCOMES[outcome].label}: {len(one.authorities)} compared, {len(one.exclusions)} left out"
        for outcome, one in sets.items()
    ]
    return {"text": "; ".join(said) + "."}


GENERAL = (
    *(Binding(key, "words_of", key) for key in ("treated", "implemented", "first_after", "first_year", "last_year")),
    Binding("level", "settings", "confidence_level", show=level),
    Binding("power_sought", "settings", "power", show=level),
    Binding("tests", "finding_counts", "tests", show=count),
    Binding("tests_below", "finding_counts", "below", show=agree("rejects", "reject")),
    Binding("smallest_p", "finding_counts", "smallest", show=p_value),
)


def _published() -> Iterator[Binding]:
    without: Mapping[str, object] = {
        "outcome": "closures",
        "series": "main series",
        "implemented": 2015,
        "last_year": LAST_YEAR - 1,
    }
    yield Binding("without_last", "specifications", "estimate", without, fixed(1, sign=True))
    yield Binding("models", "model_counts", "all", show=count)
    yield Binding("models_excluding", "model_counts", "all_excluding", show=agree("leaves out zero", "leave out zero"))
    yield Binding("variants", "variant_counts", "rereferrals", show=count)
    yield Binding("variants_above", "variant_counts", "rereferrals_above", show=count)
    main = {"outcome": "rereferrals", "covariate": "none", "covariance": "CR2"}
    yield Binding("rereferrals_estimate", "published", "estimate", main, fixed(1, sign=True))
    for outcome in ("rereferrals", "escalations"):
        gaps = {"outcome": outcome, "method": "slope of yearly gaps"}
        yield Binding(f"{outcome}_trend", "trends", "estimate", gaps, fixed(1, sign=True))
        yield Binding(f"{outcome}_trend_interval", "trends", "interval", gaps)
    gaps = {"outcome": "rereferrals", "method": "slope of yearly gaps"}
    yield Binding("rereferrals_carried", "trends", "carried", gaps, fixed(1, sign=True))
    for key in ("all", "agree", "partly", "disagree"):
        yield Binding(f"claims_{key}", "claim_counts", key, show=count)


PUBLISHED = tuple(_published())
