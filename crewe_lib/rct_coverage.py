"""How well the intervals of the trial do their work: the stored study of `benchmarks/coverage.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa

from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, percent
from crewe_lib.provenance import traced

NOMINAL = 0.95  # the level of the study's intervals
NO_EFFECT, REAL_EFFECT = "no effect", "real effect"
POINTS, LOG_HAZARD = "percentage points closed", "log hazard ratio"
DAYS = "restricted mean days open; its true value is what the same curves reach in a very large trial"
# Methods as the table names them. A lead child stands for its family but where it says 'all children'.
NEWCOMBE = "Difference in shares, Newcombe"
HC1 = "Published model, HC1"
CR2 = "The same, CR2 and Satterthwaite"
RANDOMISATION = "The same, randomisation of families"
LIN = "With interactions (Lin), HC2"
LOGIT = "Logistic model, average difference, CR1"
HISTORY_HC1, HISTORY_CR2 = "Families with history, HC1", "Families with history, CR2"
INTERACTION_HC1, INTERACTION_CR2 = "With less without history, HC1", "With less without history, CR2"
CHILDREN_HC1 = "All children, HC1, families ignored"
CHILDREN_CR2 = "All children, CR2 by family"
RESTRICTED_MEAN = "Restricted mean of days open (truth: the curves of a very large trial)"
COX_MODEL = "Cox model, errors of the model"
COX_ROBUST = "Cox model, robust errors"
# Methods whose true value is not that of all lead children.
OF_CHILDREN = (CHILDREN_HC1, CHILDREN_CR2)
OF_HISTORY = (HISTORY_HC1, HISTORY_CR2)
OF_INTERACTION = (INTERACTION_HC1, INTERACTION_CR2)

_RATE, _SIZE, _COUNT = pa.Check.in_range(0, 1), pa.Check.ge(0), pa.Check.ge(0)
COVERAGE = pa.DataFrameSchema(
    {
        "effect": pa.Column(str, pa.Check.isin((NO_EFFECT, REAL_EFFECT)), description="What the programme does"),
        "method": pa.Column(str, description="Method of estimation and inference"),
        "measure": pa.Column(str, pa.Check.isin((POINTS, DAYS, LOG_HAZARD)), description="What is estimated"),
        "true_value": pa.Column(float, nullable=True, description="Its true value; blank where there is no single one"),
        "true_error": pa.Column(float, _SIZE, nullable=True, description="Monte Carlo standard error of true_value"),
        "replications": pa.Column("int64", pa.Check.ge(1), description="Simulated trials"),
        "answered": pa.Column("int64", _COUNT, description="Trials in which the method gives an answer"),
        "covered": pa.Column("Int64", _COUNT, nullable=True, description="Trials whose interval holds the true value"),
        "coverage": pa.Column(float, _RATE, nullable=True, description="covered / answered"),
        "coverage_error": pa.Column(float, _SIZE, nullable=True, description="Monte Carlo standard error of coverage"),
        "rejections": pa.Column("int64", _COUNT, description="Trials in which 'no effect' is rejected"),
        "rejection_rate": pa.Column(float, _RATE, description="rejections / answered"),
        "rejection_error": pa.Column(float, _SIZE, description="Monte Carlo standard error of rejection_rate"),
        "mean_estimate": pa.Column(float, description="Mean of the estimates"),
        "mean_width": pa.Column(float, _SIZE, description="Mean width of the intervals"),
        "family_correlation": pa.Column(
            float, pa.Check.in_range(-1, 1), nullable=True, description="Of closing, between children of one family"
        ),
    },
    unique=["effect", "method"],
    strict=True,
    ordered=True,
    name="coverage",
)
COVERAGE_COLUMNS: Mapping[str, Column] = {
    "method": Column("Method"),
    "coverage_none": Column("Coverage, no effect", percent(1)),
    "coverage_real": Column("Coverage, real effect", percent(1)),
    "rejected_none": Column("False findings", percent(1)),
    "rejected_real": Column("True findings", percent(1)),
    "width": Column("Mean width"),
    "answered": Column("Answers", percent()),
}
_WIDTHS = {POINTS: (1, "points"), DAYS: (0, "days"), LOG_HAZARD: (2, "on the log scale")}  # digits, unit


@traced
def derive_coverage_table(study: pd.DataFrame) -> pd.DataFrame:
    """Each method, how often its interval held the truth and how often it rejected 'no effect' at the nominal 5%.

    Columns: method, coverage_none, coverage_real (missing where the truth is no single number), rejected_none,
    rejected_real, mean_width (of the intervals under a real effect, in the unit of the measure), width (the same,
    written), answered (share of all trials in which the method gave an answer; the others are of these), verdict (of
    coverage under a real effect, as in `CoverageSummary`; missing where the truth is no single number), verdict_none
    (under no effect). In the study's order.
    """
    none, real = (study[study["effect"] == effect].set_index("method") for effect in (NO_EFFECT, REAL_EFFECT))
    real = real.loc[none.index]
    answered, trials = (none[name] + real[name] for name in ("answered", "replications"))
    return pd.DataFrame(
        {
            "method": none.index,
            "coverage_none": none["coverage"].to_numpy(),
            "coverage_real": real["coverage"].to_numpy(),
            "rejected_none": none["rejection_rate"].to_numpy(),
            "rejected_real": real["rejection_rate"].to_numpy(),
            "mean_width": real["mean_width"].to_numpy(),
            "width": [_write_width(*pair) for pair in zip(real["mean_width"], real["measure"], strict=True)],
            "answered": (answered / trials).to_numpy(),
            "verdict": _judge_all(real),
            "verdict_none": _judge_all(none),
        }
    )


def _judge_all(rows: pd.DataFrame) -> list[str | None]:
    pairs = zip(rows["coverage"], rows["coverage_error"], strict=True)
    return [None if np.isnan(coverage) else _judge(coverage, error) for coverage, error in pairs]


def _write_width(width: float, measure: str) -> str:
    digits, unit = _WIDTHS[measure]
    return f"{fixed(digits)(width)} {unit}"


@dataclass(frozen=True)
class CoverageSummary:
    """trials: how many under each effect; mc_error: the largest Monte Carlo standard error of a coverage or rejection
    rate; true_points (lead children), true_points_children (all), true_points_history (lead children with history),
    true_points_apart (by how much it is larger with history than without), true_days: the real effect, treatment less
    control; fewest: the smallest share of trials in which a method gave an answer; correlation: of closing between
    children of one family, within arms, under the real effect; width_ratio: mean width of the interval from all
    children by family, over that from lead children, both CR2. Each verdict is of coverage under a real effect against
    NOMINAL: 'as often as it should' within three Monte Carlo errors, else 'less often than it should' or 'more often
    than it should'."""

    trials: int
    mc_error: float
    true_points: float
    true_points_children: float
    true_points_history: float
    true_points_apart: float
    true_days: float
    fewest: float
    correlation: float
    width_ratio: float
    published_verdict: str
    better_verdict: str
    ignored_verdict: str
    clustered_verdict: str


@traced
def summarise_coverage(study: pd.DataFrame) -> CoverageSummary:
    """What prose says of the study as a whole; single methods are rows of `derive_coverage_table`."""
    real = study[study["effect"] == REAL_EFFECT].set_index("method")
    true = real["true_value"]
    verdicts = dict(zip(real.index, _judge_all(real), strict=True))
    return CoverageSummary(
        trials=int(study["replications"].iloc[0]),
        mc_error=float(np.nanmax(study[["coverage_error", "rejection_error"]].to_numpy(float))),
        true_points=float(true[HC1]),
        true_points_children=float(true[CHILDREN_CR2]),
        true_points_history=float(true[HISTORY_CR2]),
        true_points_apart=float(true[INTERACTION_CR2]),
        true_days=float(true[RESTRICTED_MEAN]),
        fewest=float(np.min((study["answered"] / study["replications"]).to_numpy())),
        correlation=float(real["family_correlation"][CHILDREN_CR2]),
        width_ratio=float(real["mean_width"][CHILDREN_CR2] / real["mean_width"][CR2]),
        published_verdict=verdicts[HC1],
        better_verdict=verdicts[CR2],
        ignored_verdict=verdicts[CHILDREN_HC1],
        clustered_verdict=verdicts[CHILDREN_CR2],
    )


def _judge(coverage: float, error: float) -> str:
    if abs(coverage - NOMINAL) <= 3 * error:
        return "as often as it should"
    return "less often than it should" if coverage < NOMINAL else "more often than it should"
